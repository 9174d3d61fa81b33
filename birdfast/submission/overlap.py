"""Overlap: from windows, of whatever length and step, to rows of five seconds."""

from __future__ import annotations

import math

import numpy as np

from ..arrays import Bools, Float32, Float64

ROW_S = 5
BY = ("mean", "max")
TOUCHING_S = 1e-6  # less is a rounding of where windows begin
LEAST_S = 1.0  # of sound in a last row: a file of 60.02 s has twelve


def n_rows(sound_s: float) -> int:
    """Return how many rows sound of a length fills: a last one has a second of it or more."""
    whole, rest = divmod(max(0.0, sound_s) + TOUCHING_S, ROW_S)
    return math.floor(whole) + (rest >= LEAST_S)


class Overlap:
    """Scores of a file's windows, gathered in rows.

    Parameters
    ----------
    n_rows, n_classes : int
    by : "mean" or "max"
        What a row has of the windows that share sound with it: their highest score, or their mean, each
        weighted by the seconds that they share. Of shifted grids that is the mean of the grids' own means
        wherever each covers the row; in a file's first row, a part of which lies before a shifted grid
        begins, that grid counts by what it covers. So it is in the last row, where grids end in it.
    """

    def __init__(self, n_rows: int, n_classes: int, by: str = "mean") -> None:
        self._is_max = by == "max"
        self._values = np.full((n_rows, n_classes), -np.inf if self._is_max else 0.0)
        self._shared_s = np.zeros(n_rows)

    def add(self, start_s: Float64, end_s: Float64, scores: Float32) -> None:
        """Take windows: where they begin and end, float64 [n], and their scores, float32 [n, n_classes].

        A window with a score that is no finite number tells nothing.
        """
        told = np.isfinite(scores).all(axis=1)
        start_s, end_s, scores = start_s[told], end_s[told], scores[told]
        first = np.floor(start_s / ROW_S).astype(np.int64)
        reach = int(np.ceil(np.max(end_s / ROW_S - first, initial=0)))
        for row in (first + offset for offset in range(reach)):
            shared_s = np.minimum(end_s, (row + 1) * ROW_S) - np.maximum(start_s, row * ROW_S)
            does = (shared_s > TOUCHING_S) & (row >= 0) & (row < len(self._values))
            where, weight = row[does], shared_s[does]
            np.add.at(self._shared_s, where, weight)
            if self._is_max:
                np.maximum.at(self._values, where, scores[does])
            else:
                np.add.at(self._values, where, weight[:, None] * scores[does])

    def rows(self) -> tuple[Float32, Bools]:
        """Return the rows, float32 [n_rows, n_classes], and which of them any window told of, bool [n_rows].

        The others are no numbers.
        """
        heard = self._shared_s > 0
        found = np.full(self._values.shape, np.nan, np.float32)
        weight = np.ones(len(heard)) if self._is_max else self._shared_s
        found[heard] = self._values[heard] / weight[heard, None]
        return found, heard
