"""Sound to table, whole processes: `birdfast infer` beside birdnet 1.3.1 on the same files.

    python bench/bench_end_to_end.py [--minutes 12] [--repeats 3]

prints, in one run: audio-seconds per second of WAV, FLAC and Ogg at 48 and 32 kHz, birdnet's beside
them when it is installed (start-up included and excluded); the gain of two workers over one; and
what `--help` costs over an empty Python start. birdnet gets its best setting of those in
`peers.birdnet.SETTINGS`, found by trying them on the first set of files.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import soxr
from peers import birdnet

from birdfast import audio, soundscape, workers

DIFFERENT = 12


def make_files(folder: Path, rate_hz: int, suffix: str, minutes: int) -> Path:
    """Write one-minute files of the demo's soundscape."""
    place = folder / f"{suffix}{rate_hz}"
    place.mkdir()
    for minute in range(minutes):
        path = place / f"{minute:04d}.{suffix}"
        if minute >= DIFFERENT:  # more names for the same sound: enough work without hours of making it
            path.hardlink_to(place / f"{minute % DIFFERENT:04d}.{suffix}")
            continue
        samples, _ = soundscape.make(60.0, seed=minute)
        samples = samples if rate_hz == 48_000 else soxr.resample(samples, 48_000, rate_hz)
        audio.write(path, samples, rate_hz)
    return place


def seconds(command: list[str]) -> float:
    began = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return perf_counter() - began


def birdfast(inputs: Path, n_workers: int | None = None, *more: str) -> float:
    """Return the wall time of one `birdfast infer`, from its start to its last byte."""
    with tempfile.TemporaryDirectory() as output:
        command = [sys.executable, "-m", "birdfast", "infer", str(inputs), "-o", output, "--quiet", *more]
        return seconds(command if n_workers is None else [*command, "--workers", str(n_workers)])


def formats(
    folder: Path, kinds: list[str], minutes: int, repeats: int, setting: birdnet.Setting | None
) -> None:
    """Print the table of formats: medians of interleaved runs."""
    audio_s = 60.0 * minutes
    print(
        f"\n{minutes} one-minute files a set, {len(workers.usable_cores())} cores; audio-seconds per second"
    )
    print(
        f"{'files':<12}{'birdfast':>10}{'birdnet':>10}{'ratio':>8}"
        f"{'birdnet without start-up':>28}{'ratio':>8}"
    )
    for kind in kinds:
        suffix, rate_hz = kind[:-2], int(kind[-2:]) * 1000
        inputs = make_files(folder, rate_hz, suffix, minutes)
        setting = setting or birdnet.best_setting(inputs)
        ours, theirs, warm = [], [], []
        for _ in range(repeats):
            ours.append(birdfast(inputs))
            if setting is not None:
                cold_s, warm_s = birdnet.seconds(inputs, setting)
                theirs.append(cold_s)
                warm.append(warm_s)
        print(
            f"{suffix + ' ' + str(rate_hz // 1000) + ' kHz':<12}{audio_s / statistics.median(ours):>10.0f}",
            end="",
        )
        for other, width in ((theirs, 10), (warm, 28)):
            if other:
                ratios = [b / a for a, b in zip(ours, other, strict=True)]
                print(f"{audio_s / statistics.median(other):>{width}.0f}", end="")
                print(f"{statistics.median(ratios):>8.2f}", end="")
        print()
        shutil.rmtree(inputs)
    print(f"birdnet's setting: {setting or 'not installed'}")


def scaling(folder: Path, minutes: int, repeats: int) -> None:
    """Print the gain of two workers over one, run in turns."""
    inputs = make_files(folder, 48_000, "flac", minutes)
    pairs = [(birdfast(inputs, 1), birdfast(inputs, 2)) for _ in range(repeats)]
    ratio = statistics.median(one / two for one, two in pairs)
    one_s, two_s = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(
        f"\n{minutes} one-minute FLAC files: one worker {one_s:.1f} s, two {two_s:.1f} s, ratio {ratio:.2f}"
    )


def start_up(repeats: int) -> None:
    """Print what `--help` takes beyond an empty Python start."""
    python, command = [sys.executable, "-c", "pass"], [sys.executable, "-m", "birdfast", "--help"]
    pairs = [(seconds(python), seconds(command)) for _ in range(5 * repeats)]
    empty_s, help_s = (statistics.median(times) for times in zip(*pairs, strict=True))
    more_ms = (help_s - empty_s) * 1e3
    print(f"\n--help {help_s * 1e3:.0f} ms, empty Python {empty_s * 1e3:.0f} ms: {more_ms:.0f} ms more")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=int, default=12, help="one-minute files in a set")
    parser.add_argument("--kinds", default="wav48,flac48,ogg48,wav32,flac32,ogg32", help="sets of files")
    parser.add_argument("--scaling-minutes", type=int, default=180, help="files for one worker against two")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--birdnet",
        type=lambda text: birdnet.Setting(*map(int, text.split(","))),
        metavar="PRODUCERS,WORKERS,BATCH",
        help="birdnet's setting, if it was found before (default: try them all)",
    )
    parser.add_argument("--only", choices=("formats", "scaling", "start-up"))
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # modules are compiled once, as everywhere
        os.environ["PYTHONPYCACHEPREFIX"] = str(Path(name) / "compiled")
        if chosen.only in (None, "start-up"):
            start_up(chosen.repeats)
        if chosen.only in (None, "scaling"):
            scaling(Path(name), chosen.scaling_minutes, chosen.repeats)
        if chosen.only in (None, "formats"):
            formats(Path(name), chosen.kinds.split(","), chosen.minutes, chosen.repeats, chosen.birdnet)


if __name__ == "__main__":
    main()
