"""Hearing: the ears of all models at one stream, for which each rate and channel is made once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from ..arrays import Float32
from ..audio import Pace
from ..audio.resampling import Feed, feed
from ..pipeline.ear import Amiss, Ear
from ..pipeline.listener import Listener
from ..pipeline.streamed import streamed
from ..pipeline.turns import in_turns
from ..sessions.session import Session

T = TypeVar("T")  # a window: scored, or cut for another to score


class Whose(NamedTuple):
    """A listener's place among those that listen, and one of its ears."""

    number: int
    ear: Ear


class Route(NamedTuple):
    """One rate and channel: what makes its samples, and who listens to them."""

    feed: Feed
    rate_hz: int
    every: list[Whose]


class Hearing:
    """Sound that comes in blocks, cut into windows for each model as soon as they are complete.

    Parameters
    ----------
    listeners : sequence of Listener
    sessions : sequence of Session
        Lent to each of them.
    pace : Pace
    channels : sequence of int
        Those that are heard; 0 is the mix.
    apart : bool
        Windows are cut here and scored elsewhere.
    """

    def __init__(
        self,
        listeners: Sequence[Listener],
        sessions: Sequence[Session],
        pace: Pace,
        channels: Sequence[int],
        *,
        apart: bool,
    ) -> None:
        self._heard_hz, self._position = pace.heard_hz, 0
        resampler, routes = listeners[0].options.resampler, dict[tuple[int, int], Route]()
        for number, (listener, session) in enumerate(zip(listeners, sessions, strict=True)):
            grid = listener.grid_at(pace.heard_hz)
            ears = (
                listener.ears_with(session, grid, 0, None, channels, pace, batch=1)
                if apart
                else streamed(listener, session, grid, channels, pace)
            )
            ears[0].warm()  # no push is to wait for it
            for ear in ears:
                key = ear.rate_hz, ear.channel
                if key not in routes:
                    how = {"channel": ear.channel, "resampler": resampler, "batch": 1}
                    routes[key] = Route(feed(pace.heard_hz, ear.rate_hz, **how), ear.rate_hz, [])  # type: ignore[arg-type]
                routes[key].every.append(Whose(number, ear))
        self._routes = tuple(routes.values())

    def forgive(self, amiss: Amiss) -> None:
        """Tell of windows whose scores are not finite, and go on: see `Ear.amiss`."""
        for route in self._routes:
            for whose in route.every:
                whose.ear.amiss = amiss

    def push(
        self, channels: Mapping[int, Float32], how: Callable[[Ear, Float32], Iterator[T]]
    ) -> Iterator[tuple[Whose, T]]:
        """Take float32 [n] of each channel, and yield whose window is complete now.

        `how` is `Ear.hear` or `Ear.cut`. Whoever stops in the middle has no stream any more.
        """
        for feeding, _, every in self._routes:
            for block in feeding.push(channels[feeding.channel], self._position):
                yield from _in_turns((whose, how(whose.ear, block)) for whose in every)
        self._position += len(next(iter(channels.values())))

    def end(
        self, how: Callable[[Ear, Float32], Iterator[T]], ending: Callable[[Ear], Iterator[T]]
    ) -> Iterator[tuple[Whose, T]]:
        """Yield whose windows are left, as at a file's end; `ending` is `Ear.end` or `Ear.cut_end`."""
        for feeding, rate_hz, every in self._routes:
            total = -(-self._position * rate_hz // self._heard_hz)
            for block in feeding.end(total=total):
                yield from _in_turns((whose, how(whose.ear, block)) for whose in every)
            yield from _in_turns((whose, ending(whose.ear)) for whose in every)


def _in_turns(every: Iterator[tuple[Whose, Iterator[T]]]) -> Iterator[tuple[Whose, T]]:
    """Yield windows, and whose they are: listeners on one backbone ask for the same one after the other."""
    for whose, turn in in_turns(every):
        for window in turn:
            yield whose, window
