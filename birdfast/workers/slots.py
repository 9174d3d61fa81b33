"""Slots: how many tasks an executor runs at a time, which of them takes the next one, and who is unfit.

Executors do not say who gets a task; whoever has just come back does, as the others are at work.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

from ..errors import ClusterError
from ..words import counted
from .executor import Choosing, Slotted

PATIENCE_S = 10.0  # for machines to come, before that is said
COMING_S = 600.0  # for machines that were asked for, where none that came is fit
IN_A_ROW = 5  # unfit answers, with none that is fit in between: then those are waited for that are out


class Slots:
    """The slots of an executor.

    Parameters
    ----------
    executor : Slotted
    hear : callable
        Takes what is said to whoever waits.

    Attributes
    ----------
    has_run : bool
        Whether any task has told anything.
    """

    def __init__(self, executor: Slotted, hear: Callable[[str], object]) -> None:
        self._executor, self._free, self._n_seen = executor, list[int](), 0
        self._choosing = executor if isinstance(executor, Choosing) else None
        self._hear, self._had_some_s, self._is_told = hear, monotonic(), False
        self._unfit: ClusterError | None = None  # what the last one said, if none was fit since
        self._hosts, self._n_unfit = set[str](), 0  # in a row
        self.has_run = False

    def tell(self) -> None:
        """Say how many hear, and that what they heard comes by shares."""
        if n := self._executor.slots():
            they = counted(n, "task" if self._choosing is None else "machine")
            self._hear(f"on the cluster {they} at a time; files come by shares of many")

    def count(self, n_out: int) -> int:
        """Return how many tasks there may be at a time now, of which so many are out.

        That there are no machines for long is told, once.

        Raises
        ------
        ClusterError
            No machine is fit: what one of them said.
        """
        n, choosing = self._executor.slots(), self._choosing
        if n and choosing is None:  # an unfit machine may take any task: there are as many as others can have
            n = max(1, n - len(self._hosts))
        is_held = self._n_unfit >= IN_A_ROW and choosing is None
        if n:
            self._had_some_s, self._is_told = monotonic(), False
        none_s = 0.0 if n else monotonic() - self._had_some_s
        is_growing = not n and self._is_growing()
        if none_s > PATIENCE_S and not self._is_told and (self._unfit is None or is_growing):
            self._hear("waiting for machines: the cluster has none now")
            self._is_told = True
        is_over = is_held or none_s > (COMING_S if is_growing else PATIENCE_S)
        if self._unfit is not None and not n_out and is_over:
            why = f"no machine of the cluster is fit for this run: {self._unfit}; what was done is kept"
            raise ClusterError(why) from self._unfit
        return 0 if is_held else n

    def _is_growing(self) -> bool:
        return self._choosing is not None and self._choosing.is_growing()

    def complain(self, error: ClusterError, host: str, future: Any) -> None:
        """Take what a machine says of itself, or what a future was told of it: it gets nothing more.

        It is said once of each machine; "" is one of which nobody knows which it is.
        """
        self._unfit = error
        self._n_unfit += 1
        if self._choosing is not None:
            self._choosing.shun(future)
        if host and host not in self._hosts:
            self._hosts.add(host)
            is_shunned = self._choosing is not None
            then = "it is given no more of this run" if is_shunned else "what it had goes out again"
            self._hear(f"{error}; {then}")

    def praise(self) -> None:
        """Take that some machine did what it was asked to."""
        self._unfit, self._n_unfit = None, 0

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
