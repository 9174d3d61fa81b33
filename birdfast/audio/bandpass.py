"""A band of frequencies as birdnet 1.3.1 takes it out of each window: Butterworth's filter of order 5."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import memory
from ..arrays import Float32
from ..config import MOST_HZ
from ..errors import ConfigError
from ..words import install_hint

ORDER = 5
LACKS = "a band (fmin, fmax) takes scipy: "


class Band:
    """Lets a band of each window pass; made by `band`, and safe to use from several threads.

    birdnet's `bandpass_signal`, to the bit: forwards only, in double precision, from rest at each window's
    first sample, so that a window does not depend on what was before it.
    """

    def __init__(self, coefficients: Any) -> None:
        self._b, self._a = coefficients

    def __call__(self, windows: Float32) -> Float32:
        """Return windows, float32 [n, window_samples], with what lies in the band."""
        filtered: Float32 = _signal("lfilter")(self._b, self._a, windows).astype(np.float32)
        return filtered


def is_whole(fmin_hz: float, fmax_hz: float) -> bool:
    """Return whether a band is all that is to be heard."""
    return fmin_hz == 0 and fmax_hz == MOST_HZ


def band(rate_hz: int, fmin_hz: float, fmax_hz: float) -> Band | None:
    """Return the filter of a band at a rate; None where all of it passes.

    Parameters
    ----------
    rate_hz : int
        Of the windows.
    fmin_hz, fmax_hz : float
        0 and 15,000 are no bounds, and neither is what half the rate cannot reach.

    Raises
    ------
    ConfigError
        The windows hold nothing of the band, it is too narrow for the filter, or scipy is not installed.
    """
    nyquist_hz = rate_hz // 2
    below, above = fmin_hz > 0, fmax_hz < min(MOST_HZ, nyquist_hz)
    if not below and not above:
        return None
    if fmin_hz >= nyquist_hz:
        raise ConfigError(f"fmin: {fmin_hz:g} Hz is above what {rate_hz} Hz can hold, {nyquist_hz} Hz")
    kind = "band" if below and above else "high" if below else "low"
    edges = [edge / nyquist_hz for edge, is_one in ((fmin_hz, below), (fmax_hz, above)) if is_one]
    coefficients = _signal("butter")(ORDER, edges if len(edges) > 1 else edges[0], btype=kind)
    if np.abs(np.roots(coefficients[1])).max() >= 1:
        raise ConfigError(
            f"fmin, fmax: {fmin_hz:g} to {fmax_hz:g} Hz is too low or too narrow a band for birdnet's filter"
            f" at {rate_hz} Hz: it does not settle"
        )
    return Band(coefficients)


def _signal(name: str) -> Callable[..., Any]:
    try:
        memory.load_algebra()
        from scipy import signal
    except ImportError as error:
        raise ConfigError(LACKS + install_hint("scipy")) from error
    function: Callable[..., Any] = getattr(signal, name)
    return function
