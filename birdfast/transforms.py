"""Transforms: the tables from which the compiled kernels make them, of sound's frames and of its blocks.

A table is made once, in float64, and handed over as float32 (float64 where the transform is exact) and int32;
csrc/birdfast.h says what each holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from .arrays import Float32, Int32
from .errors import ConfigError

Real = NDArray[np.float32] | NDArray[np.float64]  # float64 where the transform is exact


@dataclass(frozen=True, eq=False)
class RealFft:
    """One real transform of `n` points: a leaf length, then the radices that multiply it up."""

    n: int
    leaf: int
    radices: tuple[int, ...]
    twiddles: Real
    rows: Int32
    mirror_rows: Int32 | None
    window: Float32
    rotation: Real | None


@dataclass(frozen=True, eq=False)
class Folds:
    """Bins of a Hartley transform to which others are added, weighed: [n] each."""

    bins: Int32
    folded: Int32
    weights: Float32


def real_fft(
    n: int, rows: NDArray[np.integer] | None = None, weights: Float32 | None = None, real: type = np.float32
) -> RealFft:
    """Return the tables of a Fourier transform of real points, or of a Hartley transform: they are the same.

    Parameters
    ----------
    n : int
        Points; a product of 2, 3, 5 and 7.
    rows : int [n] or None
        Point i is frame[rows[i]]; None takes frame[i].
    weights : float32 [n] or None
        What point i is multiplied with; None leaves it as it is.
    real : type
        In which it computes: float32, or float64 for an exact one.
    """
    leaf, radices = factors(n)
    order = leaf_order(n, radices)
    rows32 = (order if rows is None else rows[order]).astype(np.int32)
    window = np.ones(n, np.float32) if weights is None else weights[order]
    return RealFft(n, leaf, radices, twiddles(leaf, radices, real), rows32, None, window, None)


@cache
def factors(n: int) -> tuple[int, tuple[int, ...]]:
    """Return leaf length and radices for n points; the same on every CPU, so that the bits are."""
    odd, twos = n, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    odd_radices = _odd_factors(odd)
    if twos == 0:
        return odd_radices[0], tuple(odd_radices[1:])
    for leaf_twos in (4, 3, 2, 1):
        left = twos - leaf_twos
        if left >= 2 or (left == 0 and odd_radices):
            return 2**leaf_twos, (*odd_radices, *_even_radices(left))
    raise ConfigError(f"an FFT of {n} points is too short")


def _odd_factors(n: int) -> list[int]:
    found = []
    for prime in (3, 5, 7):
        while n % prime == 0:
            n //= prime
            found.append(prime)
    return found


def _even_radices(twos: int) -> list[int]:
    """Return radices 8 and 4 with 2 ** twos as their product (twos is not 1)."""
    fours = -twos % 3
    return [8] * ((twos - 2 * fours) // 3) + [4] * fours


def leaf_order(n: int, radices: tuple[int, ...]) -> NDArray[np.intp]:
    """Return the order in which a decimation in time takes its n points."""
    order = np.arange(n)[np.newaxis]
    for radix in reversed(radices):
        order = np.concatenate([block.reshape(-1, radix).T for block in order])
    return order.reshape(-1)


def twiddles(leaf: int, radices: tuple[int, ...], real: type) -> Real:
    """Return the factors of all passes, cosine and sine by turns, of the type `real`."""
    tables, points = [np.empty(0)], leaf
    for radix in radices:
        k = np.arange(1, (points - 1) // 2 + 1)[:, np.newaxis]
        angle = 2 * np.pi * k * np.arange(1, radix) / (points * radix)
        tables.insert(0, np.stack([np.cos(angle), np.sin(angle)], -1).reshape(-1))
        points *= radix
    factors_of_all: Real = np.concatenate(tables).astype(real)
    return factors_of_all
