"""Peak memory of a run over its tree of processes: a minute beside a day, few tiny files beside many.

Resident memory of the parent and its one worker, summed, looked at every 20 ms. Proportional set
sizes would be smaller: libraries that both have loaded count twice here. The sound is a sweep of
tones in faint noise: what FLAC writes fast and small, and every decoder and network treats as any
other. A network that runs rewritten at two batches opens the one for single windows with the first
recording that needs it; that is seen between the minute (20 windows of BirdNET) and the tiny files.
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
JOBS = ("long", "many")


def main() -> None:
    """Print the peaks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--tiny-files", type=int, default=10_000)
    parser.add_argument("--model", default="birdnet-2.4", help="a name, or a folder of a trained model")
    parser.add_argument("--rtype", default="csv", help="what the runs write")
    parser.add_argument("--jobs", nargs="+", choices=JOBS, default=JOBS)
    parser.add_argument("--keep", type=Path, help="a folder where the recordings stay for another time")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.keep or Path(scratch)
        folder.mkdir(exist_ok=True)
        if "long" in chosen.jobs:
            first = told("a minute", recording(folder, 1 / 60), chosen)
            told(f"{chosen.hours:g} h", recording(folder, chosen.hours), chosen, first)
        if "many" in chosen.jobs:
            first = told("100 files of 2 ms", tiny(folder, 100), chosen)
            told(f"{chosen.tiny_files} files of 2 ms", tiny(folder, chosen.tiny_files), chosen, first)


def recording(folder: Path, hours: float) -> Path:
    """Write tones and noise as FLAC, minute by minute, if it is not there yet."""
    path = folder / f"{hours:g}h.flac"
    if not path.exists():
        time_s = np.arange(60 * RATE_HZ) / RATE_HZ
        minute = 0.2 * np.sin(2 * np.pi * 1_000 * (1 + time_s / 20) * time_s)
        minute += np.random.default_rng(1).normal(0, 2e-4, len(minute))
        part = path.with_suffix(".part")
        with soundfile.SoundFile(part, "w", RATE_HZ, 1, "PCM_16", format="FLAC") as file:
            for _ in range(round(hours * 60)):
                file.write(minute)
        part.rename(path)
    return path


def tiny(folder: Path, n_files: int) -> Path:
    """Write so many files of 100 samples."""
    files = folder / f"tiny{n_files}"
    files.mkdir(exist_ok=True)
    soundfile.write(files / "00000.wav", np.random.default_rng(2).normal(0, 0.1, 100), RATE_HZ)
    content = (files / "00000.wav").read_bytes()
    for number in range(1, n_files):
        (files / f"{number:05d}.wav").write_bytes(content)
    return files


def told(name: str, inputs: Path, chosen: argparse.Namespace, beside: float = 0.0) -> float:
    """Run, and print the peak of all its processes in MB, and the difference to another."""
    with tempfile.TemporaryDirectory() as output:
        command = [sys.executable, "-m", "birdfast", "infer", str(inputs), "-o", output]
        command += ["--model", chosen.model, "--rtype", chosen.rtype, "--quiet", "--workers", "1"]
        began = time.monotonic()
        run = subprocess.Popen(command)
        peak, processes = 0.0, 0
        while run.poll() is None:
            seen = resident(run.pid)
            processes = max(processes, len(seen))
            peak = max(peak, sum(seen))
            time.sleep(0.02)
        written = sum(path.stat().st_size for path in Path(output).glob("*.*")) / MEGABYTE
    more = f", {peak - beside:+.1f} MB" if beside else ""
    print(
        f"{chosen.model}, {name}: {peak:.1f} MB in {processes} processes{more}"
        f" (exit code {run.returncode}, {time.monotonic() - began:.1f} s, {written:.1f} MB written)",
        flush=True,
    )
    return peak


def resident(pid: int) -> list[float]:
    """Return the resident memory of a process and of all below it, in MB."""
    found = []
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                found.append(process.memory_info().rss / MEGABYTE)
    return found


if __name__ == "__main__":
    main()
