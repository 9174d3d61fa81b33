"""Resizing as scikit-image does it: a matrix for each axis of a picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Float32

Places = npt.NDArray[np.integer[Any]]
REACH = 4  # of the Gaussian, in deviations, as scipy.ndimage cuts it


def as_skimage(n: int, m: int, antialias: bool) -> Float32:
    """Return the matrix [m, n] that makes m values of n as ``skimage.transform.resize(order=1)`` does.

    Where they become fewer, a Gaussian of the deviation (n / m - 1) / 2 comes first; then lines between what
    it leaves. What lies outside is mirrored at the outermost values.
    """
    places = (np.arange(m) + 0.5) * (n / m) - 0.5
    below = np.floor(places).astype(int)
    lines = _sum(m, n, [(below, 1 - (places - below)), (below + 1, places - below)])
    deviation = (n / m - 1) / 2
    if not antialias or deviation <= 0:
        return lines.astype(np.float32)
    reach = int(REACH * deviation + 0.5)
    steps = np.arange(-reach, reach + 1)
    bell = np.exp(-0.5 * (steps / deviation) ** 2)
    smooth = _sum(
        n, n, [(np.arange(n) + step, one) for step, one in zip(steps, bell / bell.sum(), strict=True)]
    )
    return (lines @ smooth).astype(np.float32)


def _sum(m: int, n: int, terms: list[tuple[Places, Any]]) -> npt.NDArray[np.float64]:
    """Return the matrix [m, n] of sums of values at places, each with its weights."""
    matrix = np.zeros((m, n))
    period = max(1, 2 * (n - 1))
    for places, weights in terms:
        folded = np.abs(places) % period
        np.add.at(matrix, (np.arange(m), np.minimum(folded, period - folded) % n), weights)
    return matrix
