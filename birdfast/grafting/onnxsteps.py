"""Learning what a piece does to each number by itself, by what it makes of some numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..arrays import Array, Float64
from ..frontends.tables import STEPS, Step
from .onnxlayout import Laid, Layout

NEAR = 1e-6
LARGE = 1e6
LARGEST_ROOT = 1e18  # its square is a float32
SLOPE = 1024.0  # far enough from 0 that a slope has all its digits
SIZES = np.float32(10.0) ** np.arange(-12, 7, dtype=np.float32)
BEYOND = np.float32(10.0) ** np.arange(6, 19, dtype=np.float32)  # as the power of int16 as floats
NUMBERS = np.concatenate([[0.0, 1.0, 2.0, SLOPE, -LARGE], SIZES, -SIZES]).astype(np.float32)


def learn(piece: Laid, source: str, layout: Layout) -> tuple[Step, ...] | None:
    """Read off which steps a piece is.

    Parameters
    ----------
    piece : Laid
        From one tensor to another of the same frames and values.
    source : str
    layout : Layout
        Of what it takes.

    Returns
    -------
    tuple of (str, float), or None
        () where nothing changes; None where it does more than `frontends.tables.STEPS` say, or not the same
        to all numbers.
    """
    shape, rng = (layout.frames, layout.values), np.random.default_rng(8)
    pictures = [np.resize(rng.permuted(some), shape) for some in (NUMBERS, NUMBERS[::3], BEYOND)]
    if pictures[0].size < len(NUMBERS):
        return None
    found = [piece({source: picture}).astype(np.float64) for picture in pictures]
    asked, places = np.unique(pictures[0], return_index=True)
    made = dict(zip(asked.tolist(), found[0].flat[places].tolist(), strict=True))
    for steps, holds in _guesses(made):
        if all(_are(steps, holds, *pair) for pair in zip(pictures, found, strict=True)):
            return steps
    return None


def _are(steps: tuple[Step, ...], holds: Callable[[Array], Array], given: Array, found: Array) -> bool:
    """Whether steps make of a picture what is found, wherever that has to hold: whatever else is in it."""
    where = holds(given)
    with np.errstate(all="ignore"):
        return np.allclose(found[where], _computed(steps, given[where].astype(np.float64)), NEAR, 0)


def _guesses(made: dict[float, float]) -> list[tuple[tuple[Step, ...], Callable[[Array], Array]]]:
    """Return steps that some numbers may have been through, and for which numbers they have to hold."""
    slope = (made[SLOPE] - made[0.0]) / SLOPE
    slope = 1.0 if abs(slope - 1) < NEAR else slope if made[0.0] else made[1.0]
    least, exponent = made[-LARGE], np.log2(made[2.0] / made[1.0]) if made[1.0] * made[2.0] > 0 else 0.0
    above = np.float32(0).__lt__
    plain: list[tuple[tuple[Step, ...], Callable[[Array], Array]]] = [
        (
            simplified([("multiply", slope), ("add", made[0.0])]),
            lambda x: np.abs(slope * x + made[0.0]) > 0.1 * np.abs(slope * x),  # no digits are lost
        ),
        ((("maximum", least),), np.isfinite),
        ((("log", 0.0),), above),
        ((("abs", 0.0),), np.isfinite),
        ((("square", 0.0),), lambda x: np.abs(x) < LARGEST_ROOT),
        ((("sqrt", 0.0),), above),
        ((("power", float(np.float32(exponent))),), above),
    ]
    return [(steps, holds) for steps, holds in plain if all(np.isfinite(value) for _, value in steps)]


def _computed(steps: Sequence[Step], values: Float64) -> Float64:
    computed = values
    for name, value in steps:
        computed = np.asarray(STEPS[name](computed, value), np.float64)
    return computed


def simplified(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Return the same steps, products and sums behind one another made one of each."""
    found: list[Step] = []
    scale, shift = 1.0, 0.0
    for name, value in [*steps, ("", 0.0)]:
        if name == "multiply":
            scale, shift = scale * value, shift * value
        elif name == "add":
            shift += value
        else:
            found += [("multiply", scale)] if scale != 1 else []
            found += [("add", shift)] if shift else []
            scale, shift = 1.0, 0.0
            found += [(name, value)] if name else []
    return tuple(found)


def without_product(steps: tuple[Step, ...]) -> tuple[float, tuple[Step, ...]]:
    """Return what steps begin with by multiplying, 1 where they do not, and the others."""
    first = steps[0] if steps else ("", 0.0)
    return (first[1], steps[1:]) if first[0] == "multiply" and first[1] > 0 else (1.0, steps)
