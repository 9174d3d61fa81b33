"""Standardized: a head from embeddings as a network gives them, whose values differ by orders of size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arrays import Bools, Float32, Float64
from ..classifier import Classifier, Layer
from . import head, scaling
from .headrecipe import NetworkHead

FLAT = 1e-6  # of a value: what changes less is rounding, and tells nothing
LEAD = 5.0
SOME_ROWS = 4096  # that are looked at in float64 at a time


def fit(
    values: Float32,
    targets: Bools,
    exclusive: bool,
    choice: NetworkHead,
    seed: int,
    sizes: Sequence[int] = (),
) -> list[Layer]:
    """Train a head on embeddings as a network gives them.

    A value's mean and deviation over all windows are taken from it, and that goes into the first layer: who
    runs the head has not to know of it.

    Parameters
    ----------
    values : float32 [n, n_values]
    targets : bool [n, n_classes]
    exclusive, choice, seed
        See `head.fit`.
    sizes : sequence of int
        How many of the values are of each network; () is one network's.

    Returns
    -------
    list of Layer

    Raises
    ------
    ConfigError
        As `head.fit`.
    """
    mean, share = factors(values)
    share *= lengths(sizes or (values.shape[1],), choice.leading)
    scaled: Float32 = (values - mean.astype(np.float32)) * share.astype(np.float32)
    weight = head.balance(targets) if choice.balanced else None
    if choice.kind == "ridge":
        layers = [
            _as_logits(head.ridge(scaled, targets, choice.strength, weight), scaled, targets, exclusive)
        ]
    else:
        layers = head.fit(scaled, targets, exclusive, choice, seed, weight)
    first, *others = layers
    wide = first.weight.astype(np.float64) * share
    bias = first.bias - wide @ mean.astype(np.float32)
    return [Layer(wide.astype(np.float32), bias.astype(np.float32)), *others]


def _as_logits(layer: Layer, values: Float32, targets: Bools, exclusive: bool) -> Layer:
    """Return a layer of which activations make confidences: the one that fits the windows it has heard."""
    there, logits = targets.any(axis=0), Classifier([layer]).logits(values)
    found = scaling.fit(logits, targets, exclusive, np.broadcast_to(there, targets.shape)).within(layer)
    return Layer(found.weight, np.where(there, found.bias, np.float32(head.NEVER)))


def factors(values: Float32) -> tuple[Float64, Float64]:
    """Return the mean of values [n, n_values], and the factors that make their deviation 1: float64.

    The factor of a value that never changes is 0.
    """
    n, n_values = values.shape
    total, squares = np.zeros(n_values), np.zeros(n_values)
    for first in range(0, n, SOME_ROWS):
        total += values[first : first + SOME_ROWS].sum(axis=0, dtype=np.float64)
    mean = (total / n).astype(np.float32).astype(np.float64)
    for first in range(0, n, SOME_ROWS):
        squares += np.square(values[first : first + SOME_ROWS] - mean).sum(axis=0)
    deviation = np.sqrt(squares / n)
    changes = deviation > FLAT * np.abs(mean)
    return mean, np.divide(1, deviation, out=np.zeros(n_values), where=changes)


def lengths(sizes: Sequence[int], leading: int) -> Float64:
    """Return the deviations of values that make rows of about length 1: float64 [n_values].

    Parameters
    ----------
    sizes : sequence of int
        How many values each network has: however many, its part of a row is as long as the others'.
    leading : int
        But for this one's, from 1, which is `LEAD` times as long; 0 is none's.
    """
    amounts = np.ones(len(sizes))
    if leading:
        amounts[leading - 1] = LEAD
    amounts /= np.linalg.norm(amounts)
    return np.repeat(amounts / np.sqrt(sizes), sizes)
