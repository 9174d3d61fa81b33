"""One pass: a recording is decoded once, and resampled once a rate, for every model that listens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from ..audio import Recording
from ..config import Options
from ..errors import AudioError, ConfigError
from ..models import Model
from .ear import Ear, Scored
from .lending import Backbones, lent
from .listener import Listener
from .stretches import Share, count
from .turns import in_turns


def listening(models: Sequence[Model], options: Options) -> tuple[Listener, ...]:
    """Return a listener for each model.

    Raises
    ------
    ModelError, ConfigError
        As `Listener`; of several it names the model whom options do not fit.
    """
    listeners, below = [], Backbones(options.engine)
    for number, model in enumerate(models):
        try:
            listeners.append(Listener(model, options, number, below))
        except ConfigError as error:
            if len(models) == 1:
                raise
            raise ConfigError(f"{model.name}: {error}") from error
    return tuple(listeners)


class Place(NamedTuple):
    """An ear, and the place of its listener among those that listen."""

    listener: int
    ear: Ear


class OnePass:
    """An ear for each listener and channel at one stretch of a recording; made by `one_pass`.

    Attributes
    ----------
    places : list of Place
        By listener, then by channel.
    failure : AudioError or None
        Why the sound ended too early.
    """

    def __init__(self, recording: Recording, places: list[Place]) -> None:
        self.places, self._recording = places, recording
        self.failure: AudioError | None = None
        routes: dict[tuple[int, int], list[Place]] = {}
        for place in places:
            routes.setdefault((place.ear.rate_hz, place.ear.channel), []).append(place)
        self._routes, self._feeds = list(routes.values()), []
        for (rate_hz, channel), route in routes.items():
            start = min(place.ear.span[0] for place in route)
            ends = [stop for place in route if (stop := place.ear.span[1]) is not None]
            stop = max(ends) if len(ends) == len(route) else None
            self._feeds.append(recording.feed_at(rate_hz, start, stop, channel))
            for place in route:
                place.ear.skip = place.ear.span[0] - start

    def scored(self) -> Iterator[tuple[Place, Iterator[Scored]]]:
        """Yield an ear, and a batch of windows that it scores when it is asked for: in turns.

        Where the sound ends too early, what is whole is heard before that is raised.

        Raises
        ------
        AudioError
            As `audio.Recording.blocks`.
        """
        try:
            for feed, block in self._recording.feed(self._feeds):
                yield from in_turns([(place, place.ear.hear(block)) for place in self._routes[feed]])
        except AudioError as error:
            self.failure = error
        for route in self._routes:
            whole = self.failure is not None
            yield from in_turns([(place, place.ear.end(whole=whole)) for place in route])
        if self.failure is not None:
            raise self.failure


@contextmanager
def one_pass(
    recording: Recording, listeners: Sequence[Listener], shares: Sequence[Share]
) -> Iterator[OnePass]:
    """Lend each listener a session for its share of a recording's windows, in every channel chosen."""
    with lent(listeners) as sessions:
        places = [
            Place(number, ear)
            for number, (listener, session, share) in enumerate(zip(listeners, sessions, shares, strict=True))
            for ear in listener.ears_with(
                session,
                listener.grid_at(recording.pace.heard_hz),
                share.first,
                share.n_windows,
                recording.channels,
                recording.pace,
            )
        ]
        yield OnePass(recording, places)


def whole(recording: Recording, listeners: Sequence[Listener]) -> Iterator[tuple[Listener, Iterator[Scored]]]:
    """Yield a listener, and a batch of windows that it scores when it is asked for, of a whole recording."""
    grids = [listener.grid_at(recording.pace.heard_hz) for listener in listeners]
    shares = [Share(0, count(recording, grid)) for grid in grids]
    with one_pass(recording, listeners, shares) as passing:
        for place, batches in passing.scored():
            yield listeners[place.listener], batches
