"""Slots: how many tasks an executor runs at a time, and which of them takes the next one.

Executors do not say who gets a task; whoever has just come back does, as the others are at work.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from .executor import Slotted

PATIENCE_S = 10.0  # for machines to come, before that is said


class Slots:
    """The slots of an executor.

    Parameters
    ----------
    executor : Slotted
    """

    def __init__(self, executor: Slotted) -> None:
        self._executor, self._free, self._n_seen = executor, list[int](), 0
        self._had_some_s = monotonic()

    def count(self, hear: Callable[[str], object]) -> int:
        """Return how many there are now; that there are none for long is told, once."""
        n = self._executor.slots()
        if n:
            self._had_some_s = monotonic()
        elif monotonic() - self._had_some_s > PATIENCE_S:
            hear("waiting for machines: the cluster has none now")
            self._had_some_s = float("inf")
        return n

    @property
    def next(self) -> int:
        """The one that takes the next task."""
        return self._free[-1] if self._free else self._n_seen

    def take(self) -> int:
        """Let the next one be at work, and return it."""
        slot = self.next
        if self._free:
            self._free.pop()
        else:
            self._n_seen += 1
        return slot

    def give_back(self, slot: int) -> None:
        """Let one have nothing to do."""
        self._free.append(slot)
