"""Pictures: windows of sound to the spectrogram that a network takes, by a recipe, on our kernels.

Bands and logarithms have the same bits on every CPU; resizing, PCEN, exponents and transforms of odd lengths
are NumPy's, and round as it does.
"""

from __future__ import annotations

import math

import numpy as np

from ..arrays import Float32, Float64
from ..errors import ConfigError
from ..spectrogram import Framing, Log, MelSpectrogram, mel, plans, window_values
from . import anylength, resizing
from .anylength import AnyLength
from .recipe import Recipe

DECIBELS = {2: 10.0, 1: 20.0}


class Pictures:
    """A recipe for windows of one length, ready: tables made once; one thread at a time.

    Parameters
    ----------
    recipe : Recipe
    rate_hz, window_samples : int
        What sound it is for.
    cpu : str or None
        The table of kernels to run on; None is the best one.

    Attributes
    ----------
    shape : tuple of int
        Of one picture: [channels, bands, frames], or [bands, frames, channels].

    Raises
    ------
    ConfigError
        The recipe does not fit the rate or the length.
    """

    def __init__(self, recipe: Recipe, rate_hz: int, window_samples: int, cpu: str | None = None) -> None:
        self.recipe, self.window_samples = recipe, window_samples
        self._spectrogram = _spectrogram(recipe, rate_hz, cpu)
        n_frames = self._spectrogram.frames(window_samples)
        if n_frames == 0:
            raise ConfigError(
                f"n_fft: {recipe.n_fft} does not fit; a window of {window_samples} samples has no such frame"
            )
        self._bands = np.empty((self._spectrogram.n_values, n_frames), np.float32)
        self._resize = None
        size = self._bands.shape
        if recipe.fit == "resize":
            wanted = (recipe.bands, recipe.frames)
            resized = _resized if recipe.resized_as == "torch" else resizing.as_skimage
            self._resize = [resized(n, m, recipe.antialias) for n, m in zip(size, wanted, strict=True)]
        self._size = size if recipe.fit == "none" else (recipe.bands, recipe.frames)
        channels = (recipe.channels,)
        self.shape = channels + self._size if recipe.layout == "NCHW" else self._size + channels

    def __call__(self, samples: Float32, out: Float32 | None = None) -> Float32:
        """Make the pictures of windows.

        Parameters
        ----------
        samples : float32 [batch, window_samples]
        out : float32 [batch, *shape] or None
            Where they go; made if it is not given.

        Returns
        -------
        float32 [batch, *shape]
        """
        if out is None:
            out = np.empty((len(samples), *self.shape), np.float32)
        for window, picture in zip(samples, out, strict=True):
            made = self._scaled(self._fitted(self._levelled(window)))
            if self.recipe.exponent != 1:
                made = np.maximum(made, 0) ** np.float32(self.recipe.exponent)
            if self.recipe.layout == "NHWC":
                made = made[:, :, None]
            picture[...] = made
        return out

    def _levelled(self, window: Float32) -> Float32:
        """Return the bands of a window on the recipe's scale: [bands, frames], good until the next one."""
        recipe, bands = self.recipe, self._bands
        self._spectrogram(np.ascontiguousarray(window, np.float32), bands.T)
        if recipe.level == "pcen":
            _pcen(bands, recipe)
        if recipe.level == "db" and recipe.reference == 0:
            bands -= bands.max()
        if recipe.level == "db" and recipe.top_db:
            np.maximum(bands, bands.max() - np.float32(recipe.top_db), out=bands)
        if recipe.span_db:
            lowest = DECIBELS[recipe.power] * math.log10(recipe.amin / max(recipe.amin, recipe.reference))
            np.minimum(bands, np.float32(lowest + recipe.span_db), out=bands)
        return bands[::-1] if recipe.flip else bands

    def _fitted(self, picture: Float32) -> Float32:
        if self._resize is not None:
            rows, columns = self._resize
            return np.asarray(rows @ picture @ columns.T, np.float32)
        if picture.shape == self._size:
            return picture
        fitted = np.full(self._size, self.recipe.pad_value, np.float32)
        kept = tuple(slice(min(sides)) for sides in zip(self._size, picture.shape, strict=True))
        fitted[kept] = picture[kept]
        return fitted

    def _scaled(self, picture: Float32) -> Float32:
        recipe = self.recipe
        if recipe.scaling == "none":
            return picture
        mean, deviation = np.float32(recipe.mean), np.float32(recipe.deviation)
        if recipe.scaling == "min-max":
            mean, deviation = picture.min(), np.ptp(picture)
        elif recipe.scaling == "standard":
            mean, deviation = picture.mean(), picture.std(ddof=1)
        picture -= mean
        divisor = deviation + np.float32(recipe.epsilon)
        if divisor:  # silence stays 0
            picture *= np.float32(1) / divisor
        return picture


def _spectrogram(recipe: Recipe, rate_hz: int, cpu: str | None) -> MelSpectrogram | AnyLength:
    if not (odd := anylength.needed(recipe.n_fft)):
        plans.check_length(recipe.n_fft)
    length, hop = recipe.window_samples or recipe.n_fft, recipe.hop_samples
    framing = Framing.of_librosa(recipe.n_fft, hop, length, recipe.center, recipe.pad_mode)
    if recipe.place == "start":
        framing = Framing(length, hop, length)
    post, scale, shift = _level(recipe)
    if odd:
        window, told = window_values(recipe.window, framing.window_samples), {"scale": scale, "shift": shift}
        bands = _bands(recipe, rate_hz)
        return AnyLength(window, recipe.n_fft, bands, framing, power=recipe.power, post=post, **told)
    return MelSpectrogram(
        window_values(recipe.window, framing.window_samples),
        recipe.n_fft,
        hop,
        _bands(recipe, rate_hz),
        part="power" if recipe.power == 2 else "magnitude",
        post=post,
        scale=scale,
        shift=shift,
        framing=framing,
        cpu=cpu,
    )


def _level(recipe: Recipe) -> tuple[Log | None, float, float]:
    """Return the logarithm that the kernel takes of a band, and the scale and shift behind it."""
    if recipe.level == "log":
        return Log(recipe.offset, recipe.amin), 1.0, 0.0
    if recipe.level != "db":
        return None, 1.0, 0.0
    decibels = DECIBELS[recipe.power]
    zero = max(recipe.amin, recipe.reference) if recipe.reference else 1.0
    return Log(recipe.offset, recipe.amin), decibels / math.log(10), -decibels * math.log10(zero)


def _bands(recipe: Recipe, rate_hz: int) -> Float64:
    top_hz = recipe.fmax_hz or rate_hz / 2
    if recipe.scale == "mel":
        return mel.filters(
            rate_hz,
            recipe.n_fft,
            recipe.n_mels,
            fmin_hz=recipe.fmin_hz,
            fmax_hz=top_hz,
            scale=recipe.mel_scale,
            norm=None if recipe.mel_norm == "none" else recipe.mel_norm,
        )
    bins_hz = np.arange(recipe.n_fft // 2 + 1) * (rate_hz / recipe.n_fft)
    chosen = np.flatnonzero((bins_hz >= recipe.fmin_hz) & (bins_hz <= top_hz))
    if not len(chosen):
        raise ConfigError(
            f"fmin_hz, fmax_hz: no bin of n_fft={recipe.n_fft} lies from {recipe.fmin_hz:g} to {top_hz:g} Hz"
        )
    return np.eye(len(bins_hz))[chosen]


def _pcen(bands: Float32, recipe: Recipe) -> None:
    """Normalize energies [bands, frames] in place: per-channel energy normalization."""
    keep, take = np.float32(1 - recipe.pcen_smoothing), np.float32(recipe.pcen_smoothing)
    smooth = np.ones(len(bands), np.float32) if recipe.pcen_start == "one" else bands[:, 0].copy()
    smoothed = np.empty_like(bands)
    for frame in range(bands.shape[1]):
        smooth = keep * smooth + take * bands[:, frame]
        smoothed[:, frame] = smooth
    gain = np.exp(-np.float32(recipe.pcen_gain) * np.log(np.float32(recipe.pcen_epsilon) + smoothed))
    bias, power = np.float32(recipe.pcen_bias), np.float32(recipe.pcen_power)
    bands *= gain
    bands += bias
    np.power(bands, power, out=bands)
    bands -= bias**power


def _resized(n: int, m: int, antialias: bool) -> Float32:
    """Return the matrix [m, n] that makes m values of n, bilinearly: torch's ``interpolate``."""
    scale = n / m
    support = max(1.0, scale) if antialias else 1.0
    centres = (np.arange(m) + 0.5) * scale
    if not antialias:  # what lies before the first value's middle is the first value
        centres = np.maximum(centres, 0.5)
    middles = np.arange(n) + 0.5
    weights = np.maximum(0.0, 1 - np.abs(middles - centres[:, None]) / support)
    weights[np.arange(m), np.minimum(n - 1, centres.astype(int))] += 1e-30  # never a row without weight
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)
