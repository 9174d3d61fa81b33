"""Mel filters and the cosine transform behind MFCCs: tables made once, in float64, by the compiled core."""

import warnings
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

from .. import _kernels
from ..arrays import Float64
from ..config import LARGEST, real, whole
from ..errors import ConfigError

MelScale = Literal["slaney", "htk"]
MelNorm = Literal["slaney"]


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
    return _each(_kernels.mel_from_hz, hz, scale)


def to_hz(mel: npt.ArrayLike, scale: MelScale = "slaney") -> Float64:
    """Return the frequency in hertz of a mel: the inverse of `from_hz`."""
    return _each(_kernels.mel_to_hz, mel, scale)


def _each(work: Callable[[float, MelScale], float], values: npt.ArrayLike, scale: MelScale) -> Float64:
    array = np.asarray(values, np.float64)
    made = [work(value, scale) for value in array.reshape(-1).tolist()]
    return np.array(made, np.float64).reshape(array.shape)


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
    top_hz = check(rate_hz, n_fft, n_mels, fmin_hz, fmax_hz, scale, norm)
    weights = np.empty((n_mels, n_fft // 2 + 1))
    _kernels.mel_filters(rate_hz, n_fft, fmin_hz, top_hz, scale, norm == "slaney", weights)
    warn_of_empty_bands(np.flatnonzero(~weights.any(axis=1)).tolist(), n_mels, rate_hz, n_fft)
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
    rows = np.empty((n_coefficients, n_mels))
    _kernels.dct_rows(rows)
    return rows


def check(
    rate_hz: float,
    n_fft: int,
    n_mels: int,
    fmin_hz: float,
    fmax_hz: float | None,
    scale: str,
    norm: str | None,
) -> float:
    """Return the highest corner of such `filters`; ConfigError when there can be none."""
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
    return top_hz


def warn_of_empty_bands(empty: Sequence[int], n_mels: int, rate_hz: float, n_fft: int) -> None:
    """Warn, if there are `empty` bands, whoever called the caller of this."""
    if len(empty):
        warnings.warn(
            f"{len(empty)} of {n_mels} mel bands hold no bin of n_fft={n_fft} "
            f"({rate_hz / n_fft:g} Hz apart) and stay empty, the first is band {empty[0]}: "
            "take fewer bands, a higher fmin_hz or a longer n_fft",
            stacklevel=3,
        )
