"""Learning by what a network normalises its windows, from a few of them and what it makes of these."""

from __future__ import annotations

import numpy as np

from ..arrays import Float32
from ..frontends.normalization import SPANS, NetworkNormalization
from . import verification
from .probe import Runs, Tensor


def fit(piece: Runs[Tensor], source: Tensor, signal_size: int) -> NetworkNormalization | None:
    """Read off which normalisation of a window a piece is.

    Parameters
    ----------
    piece : Runs
        From the samples to the signal.
    source : Tensor
        The samples.
    signal_size : int
        Samples of the signal.

    Returns
    -------
    NetworkNormalization or None
        None if it is none of the kind.
    """
    size = int(np.prod(piece.shapes[source]))
    if size != signal_size:
        return None
    rng = np.random.default_rng(3)
    loud = rng.normal(0.01, 0.3, size)
    loud[size // 3] = -2  # what is largest in size is not the maximum
    windows = [loud, rng.uniform(-1e-3, 2e-3, size), 0.9 * np.sin(np.arange(size))]
    # no recording is so loud, but a network may be made for whole numbers, and do other things there
    windows += [peak * rng.uniform(-1, 1, size) for peak in verification.LOUD.values()]
    # quiet enough that the epsilon of a division shows
    windows += [1e-6 * rng.normal(0, 1, size), 1e-7 * rng.uniform(0, 1, size)]
    feeds = [np.asarray(w, np.float32)[None] for w in windows]
    results = [piece({source: w}).reshape(1, -1) for w in feeds]
    for centre in ("zero", "min", "mean"):
        for span in ("one", "range", "peak", "std"):
            found = _fit(centre, span, feeds, results)
            if found is not None:
                return found
    return None


def _fit(centre: str, span: str, feeds: list[Float32], results: list[Float32]) -> NetworkNormalization | None:
    """Solve y = gain * u / (d + epsilon) + offset for u, d of this kind; None if it does not hold."""
    slopes, spans, offsets = [], [], []
    for x, y in zip(feeds, results, strict=True):
        x64, y64 = x.astype(np.float64), y.astype(np.float64)
        moved = NetworkNormalization(centre)(x64)
        width = 1.0 if span == "one" else float(SPANS[span](moved).item())
        slope, offset = np.polyfit(moved[0] / width, y64[0], 1)
        slopes.append(slope)
        spans.append(width)
        offsets.append(offset)
    gain, epsilon = slopes[0], 0.0
    if span != "one":  # slope = gain d / (d + epsilon): the loudest tells the gain, the quietest epsilon
        for _ in range(20):
            epsilon = spans[-1] * (gain / slopes[-1] - 1)
            gain = slopes[0] * (1 + epsilon / spans[0])
    found = NetworkNormalization(centre, span, _tidy(epsilon), _tidy(gain), _tidy(float(np.median(offsets))))
    for x, y in zip(feeds, results, strict=True):
        if not np.abs(found(x) - y).max() <= 2e-6 * max(1.0, float(np.abs(y).max())):
            return None
    return found


def _tidy(value: float) -> float:
    """Return a number that somebody may have typed, if one is near: 1e-06 for 9.99999e-07."""
    if abs(value) < 1e-9:
        return 0.0
    typed = float(f"{value:.4g}")
    return typed if abs(typed - value) <= 2e-4 * abs(value) else float(value)
