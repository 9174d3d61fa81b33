"""Thresholds: from which confidence on a class is written, for a wanted precision."""

from __future__ import annotations

import numpy as np

from ..arrays import Bools, Float32


def threshold(confidence: Float32, truth: Bools, precision: float) -> np.float32:
    """Return the least confidence of a class with which a wanted precision is reached.

    Of all windows, the most confident first, as many are let in as leave a share of `precision` true, the
    last one of them a true one: what is false is not let in for nothing. The threshold lies halfway between
    that one and the next, so that of a few known ones the least sure is not the measure. Where a precision is
    never reached, as the surest are false, it lies above all that are false. With fewer than 9 true windows
    no false one is let in at 0.9. A higher precision never lowers it.

    Parameters
    ----------
    confidence : float32 [n], 0..1
    truth : bool [n]
    precision : float, above 0, at most 1

    Returns
    -------
    float32
        0 to just above 1, which no confidence reaches; 1 of no windows.
    """
    if not len(confidence):
        return np.float32(1)
    order = np.argsort(-confidence, kind="stable")
    confidence, truth = confidence[order], truth[order]
    ends = np.flatnonzero(np.append(confidence[1:] != confidence[:-1], True))  # equals are not parted
    n_true = np.cumsum(truth)[ends]
    reached = (np.diff(n_true, prepend=0) > 0) & (n_true / (ends + 1) >= precision)
    if not reached.any():
        return np.float32(np.nextafter(confidence[~truth].max(), np.float32(2)))
    end = ends[reached][-1]
    last, below = confidence[end], np.append(confidence, np.float32(0))[end + 1]
    halfway = max((last + below) / 2, np.nextafter(below, np.float32(1)))  # which may round to what is below
    return np.float32(min(last, halfway))
