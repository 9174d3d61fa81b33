"""Another rate as birdnet 1.3.1 makes it: each window by itself, in one transform, as if it went round.

There for comparisons. A window's two ends meet in it, so where they differ they ring, and its samples depend
on where the windows lie.
"""

from __future__ import annotations

from collections.abc import Callable

from .. import memory
from ..arrays import Float32
from ..errors import ConfigError
from ..words import install_hint

LACKS = "resampling as birdnet does takes scipy: "


def check() -> None:
    """Raise ConfigError where scipy is not installed."""
    _scipy()


def version() -> str:
    """Return the version of scipy, without loading it; raises as `check`."""
    from importlib import metadata  # not for every worker: it brings a lot along

    try:
        return metadata.version("scipy")
    except metadata.PackageNotFoundError as error:
        raise ConfigError(LACKS + install_hint("scipy")) from error


def window_samples(length_s: float, rate_hz: int) -> int:
    """Return how many samples of a file birdnet takes for a window (`duration_as_samples`)."""
    return round(length_s * rate_hz)


def resample(window: Float32, from_hz: int, to_hz: int) -> Float32:
    """Return one window, or what the recording has of its last one, at another rate.

    Parameters
    ----------
    window : float32 [n]
        Mono: birdnet averages the channels in float32 before.
    from_hz, to_hz : int

    Returns
    -------
    float32 [round(n / from_hz * to_hz)]
        birdnet pads a last window with zeros after this.

    Raises
    ------
    ConfigError
        scipy is not installed.

    Notes
    -----
    birdnet's `resample_array_by_sr`, scipy's transform in float32 to the bit: BirdNET takes a fifth root of
    bands that hold nothing but its rounding. NumPy's, which goes through float64, moves confidences by up to
    0.003.
    """
    n_samples = round(len(window) / from_hz * to_hz)
    if from_hz == to_hz or n_samples == 0:
        return window[:n_samples]
    resampled: Float32 = _scipy()(window, n_samples)
    return resampled


def _scipy() -> Callable[[Float32, int], Float32]:
    try:
        memory.load_algebra()
        from scipy.signal import resample as transformed
    except ImportError as error:
        raise ConfigError(LACKS + install_hint("scipy")) from error
    function: Callable[[Float32, int], Float32] = transformed
    return function
