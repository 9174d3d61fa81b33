"""Mel filters and the cosine transform behind MFCCs: tables made once, in float64."""

import math
import warnings
from typing import Literal

import numpy as np
import numpy.typing as npt

from ..arrays import Float64
from ..config import LARGEST, real, whole
from ..errors import ConfigError

MelScale = Literal["slaney", "htk"]
MelNorm = Literal["slaney"]

_HZ_PER_MEL = 200.0 / 3  # Slaney: linear below 1 kHz, 15 mel there, then 27 mel for a factor of 6.4
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _HZ_PER_MEL
_LOG_STEP = math.log(6.4) / 27.0


def from_hz(hz: npt.ArrayLike, scale: MelScale = "slaney") -> Float64:
    """Return the mel of a frequency.

    Parameters
    ----------
    hz : float of any shape
        From 0 on.
    scale : "slaney" or "htk"
        "slaney" is the scale of the Auditory Toolbox (M. Slaney, Technical Report 1998-010, Interval
        Research), linear below 1 kHz and logarithmic above; "htk" is 2595 log10(1 + f / 700)
        (Young et al., The HTK Book, section 5.4). librosa: ``htk=False`` and ``htk=True``.

    Returns
    -------
    float64 of the same shape
    """
    hz = np.asarray(hz, np.float64)
    if scale == "htk":
        return np.asarray(2595.0 * np.log10(1.0 + hz / 700.0))
    logarithmic = _BREAK_MEL + np.log(np.maximum(hz, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return np.where(hz < _BREAK_HZ, hz / _HZ_PER_MEL, logarithmic)


def to_hz(mel: npt.ArrayLike, scale: MelScale = "slaney") -> Float64:
    """Return the frequency in hertz of a mel: the inverse of `from_hz`."""
    mel = np.asarray(mel, np.float64)
    if scale == "htk":
        return np.asarray(700.0 * (10.0 ** (mel / 2595.0) - 1.0))
    logarithmic = _BREAK_HZ * np.exp(_LOG_STEP * np.maximum(mel - _BREAK_MEL, 0.0))
    return np.where(mel < _BREAK_MEL, mel * _HZ_PER_MEL, logarithmic)


def filters(
    rate_hz: float,
    n_fft: int,
    n_mels: int = 128,
    *,
    fmin_hz: float = 0.0,
    fmax_hz: float | None = None,
    scale: MelScale = "slaney",
    norm: MelNorm | None = "slaney",
) -> Float64:
    """Return triangular mel filters, as ``librosa.filters.mel`` defines them.

    The corners of the triangles are ``n_mels + 2`` frequencies evenly spaced in mel from `fmin_hz` to
    `fmax_hz`; a weight is read off the triangle at the bin's frequency, on a scale linear in hertz.

    Parameters
    ----------
    rate_hz : float
        Sampling rate (librosa: ``sr``).
    n_fft : int
        Length of the transform, samples.
    n_mels : int
        Number of bands.
    fmin_hz, fmax_hz : float
        Lowest and highest corner (librosa: ``fmin``, ``fmax``); None is ``rate_hz / 2``.
    scale : "slaney" or "htk"
        See `from_hz`.
    norm : "slaney" or None
        "slaney" divides each triangle by half its width in hertz, so that bands hold equal energy of white
        noise; None leaves peaks of 1.

    Returns
    -------
    float64 [n_mels, n_fft // 2 + 1]

    Raises
    ------
    ConfigError
        A rate, a range or a number of bands that cannot be.

    Warns
    -----
    UserWarning
        A band is so narrow that no bin falls into it: it will always be empty.
    """
    _check(rate_hz, n_fft, n_mels, fmin_hz, fmax_hz, scale, norm)
    top_hz = rate_hz / 2 if fmax_hz is None else fmax_hz
    corners_hz = to_hz(np.linspace(from_hz(fmin_hz, scale), from_hz(top_hz, scale), n_mels + 2), scale)
    bins_hz = np.arange(n_fft // 2 + 1) * (rate_hz / n_fft)
    width_hz = np.diff(corners_hz)
    rising = (bins_hz - corners_hz[:-2, None]) / width_hz[:-1, None]
    falling = (corners_hz[2:, None] - bins_hz) / width_hz[1:, None]
    weights = np.maximum(0.0, np.minimum(rising, falling))
    if norm == "slaney":
        weights *= (2.0 / (corners_hz[2:] - corners_hz[:-2]))[:, None]
    _warn_of_empty_bands(weights, rate_hz, n_fft)
    return weights


def dct(n_coefficients: int, n_mels: int) -> Float64:
    """Return the first rows of the orthonormal DCT-II (``scipy.fft.dct(type=2, norm="ortho")``).

    Parameters
    ----------
    n_coefficients, n_mels : int

    Returns
    -------
    float64 [n_coefficients, n_mels]

    Raises
    ------
    ConfigError
        More coefficients than bands, or none.
    """
    n_coefficients, n_mels = whole("n_mfcc", n_coefficients, -LARGEST), whole("n_mels", n_mels, -LARGEST)
    if not 1 <= n_coefficients <= n_mels:
        raise ConfigError(f"n_mfcc={n_coefficients}: must be 1 to n_mels={n_mels}")
    k = np.arange(n_coefficients)[:, None]
    rows = np.cos(np.pi / n_mels * (np.arange(n_mels) + 0.5) * k) * math.sqrt(2.0 / n_mels)
    rows[0] *= math.sqrt(0.5)
    return np.asarray(rows, np.float64)


def _check(
    rate_hz: float,
    n_fft: int,
    n_mels: int,
    fmin_hz: float,
    fmax_hz: float | None,
    scale: str,
    norm: str | None,
) -> None:
    for name, value in (("n_fft", n_fft), ("n_mels", n_mels)):
        whole(name, value, -LARGEST)
    for name, hz in (
        ("rate_hz", rate_hz),
        ("fmin_hz", fmin_hz),
        ("fmax_hz", 0 if fmax_hz is None else fmax_hz),
    ):
        real(name, hz)
    if not 0 < rate_hz <= LARGEST:
        raise ConfigError(f"rate_hz={rate_hz}: must be a positive number")
    if n_fft < 1:
        raise ConfigError(f"n_fft={n_fft}: must be at least 1")
    if n_mels < 1:
        raise ConfigError(f"n_mels={n_mels}: must be at least 1")
    top_hz = rate_hz / 2 if fmax_hz is None else fmax_hz
    if not 0 <= fmin_hz < top_hz <= rate_hz / 2:
        raise ConfigError(
            f"fmin_hz={fmin_hz}, fmax_hz={fmax_hz}: must be 0 <= fmin_hz < fmax_hz <= {rate_hz / 2:g}, "
            f"half of rate_hz={rate_hz:g}"
        )
    if not (isinstance(scale, str) and scale in ("slaney", "htk")):
        raise ConfigError(f'mel_scale={scale!r}: must be "slaney" or "htk"')
    if not (norm is None or (isinstance(norm, str) and norm == "slaney")):
        raise ConfigError(f'mel_norm={norm!r}: must be "slaney" or None')


def _warn_of_empty_bands(weights: Float64, rate_hz: float, n_fft: int) -> None:
    empty = np.flatnonzero(~weights.any(axis=1))
    if empty.size:
        warnings.warn(
            f"{empty.size} of {len(weights)} mel bands hold no bin of n_fft={n_fft} "
            f"({rate_hz / n_fft:g} Hz apart) and stay empty, the first is band {empty[0]}: "
            "take fewer bands, a higher fmin_hz or a longer n_fft",
            stacklevel=4,
        )
