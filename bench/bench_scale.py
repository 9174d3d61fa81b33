"""Ten thousand short files, and one of a day: how much of the cores' time goes into decoding and the network.

    python bench/bench_scale.py [--files 10000] [--hours 24] [--model birdnet-2.4]

Whole processes on all cores, from start to last byte, by what `infer` says at its end: the workers' CPU time
for reading sound (opening, decoding) and in the network (its front end included), as shares of the wall time
times the cores. What is left is start-up, and what a file costs beside: windows, journal, tables, waiting.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import bench_memory

from birdfast import audio, soundscape, workers

DIFFERENT = 12
SECONDS = 10
RATE_HZ = 48_000
BUSY, BESIDE_MS = 0.95, 2.0  # the bars
TOLD = re.compile(r"([\d.]+) % reading sound, ([\d.]+) % in the network")


class Run(NamedTuple):
    """Wall time, and the shares of the cores' time in decoder and network."""

    wall_s: float
    reading: float
    network: float

    @property
    def beside_s(self) -> float:
        """Core-seconds in neither."""
        return self.wall_s * len(workers.usable_cores()) * (1 - self.reading - self.network)


def short(folder: Path, n_files: int) -> Path:
    """Write so many ten-second files; twelve are different."""
    place = folder / f"short{n_files}"
    place.mkdir(exist_ok=True)
    samples, _ = soundscape.make(DIFFERENT * SECONDS, seed=0)
    for number in range(n_files):
        path = place / f"{number:05d}.flac"
        if number < DIFFERENT:
            audio.write(path, samples[number * SECONDS * RATE_HZ :][: SECONDS * RATE_HZ], RATE_HZ)
        elif not path.exists():
            path.hardlink_to(place / f"{number % DIFFERENT:05d}.flac")
    return place


def infer(inputs: Path, model: str) -> Run:
    """Run it, and return what it says of itself."""
    with tempfile.TemporaryDirectory() as output:
        command = [sys.executable, "-m", "birdfast", "infer", str(inputs), "-o", output, "--model", model]
        began = time.perf_counter()
        done = subprocess.run(command, check=True, stderr=subprocess.PIPE, text=True)
        wall_s = time.perf_counter() - began
    told = TOLD.search(done.stderr)
    if told is None:
        raise SystemExit(f"no shares in: {done.stderr}")
    return Run(wall_s, *(float(share) / 100 for share in told.groups()))


def told(name: str, run: Run, audio_s: float) -> None:
    """Print a run."""
    busy = run.reading + run.network
    speed = f"{run.wall_s:.1f} s, {audio_s / run.wall_s:,.0f} times real time"
    shares = f"reading {run.reading:.1%}, network {run.network:.1%}, together {busy:.1%} of the cores' time"
    print(f"{name}: {speed}; {shares} ({_met(busy >= BUSY)}: at least {BUSY:.0%})", flush=True)


def _met(holds: bool) -> str:
    return "met" if holds else "MISSED"


def main() -> None:
    """Print both runs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=10_000, help="(default: %(default)s)")
    parser.add_argument("--hours", type=float, default=24.0, help="(default: %(default)s)")
    parser.add_argument("--model", default="birdnet-2.4", help="(default: %(default)s)")
    parser.add_argument("--keep", type=Path, help="a folder where the recordings stay for another time")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        one = infer(short(folder, 1), chosen.model)
        many = infer(short(folder, chosen.files), chosen.model)
        told(f"{chosen.files:,} files of {SECONDS} s", many, chosen.files * SECONDS)
        beside_ms = 1e3 * (many.beside_s - one.beside_s) / chosen.files
        met = f"{_met(beside_ms < BESIDE_MS)}: below {BESIDE_MS:g} ms"
        print(f"  beside reading and network {beside_ms:.2f} ms of core time a file ({met})", flush=True)
        long = infer(bench_memory.recording(folder, chosen.hours), chosen.model)
        told(f"one file of {chosen.hours:g} h", long, chosen.hours * 3600)


if __name__ == "__main__":
    main()
