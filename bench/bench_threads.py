"""Two threads on one Pipeline beside one thread: what a program with threads gains on two cores.

    python bench/bench_threads.py [--model birdnet-2.4] [--pairs 9]

A pair is two clips of 60 s, in memory, by one thread one after the other, and by two threads at once: on one
Pipeline, with a Pipeline each, and by a warm pool of two workers. Printed are medians of the gains within the
pairs. Other programs on the cores cost two threads more than one, so it is told, too, what the threads would
gain on cores of their own: all their running over the longer one's running and sleeping, as when the other
one has the interpreter's lock, by the kernel's account (Linux).
"""

from __future__ import annotations

import argparse
import statistics
import threading
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import birdfast
from birdfast import audio, soundscape
from birdfast.arrays import Float32
from birdfast.pipeline import Pipeline

CLIP_S = 60.0
SCHEDULE = Path("/proc/thread-self/schedstat")  # nanoseconds run, and waited for a core


class Spent(NamedTuple):
    """Where a thread's seconds went."""

    running_s: float
    waiting_s: float
    asleep_s: float


def spent(job: Callable[[], object]) -> Spent:
    """Do a job, and return where its thread's time went."""
    began_s, before = perf_counter(), _schedule()
    job()
    wall_s, after = perf_counter() - began_s, _schedule()
    running_s, waiting_s = ((b - a) / 1e9 for a, b in zip(before, after, strict=True))
    return Spent(running_s, waiting_s, max(0.0, wall_s - running_s - waiting_s))


def _schedule() -> tuple[int, int]:
    if not SCHEDULE.exists():
        return 0, 0
    running, waiting, _ = SCHEDULE.read_text().split()
    return int(running), int(waiting)


def at_once(jobs: list[Callable[[], object]]) -> tuple[float, list[Spent]]:
    """Do each job in a thread of its own; return the seconds until all were done."""
    found: list[Spent] = []
    threads = [threading.Thread(target=lambda job=job: found.append(spent(job))) for job in jobs]
    began_s = perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return perf_counter() - began_s, found


def in_turn(jobs: list[Callable[[], object]]) -> float:
    """Do the jobs one after the other; return the seconds."""
    began_s = perf_counter()
    for job in jobs:
        job()
    return perf_counter() - began_s


def measure(model: str, n_pairs: int) -> None:
    """Print the table of a model."""
    one, other = birdfast.load(model), birdfast.load(model)
    rate_hz = one.listener().grid.rate_hz
    clips = [_clip(seed, rate_hz) for seed in (0, 1)]

    def jobs(*having: Pipeline | birdfast.WarmPool) -> list[Callable[[], object]]:
        return [
            lambda who=who, clip=clip: who.detect(clip, rate_hz)
            for who, clip in zip(having, clips, strict=True)
        ]

    with birdfast.WarmPool(model, workers=2) as pool:
        asked = {"one Pipeline": (one, one), "two Pipelines": (one, other), "WarmPool": (pool, pool)}
        ways = {name: jobs(*both) for name, both in asked.items()}
        for way in ways.values():
            at_once(way)  # sessions are made when a second thread comes
        alone: list[float] = []
        gains: dict[str, list[float]] = {name: [] for name in ways}
        undisturbed: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(n_pairs):
            alone.append(in_turn(ways["one Pipeline"]))
            for name, way in ways.items():
                wall_s, threads = at_once(way)
                gains[name].append(alone[-1] / wall_s)
                undisturbed[name].append(_gain(threads))
    print(f"{model}: one thread {statistics.median(alone):.2f} s for {len(clips)} clips of {CLIP_S:.0f} s")
    print(f"{'two threads, medians of ' + str(n_pairs):32}{'gain':>8}{'on cores of their own':>24}")
    for name, ratios in gains.items():
        own = "" if name == "WarmPool" else f"{statistics.median(undisturbed[name]):.2f}"
        print(f"  {name:30}{statistics.median(ratios):>8.2f}{own:>24}")


def _gain(threads: list[Spent]) -> float:
    running_s = sum(thread.running_s for thread in threads)
    return running_s / max(thread.running_s + thread.asleep_s for thread in threads)


def _clip(seed: int, rate_hz: int) -> Float32:
    samples, _ = soundscape.make(CLIP_S, seed=seed)
    return audio.resample(samples, soundscape.RATE_HZ, rate_hz)


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="birdnet-2.4")
    parser.add_argument("--pairs", type=int, default=9)
    chosen = parser.parse_args()
    measure(chosen.model, chosen.pairs)


if __name__ == "__main__":
    main()
