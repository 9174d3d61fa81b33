"""Sound that is in memory already: checked, and heard from its start to its end."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Sequence

import numpy as np

from .. import audio
from ..arrays import Float32
from ..config.checks import whole
from ..errors import AudioError, ConfigError
from .ear import Scored
from .listener import Listener

Sound = str | os.PathLike[str] | Float32
NAME = "sound in memory"  # where a failure names a file


def name_of(sound: object) -> str:
    """Return the path of a recording, or "" for an array.

    Raises
    ------
    AudioError
        It is neither.
    """
    if isinstance(sound, np.ndarray):
        return ""
    name = os.fspath(sound) if isinstance(sound, str | os.PathLike) else None
    if not isinstance(name, str):
        raise AudioError(
            f"sound is a {type(sound).__name__}; a path or a NumPy array of floats [n] is wanted"
        )
    return name


def check(samples: Float32, rate_hz: int | None) -> tuple[Float32, int]:
    """Return sound that is already in memory, as float32, and its rate.

    Raises
    ------
    AudioError
        It is no mono array of floats, not finite, or has no rate that fits.
    """
    try:
        rate_hz = whole("rate_hz", rate_hz, audio.MIN_RATE_HZ, audio.MAX_RATE_HZ)
    except ConfigError as error:
        told = f"{audio.MIN_RATE_HZ} to {audio.MAX_RATE_HZ}; it is {rate_hz!r}"
        raise AudioError(f"samples need their rate_hz, {told}") from error
    return audio.mono(samples), rate_hz


def heard(listener: Listener, samples: Float32, rate_hz: int) -> Generator[Scored, None, None]:
    """Yield the windows of sound in memory, as a listener scores them."""
    grid = listener.grid_at(rate_hz)
    samples = audio.resample(samples, rate_hz, grid.rate_hz, listener.options.resampler)
    with listener.ears(grid, 0, grid.count(len(samples))) as (ear,):
        yield from ear.hear(samples)
        yield from ear.end()


def heard_by_turns(
    listeners: Sequence[Listener], samples: Float32, rate_hz: int
) -> Iterator[tuple[Listener, Scored]]:
    """Yield the windows of sound in memory, as each listener scores them: a batch each, then the next.

    So those whose pictures are the same are at one place of the sound, as in `onepass`.
    """
    going = {listener: heard(listener, samples, rate_hz) for listener in listeners}
    try:
        while going:
            for listener, batches in tuple(going.items()):
                if (scored := next(batches, None)) is None:
                    del going[listener]
                else:
                    yield listener, scored
    finally:
        for batches in going.values():  # which were broken off between two runs
            batches.close()
