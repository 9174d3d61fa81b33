"""The contract of tables: what they are told of a run, of each file, and how they are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ..arrays import Rows
from ..atomicfile import AtomicFile
from ..outcomes import Detection, Failure


class About(NamedTuple):
    """What the tables say of a run: how it came to be, its classes, and how wide its dense rows are."""

    metadata: Mapping[str, str]
    scientific_names: tuple[str, ...] = ()
    common_names: tuple[str, ...] = ()
    widths: Mapping[str, int] = {}


class Result(NamedTuple):
    """What the tables say of one file; detections and dense rows come in parts that fit the memory.

    Detections come first: their end says whether a journal's results are those that were written.
    """

    path: str
    parts: Iterable[list[Detection]]
    failure: Failure | None
    notes: Sequence[str]
    dense: Mapping[str, Iterable[Rows]] = {}


class Table(AtomicFile):
    """A table of detections that is being written."""

    def write(self, rows: Iterable[Detection]) -> None:
        """Append rows."""
        raise NotImplementedError
