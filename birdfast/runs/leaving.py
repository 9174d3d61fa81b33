"""Leaving: a run that is asked to end before its time is up, and whose folder is fit to go on with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..workers.workforce import Workforce


class Left(BaseException):
    """The end of a run that was asked to leave: what it has heard is kept."""


class Leave:
    """How a run is asked to leave: from a signal's handler in the thread of the run, at any moment.

    While workers are at work they come to the end of what they are at, within `pool.LEAVE_S`; machines
    elsewhere that take longer stay at it, and the next run takes what they have ended by then. At any other
    moment the run ends there, as its journal and tables are whole at each.

    Attributes
    ----------
    is_asked : bool
    why : Exception or None
        What the run is to end with, where another took it over: the same command does not go on at once.
    """

    def __init__(self) -> None:
        self.is_asked = False
        self.why: Exception | None = None
        self._workforce: Workforce | None = None

    def ask(self) -> None:
        """Let the run leave; once asked, it hears no more of it.

        Raises
        ------
        Left
            It does not wait for anybody.
        """
        if self.is_asked:
            return
        self.is_asked = True
        if self._workforce is None:
            raise Left
        self._workforce.leave()

    def ask_soon(self, why: Exception) -> None:
        """As `ask`, but from any thread: the run leaves at its workers, or goes on where they are through."""
        self.why, self.is_asked = why, True
        if (workforce := self._workforce) is not None:
            workforce.leave()

    @contextmanager
    def letting(self, workforce: Workforce) -> Iterator[None]:
        """Let who is at work end what it is at.

        Raises
        ------
        Left
            At the end of the context, or before it, if that was asked.
        """
        self._workforce = workforce
        try:
            self.check()
            yield
        finally:
            self._workforce = None
        self.check()

    def check(self) -> None:
        """End the run if it was asked to leave: whoever caught `Left` on its way meant another.

        Raises
        ------
        Left
        """
        if self.is_asked:
            raise Left
