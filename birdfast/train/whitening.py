"""Whitening: the directions in which patches differ most, each scaled to the same spread (PCA)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..arrays import Float32
from ..errors import ConfigError

LARGEST = 1e12  # of a value: float32 holds the sums of many such squares
LEAST_SHARE = 1e-9  # of the largest variance: what lies below is rounding


def fit(parts: Iterable[Float32], n_components: int) -> tuple[Float32, Float32]:
    """Return the mean and the projection of a whitening.

    Parameters
    ----------
    parts : iterable of float32 [n, n_values]
        Looked at one at a time; only sums are kept, in float64.
    n_components : int

    Returns
    -------
    mean : float32 [n_values]
    projection : float32 [at most n_components, n_values]
        Fewer rows where the data do not differ in so many directions; at least one.

    Raises
    ------
    ConfigError
        There is no data, or its products overflow.
    """
    count, total, products = 0, np.zeros(0), np.zeros((0, 0))
    for part in parts:
        if count == 0:
            total, products = np.zeros(part.shape[1]), np.zeros((part.shape[1],) * 2)
        count += len(part)
        total += part.sum(axis=0, dtype=np.float64)
        wide = part.astype(np.float64) if np.abs(part).max(initial=0) > LARGEST else part
        products += wide.T @ wide
    if count == 0:
        raise ConfigError("no frames to learn from: the recordings are all shorter than one")
    if not np.isfinite(products).all():
        raise ConfigError("frames: some have values that are not finite; leave them out")
    mean = total / count
    variances, directions = np.linalg.eigh(products / count - np.outer(mean, mean))
    order = np.argsort(-variances)[:n_components]
    kept = order[variances[order] > max(variances.max() * LEAST_SHARE, 0)]
    kept = kept if len(kept) else order[:1]
    spread = np.sqrt(np.maximum(variances[kept], 1e-12))
    # An eigenvector's sign is arbitrary: the largest value is positive, so that a seed repeats everywhere.
    rows = directions[:, kept].T
    signs = np.sign(rows[np.arange(len(rows)), np.abs(rows).argmax(axis=1)])
    rows = rows * (signs / spread)[:, np.newaxis]
    return mean.astype(np.float32), np.ascontiguousarray(rows, np.float32)
