"""Rows: the most confident detections of a run, as columns; however many there are, memory holds so many."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..arrays import Int64, Rows
from ..outcomes import Detection

ROW = np.dtype(
    [
        ("file", "<u4"),
        ("species", "<u4"),
        ("model", "<u2"),
        ("channel", "<u2"),
        ("start_s", "<f8"),
        ("end_s", "<f8"),
        ("confidence", "<f4"),
    ]
)


class Places(dict[tuple[str, ...], int]):
    """Numbers for names, in the order in which they come."""

    def __missing__(self, names: tuple[str, ...]) -> int:
        self[names] = number = len(self)
        return number


class Best:
    """The `most` best of all detections that are added, in the order in which they came.

    Parameters
    ----------
    most : int

    Attributes
    ----------
    species : dict of (str, str) to int
        Scientific and common names, by which rows name theirs.
    models : dict of (str,) to int
    n : int
        How many were added.
    """

    def __init__(self, most: int) -> None:
        self.species, self.models, self.n, self._most = Places(), Places(), 0, most
        self._counts = np.zeros(0, np.int64)
        self._blocks: list[Rows] = []
        self._n_held = 0

    def add(self, file: int, detections: Iterable[Detection]) -> None:
        """Add some of a file's detections."""
        rows = [
            (
                file,
                self.species[one.scientific_name, one.common_name],
                self.models[(one.model,)],
                one.channel,
                one.start_s,
                one.end_s,
                one.confidence,
            )
            for one in detections
        ]
        block = np.array(rows, ROW)
        self.n += len(block)
        counts = np.bincount(block["species"], minlength=len(self.species))
        counts[: len(self._counts)] += self._counts
        self._counts = counts
        self._blocks.append(block)
        self._n_held += len(block)
        if self._n_held >= 2 * self._most:
            self.rows()

    def rows(self) -> Rows:
        """Return the best so far: [n] of `ROW`. Of equal ones the first stay."""
        rows = np.concatenate([np.zeros(0, ROW), *self._blocks])
        if len(rows) > self._most:
            best = np.argsort(-rows["confidence"], kind="stable")[: self._most]
            rows = rows[np.sort(best)]
        self._blocks, self._n_held = [rows], len(rows)
        return rows

    def renumber(self) -> Int64:
        """Give the files of the best rows the numbers 0, 1, ...; return which they were: int64 [n_files]."""
        rows = self.rows()
        were, rows["file"] = np.unique(rows["file"], return_inverse=True)
        return were.astype(np.int64)

    def counts(self) -> Int64:
        """Return how many of each species were added: int64 [n_species]."""
        return self._counts
