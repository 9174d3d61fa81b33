"""One pass: a recording is decoded once, and resampled once a rate, for every model that listens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from ..arrays import Float32
from ..audio import Recording
from .listener import Ear, Listener
from .stretches import Share


class OnePass:
    """An ear for each listener at one stretch of a recording.

    Attributes
    ----------
    ears : list of Ear
        In the order of the listeners.
    """

    def __init__(
        self, recording: Recording, listeners: Sequence[Listener], shares: Sequence[Share], ears: list[Ear]
    ) -> None:
        self.ears, self._recording = ears, recording
        spans = [_span(*both) for both in zip(listeners, shares, strict=True)]
        rates = dict.fromkeys(listener.grid.rate_hz for listener in listeners)
        self._routes = [
            [place for place, listener in enumerate(listeners) if listener.grid.rate_hz == rate_hz]
            for rate_hz in rates
        ]
        self._feeds = []
        for rate_hz, route in zip(rates, self._routes, strict=True):
            start = min(spans[place][0] for place in route)
            ends = [stop for place in route if (stop := spans[place][1]) is not None]
            self._feeds.append(
                recording.feed_at(rate_hz, start, max(ends) if len(ends) == len(route) else None)
            )
            for place in route:
                ears[place].skip = spans[place][0] - start

    def blocks(self) -> Iterator[tuple[int, Float32]]:
        """Yield the place of an ear, and mono samples [n] for it to hear.

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
    """Lend each listener a session for its share of a recording's windows."""
    with ExitStack() as stack:
        ears = [
            stack.enter_context(listener.ear(share.first, share.n_windows))
            for listener, share in zip(listeners, shares, strict=True)
        ]
        yield OnePass(recording, listeners, shares, ears)


def _span(listener: Listener, share: Share) -> tuple[int, int | None]:
    """Return the samples of a share's windows, counted at the listener's rate; None is the end."""
    if share.n_windows is None:
        return 0, None
    return listener.grid.span(share.first, share.first + share.n_windows)
