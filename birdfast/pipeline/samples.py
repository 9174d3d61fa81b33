"""Sound that is in memory already: checked, and heard from its start to its end."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np

from .. import audio
from ..arrays import Float32
from ..errors import AudioError
from .ear import Scored
from .listener import Listener

Sound = str | os.PathLike[str] | Float32
NAME = "sound in memory"  # where a failure names a file


def name_of(sound: Sound) -> str:
    """Return what detections call a sound: its path, or "" if it is in memory."""
    return "" if isinstance(sound, np.ndarray) else os.fspath(sound)


def check(samples: Float32, rate_hz: int | None) -> tuple[Float32, int]:
    """Return sound that is already in memory, as float32, and its rate.

    Raises
    ------
    AudioError
        It is no mono array of floats, not finite, or has no rate that fits.
    """
    fits = rate_hz is not None and audio.MIN_RATE_HZ <= rate_hz <= audio.MAX_RATE_HZ
    if rate_hz is None or not fits or rate_hz != int(rate_hz):
        raise AudioError(
            f"samples need their rate_hz, {audio.MIN_RATE_HZ} to {audio.MAX_RATE_HZ}; it is {rate_hz}"
        )
    if samples.ndim != 1 or samples.dtype.kind != "f":
        raise AudioError(f"samples are {samples.dtype} {list(samples.shape)}; mono floats [n] are wanted")
    with np.errstate(over="ignore"):
        found = samples.astype(np.float32, copy=False)
    if not np.isfinite(found).all():
        raise AudioError(f"sample {int(np.argmin(np.isfinite(found)))} is NaN or infinite as float32")
    return found, int(rate_hz)


def heard(listener: Listener, samples: Float32, rate_hz: int) -> Iterator[Scored]:
    """Yield the windows of sound in memory, as a listener scores them."""
    grid = listener.grid_at(rate_hz)
    samples = audio.resample(samples, rate_hz, grid.rate_hz, listener.options.resampler)
    with listener.ears(grid, 0, grid.count(len(samples))) as (ear,):
        yield from ear.hear(samples)
        yield from ear.end()
