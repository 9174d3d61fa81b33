"""Bundles: which files go out together to a worker elsewhere, and what goes out again when lost or late.

Bundles get smaller towards the end (C. D. Polychronopoulos and D. J. Kuck, "Guided Self-Scheduling", IEEE
Transactions on Computers C-36(12), 1987), so that all workers end at about the same time. No clock is read
here, and no file: whoever drives says what time it is, be it the system's or a simulation's.
"""

from __future__ import annotations

import dataclasses
from collections import deque

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Int64

FILE_BYTES = 1 << 16  # what it costs to open any file, as bytes that are heard in that time
ROUNDS = 3  # a bundle is this part of a fair share of what is left
LARGE = 128  # files above this part of a fair share of all go out first, the largest in front
TRIES = 2  # of a file that stood alone, as of a stretch in a crew
LATE = 2.0  # times as long as its size predicts
RATES = 501  # of the bundles that came last


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
    is_late: bool = False  # then its jobs may go out again


class Bundles:
    """The jobs of a run, in bundles as they are asked for. It holds 30 bytes a job.

    A job is through once: when the first bundle with it is done, or when workers were lost `TRIES` times
    while they were at it alone. Bundles may be done, lost or late in any order, and may be done after
    they counted as lost.

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
        most_bytes: int = 1 << 32,
        least_s: float = 30.0,
        most_s: float = 900.0,
        most_files: int = 10_000,
        late: float = LATE,
    ) -> None:
        self.n_slots = n_slots
        self._sizes: Int64 = np.asarray(sizes, np.int64) + FILE_BYTES
        n, total = len(self._sizes), int(self._sizes.sum())
        self._share_bytes = max(1, total // max(1, n_slots))
        self._least_bytes, self._most_bytes = least_bytes, most_bytes
        self._least_s, self._most_s, self._most_files, self._late = least_s, most_s, most_files, late
        self._order = _order(self._sizes, self._share_bytes // LARGE)
        self._ends: Int64 = np.cumsum(self._sizes[self._order])
        self._n_waiting, self._number = n, 0
        self._again: deque[tuple[Int64, bool]] = deque()  # places, and whether they are suspect
        self._through = np.zeros(n, np.bool_)
        self._holders = np.zeros(n, np.int32)  # bundles out, and not late, that have a job
        self._lost_alone = np.zeros(n, np.int8)
        self._running: dict[int, _Running] = {}
        self._rates: deque[float] = deque(maxlen=RATES)
        self._bytes_per_s: float | None = None
        self.n_left = n

    @property
    def is_through(self) -> bool:
        """Whether every job is done or given up."""
        return not self.n_left

    def is_wanted(self, bundle: Bundle) -> bool:
        """Whether a bundle has a job that is not through."""
        return not self._through[bundle.places].all()

    def take(self, now_s: float) -> Bundle | None:
        """Return what is to go out next; None where all that is left is out.

        First what was lost, which the end might wait for, then the largest files, then the others in
        their order.
        """
        while self._again:
            places, is_suspect = self._again.popleft()
            places = places[~self._through[places]]  # its first holder may have come back
            n = len(places) if is_suspect else self._fitting(np.cumsum(self._sizes[places]))
            if len(places) > n:
                self._again.appendleft((places[n:], is_suspect))
            if n:
                return self._begin(places[:n], now_s, is_suspect=is_suspect)
        if not self._n_waiting:
            return None
        first = len(self._order) - self._n_waiting
        before = int(self._ends[first - 1]) if first else 0
        n = self._fitting(self._ends[first : first + self._most_files] - before, int(self._ends[-1]) - before)
        self._n_waiting -= n
        return self._begin(np.sort(self._order[first : first + n]), now_s)

    def again(self, now_s: float) -> Bundle | None:
        """Return what of the latest bundle may go out once more; None where nothing is late, or more is left.

        It goes out in the smallest bundles, to as many workers as ask.
        """
        while (bundle := self.take(now_s)) is None:
            running = [one for one in self._running.values() if not one.is_late]
            by = [self._lateness(one, now_s) for one in running]
            if max(by, default=0.0) <= self._late:
                break
            late = running[int(np.argmax(by))]
            late.is_late = True
            self._let_go(late.bundle, is_suspect=False)
        return bundle

    def done(self, bundle: Bundle, now_s: float) -> Int64:
        """Take a bundle as done; return the places of those of its jobs that were not through before."""
        running = self._running.pop(bundle.number, None)
        if running is not None:
            self._rates.append(bundle.n_bytes / max(1e-3, now_s - running.began_s))
            self._bytes_per_s = float(np.median(self._rates))
            if not running.is_late:
                self._holders[bundle.places] -= 1
        return self._end(bundle.places)

    def lost(self, bundle: Bundle, now_s: float) -> Int64:
        """Take a bundle's worker as lost; return the places of jobs that are given up now.

        Its jobs go out again in two halves, until the one that ends its workers stands alone.
        """
        running = self._running.pop(bundle.number, None)
        if running is None:
            return bundle.places[:0]
        if len(bundle.places) == 1:
            self._lost_alone[bundle.places] += 1
            if self._lost_alone[bundle.places[0]] >= TRIES:
                return self._end(bundle.places)
        if not running.is_late:
            self._let_go(bundle, is_suspect=True)
        return bundle.places[:0]

    def _begin(self, places: Int64, now_s: float, *, is_suspect: bool = False) -> Bundle:
        bundle = Bundle(self._number, places, int(self._sizes[places].sum()), is_suspect)
        self._number += 1
        self._holders[places] += 1
        self._running[bundle.number] = _Running(bundle, now_s)
        return bundle

    def _end(self, places: Int64) -> Int64:
        fresh = places[~self._through[places]]
        self._through[fresh] = True
        self.n_left -= len(fresh)
        return fresh

    def _let_go(self, bundle: Bundle, *, is_suspect: bool) -> None:
        """Let those jobs of a bundle that nobody else is at go out again."""
        self._holders[bundle.places] -= 1
        left = bundle.places[~self._through[bundle.places] & (self._holders[bundle.places] == 0)]
        ends = np.cumsum(self._sizes[left])
        halves = [left]
        if is_suspect and len(left) > 1:
            half = int(np.searchsorted(ends, ends[-1] / 2)) + 1
            halves = np.split(left, [min(half, len(left) - 1)])
        self._again.extendleft((part, is_suspect) for part in reversed(halves) if len(part))

    def _lateness(self, running: _Running, now_s: float) -> float:
        """Return how many times as long a bundle takes as its size predicts; 0 while nobody can predict."""
        if self._bytes_per_s is None:
            return 0.0
        return (now_s - running.began_s) * self._bytes_per_s / running.bundle.n_bytes

    def _fitting(self, ends: Int64, left_bytes: int = 0) -> int:
        """Return how many jobs of a queue make the next bundle, by the bytes up to the end of each."""
        rate = self._bytes_per_s
        least = self._least_bytes if rate is None else rate * self._least_s
        most = self._most_bytes if rate is None else rate * self._most_s
        guided = left_bytes // (ROUNDS * max(1, self.n_slots))
        n_bytes = min(max(guided, min(least, self._share_bytes)), most)
        n = int(np.searchsorted(ends, n_bytes, "right"))
        return min(max(1, n), len(ends))


def _order(sizes: Int64, large_bytes: int) -> Int64:
    """Return the places of files as they go out: large ones first, then the others as they come."""
    is_large = sizes > large_bytes
    large = np.flatnonzero(is_large)
    large = large[np.argsort(-sizes[large], kind="stable")]
    return np.concatenate([large, np.flatnonzero(~is_large)])
