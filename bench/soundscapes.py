"""Make one-minute soundscapes from labelled clips, and the exact truth of every 5 s: BirdCLEF in small.

    python bench/soundscapes.py CLIPS.csv OUT/ --folds 4,5 --minutes 40

CLIPS.csv has the columns file, label, fold. Clips of the chosen folds are placed at seeded times and levels
on a background of coloured noise; OUT/ gets scape_0000.ogg ... (32 kHz, mono) and truth.csv: row_id, labels
(joined by ";", empty where nothing sounds). A 5 s window has a label when half a second of the clip's sound
is in it, or half of a shorter clip. With --groups each soundscape is of one group of clips, in turn, and no
two groups have a source in common (the column source_id, if it is there): what tells how much hangs on them.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np

from birdfast import audio

RATE_HZ = 32_000
SCAPE_S, WINDOW_S = 60, 5
HEARD_S = 0.5
SHORTEST_S = 0.2
CLIPS_A_MINUTE = (3, 8)
QUIET = 0.01  # of the peak: what is below it before the first and after the last sound is left out
LEVELS_DB = (-30.0, -12.0)
NOISE_DB = -45.0


def trimmed(sound: np.ndarray) -> np.ndarray:
    """Cut the silence and near-silence that clips are padded with."""
    loud = np.flatnonzero(np.abs(sound) > QUIET * np.abs(sound).max(initial=0))
    return sound[loud[0] : loud[-1] + 1] if len(loud) else sound[:0]


def background(n: int, dice: np.random.Generator) -> np.ndarray:
    """Return noise that falls by 3 dB an octave, as wind and distance leave it."""
    spectrum = np.fft.rfft(dice.standard_normal(n))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 20))
    noise = np.fft.irfft(spectrum, n)
    return noise / noise.std() * 10 ** (NOISE_DB / 20)


def scape(
    clips: list[tuple[np.ndarray, str]], dice: np.random.Generator
) -> tuple[np.ndarray, list[set[str]]]:
    """Return a minute of sound, and the labels in each 5 s of it."""
    sound = background(SCAPE_S * RATE_HZ, dice)
    truth: list[set[str]] = [set() for _ in range(SCAPE_S // WINDOW_S)]
    for pick in dice.integers(0, len(clips), dice.integers(*CLIPS_A_MINUTE, endpoint=True)):
        clip, label = clips[pick]
        start = int(dice.integers(0, len(sound) - len(clip)))
        level = 10 ** (dice.uniform(*LEVELS_DB) / 20) / max(1e-9, float(np.sqrt(np.mean(clip**2))))
        sound[start : start + len(clip)] += level * clip
        for window, labels in enumerate(truth):
            first, last = (window + np.array([0, 1])) * WINDOW_S * RATE_HZ
            if min(last, start + len(clip)) - max(first, start) >= min(HEARD_S * RATE_HZ, len(clip) / 2):
                labels.add(label)
    return (sound / max(1.0, float(np.abs(sound).max()))).astype(np.float32), truth


def dealt(rows: list[dict[str, str]], n_groups: int) -> list[int]:
    """Return the group of each clip: a label's sources are dealt out in turn."""
    seen: dict[str, dict[str, int]] = {}
    found = []
    for row in rows:
        sources = seen.setdefault(row["label"], {})
        found.append(sources.setdefault(row.get("source_id") or row["file"], len(sources)) % n_groups)
    return found


def make(table: Path, output: Path, folds: set[str], n_minutes: int, seed: int, n_groups: int = 1) -> None:
    """Write the soundscapes and their truth; number n is of the group n modulo `n_groups`."""
    with table.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["fold"] in folds]
    read = [(trimmed(audio.read(table.parent / row["file"], RATE_HZ)[0]), row["label"]) for row in rows]
    groups: list[list[tuple[np.ndarray, str]]] = [[] for _ in range(n_groups)]
    for (clip, label), group in zip(read, dealt(rows, n_groups), strict=True):
        if SHORTEST_S <= len(clip) / RATE_HZ < SCAPE_S:
            groups[group].append((clip, label))
    output.mkdir(parents=True, exist_ok=True)
    with (output / "truth.csv").open("w", encoding="utf-8", newline="") as file:
        truth = csv.writer(file, lineterminator="\n")
        truth.writerow(("row_id", "labels"))
        for number in range(n_minutes):
            sound, labels = scape(groups[number % n_groups], np.random.default_rng((seed, number)))
            name = f"scape_{number:04d}"
            audio.write(output / f"{name}.ogg", sound, RATE_HZ)
            ends = range(WINDOW_S, SCAPE_S + 1, WINDOW_S)
            truth.writerows(
                (f"{name}_{end}", ";".join(sorted(s))) for end, s in zip(ends, labels, strict=True)
            )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path, metavar="CLIPS.csv")
    parser.add_argument("output", type=Path, metavar="OUT")
    parser.add_argument("--folds", default="4,5", help="(default: %(default)s)")
    parser.add_argument("--minutes", type=int, default=40, help="(default: %(default)s)")
    parser.add_argument("--groups", type=int, default=1, help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    make(
        chosen.clips, chosen.output, set(chosen.folds.split(",")), chosen.minutes, chosen.seed, chosen.groups
    )


if __name__ == "__main__":
    main()
