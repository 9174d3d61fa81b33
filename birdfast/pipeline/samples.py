"""Sound that is in memory already: checked, and heard from its start to its end."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import numpy as np

from .. import audio
from ..arrays import Float32
from ..config.checks import whole
from ..errors import AudioError, ConfigError
from .ear import Scored
from .lending import lent
from .listener import Listener
from .turns import in_turns

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


def heard(
    listeners: Sequence[Listener], samples: Float32, rate_hz: int
) -> Iterator[tuple[Listener, Iterator[Scored]]]:
    """Yield each listener, and a batch of windows of sound in memory that it scores when it is asked for."""
    rates: dict[int, list[Listener]] = {}
    for listener in listeners:
        rates.setdefault(listener.grid_at(rate_hz).rate_hz, []).append(listener)
    for at_hz, some in rates.items():
        sound = audio.resample(samples, rate_hz, at_hz, some[0].options.resampler)
        with lent(some) as sessions:
            ears = []
            for listener, session in zip(some, sessions, strict=True):
                grid = listener.grid_at(rate_hz)
                ears += listener.ears_with(session, grid, 0, grid.count(len(sound)))
            yield from in_turns([(who, ear.hear(sound)) for who, ear in zip(some, ears, strict=True)])
            yield from in_turns([(who, ear.end()) for who, ear in zip(some, ears, strict=True)])
