"""Bands of spectra whose length the kernels have not: NumPy's transform, which takes any."""

from __future__ import annotations

import numpy as np

from ..arrays import Float32, Float64
from ..errors import ConfigError
from ..spectrogram import Framing, Log, plans


def needed(n_fft: int) -> bool:
    """Whether the kernels have no transform of a length that there could be."""
    if not plans.MIN_LENGTH <= n_fft <= plans.MAX_LENGTH:
        return False
    try:
        plans.check_length(n_fft)
    except ConfigError:
        return True
    return False


class AnyLength:
    """Weighted sums of a short-time spectrum, as `spectrogram.MelSpectrogram` gives them but for rounding.

    Parameters
    ----------
    window : float [window_samples]
    n_fft : int
    bands : float [n_values, n_fft // 2 + 1]
    framing : Framing
    power : 1 or 2
    post : Log or None
    scale, shift : float
        Of the values that `post` gives.

    Attributes
    ----------
    n_values : int
    """

    def __init__(
        self,
        window: Float64,
        n_fft: int,
        bands: Float64,
        framing: Framing,
        *,
        power: int,
        post: Log | None,
        scale: float,
        shift: float,
    ) -> None:
        self._window, self._n_fft, self._framing = window.astype(np.float32), n_fft, framing
        self._bands, self._power, self._post = bands.astype(np.float32).T.copy(), power, post
        self._scale, self._shift = np.float32(scale), np.float32(shift)
        self.n_values = len(bands)

    def frames(self, samples: int) -> int:
        """Return the number of frames of so many samples."""
        return self._framing.count(samples)

    def __call__(self, samples: Float32, out: Float32) -> None:
        """Fill float32 [frames, n_values] with the bands of a window."""
        framing = self._framing
        padded = np.pad(samples, framing.pad_samples, mode=framing.pad_mode)
        spans = np.lib.stride_tricks.sliding_window_view(padded, framing.span_samples)[:: framing.hop_samples]
        read = spans[:, framing.lead_samples :][:, : framing.window_samples]
        spectrum = np.fft.rfft(read * self._window, self._n_fft, axis=1)
        values = np.abs(spectrum).astype(np.float32, copy=False) ** self._power @ self._bands
        if self._post is not None:
            values = np.log(np.maximum(values + np.float32(self._post.offset), np.float32(self._post.floor)))
            values = values * self._scale + self._shift
        out[...] = values
