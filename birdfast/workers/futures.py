"""Futures: what will become of a function that an executor has, and what keeps it from that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Lost(Exception):
    """A future's: the machine that was at a function is no longer there."""


class UnfitError(Exception):
    """A future's: no function begins at a machine, and what it was to be at is not to blame.

    Parameters
    ----------
    why, where : str
    """

    def __init__(self, why: str, where: str = "") -> None:
        super().__init__(why)
        self.where = where


class Future(Protocol):
    """What will become of a function."""

    def add_done_callback(self, fn: Callable[[Any], object], /) -> object:
        """Call a function with this future, from any thread, when it is done, fails or is cancelled."""

    def cancel(self) -> object:
        """Let it not begin, if it has not."""

    def result(self, timeout: float | None = None) -> Any:
        """Return what the function returned, or raise what kept it from that.

        `CancelledError` and `UnfitError` are no fault of the files that the function was at, which go out
        again. Any other says that the process died at them, once any task has told anything: they go out in
        halves, until one that ends its process stands alone.
        """
