"""Spent: parts whose results were given on, which stay until the journal has kept them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import monotonic

from ..outcomes import Outcome, Part
from . import parts
from .orders import named
from .process import Job

SETTLE_EVERY_S = 1.0  # the journal is asked to keep what came, so that parts may go


class Spent:
    """Parts that go when what is in them is kept.

    Parameters
    ----------
    folder : path
        Where they lie.
    keep : callable
        Makes sure that all that was yielded stays.
    """

    def __init__(self, folder: Path, keep: Callable[[], object]) -> None:
        self._folder, self._keep = folder, keep
        self._parts: list[Path] = []
        self._settled_s = monotonic()

    def add(self, part: Path) -> None:
        """Take a part that was given on, or has nothing that anybody wants."""
        self._parts.append(part)

    def settle(self, every_s: float = 0.0) -> None:
        """Let what was given on be kept, and its parts go, if that was not done for so long."""
        if self._parts and monotonic() - self._settled_s >= every_s:
            self._keep()
            for part in self._parts:
                part.unlink(missing_ok=True)
            self._parts.clear()
            self._settled_s = monotonic()

    def found(self, jobs: Sequence[Job], of: str) -> Iterator[tuple[int, Outcome | Part]]:
        """Yield what parts of a driver before this one have of files that are as they were.

        Parameters
        ----------
        jobs : sequence of Job
        of : str
            What tells the run's parts from another's.

        Yields
        ------
        (int, Outcome or Part)
            The job's number, and what `Pool.work` would have yielded.
        """
        found = parts.ours(self._folder, parts.PART)
        wanted = {job.path: number for number, job in enumerate(jobs)} if found else {}
        for path in found:
            head, mine = parts.head(path), dict[int, int]()
            for place, file in enumerate(head["files"] if head and head["of"] == of else ()):
                number = wanted.get(file[0])
                if number is not None and named(jobs[number]) == file:
                    mine[place] = wanted.pop(file[0])
            for place, what in parts.read(path) if mine else ():
                if place in mine:
                    yield mine[place], what
            self.add(path)
            self.settle(SETTLE_EVERY_S)
