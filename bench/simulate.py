"""A cluster that is none: how long 1,000 workers need for 1,000,000 files, beside the best possible.

    python bench/simulate.py [--workers 1000] [--files 1000000] [--seed 1]

`workers.bundles.Bundles`, which the driver of a cluster asks what goes out next, is driven here by a
simulated clock: nothing is heard. Files' sizes are lognormal, and what a byte costs varies around what a
size predicts. Workers begin one after the other; some are slow all the time, some stand still for a while,
some die in mid-bundle and come back, and a few files kill every worker that touches them. A task costs time
before its first file: five seconds here, an assumption. On two shared cores one of BirdNET took 3.8 s in
a new process and 0.13 s in one that was kept, with the hearing of three seconds of sound.

The bound is the earliest moment by which all the speed that was there, added up over the workers (none
before one begins, while it stands still, or while it is away), is the work there was to do, without the
files that kill; or the largest file on the fastest worker, if that is later. Nobody could be through
before, not even one who knew all of it beforehand: every second of work that is done twice, lost with its
worker, spent on starting tasks or not done by a worker that waits at the end counts against the makespan.
"""

from __future__ import annotations

import argparse
import heapq
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from birdfast.arrays import Float64
from birdfast.workers.bundles import Bundle, Bundles

BYTES_PER_S = 1 << 20  # that a usual worker hears
LOOK_EVERY_S = 5.0  # whether something is late, for a worker that has nothing to do
BAR = 0.03
DRIVER_BYTES = 500e6
AWAY_S = 120.0  # until another is there in a dead one's place
NONE = -1  # task
DAYS = 1e9  # a time that no worker sees


class Told(NamedTuple):
    """What came of it: the end, the bound, tasks, those that were lost or for nothing, and files given up."""

    makespan_s: float
    bound_s: float
    n_tasks: int
    n_lost: int
    n_again: int
    n_given_up: int

    @property
    def above(self) -> float:
        """By what part the makespan is above the bound."""
        return self.makespan_s / self.bound_s - 1


class Span(NamedTuple):
    """When a worker is at work, in seconds, and whether it dies at the end or stands still."""

    start_s: float
    end_s: float = DAYS
    dies: bool = False


class Worker(NamedTuple):
    """When a worker is there, in order, and how fast it is then, beside a usual one."""

    spans: tuple[Span, ...]
    speed: float

    def end(self, now_s: float, work_s: float) -> tuple[float, bool]:
        """Return when it is through with some work, or dies before that; and whether it dies."""
        for span in self.spans:
            begin_s = max(now_s, span.start_s)
            if begin_s >= span.end_s:
                continue
            if begin_s + work_s / self.speed <= span.end_s:
                return begin_s + work_s / self.speed, False
            if span.dies:
                return span.end_s, True
            work_s -= (span.end_s - begin_s) * self.speed
        raise AssertionError("the last span has no end")

    def there_s(self, now_s: float) -> float:
        """Return when it is there again, or now."""
        return next(max(now_s, span.start_s) for span in self.spans if now_s < span.end_s)


def workers_of(n: int, last_s: float, random: np.random.Generator) -> list[Worker]:
    """Return workers, of which few are as they should be all the time."""
    made = []
    for _ in range(n):
        speed = random.normal(1.0, 0.03) * (0.2 if random.random() < 0.03 else 1.0)
        begin_s, spans = random.exponential(60.0), list[Span]()
        stands, dies = random.random() < 0.05, random.random() < 0.05
        breaks = [(random.uniform(0, last_s), random.uniform(30.0, 600.0), False)] * stands
        breaks += [(random.uniform(0, last_s), AWAY_S, True)] * dies
        for at_s, gap_s, is_death in sorted(breaks):
            if at_s > begin_s:
                spans.append(Span(begin_s, at_s, is_death))
                begin_s = at_s + gap_s
        made.append(Worker((*spans, Span(begin_s)), speed))
    return made


def bound_s(workers: list[Worker], work_s: Float64) -> float:
    """Return the moment before which nobody can be through: see above."""
    changes = sorted(
        change
        for worker in workers
        for span in worker.spans
        for change in ((span.start_s, worker.speed), (span.end_s, -worker.speed))
    )
    left, speed, now_s = float(work_s.sum()), 0.0, 0.0
    for at_s, by in changes:
        if left <= speed * (at_s - now_s):
            break
        left -= speed * (at_s - now_s)
        now_s, speed = at_s, speed + by
    first = min(worker.spans[0].start_s for worker in workers)
    return max(now_s + left / speed, first + float(work_s.max()) / max(worker.speed for worker in workers))


def simulated(
    n_workers: int = 1000,
    n_files: int = 1_000_000,
    seed: int = 1,
    mean_s: float = 6.0,
    overhead_s: float = 5.0,
    n_bad: int = 3,
) -> Told:
    """Work all files off, and return what came of it.

    Parameters
    ----------
    n_workers, n_files, seed : int
    mean_s : float
        Of a usual worker's work for a file.
    overhead_s : float
        Of a task, before its first file.
    n_bad : int
        Files that end the worker which is at them.
    """
    random = np.random.default_rng(seed)
    sizes = (random.lognormal(-0.5, 1.0, n_files) * mean_s * BYTES_PER_S).astype(np.int64)
    work_s = sizes / BYTES_PER_S * random.lognormal(-0.02, 0.2, n_files)
    is_bad = np.zeros(n_files, np.bool_)
    is_bad[random.choice(n_files, n_bad, replace=False)] = True
    workers = workers_of(n_workers, float(work_s.sum()) / n_workers, random)
    bundles = Bundles(sizes, n_workers)
    events = [(worker.spans[0].start_s, number, NONE, False) for number, worker in enumerate(workers)]
    heapq.heapify(events)
    out, n_tasks, n_lost, n_again, n_given_up, now_s = dict[int, Bundle](), 0, 0, 0, 0, 0.0
    while not bundles.is_through:
        now_s, number, task, is_lost = heapq.heappop(events)
        if task != NONE:
            bundle = out.pop(task)
            if is_lost:
                n_lost += 1
                n_given_up += len(bundles.lost(bundle, now_s))
            else:
                n_again += len(bundles.done(bundle, now_s)) < len(bundle.places)
        next_s, task, is_lost = workers[number].there_s(now_s), NONE, False
        if next_s == now_s:
            found = bundles.again(now_s, number)
            if found is None:
                next_s = now_s + LOOK_EVERY_S
            else:
                out[task := found.number] = found
                n_tasks += 1
                costs_s, kills = work_s[found.places], is_bad[found.places]
                until = int(np.argmax(kills)) if kills.any() else len(kills)
                next_s, is_lost = workers[number].end(now_s, overhead_s + float(costs_s[:until].sum()))
                is_lost |= bool(kills.any())
        heapq.heappush(events, (next_s, number, task, is_lost))
    return Told(now_s, bound_s(workers, work_s[~is_bad]), n_tasks, n_lost, n_again, n_given_up)


def peak_bytes() -> int:
    """Return this process's peak of memory; `ru_maxrss` begins with that of whoever started it."""
    return 1024 * int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])


def main() -> None:
    """Print the makespan beside the bound, and the driver's memory; exit with 1 beyond a bar."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=6.0, help="of work a file, on average")
    parser.add_argument(
        "--overhead", type=float, default=5.0, help="seconds that a task costs before its first file"
    )
    parser.add_argument("--bar", type=float, default=BAR, help="above the bound")
    chosen = parser.parse_args()
    began_s = time.process_time()
    told = simulated(chosen.workers, chosen.files, chosen.seed, chosen.seconds, chosen.overhead)
    cpu_s = time.process_time() - began_s
    peak = peak_bytes()
    print(
        f"{chosen.files:,} files, {chosen.workers:,} workers, seed {chosen.seed}:"
        f" makespan {told.makespan_s:,.0f} s, bound {told.bound_s:,.0f} s: {told.above:+.2%}"
        f" (bar {chosen.bar:.0%})"
    )
    print(
        f"{told.n_tasks:,} tasks; {told.n_lost:,} lost with their workers, {told.n_again:,} in part for"
        f" nothing, {told.n_given_up:,} files given up"
    )
    print(f"driver: {peak / 1e6:,.0f} MB at most (bar {DRIVER_BYTES / 1e6:,.0f}), {cpu_s:,.0f} s of CPU")
    sys.exit(told.above > chosen.bar or peak > DRIVER_BYTES)


if __name__ == "__main__":
    main()
