"""Write a two-minute soundscape of synthetic songs of four species, with its truth.

  soundscape.flac     48 kHz, 16 bits: whistled songs over weak noise
  truth.csv           when each song sounds, and whose it is: a table of detections that are certain

`birdfast infer` finds them with BirdNET, `birdfast evaluate` judges what it found, and --compare prints a
table of detections beside the truth.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ..soundscape import Song

from .. import voice
from ..commandline import proposed
from . import exits, values

SOUND, TRUTH = "soundscape.flac", "truth.csv"
HELP = "write a soundscape whose truth is known, and compare detections with it"


class Found(NamedTuple):
    """A row of a table: a song of the truth, or a detection."""

    start_s: float
    end_s: float
    common_name: str
    confidence: float


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "folder", type=values.folder, metavar="DIR", help="where the soundscape and its truth go, or lie"
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="another seed, another soundscape (default: %(default)s)"
    )
    parser.add_argument(
        "--force", action="store_true", help="replace a soundscape.flac and a truth.csv of something else"
    )
    parser.add_argument(
        "--compare",
        type=values.file,
        metavar="CSV",
        help="do not write; print this table of detections beside the truth in DIR",
    )


def run(chosen: argparse.Namespace) -> int:
    """Write the soundscape, or compare."""
    if chosen.compare:
        return _compare(chosen.folder, chosen.compare)
    return _write(chosen.folder, chosen.seed, chosen.force)


def _write(folder: Path, seed: int, force: bool) -> int:
    """Write both, the truth first: by it an interrupted command's soundscape is known again."""
    from .. import audio, soundscape
    from ..atomicfile import AtomicFile
    from ..errors import ConfigError
    from ..words import extra_hint

    samples, truth = soundscape.make(seed=seed)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be made ({error.strerror})") from error
    told, sound, table = _told(truth), folder / SOUND, folder / TRUTH
    if not (force or _holds(table, told)):
        for path in (table, sound):
            if path.exists():
                what_to_do = "move it away, choose another folder, or --force replaces it"
                raise ConfigError(f"{path}: not what this writes; {what_to_do}")
    with AtomicFile(table, mode="wb") as file:
        file.stream.write(told)
    audio.write(sound, samples, soundscape.RATE_HZ)
    voice.report(f"written: {sound}, {table}")
    results = folder / "results"
    first = "" if find_spec("sklearn") else f", once scikit-learn is here ({extra_hint('train')})"
    voice.say(
        f"find them: {proposed('infer', sound, '-o', results)}",
        f"judge that{first}: {proposed('evaluate', results, '--truth', table)}",
        f"see it: {proposed('plot', sound, results)}",
    )
    return exits.FINE


def _told(truth: Iterable[Song]) -> bytes:
    """Return the truth as a table."""
    import csv
    import io

    from ..tables.detections import CsvTable

    lines = io.StringIO(newline="")
    table = csv.writer(lines, lineterminator="\n")
    table.writerow(CsvTable.header)
    for song in truth:
        names = (song.scientific_name, song.common_name)
        table.writerow((f"{song.start_s:.3f}", f"{song.end_s:.3f}", *names, "1.0000", SOUND))
    return lines.getvalue().encode()


def _holds(path: Path, content: bytes) -> bool:
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError:
        return False


def _compare(folder: Path, detections: Path) -> int:
    """Print each song with what was detected in its windows; return 0 if each was found."""
    from ..words import counted

    songs, found = _rows(folder / TRUTH), _rows(detections)
    voice.answer(f"{'song':>14}  {'truth':<24} detected (confidence)")
    missed = 0
    for song in songs:
        heard = [row for row in found if _overlap(row, song)]
        missed += song.common_name not in {row.common_name for row in heard}
        names = ", ".join(f"{row.common_name} ({row.confidence:.2f})" for row in heard)
        span = f"{song.start_s:.1f}-{song.end_s:.1f} s"
        voice.answer(f"{span:>14}  {song.common_name:<24} {names or 'nothing'}")
    false = [row for row in found if not any(_same(row, song) for song in songs)]
    voice.answer(
        f"{len(songs) - missed} of {len(songs)} songs found; {counted(len(false), 'other detection')}"
    )
    return int(missed > 0)


def _rows(path: Path) -> list[Found]:
    """Read a table by the names of its columns; the truth has no confidence, it is certain."""
    import csv

    from ..errors import ConfigError
    from ..tables.files import read_csv

    try:
        rows = read_csv(path, ConfigError)
        header = next(rows, [])
        for column in ("Start (s)", "End (s)", "Common name"):
            if column not in header:
                raise ConfigError(f"{path}: no column {column!r}, so not a table of detections")
        return [_heard(dict(zip(header, row, strict=False))) for row in rows if row]
    except KeyError as error:
        raise ConfigError(f"{path}: damaged (a row without {error})") from error
    except (ValueError, csv.Error) as error:
        raise ConfigError(f"{path}: damaged ({error})") from error


def _heard(row: dict[str, str]) -> Found:
    confidence = float(row.get("Confidence", 1))
    return Found(float(row["Start (s)"]), float(row["End (s)"]), row["Common name"], confidence)


def _overlap(one: Found, other: Found) -> bool:
    return max(one.start_s, other.start_s) < min(one.end_s, other.end_s)


def _same(one: Found, other: Found) -> bool:
    return one.common_name == other.common_name and _overlap(one, other)
