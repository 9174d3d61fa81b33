"""Another rate as birdnet 1.3.1 makes it: each window by itself, in one transform, as if it went round.

There for comparisons. A window's two ends meet in it, so where they differ they ring, and its samples depend
on where the windows lie.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]


def window_samples(length_s: float, rate_hz: int) -> int:
    """Return how many samples of a file birdnet takes for a window (`duration_as_samples`)."""
    return round(length_s * rate_hz)


def resample(window: Samples, from_hz: int, to_hz: int) -> Samples:
    """Return one window, or what the recording has of its last one, at another rate.

    Parameters
    ----------
    window : float32 [n]
        Mono: birdnet averages channels as float32, before.
    from_hz, to_hz : int

    Returns
    -------
    float32 [round(n / from_hz * to_hz)]
        A last window is padded with zeros only after this.

    Notes
    -----
    birdnet's `resample_array_by_sr`: `scipy.signal.resample`, of a Fourier transform in float32 the bins that
    both rates have. The bin at the lower Nyquist frequency, if there is one, is doubled on the way down and
    halved on the way up.
    """
    n_in, n_out = len(window), round(len(window) / from_hz * to_hz)
    if from_hz == to_hz or n_out == 0:
        return window[:n_out]
    least = min(n_in, n_out)
    bins = np.fft.rfft(window)[: least // 2 + 1]
    if least % 2 == 0 and n_in != n_out:
        bins[least // 2] *= 2 if n_out < n_in else 0.5
    resampled: Samples = np.fft.irfft(bins / np.float32(n_in / n_out), n_out).astype(np.float32, copy=False)
    return resampled
