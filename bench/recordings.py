"""Recordings as they really come, through `birdfast infer`: each is heard as its row of expected.csv says.

    python bench/recordings.py ../shared/cases [WORK/]

CASES has make.py, which writes the recordings into WORK if they are not there yet, and expected.csv:
seconds of sound, detections at 0.5, failure or none, and what a note should say. Beside that, songs
have to be where they are in the soundscape that all recordings are made of. Ends with exit code 1 if
any row is wrong.
"""

from __future__ import annotations

import argparse
import csv
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from birdfast import audio, inputs
from birdfast.errors import AudioError

RATE_HZ = 8_000  # at which songs are looked for
SONG_S, AROUND_S, SOURCE_S = 2.0, 0.5, 120.0
ALIKE = 0.4  # correlation from which on a song is there
SECONDS, TIMES, CONFIDENCE = 0.1, 0.05, 0.005
LAST = "source/whole.wav"  # what make.py makes all others of
BEGINS_S = {  # where in the soundscape a recording begins
    "ogg/part1.ogg": 40.0,
    "ogg/part1.opus": 40.0,
    "flac/seg1.flac": 60.0,
    "flac/bird_last_pipe.flac": 3.0,
}
CUCKOO = (12.0, "Common Cuckoo", 0.754)
HEARD = {
    "wav/plus_44.wav": CUCKOO,
    "wav/sox_pipe.wav": CUCKOO,
    "wav/arecord.wav": CUCKOO,
    "flac/bird_last_pipe.flac": (3.0, "White-throated Sparrow", 0.760),
}
TO_END = "read to the file's end"
SAID = {  # in a note, or as the reason of a failure
    "mp3/joined.mp3": "stream",
    "mp3/hole4k.mp3": "lost|silence",
    "ogg/chained.ogg": "stream",
    "ogg/zero_tail.ogg": "zeros|page",
    "flac/doubled.flac": "240|promises",
    "flac/restarted.flac": "anew|again|numbers",
    "flac/hole.flac": "lost|silence",
    **dict.fromkeys(("wav/length_44.wav", "wav/half.wav", "wav/plus_44.wav", "wav/sox_pipe.wav"), TO_END),
    **dict.fromkeys(("wav/arecord.wav", "other/pipe.caf", "other/open.rf64.wav"), TO_END),
    "wav/odd_chunk.wav": "pad byte",
    "wav/zeros.wav": "no header",
    **{f"other/cut.{end}": r"ends at (60\.00|59\.98) s of 120\.00 s" for end in ("aiff", "au", "voc", "caf")},
    **{f"other/cut.{end}": r"ends at 60\.00 s of 120\.00 s" for end in ("rf64.wav", "w64")},
    "stereo/opposite.wav": "opposite phase",
}
OPPOSITE = "stereo/opposite.wav"  # heard by --channel each


class Found(NamedTuple):
    """What a recording came to: seconds of sound, songs out of place, detections, and what is told."""

    seconds: float
    late_s: float
    detections: list[dict[str, str]]
    failure: str | None
    notes: list[str]


def main() -> int:
    """Make what is missing, analyse it, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", type=Path)
    parser.add_argument("work", type=Path, nargs="?", default=Path("build/recordings"))
    parser.add_argument("--model", default="birdnet-2.4")
    parser.add_argument("--only", metavar="FOLDERS", help="for example wav,other")
    chosen = parser.parse_args()
    make(chosen.cases, chosen.work)
    wrong = 0
    print(f"{'':6} {'recording':26} {'s':>8} {'heard':>5}")
    only = chosen.only.split(",") if chosen.only else None
    results = judged(chosen.cases, chosen.work, chosen.model, only)
    for name, (found, complaints) in results.items():
        print(
            f"{'wrong' if complaints else 'right':6} {name:26} {found.seconds:8.2f} {len(found.detections):5}"
        )
        for text in complaints:
            print(f"       {text}")
        for text in (found.failure, *found.notes):
            if text:
                print(f"       says: {text.rpartition(name)[2].removeprefix(': ')}")
        wrong += bool(complaints)
    print(f"{len(results) - wrong} of {len(results)} right")
    return int(wrong > 0)


def make(cases: Path, work: Path) -> None:
    """Write the recordings into a folder that lacks them."""
    work.mkdir(parents=True, exist_ok=True)
    if not (work / OPPOSITE).exists():
        subprocess.run([sys.executable, cases.resolve() / "make.py", work.resolve()], check=True)


def judged(
    cases: Path, work: Path, model: str, only: list[str] | None = None
) -> dict[str, tuple[Found, list[str]]]:
    """Return what each recording (of the folders in `only`) came to, and what is wrong with that."""
    with (cases / "expected.csv").open(newline="") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    rows = {name: row for name, row in rows.items() if only is None or name.split("/")[0] in only}
    folders = sorted({name.split("/")[0] for name in rows})
    tables = infer([work / folder for folder in folders], work / "results", model)
    each = infer(
        [work / OPPOSITE] if OPPOSITE in rows else [], work / "results-each", model, "--channel", "each"
    )
    seen = set(inputs.find([str(work / folder) for folder in folders]))
    songs = Songs(work)
    results = {}
    for name, row in rows.items():
        found = gather(name, work, tables, songs)
        if name == OPPOSITE:
            found = found._replace(detections=[*of(each["detections"], "File", work / name)])
        complaints = [*complain(name, row, found)]
        if str(work / name) not in seen:
            complaints.append("a folder's search passes it over")
        results[name] = found, complaints
    return results


def infer(recordings: list[Path], output: Path, model: str, *options: str) -> dict[str, list[dict[str, str]]]:
    """Run the command, and return its tables; empty ones if it refuses."""
    command = [sys.executable, "-m", "birdfast", "infer", *map(str, recordings), "--model", model]
    command += ["-o", str(output), "--min-conf", "0.5", "--quiet", "--force", *options]
    if recordings:
        subprocess.run(command, check=False)
    tables = {}
    for name in ("detections", "failures", "notes"):
        path = output / f"{name}.csv"
        tables[name] = [*csv.DictReader(path.read_text().splitlines())] if path.exists() else []
    return tables


def of(table: list[dict[str, str]], column: str, path: Path) -> list[dict[str, str]]:
    """Return a recording's rows of a table."""
    return [row for row in table if row[column] == str(path)]


def gather(name: str, work: Path, tables: dict[str, list[dict[str, str]]], songs: Songs) -> Found:
    """Collect what the tables say of a recording, and listen to it."""
    path = work / name
    samples = listen(path, 1 if name == OPPOSITE else "mix")
    failures = of(tables["failures"], "path", path)
    return Found(
        len(samples) / RATE_HZ,
        songs.late_s(samples, BEGINS_S.get(name, 0.0)),
        of(tables["detections"], "File", path),
        failures[0]["message"] if failures else None,
        [row["note"] for row in of(tables["notes"], "path", path)],
    )


def listen(path: Path, channel: int | str = "mix") -> np.ndarray:
    """Return all samples that come out of a recording."""
    heard = [np.zeros(0, np.float32)]
    try:
        with audio.Recording(path, channel) as recording:
            for block in recording.blocks(RATE_HZ):
                heard.append(block.copy())
    except AudioError:
        pass  # the failure is the run's to tell
    return np.concatenate(heard)


class Songs:
    """The songs of the soundscape that the recordings are made of, and where they are."""

    def __init__(self, work: Path) -> None:
        self._sound = listen(work / LAST)
        with (work / "source" / "truth.csv").open(newline="") as file:
            self._starts_s = [float(row["Start (s)"]) for row in csv.DictReader(file)]

    def late_s(self, samples: np.ndarray, begin_s: float) -> float:
        """Return by how much a song is out of place at most; those that are not there do not count."""
        late = [0.0]
        length, around = (round(seconds * RATE_HZ) for seconds in (SONG_S, AROUND_S))
        for again_s in np.arange(0, len(samples) / RATE_HZ, SOURCE_S):
            for start_s in self._starts_s:
                at = round((start_s + again_s - begin_s) * RATE_HZ)
                here = samples[max(0, at - around) : at + length + around]
                song = self._sound[round(start_s * RATE_HZ) :][:length]
                if at >= around and len(here) == length + 2 * around:
                    late.append(abs(shift(here, song) - around) / RATE_HZ)
        return max(late)


def shift(here: np.ndarray, song: np.ndarray) -> int:
    """Return where in a longer piece a song fits best; where it is expected if it does not at all."""
    size = len(here) - len(song)
    n_fft = 1 << (len(here) + len(song)).bit_length()
    products = np.fft.irfft(np.fft.rfft(here, n_fft) * np.conj(np.fft.rfft(song, n_fft)), n_fft)[: size + 1]
    squares = np.concatenate([[0], np.cumsum(here.astype(np.float64) ** 2)])
    levels = np.sqrt((squares[len(song) :] - squares[: size + 1]) * (song**2).sum())
    alike = products / np.maximum(levels, 1e-9)
    return int(np.argmax(alike)) if alike.max() > ALIKE else size // 2


def complain(name: str, row: dict[str, str], found: Found) -> Iterator[str]:
    """Yield what is not as the row says."""
    allowed_s = 5 if "about" in row["seconds"] else SECONDS
    lengths = {float(row["seconds"].removeprefix("about ")), 120.0 if name == "wav/length_44.wav" else -9.0}
    if all(abs(found.seconds - length) > allowed_s for length in lengths):
        yield f"{found.seconds:.2f} s of sound instead of {row['seconds']}"
    if found.late_s > TIMES:
        yield f"a song is {found.late_s:.3f} s out of place"
    if row["detections_at_0.5"]:
        yield from count(name, row["detections_at_0.5"], found)
    if (found.failure is not None) != (row["failure"] == "yes"):
        yield "it failed" if found.failure else "no failure"
    told = " ".join([found.failure or "", *found.notes])
    if name in SAID and not re.search(SAID[name], told):
        yield f"nothing is said of {SAID[name]!r}"
    if name in HEARD:
        start_s, bird, confidence = HEARD[name]
        if not any(
            abs(float(one["Start (s)"]) - start_s) < TIMES
            and one["Common name"] == bird
            and abs(float(one["Confidence"]) - confidence) < CONFIDENCE
            for one in found.detections
        ):
            yield f"no {bird} at {start_s} s with {confidence}"


def count(name: str, wanted: str, found: Found) -> Iterator[str]:
    """Yield that there are more or fewer detections; an MP3 may have one more or less."""
    number = int(wanted.removeprefix("about "))
    allowed = max(number // 10 if "about" in wanted else 0, 1 if name.endswith(".mp3") else 0)
    channels = {one.get("Channel", "") for one in found.detections} or {""}
    for channel in sorted(channels):
        heard = sum(one.get("Channel", "") == channel for one in found.detections)
        if abs(heard - number) > allowed:
            yield f"{heard} detections{f' in channel {channel}' if channel else ''} instead of {wanted}"


if __name__ == "__main__":
    sys.exit(main())
