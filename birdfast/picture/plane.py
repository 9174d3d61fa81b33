"""Points of many dimensions on a plane."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from .. import memory
from ..arrays import Float32, Float64
from ..config import choice
from ..errors import ConfigError
from ..words import extra_hint

By = Literal["pca", "tsne"]


def flat(points: Float32, by: By = "pca") -> Float64:
    """Return points on a plane, near each other where they point the same way: float64 [n, 2].

    Parameters
    ----------
    points : float32 [n, dim]
        Their lengths say nothing: those of a skip-gram grow with how often a token is met.
    by : "pca" or "tsne"
        Principal components, or t-SNE (van der Maaten and Hinton 2008), which keeps neighbours and nothing
        else. Both come to the same each time.

    Raises
    ------
    ConfigError
        There is no such way, or scikit-learn is missing for t-SNE.
    """
    choice("by", by, get_args(By))
    length = np.linalg.norm(points.astype(np.float64), axis=1, keepdims=True)
    directions = points / np.where(length > 0, length, 1)
    return _components(directions) if by == "pca" or len(points) < 3 else _tsne(directions)


def _components(points: Float64) -> Float64:
    if len(points) == 0:
        return np.zeros((0, 2))
    centred = points - points.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, :2]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])  # either sign fits
    found: Float64 = centred @ axes
    return np.pad(found, ((0, 0), (0, 2 - found.shape[1])))


def _tsne(points: Float64) -> Float64:
    try:
        memory.load_algebra()
        from sklearn.manifold import TSNE
    except ImportError as error:
        raise ConfigError(f"t-SNE needs scikit-learn: {extra_hint('train')}") from error
    neighbours = min(30.0, (len(points) - 1) / 3)
    start = _components(points)
    start *= 1e-4 / max(float(start[:, 0].std()), 1e-12)
    found: Float64 = TSNE(perplexity=neighbours, init=start.astype(np.float32), random_state=0).fit_transform(
        points.astype(np.float32)
    )
    return found.astype(np.float64)
