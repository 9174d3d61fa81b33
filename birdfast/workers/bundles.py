"""Bundles: which files go out together to a worker elsewhere, and what goes out again when lost or late.

Bundles get smaller towards the end (C. D. Polychronopoulos and D. J. Kuck, "Guided Self-Scheduling", IEEE
Transactions on Computers C-36(12), 1987), so that all workers end together. No clock is read here, and no
file: whoever drives says what time it is, be it the system's or a simulation's.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Hashable

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Int64
from .speeds import Speeds

FILE_BYTES = 1 << 16  # what it costs to open any file, as bytes that are heard in that time
ROUNDS = 2  # a bundle is this part of a fair share of what is left
LAST = 4  # so many bundles at least make a fair share of all
LARGE = 512  # files above this part of a fair share of all go out first, the largest in front
TRIES = 2  # of a file that stood alone, as of a stretch in a crew
RETURNS = 5 * TRIES  # of one whose workers retired: they go too soon for it
LATE = 1.5  # times as long as its size predicts
LOOK_EVERY_S = 1.0  # for what is late, while other things are left


@dataclasses.dataclass(frozen=True)
class Bundle:
    """Jobs for one task.

    Attributes
    ----------
    number : int
        Its own: what goes out again has another.
    places : int64 [n]
        Of its jobs in the list of all, rising.
    n_bytes : int
        How much work it is.
    is_suspect : bool
        Whether a worker was lost at these jobs before.
    """

    number: int
    places: Int64
    n_bytes: int
    is_suspect: bool = False


@dataclasses.dataclass
class _Running:
    bundle: Bundle
    began_s: float
    worker: Hashable
    is_late: bool = False  # then its jobs may go out again


class Bundles:
    """The jobs of a run, in bundles as they are asked for. It holds 32 bytes a job.

    A job is through once: when the first bundle with it is done, or of workers that were at it alone `TRIES`
    were lost or `RETURNS` retired. Bundles may be done, lost or late in any order, and done after being lost.

    Parameters
    ----------
    sizes : ints [n]
        Bytes of the jobs' files; 0 where nobody knows.
    n_slots : int
        How many bundles are out at a time; it may be set anew while workers come and go.
    least_bytes, most_bytes : int
        Of a bundle, while nobody knows how fast workers are; a file of more goes out alone.
    least_s, most_s : float
        How long a bundle is to take at least (a task has to start) and at most (a lost one is to do again),
        once the first ones say how fast workers are.
    most_files : int
        Of a bundle.
    late : float
        A bundle is late when it takes so many times as long as its size predicts.

    Attributes
    ----------
    n_left : int
        Jobs that are not through.
    """

    def __init__(
        self,
        sizes: ArrayLike,
        n_slots: int,
        *,
        least_bytes: int = 1 << 24,
        most_bytes: int = 1 << 28,
        least_s: float = 30.0,
        most_s: float = 600.0,
        most_files: int = 10_000,
        late: float = LATE,
    ) -> None:
        self.n_slots = n_slots
        self._sizes: Int64 = np.asarray(sizes, np.int64) + FILE_BYTES
        n = len(self._sizes)
        self._share_bytes = max(1, int(self._sizes.sum()) // max(1, n_slots))
        self._least_bytes, self._most_bytes = least_bytes, most_bytes
        self._least_s, self._most_s, self._most_files, self._late = least_s, most_s, most_files, late
        self._order = _order(self._sizes, self._share_bytes // LARGE)
        self._ends: Int64 = np.cumsum(self._sizes[self._order])
        self._number, self._n_waiting, self.n_left = 0, n, n
        self._again: deque[tuple[Int64, bool]] = deque()  # places, and whether they are suspect
        self._through = np.zeros(n, np.bool_)
        self._holders = np.zeros(n, np.int32)  # bundles out, and not late, that have a job
        self._n_alone = np.zeros((2, n), np.int8)  # workers that retired, and that were lost, at it alone
        self._was_lost = np.zeros(n, np.bool_)
        self._running: dict[int, _Running] = {}
        self._speeds, self._looked_s = Speeds(), -LOOK_EVERY_S

    @property
    def _left_bytes(self) -> int:
        """Bytes of what was never handed out, but the next file."""
        first = len(self._order) - self._n_waiting
        return int(self._ends[-1] - self._ends[first]) if self._n_waiting else 0

    @property
    def is_through(self) -> bool:
        """Whether every job is done or given up."""
        return not self.n_left

    def is_wanted(self, bundle: Bundle) -> bool:
        """Whether a bundle has a job that is not through."""
        return not self._through[bundle.places].all()

    def take(self, now_s: float, worker: Hashable = None) -> Bundle | None:
        """Return what is to go out next; None where all that is left is out.

        First what was lost, or is late when the end is near, then the largest files, then the others in
        their order: as much as fits the worker that asks, if it has been here before.
        """
        self._look(now_s)
        while self._again:
            places, is_suspect = self._again.popleft()
            places = places[~self._through[places]]  # its first holder may have come back
            if len(places):
                n = self._fitting(worker, np.cumsum(self._sizes[places]))
                if len(places) > n:
                    self._again.appendleft((places[n:], is_suspect))
                return self._begin(places[:n], now_s, worker, is_suspect)
        if not self._n_waiting:
            return None
        first = len(self._order) - self._n_waiting
        before = int(self._ends[first - 1]) if first else 0
        ends = self._ends[first : first + self._most_files] - before
        n = self._fitting(worker, ends, int(self._ends[-1]) - before)
        self._n_waiting -= n
        return self._begin(np.sort(self._order[first : first + n]), now_s, worker)

    def again(self, now_s: float, worker: Hashable = None) -> Bundle | None:
        """Return what `take` does, and else what of the latest bundle may go out once more.

        It goes out in the smallest bundles, to as many workers as ask; None where nothing is late.
        """
        while (bundle := self.take(now_s, worker)) is None and self._latest(now_s):
            pass
        return bundle

    def done(self, bundle: Bundle, now_s: float) -> Int64:
        """Take a bundle as done; return the places of those of its jobs that were not through before."""
        running = self._running.pop(bundle.number, None)
        if running is not None:
            self._speeds.came(running.worker, bundle.n_bytes, now_s - running.began_s)
            if not running.is_late:
                self._holders[bundle.places] -= 1
        return self._end(bundle.places)

    def lost(self, bundle: Bundle, now_s: float, *, is_blamed: bool | None = True) -> Int64:
        """Take a bundle's worker as lost, or as retired; return the places of jobs that are given up now.

        They go out again: in halves, until the one at fault stands alone, or as they are where it is None.
        """
        running = self._running.pop(bundle.number, None)
        if running is None:
            return bundle.places[:0]
        self._speeds.went(running.worker)
        if is_blamed is not None and len(bundle.places) == 1:
            self._n_alone[int(is_blamed), bundle.places] += 1
            if self._n_alone[int(is_blamed), bundle.places[0]] >= (TRIES if is_blamed else RETURNS):
                return self._end(bundle.places)
        self._was_lost[bundle.places] |= is_blamed is not None
        if not running.is_late:
            self._let_go(bundle)
        return bundle.places[:0]

    def _begin(self, places: Int64, now_s: float, worker: Hashable, is_suspect: bool = False) -> Bundle:
        bundle = Bundle(self._number, places, int(self._sizes[places].sum()), is_suspect)
        self._number += 1
        self._holders[places] += 1
        self._running[bundle.number] = _Running(bundle, now_s, worker)
        return bundle

    def _end(self, places: Int64) -> Int64:
        fresh = places[~self._through[places]]
        self._through[fresh] = True
        self.n_left -= len(fresh)
        return fresh

    def _let_go(self, bundle: Bundle) -> None:
        """Let those jobs of a bundle that nobody else is at go out again: suspect ones in two halves."""
        self._holders[bundle.places] -= 1
        left = bundle.places[~self._through[bundle.places] & (self._holders[bundle.places] == 0)]
        halves, is_suspect = [left], bool(self._was_lost[left].any())
        if is_suspect and len(left) > 1:
            half = int(np.searchsorted(ends := np.cumsum(self._sizes[left]), ends[-1] / 2)) + 1
            halves = np.split(left, [min(half, len(left) - 1)])
        self._again.extendleft((part, is_suspect) for part in reversed(halves) if len(part))

    def _look(self, now_s: float) -> None:
        """Let what is late go out again before the end, if what is left takes no longer than that."""
        if now_s >= self._looked_s + LOOK_EVERY_S:
            self._looked_s, per_slot = now_s, self._left_bytes / max(1, self.n_slots)
            while self._latest(now_s, per_slot):
                pass

    def _latest(self, now_s: float, least_bytes: float = 0.0) -> bool:
        """Let the latest bundle, of so many bytes at least, go out again; return whether there is one."""
        late, worst, lateness_of = None, self._late, self._speeds.lateness
        for one in self._running.values():
            lateness = lateness_of(one.worker, one.bundle.n_bytes, now_s - one.began_s, least_bytes > 0)
            if lateness > worst and not one.is_late and one.bundle.n_bytes >= least_bytes:
                late, worst = one, lateness
        if late is not None:
            late.is_late = True
            self._let_go(late.bundle)
        return late is not None

    def _fitting(self, worker: Hashable, ends: Int64, left_bytes: int = 0) -> int:
        """Return how many jobs of a queue make a worker's next bundle, by the bytes up to the end of each."""
        least, most, part = float(self._least_bytes), float(self._most_bytes), 1.0
        if (rate := self._speeds.of(worker)) is not None and self._speeds.usual is not None:
            least, most, part = rate * self._least_s, rate * self._most_s, rate / self._speeds.usual
        guided = part * left_bytes / (ROUNDS * max(1, self.n_slots))
        n_bytes = min(max(guided, min(least, part * self._share_bytes / LAST)), most)
        n = int(np.searchsorted(ends, n_bytes, "right"))
        return min(max(1, n), len(ends))


def _order(sizes: Int64, large_bytes: int) -> Int64:
    """Return the places of files as they go out: large ones first, then the others as they come."""
    is_large = sizes > large_bytes
    large = np.flatnonzero(is_large)
    large = large[np.argsort(-sizes[large], kind="stable")]
    return np.concatenate([large, np.flatnonzero(~is_large)])
