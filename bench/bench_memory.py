"""Peak memory of a run over its tree of processes: a minute beside a day, and many tiny files.

Resident memory of the parent and its one worker, summed, looked at every 20 ms. Proportional set
sizes would be smaller: libraries that both have loaded count twice here.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import soundfile

RATE_HZ = 48_000
MEGABYTE = 1e6


def main() -> None:
    """Print the peaks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--tiny-files", type=int, default=10_000)
    parser.add_argument("--model", default="birdnet-2.4")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        minute = record(folder / "minute.flac", 60)
        tiny = folder / "tiny"
        tiny.mkdir()
        soundfile.write(tiny / "00000.wav", np.random.default_rng(2).normal(0, 0.1, 100), RATE_HZ)
        for number in range(1, chosen.tiny_files):
            (tiny / f"{number:05d}.wav").write_bytes((tiny / "00000.wav").read_bytes())
        first = told("a minute", minute, chosen.model)
        told(f"{chosen.tiny_files} files of 2 ms", tiny, chosen.model, first)
        told(f"{chosen.hours:g} h", record(folder / "day.flac", chosen.hours * 3600), chosen.model, first)


def record(path: Path, seconds: float) -> Path:
    """Write noise as FLAC, minute by minute."""
    minute = np.random.default_rng(1).normal(0, 0.01, 60 * RATE_HZ)
    with soundfile.SoundFile(path, "w", RATE_HZ, 1) as file:
        for _ in range(round(seconds / 60)):
            file.write(minute)
    return path


def told(name: str, inputs: Path, model: str, beside: float = 0.0) -> float:
    """Run, and print the peak of all its processes in MB, and the difference to another."""
    with tempfile.TemporaryDirectory() as output:
        command = [sys.executable, "-m", "birdfast", "infer", str(inputs), "-o", output, "--model", model]
        began = time.monotonic()
        run = subprocess.Popen([*command, "--quiet", "--workers", "1"])
        peak = 0.0
        while run.poll() is None:
            peak = max(peak, resident(run.pid))
            time.sleep(0.02)
    more = f", {peak - beside:+.1f} MB" if beside else ""
    print(
        f"{name}: {peak:.1f} MB{more} (exit code {run.returncode}, {time.monotonic() - began:.1f} s)",
        flush=True,
    )
    return peak


def resident(pid: int) -> float:
    """Return the resident memory of a process and all below it, in MB."""
    total = 0.0
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss / MEGABYTE
    return total


if __name__ == "__main__":
    main()
