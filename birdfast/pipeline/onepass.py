"""One pass: a recording is decoded once, and resampled once a rate, for every model that listens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from ..arrays import Float32
from ..audio import Recording
from ..windows import Grid
from .ear import Ear
from .listener import Listener
from .stretches import Share


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
    """

    def __init__(
        self,
        recording: Recording,
        listeners: Sequence[Listener],
        shares: Sequence[Share],
        places: list[Place],
    ) -> None:
        self.places, self._recording = places, recording
        grids = [listener.grid_at(recording.rate_hz) for listener in listeners]
        spans = [_span(*both) for both in zip(grids, shares, strict=True)]
        routes: dict[tuple[int, int], list[Place]] = {}
        for place in places:
            rate_hz = grids[place.listener].rate_hz
            routes.setdefault((rate_hz, place.ear.channel), []).append(place)
        self._routes, self._feeds = list(routes.values()), []
        for (rate_hz, channel), route in routes.items():
            start = min(spans[place.listener][0] for place in route)
            ends = [stop for place in route if (stop := spans[place.listener][1]) is not None]
            stop = max(ends) if len(ends) == len(route) else None
            self._feeds.append(recording.feed_at(rate_hz, start, stop, channel))
            for place in route:
                place.ear.skip = spans[place.listener][0] - start

    def blocks(self) -> Iterator[tuple[Place, Float32]]:
        """Yield an ear, and mono samples [n] for it to hear.

        Raises
        ------
        AudioError
            As `audio.Recording.blocks`.
        """
        for feed, block in self._recording.feed(self._feeds):
            for place in self._routes[feed]:
                yield place, block


@contextmanager
def one_pass(
    recording: Recording, listeners: Sequence[Listener], shares: Sequence[Share]
) -> Iterator[OnePass]:
    """Lend each listener a session for its share of a recording's windows, in every channel chosen."""
    with ExitStack() as stack:
        places = [
            Place(number, ear)
            for number, (listener, share) in enumerate(zip(listeners, shares, strict=True))
            for ear in stack.enter_context(
                listener.ears(
                    listener.grid_at(recording.rate_hz), share.first, share.n_windows, recording.channels
                )
            )
        ]
        yield OnePass(recording, listeners, shares, places)


def _span(grid: Grid, share: Share) -> tuple[int, int | None]:
    """Return the samples of a share's windows, counted at the grid's rate; None is the end."""
    if share.n_windows is None:
        return 0, None
    return grid.span(share.first, share.first + share.n_windows)
