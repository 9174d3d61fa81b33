"""Ten minutes of noise with 20 events: how many `infer` finds by its default threshold, how many it makes up.

    python bench/events.py CLIPS.csv WORK/ --preset soundscapes --seeds 1,2,3

A model of the preset learns from the clips of folds 1 to 3 (WORK/PRESET, made where it is missing). Each seed
is a recording: noise that falls by 3 dB an octave, and 20 clips of folds 4 and 5 in it, at levels and places
by chance, none over another. An event is found when a detection of its class overlaps it by half a second, or
half of it; a detection is false when nothing of its class sounds in it.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import soundscapes

from birdfast import audio

RATE_HZ, LENGTH_S, N_EVENTS = soundscapes.RATE_HZ, 600, 20

Event = tuple[float, float, str]


def recording(clips: list[tuple[np.ndarray, str]], seed: int) -> tuple[np.ndarray, list[Event]]:
    """Return ten minutes of sound, and when what sounds in it."""
    dice = np.random.default_rng((seed, N_EVENTS))
    sound = soundscapes.background(LENGTH_S * RATE_HZ, dice)
    slot = len(sound) // N_EVENTS
    events = []
    for number, pick in enumerate(dice.integers(0, len(clips), N_EVENTS)):
        clip, label = clips[pick]
        start = number * slot + int(dice.integers(0, slot - len(clip)))
        level = 10 ** (dice.uniform(*soundscapes.LEVELS_DB) / 20) / max(
            1e-9, float(np.sqrt(np.mean(clip**2)))
        )
        sound[start : start + len(clip)] += level * clip
        events.append((start / RATE_HZ, (start + len(clip)) / RATE_HZ, label))
    return (sound / max(1.0, float(np.abs(sound).max()))).astype(np.float32), events


def judged(found: list[Event], events: list[Event]) -> tuple[int, int]:
    """Return how many events were found, and how many detections are false."""

    def overlap(one: Event, other: Event) -> float:
        return min(one[1], other[1]) - max(one[0], other[0]) if one[2] == other[2] else 0.0

    n_found = sum(
        any(overlap(one, event) >= min(soundscapes.HEARD_S, (event[1] - event[0]) / 2) for one in found)
        for event in events
    )
    return n_found, sum(all(overlap(one, event) <= 0 for event in events) for one in found)


def detections(folder: Path) -> list[Event]:
    """Read what `infer` wrote."""
    with (folder / "detections.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [(float(row["Start (s)"]), float(row["End (s)"]), row["Common name"]) for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path, metavar="CLIPS.csv")
    parser.add_argument("work", type=Path, metavar="WORK")
    parser.add_argument("--preset", default="soundscapes", help="(default: %(default)s)")
    parser.add_argument("--seeds", default="1,2,3", help="(default: %(default)s)")
    chosen = parser.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    model = chosen.work / chosen.preset
    with chosen.clips.open(encoding="utf-8", newline="") as file:
        rows = [
            row | {"file": str((chosen.clips.parent / row["file"]).resolve())} for row in csv.DictReader(file)
        ]
    if not (model / "model.toml").exists():
        kept = [(row["file"], row["label"]) for row in rows if row["fold"] in ("1", "2", "3")]
        table = chosen.work / "kept.csv"
        with table.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("file", "label"), *kept])
        command = ["birdfast", "train", table, "-o", model, "--preset", chosen.preset, "--quiet"]
        subprocess.run([sys.executable, "-m", *map(str, command)], check=True)
    held = [row for row in rows if row["fold"] in ("4", "5")]
    read = [(soundscapes.trimmed(audio.read(row["file"], RATE_HZ)[0]), row["label"]) for row in held]
    clips = [(clip, label) for clip, label in read if len(clip) >= soundscapes.SHORTEST_S * RATE_HZ]
    for seed in chosen.seeds.split(","):
        path, output = chosen.work / f"events_{seed}.flac", chosen.work / f"found_{chosen.preset}_{seed}"
        sound, events = recording(clips, int(seed))
        audio.write(path, sound, RATE_HZ)
        command = ["birdfast", "infer", path, "--model", model, "-o", output, "--quiet", "--force"]
        subprocess.run([sys.executable, "-m", *map(str, command)], check=True)
        n_found, n_false = judged(detections(output), events)
        print(f"seed {seed}: {n_found} of {N_EVENTS} found, {n_false} false", flush=True)


if __name__ == "__main__":
    main()
