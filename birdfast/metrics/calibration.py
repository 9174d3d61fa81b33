"""Calibration: whether of what is said with a confidence of 0.8, 80 % is so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..arrays import Bools, Floats


def calibration_error(confidence: Floats, correct: Bools, n_bins: int = 15) -> float:
    """Return the expected calibration error: how far confidences are from the share that is right.

    Of bins of equal width the mean of |share that is correct - mean confidence|, weighted by what is in them
    (Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3).

    Parameters
    ----------
    confidence : float [n], 0..1
        Of each window's most confident class.
    correct : bool [n]
        Whether that class is there.
    n_bins : int
        A bin has its upper bound, and not its lower.

    Returns
    -------
    float
        NaN of no windows.
    """
    return error_of([reliability(confidence, correct, n_bins)])


def reliability(confidence: Floats, correct: Bools, n_bins: int = 15) -> dict[str, list[float]]:
    """Return what is in each bin: `n`, the `sum` of confidences, `n_correct`; arguments as there."""
    bins = np.ceil(confidence * float(n_bins)).clip(1, n_bins).astype(int) - 1
    sums = np.bincount(bins, confidence, n_bins).tolist()
    return {
        "n": np.bincount(bins, minlength=n_bins).tolist(),
        "sum": sums,
        "n_correct": np.bincount(bins[correct], minlength=n_bins).tolist(),
    }


def error_of(tables: Sequence[Mapping[str, Sequence[float]]]) -> float:
    """Return the calibration error of several tests together, by their `reliability`."""
    n, sums, right = (np.sum([table[key] for table in tables], axis=0) for key in ("n", "sum", "n_correct"))
    return float(np.abs(right - sums).sum() / n.sum()) if n.sum() else float("nan")
