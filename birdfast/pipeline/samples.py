"""Sound that is in memory already: checked, and heard from its start to its end."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from .. import audio
from ..arrays import Float32
from ..config.checks import whole
from ..errors import AudioError, ConfigError
from ..sessions.session import Session
from .ear import Ear, Scored
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


@contextmanager
def heard(
    listeners: Sequence[Listener],
    samples: Float32,
    rate_hz: int,
    spent: Callable[[Listener, Ear], object] = lambda listener, ear: None,
) -> Iterator[Iterator[tuple[Listener, Iterator[Scored]]]]:
    """Lend listeners their sessions for sound in memory.

    In the context, each of what there is to iterate over is a listener, and a batch of windows that it scores
    when it is asked for: in turns. Who asks does so in the context, which has to know how that ends. `spent`
    is told of each ear that has heard all: it knows how long it took.
    """
    with lent(listeners) as sessions:
        yield _turns(listeners, sessions, samples, rate_hz, spent)


def _turns(
    listeners: Sequence[Listener],
    sessions: Sequence[Session],
    samples: Float32,
    rate_hz: int,
    spent: Callable[[Listener, Ear], object],
) -> Iterator[tuple[Listener, Iterator[Scored]]]:
    pace = audio.paced(rate_hz, listeners[0].options.speed, NAME)
    rates: dict[int, list[tuple[Listener, Session]]] = {}
    for listener, session in zip(listeners, sessions, strict=True):
        rates.setdefault(listener.grid_at(pace.heard_hz).rate_hz, []).append((listener, session))
    for at_hz, some in rates.items():
        sound = audio.resample(samples, pace.heard_hz, at_hz, some[0][0].options.resampler)
        ears = []
        for listener, session in some:
            grid = listener.grid_at(pace.heard_hz)
            (ear,) = listener.ears_with(session, grid, 0, grid.count(len(sound)), pace=pace)
            ears.append((listener, ear))
        yield from in_turns([(listener, ear.hear(sound)) for listener, ear in ears])
        yield from in_turns([(listener, ear.end()) for listener, ear in ears])
        for listener, ear in ears:
            spent(listener, ear)
