"""Plans of short-time Fourier transforms: the tables that the compiled kernels work from.

A plan is made once, in float64, and handed over as float32 (float64 where the transform is exact) and
int32; csrc/birdfast.h says what each table holds. Lengths are products of 2, 3 and 5.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..arrays import Float32, Int32
from ..config import LARGEST, whole
from ..errors import ConfigError
from ..transforms import Real, RealFft, factors, leaf_order, real_fft, twiddles

MIN_LENGTH = 16
MAX_LENGTH = 65536
CORE_POINTS = 8


@dataclass(frozen=True, eq=False)
class CosineCore:
    """The dense DCT-I that the cosine transform of a symmetrically windowed frame starts from."""

    rows: Int32
    mirror_rows: Int32
    window: Float32
    matrix: Real


@dataclass(frozen=True, eq=False)
class FrameTransform:
    """A windowed frame to what is kept of its spectrum: made by `frame_transform`."""

    n_fft: int
    frame_samples: int
    part: str
    last_bin: int
    transforms: tuple[RealFft, ...]
    core: CosineCore | None
    exact: bool = False


@dataclass(frozen=True, eq=False)
class Bands:
    """Weighted sums of bins, as the kernels take them: of every row its stretch between zeros.

    `first_bins` int32 [bands], `splits` int32 [bands + 1] into `weights` float32.
    """

    first_bins: Int32
    splits: Int32
    weights: Float32 = field(repr=False)

    @classmethod
    def pack(cls, matrix: NDArray[np.floating]) -> Bands:
        """Pack a dense matrix [bands, bins]; rows of zeros become empty bands."""
        matrix = np.asarray(matrix, np.float32)
        first_bins, stretches = [], []
        for row in matrix:
            used = np.flatnonzero(row)
            first, end = (used[0], used[-1] + 1) if used.size else (0, 0)
            first_bins.append(first)
            stretches.append(row[first:end])
        splits = np.cumsum([0, *(s.size for s in stretches)])
        weights = np.concatenate([np.empty(0, np.float32), *stretches])
        return cls(np.array(first_bins, np.int32), splits.astype(np.int32), weights)

    @property
    def last_bin(self) -> int:
        """The highest bin with a weight (0 when there is none)."""
        counts = np.diff(self.splits)
        return int(np.max((self.first_bins + counts - 1)[counts > 0], initial=0))


def frame_transform(
    n_fft: int,
    window: NDArray[np.floating],
    part: str = "power",
    last_bin: int | None = None,
    *,
    exact: bool = False,
) -> FrameTransform:
    """Return tables for the spectrum of frames of `len(window)` samples, times the window, zeros behind.

    The real part of a frame under a window with w[n] = w[n_fft - n] needs half the work: there the
    frame is folded and goes through a cosine transform.

    Parameters
    ----------
    n_fft : int
        Points of the transform: 16 to 65,536, a product of 2, 3 and 5.
    window : float [frame_samples]
        At most `n_fft` values; made in float64, rounded once here.
    part : "power", "magnitude", "real" or "complex"
    last_bin : int or None
        The highest bin that is kept; what is above is left out, and some of the time for it saved.
        None is n_fft // 2.
    exact : bool
        Transform in double, of products of frame and window rounded to float32 first.

    Raises
    ------
    ConfigError
        A length that cannot be, or a window that is longer.
    """
    check_length(n_fft)
    window32 = np.ascontiguousarray(window, dtype=np.float32)
    if not 1 <= window32.size <= n_fft:
        raise ConfigError(f"a window of {window32.size} samples does not fit an FFT of {n_fft}")
    last_bin = n_fft // 2 if last_bin is None else min(last_bin, n_fft // 2)
    real = np.float64 if exact else np.float32
    if part == "real" and _folds(n_fft, window32, exact):
        transforms = _cosine_transforms(n_fft, window32, real)
        core: CosineCore | None = _cosine_core(n_fft, window32, real)
    else:
        transforms, core = (_plain_transform(n_fft, window32, real),), None
    return FrameTransform(n_fft, window32.size, part, last_bin, transforms, core, exact)


def check_length(n_fft: int) -> None:
    """Raise ConfigError unless `n_fft` is a length that `frame_transform` knows."""
    whole("n_fft", n_fft, -LARGEST)
    if not MIN_LENGTH <= n_fft <= MAX_LENGTH:
        raise ConfigError(f"an FFT of {n_fft} points: {MIN_LENGTH} to {MAX_LENGTH} are possible")
    rest = n_fft
    for prime in (2, 3, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        raise ConfigError(f"an FFT of {n_fft} points: only products of 2, 3 and 5 are possible")


def _plain_transform(n_fft: int, window: Float32, real: type) -> RealFft:
    points = np.arange(n_fft)
    rows = np.where(points < window.size, points, 0)  # behind the window it is some sample, times 0
    return real_fft(n_fft, rows, np.pad(window, (0, n_fft - window.size)), real)


def _folds(n_fft: int, window: Float32, exact: bool) -> bool:
    power_of_two = n_fft & (n_fft - 1) == 0
    whole = window.size == n_fft >= 4 * CORE_POINTS
    # Equal up to the rounding of whoever computed the window, or where that would show, to the bit.
    tolerance = 0 if exact else 1e-7
    return power_of_two and whole and np.allclose(window[1:], window[:0:-1], rtol=0, atol=tolerance)


def _cosine_core(n_fft: int, window: Float32, real: type) -> CosineCore:
    points = np.arange(CORE_POINTS + 1)
    rows = (points * (n_fft // 2 // CORE_POINTS)).astype(np.int32)
    mirror_rows = ((n_fft - rows) % n_fft).astype(np.int32)
    # The first and the last point have no mirror image: twice the same, times half the weight.
    weights = np.where(mirror_rows == rows, window[rows] / 2, window[rows])
    matrix = np.cos(np.pi * np.outer(points, points) / CORE_POINTS)
    return CosineCore(rows, mirror_rows, weights.astype(np.float32), matrix.astype(real))


def _cosine_transforms(n_fft: int, window: Float32, real: type) -> tuple[RealFft, ...]:
    """Return the transforms that double the core: of CORE_POINTS, twice as many, ..., n_fft / 4 points."""
    doublings = range((n_fft // 4 // CORE_POINTS).bit_length())
    return tuple(_odd_points_transform(n_fft, window, CORE_POINTS << i, real) for i in doublings)


def _odd_points_transform(n_fft: int, window: Float32, n: int, real: type) -> RealFft:
    """Return the DCT-II of every other one of 2n folded points, by a Fourier transform of n points.

    The order is Makhoul's: every other point upwards, then those between downwards.
    """
    leaf, radices = factors(n)
    spacing = n_fft // 4 // n
    makhoul = np.concatenate([np.arange(0, n, 2), np.arange(1, n, 2)[::-1]])
    rows = (spacing * (2 * makhoul + 1))[leaf_order(n, radices)].astype(np.int32)
    angle = np.pi * np.arange(1, n // 2 + 1) / (2 * n)
    rotation: Real = np.stack([np.cos(angle), np.sin(angle)], -1).astype(real).reshape(-1)
    mirror_rows = (n_fft - rows).astype(np.int32)
    return RealFft(n, leaf, radices, twiddles(leaf, radices, real), rows, mirror_rows, window[rows], rotation)
