"""Write a two-minute soundscape of synthetic songs of four species, with its truth.

  soundscape.flac     48 kHz, 16 bits: whistled songs over weak noise
  truth.csv           when each song sounds, and whose it is

`birdfast infer` finds them with BirdNET; --compare then prints its table beside the truth.
"""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "write a soundscape whose truth is known, and compare detections with it"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("folder", metavar="DIR", help="where the soundscape and its truth go, or lie")
    parser.add_argument(
        "--seed", type=int, default=0, help="another seed, another soundscape (default: %(default)s)"
    )
    parser.add_argument(
        "--compare",
        metavar="CSV",
        help="do not write; print this table of detections beside the truth in DIR",
    )


def run(chosen: argparse.Namespace) -> int:
    """Write the soundscape, or compare."""
    folder = Path(chosen.folder)
    return _compare(folder, Path(chosen.compare)) if chosen.compare else _write(folder, chosen.seed)


def _write(folder: Path, seed: int) -> int:
    import csv

    from .. import audio, soundscape

    folder.mkdir(parents=True, exist_ok=True)
    samples, truth = soundscape.make(seed=seed)
    audio.write(folder / "soundscape.flac", samples, soundscape.RATE_HZ)
    with (folder / "truth.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("Start (s)", "End (s)", "Scientific name", "Common name"))
        for song in truth:
            table.writerow(
                (f"{song.start_s:.3f}", f"{song.end_s:.3f}", song.scientific_name, song.common_name)
            )
    print(f"written: {folder / 'soundscape.flac'}, {folder / 'truth.csv'}")
    return 0


def _compare(folder: Path, detections: Path) -> int:
    """Print each song with what was detected in its windows; return 0 if each was found."""
    songs, found = _rows(folder / "truth.csv"), _rows(detections)
    print(f"{'song':>14}  {'truth':<24} detected (confidence)")
    missed = 0
    for song in songs:
        heard = [row for row in found if _overlap(row, song)]
        missed += song["Common name"] not in {row["Common name"] for row in heard}
        names = ", ".join(f"{row['Common name']} ({float(row['Confidence']):.2f})" for row in heard)
        span = f"{float(song['Start (s)']):.1f}-{float(song['End (s)']):.1f} s"
        print(f"{span:>14}  {song['Common name']:<24} {names or 'nothing'}")
    false = [row for row in found if not any(_same(row, song) for song in songs)]
    print(f"{len(songs) - missed} of {len(songs)} songs found; {len(false)} other detections")
    return int(missed > 0)


def _rows(path: Path) -> list[dict[str, str]]:
    import csv

    from ..errors import ConfigError

    try:
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error


def _overlap(one: dict[str, str], other: dict[str, str]) -> bool:
    starts = max(float(one["Start (s)"]), float(other["Start (s)"]))
    return starts < min(float(one["End (s)"]), float(other["End (s)"]))


def _same(one: dict[str, str], other: dict[str, str]) -> bool:
    return one["Common name"] == other["Common name"] and _overlap(one, other)
