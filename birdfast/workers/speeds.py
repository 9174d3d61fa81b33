"""Speeds: how fast each worker was of late, and how fast the usual one is."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable

import numpy as np

FADES = 0.5  # what came before counts so much beside what comes; by bytes, as small bundles mostly begin
LAST = 501  # bundles that tell of the usual worker
LATE_S = 10.0  # before that nothing is late, as a task has to start


class Speeds:
    """Bytes a second, by what came back from whom.

    Attributes
    ----------
    usual : float or None
        Of most bundles; None before the first came back.
    """

    def __init__(self) -> None:
        self.usual: float | None = None
        self._every: deque[float] = deque(maxlen=LAST)
        self._by_worker = dict[Hashable, tuple[float, float]]()  # bytes and seconds, fading

    def came(self, worker: Hashable, n_bytes: int, seconds: float) -> None:
        """Take what a worker did; None is one of whom nobody knows who it is."""
        seconds = max(1e-3, seconds)
        self._every.append(n_bytes / seconds)
        self.usual = float(np.median(self._every))
        if worker is not None:
            before_bytes, before_s = self._by_worker.get(worker, (0.0, 0.0))
            self._by_worker[worker] = FADES * before_bytes + n_bytes, FADES * before_s + seconds

    def went(self, worker: Hashable) -> None:
        """Forget a worker: another takes its place."""
        self._by_worker.pop(worker, None)

    def of(self, worker: Hashable) -> float | None:
        """Return how fast a worker is; the usual speed where it is not known, None where none is."""
        known = self._by_worker.get(worker)
        return self.usual if known is None else known[0] / known[1]

    def lateness(self, worker: Hashable, n_bytes: int, seconds: float, may_wait: bool) -> float:
        """Return how much longer a bundle takes than it should; 0 where nobody knows how fast anybody is.

        Parameters
        ----------
        worker : hashable
        n_bytes : int
        seconds : float
            Since it began.
        may_wait : bool
            Else what is still to come counts, too, beside the usual worker who would begin now.
        """
        own, usual = self.of(worker), self.usual
        if own is None or usual is None:
            return 0.0
        part = seconds * own / n_bytes
        so_far = part if seconds > LATE_S else 0.0
        return so_far if may_wait else max(so_far, (1 - part) * usual / own)
