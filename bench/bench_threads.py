"""Two threads on one Pipeline beside one thread: what a program with threads gains on two cores.

    python bench/bench_threads.py [--model birdnet-2.4] [--seconds 60] [--pairs 9]

A pair is two clips, in memory, by one thread one after the other, and by two threads at once: on one
Pipeline, and with a Pipeline each. Other programs on the cores cost two threads more than one, so pairs are
taken until so many were left alone: by the kernel's account (Linux), no thread waited longer for a core than
a twentieth of its time. Printed are medians of the gains, of those pairs and of all; and what the threads
would gain on cores of their own: all their running over the longer one's running and sleeping, as when the
other one has the interpreter's lock.
"""

from __future__ import annotations

import argparse
import statistics
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import birdfast
from birdfast import audio, soundscape
from birdfast.arrays import Float32

ALONE = 0.05
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


def measure(model: str, clip_s: float, n_pairs: int, most: int) -> None:
    """Print the table of a model."""
    one, other = birdfast.load(model), birdfast.load(model)
    rate_hz = one.listener().grid.rate_hz
    clips = [_clip(seed, clip_s, rate_hz) for seed in (0, 1)]
    having = {"one Pipeline": (one, one), "two Pipelines": (one, other)}
    ways = {
        name: [partial(who.detect, clip, rate_hz) for who, clip in zip(both, clips, strict=True)]
        for name, both in having.items()
    }
    print(f"{model}, two clips of {clip_s:g} s: what two threads gain over one, medians")
    print(f"{'':16}{'left alone':>16}{'all pairs':>16}{'on cores of their own':>24}")
    for name, way in ways.items():
        pairs = _pairs(way, n_pairs, most)
        alone = [pair for pair in pairs if pair.is_alone]
        found = f"{_median(alone, 'gain')} of {len(alone)}", f"{_median(pairs, 'gain')} of {len(pairs)}"
        print(f"{name:16}{found[0]:>16}{found[1]:>16}{_median(pairs, 'own_gain'):>24}")


class Pair(NamedTuple):
    """What a pair came to."""

    gain: float
    own_gain: float
    is_alone: bool


def _pairs(way: list[Callable[[], object]], n_pairs: int, most: int) -> list[Pair]:
    """Measure pairs until so many were left alone, or there are the most."""
    at_once(way)  # sessions are made when a second thread comes
    pairs: list[Pair] = []
    while len(pairs) < most and sum(pair.is_alone for pair in pairs) < n_pairs:
        one_s, one = at_once([lambda: [job() for job in way]])
        two_s, two = at_once(way)
        is_alone = all(thread.waiting_s < ALONE * two_s for thread in (*one, *two))
        pairs.append(Pair(one_s / two_s, _gain(two), is_alone))
    return pairs


def _median(pairs: list[Pair], what: str) -> str:
    return f"{statistics.median(getattr(pair, what) for pair in pairs):.2f}" if pairs else "-"


def _gain(threads: list[Spent]) -> float:
    running_s = sum(thread.running_s for thread in threads)
    return running_s / max(thread.running_s + thread.asleep_s for thread in threads)


def _clip(seed: int, clip_s: float, rate_hz: int) -> Float32:
    samples, _ = soundscape.make(clip_s, seed=seed)
    return audio.resample(samples, soundscape.RATE_HZ, rate_hz)


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="birdnet-2.4")
    parser.add_argument("--seconds", type=float, default=60.0, help="of a clip: 12 or more")
    parser.add_argument("--pairs", type=int, default=9, help="left alone")
    parser.add_argument("--most", type=int, default=200, help="pairs, whether left alone or not")
    chosen = parser.parse_args()
    measure(chosen.model, chosen.seconds, chosen.pairs, chosen.most)


if __name__ == "__main__":
    main()
