"""Several models in one pass: its cost beside their networks and one decode, its gain over a run each.

    BIRDFAST_MODELS=FOLDERS python bench/bench_several.py [--model birdnet-2.4 --model yamnet] [--minutes 10]

prints, of pairs that take turns in one run, medians:

- on one core, in one process, in its seconds: a pass of all models over a FLAC file, beside the sum of
  each network (its windows from memory) or each inference (sound in memory at its rate to detections) and one
  decode of the file, without and with its resampling, once a rate;
- on all cores, whole commands: one `infer` of all models over one-minute FLAC files, beside an `infer` each.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from birdfast import audio, models, soundscape, windows, workers
from birdfast.config import Options
from birdfast.pipeline import Pipeline
from birdfast.sessions import open_session

ONE_CORE_S = 180.0


def seconds(job: Callable[[], object], clock: Callable[[], float] = perf_counter) -> float:
    began_s = clock()
    job()
    return clock() - began_s


def write(path: Path, length_s: float, seed: int) -> Path:
    audio.write(path, soundscape.make(length_s, seed=seed)[0], soundscape.RATE_HZ)
    return path


class Alone:
    """A model without a file: the sound of one in memory, at the model's rate, and its windows."""

    def __init__(self, model: models.Model, path: Path) -> None:
        self.pipeline = Pipeline(model)
        grid = self.pipeline.listener().grid
        self.rate_hz = grid.rate_hz
        with audio.Recording(path) as recording:
            self.samples = np.concatenate(list(recording.blocks(self.rate_hz)))
        self.session = open_session(model, len(model.class_names()[0]), models.cache_folder())
        cutter = windows.Cutter(grid, None, self.session.batch)
        self.windows = [batch.copy() for batch in (*cutter.push(self.samples), *cutter.end())]

    def network(self) -> None:
        """Run the network on its windows, and nothing else."""
        for batch in self.windows:
            self.session.run(batch)

    def inference(self) -> None:
        """Cut the sound, run the network and pick detections."""
        self.pipeline.detect(self.samples, self.rate_hz)


def reading(path: Path, rates_hz: Sequence[int]) -> Callable[[], None]:
    """Return what decodes a recording once, and resamples it to each of the rates."""

    def run() -> None:
        with audio.Recording(path) as recording:
            for _ in recording.feed([recording.feed_at(rate, 0, None, 0) for rate in rates_hz]):
                pass

    return run


def one_pass(listening: Sequence[models.Model], folder: Path, repeats: int) -> None:
    """Print what a pass takes beside its networks and one decode."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    path = write(folder / "one.flac", ONE_CORE_S, 0)
    pipeline = Pipeline(listening, Options())
    alone = [Alone(model, path) for model in listening]
    jobs: dict[str, Callable[[], object]] = {"one pass": lambda: pipeline.detect(path)}
    jobs |= {f"{model.name}, network": one.network for model, one in zip(listening, alone, strict=True)}
    jobs |= {f"{model.name}, inference": one.inference for model, one in zip(listening, alone, strict=True)}
    jobs["decode"] = reading(path, [soundscape.RATE_HZ])
    jobs["decode, each rate"] = reading(path, sorted({one.rate_hz for one in alone}))
    spent: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(repeats + 1):
        for name, job in jobs.items():
            took_s = seconds(job, process_time)
            spent[name] += [took_s] * (turn > 0)
    print(f"\none core, {ONE_CORE_S:g} s of FLAC: seconds of the core, medians of {repeats} turns")
    for name, took in spent.items():
        print(f"  {name:28}{statistics.median(took):8.3f}")
    for what in ("network", "inference"):
        for read in ("decode", "decode, each rate"):
            parts = [spent[f"{model.name}, {what}"] for model in listening] + [spent[read]]
            sums = map(sum, zip(*parts, strict=True))
            ratios = [whole / part for whole, part in zip(spent["one pass"], sums, strict=True)]
            print(f"one pass over the sum of each {what} and one {read}: {statistics.median(ratios):.3f}")


def infer(inputs: Path, names: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as output:
        command = [sys.executable, "-m", "birdfast", "infer", str(inputs), "-o", output, "--quiet"]
        subprocess.run([*command, *(f"--model={name}" for name in names)], check=True)


def one_run(names: Sequence[str], folder: Path, minutes: int, repeats: int) -> None:
    """Print what one run of all models gains over a run each."""
    inputs = folder / "minutes"
    inputs.mkdir()
    for minute in range(minutes):
        write(inputs / f"{minute:03d}.flac", 60.0, minute)
    infer(inputs, names)
    together, apart = [], []
    for _ in range(repeats):
        together.append(seconds(lambda: infer(inputs, names)))
        apart.append(sum(seconds(lambda name=name: infer(inputs, [name])) for name in names))
    gains = [two / one for one, two in zip(together, apart, strict=True)]
    print(f"\n{minutes} one-minute FLAC files, {len(workers.usable_cores())} cores, start-up included")
    print(f"  one run {statistics.median(together):.2f} s, a run each {statistics.median(apart):.2f} s")
    print(f"one run is {statistics.median(gains):.2f} times as fast ({', '.join(f'{g:.2f}' for g in gains)})")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", action="append")
    parser.add_argument("--minutes", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=7)
    chosen = parser.parse_args()
    names = chosen.model or ["birdnet-2.4", "yamnet"]
    listening = models.find_all(names)
    with tempfile.TemporaryDirectory() as folder:
        one_run(names, Path(folder), chosen.minutes, chosen.repeats)  # before this process keeps to a core
        one_pass(listening, Path(folder), chosen.repeats)


if __name__ == "__main__":
    main()
