"""What is said of recordings: all scores of windows, or only what was detected in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from ..arrays import Float32, Int64
from .names import Species
from .spans import Spans


class Scores(NamedTuple):
    """Windows with the scores of all classes.

    Attributes
    ----------
    windows : Spans
    species : list of Species
    values : float32 [n, n_species]
        May lie on the disk.
    void : Spans, optional
        Windows whose scores are no numbers, as of files that failed; with the list of files of `windows`.
    broken : frozenset of str
        Files that a run's journal tells were not heard to their end.
    heard_s : dict of str to float
        How much of files was heard whose rows may go on behind their end, as those of a submission do.
    """

    windows: Spans
    species: list[Species]
    values: Float32
    void: Spans | None = None
    broken: frozenset[str] = frozenset()
    heard_s: Mapping[str, float] = MappingProxyType({})

    @property
    def n_void(self) -> int:
        """How many rows are without numbers."""
        return 0 if self.void is None else len(self.void.file)

    @property
    def every(self) -> Spans:
        """All windows of which there is a row."""
        return self.windows if self.void is None else self.windows.joined(self.void)


class Heard(NamedTuple):
    """Detections: a row for each class that is said to be in a window.

    Attributes
    ----------
    windows : Spans
    species : list of Species
    which : int64 [n]
        The class of each row.
    confidence : float32 [n]
    """

    windows: Spans
    species: list[Species]
    which: Int64
    confidence: Float32


class Gathered:
    """Rows that are gathered one by one: parts of recordings, whose names come again and again."""

    def __init__(self, files: Sequence[str] = ()) -> None:
        self._files = {name: number for number, name in enumerate(files)}
        self._rows: list[tuple[int, float, float]] = []

    def add(self, file: str, start_s: float, end_s: float) -> None:
        """Append a part."""
        self._rows.append((self._files.setdefault(file, len(self._files)), start_s, end_s))

    def spans(self) -> Spans:
        """Return all of them."""
        file, start_s, end_s = np.array(self._rows, np.float64).reshape(-1, 3).T
        return Spans(list(self._files), file.astype(np.int64), start_s.copy(), end_s.copy())
