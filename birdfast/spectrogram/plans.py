"""Plans of short-time Fourier transforms: what they are made of, checked; the compiled core makes the tables.

Lengths are products of 2, 3 and 5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Float32
from ..config import LARGEST, whole
from ..errors import ConfigError

MIN_LENGTH = 16
MAX_LENGTH = 65536


@dataclass(frozen=True, eq=False)
class FrameTransform:
    """A windowed frame to what is kept of its spectrum: made by `frame_transform`."""

    n_fft: int
    window: Float32
    part: str
    last_bin: int | None
    exact: bool = False


def frame_transform(
    n_fft: int,
    window: NDArray[np.floating],
    part: str = "power",
    last_bin: int | None = None,
    *,
    exact: bool = False,
) -> FrameTransform:
    """Return the spectrum of frames of `len(window)` samples, times the window, zeros behind.

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
        None is the highest that a band has a weight for, or n_fft // 2.
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
    last_bin = None if last_bin is None else min(last_bin, n_fft // 2)
    return FrameTransform(n_fft, window32, part, last_bin, exact)


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
