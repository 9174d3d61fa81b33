"""Blending: several models' scores of the same rows become one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from ..arrays import Bools, Float32, Float64, Floats, Int64

BLENDS = ("mean", "rank", "logit")
NEUTRAL = 0.5  # a percentile of what nobody heard: beside those of others a confidence says nothing
SMALLEST = 1e-7  # of a confidence and of what it lacks to 1, so that its logit is a number


class Share(NamedTuple):
    """What one model says of a file's rows.

    Attributes
    ----------
    weight : float
    known : int64 [n_known]
        Its columns' places among all.
    values : float [n_rows, n_known]
        No number: it did not hear that row.
    """

    weight: float
    known: Int64
    values: Floats


def blended(shares: Iterable[Share], by: str, prior: Float32, n_rows: int) -> tuple[Float32, Bools]:
    """Return the models' weighted mean of each value, of those models that know its column and heard its row.

    Parameters
    ----------
    shares : iterable of Share
    by : "mean", "rank" or "logit"
        The mean of the values (of "rank" they are `percentiles`), or of their logits, as a confidence again.
    prior : float32 [n_classes]
        What stands where no model tells.
    n_rows : int

    Returns
    -------
    values : float32 [n_rows, n_classes]
    told : bool [n_rows, n_classes]
        Where a model tells.
    """
    total, weights = np.zeros((2, n_rows, len(prior)))
    for share in shares:
        values = np.asarray(share.values, np.float64)
        heard = np.isfinite(values)
        values = np.where(heard, values, 0.5)
        total[:, share.known] += share.weight * heard * (logit(values) if by == "logit" else values)
        weights[:, share.known] += share.weight * heard
    told = weights > 0
    mean = np.divide(total, weights, out=np.zeros_like(total), where=told)
    if by == "logit":
        mean = 1 / (1 + np.exp(-mean))
    return np.where(told, mean, prior).astype(np.float32), told


def logit(values: Float64) -> Float64:
    """Return log(p / (1 - p)) of confidences, of which none is 0 or 1 by more than `SMALLEST`."""
    clipped = np.clip(values, SMALLEST, 1 - SMALLEST)
    found: Float64 = np.log(clipped / (1 - clipped))
    return found


def percentiles(values: Float32) -> Float32:
    """Return each value's rank among all, over their number: float32 [n] to float32 [n], in (0, 1].

    The rank of equals is their mean one, as pandas' `rank(pct=True)` has it. What is no number stays so, and
    does not count.
    """
    found = np.full(len(values), np.nan, np.float32)
    told = np.isfinite(values)
    _, inverse, n_equal = np.unique(values[told], return_inverse=True, return_counts=True)
    if len(n_equal):
        last = np.cumsum(n_equal)
        found[told] = ((last - (n_equal - 1) / 2) / last[-1])[inverse]
    return found
