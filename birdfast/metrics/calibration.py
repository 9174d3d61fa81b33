"""Calibration: whether of what is said with a confidence of 0.8, 80 % is so."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..arrays import Array, Bools, Float64, Floats


class Reliability(NamedTuple):
    """Bins of equal width from 0 to 1: how many fell in, their mean confidence, the share that is so."""

    n: Array
    confidence: Float64
    correct: Float64

    @property
    def error(self) -> float:
        """The expected calibration error: the mean gap of the two, weighted by number."""
        there = self.n > 0
        if not there.any():
            return float("nan")
        return float(np.average(np.abs(self.confidence - self.correct)[there], weights=self.n[there]))


def reliability(confidence: Floats, correct: Bools, n_bins: int = 15) -> Reliability:
    """Return how often what has a confidence is so, by bins of it.

    Parameters
    ----------
    confidence : float [n], 0 to 1
    correct : bool [n]
    n_bins : int
        A bin has its upper edge, the first one both.

    Returns
    -------
    Reliability
        With NaN in empty bins.
    """
    place = np.clip(np.ceil(confidence.astype(np.float64) * n_bins).astype(int) - 1, 0, n_bins - 1)
    n = np.bincount(place, minlength=n_bins)
    sums = (np.bincount(place, some, n_bins) for some in (confidence, correct))
    means = (np.divide(some, n, out=np.full(n_bins, np.nan), where=n > 0) for some in sums)
    return Reliability(n, *means)


def calibration_error(confidence: Floats, correct: Bools, n_bins: int = 15) -> float:
    """Return the expected calibration error (Guo et al. 2017, equation 5).

    Parameters
    ----------
    confidence : float [n], 0 to 1
    correct : bool [n]
    n_bins : int
        Bins of equal width.

    Returns
    -------
    float
        0 to 1; NaN when there is nothing.
    """
    return reliability(confidence, correct, n_bins).error
