"""A streamed ear: of sessions that hear sound as it comes, and have most of a window done when it ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from ..arrays import Float32
from ..audio import Pace
from ..sessions.session import EMBEDDING, LOGITS, Session
from ..windows import Grid
from .ear import Ear, Scored, checked
from .listener import Listener

SOUND = np.ones((1, 1), np.float32)  # such windows are never taken for silence


class Pushed(Protocol):
    """What a session's `stream(step_samples)` returns."""

    def push(self, samples: Float32) -> Sequence[tuple[int, Float32, Float32]]:
        """Take float32 [n], and return windows that are complete: first sample, logits and embedding."""
        ...


def streamed(
    listener: Listener, session: Session, cutting: Grid, channels: Sequence[int], pace: Pace
) -> list[Ear]:
    """Return an ear for each channel of a whole stream, which hears each window as soon as it is complete.

    Parameters
    ----------
    listener : Listener
    session : Session
        Lent to it.
    cutting : Grid
        `listener.grid_at` of what is heard.
    channels : sequence of int
    pace : Pace
    """
    made: Any = getattr(session, "stream", None)
    if made is None or cutting != listener.grid or not listener.takes_sound:
        return listener.ears_with(session, cutting, 0, None, channels, pace, batch=1)
    clock_hz = pace.clock_hz(cutting.rate_hz)
    return [
        StreamedEar(cutting, session, made(cutting.step_samples), channel, clock_hz) for channel in channels
    ]


class StreamedEar(Ear):
    """An ear, from sound's beginning to an end that is not known, that cuts no windows: see `Ear`.

    Parameters
    ----------
    grid : Grid
    session : Session
    stream : Pushed
        A new one of the session's, with the grid's step.
    channel, clock_hz
        As `Ear`.
    """

    def __init__(
        self, grid: Grid, session: Session, stream: Pushed, channel: int, clock_hz: float | None
    ) -> None:
        super().__init__(grid, grid, session, lambda windows, _: windows, 0, None, channel, clock_hz, 1)
        self._stream, self._n_samples = stream, 0

    def warm(self) -> None:
        """Do nothing: a stream is ready."""

    def hear(self, block: Float32) -> Iterator[Scored]:
        """Take mono samples [n], and yield windows that are complete now; raises as `Ear.hear`."""
        self._n_samples += len(block)
        for window in self._stream.push(np.ascontiguousarray(block)):
            self._next += 1
            yield self._scored(*window)

    def end(self, *, whole: bool = False) -> Iterator[Scored]:
        """Yield what is left, with silence behind it; `whole`: without windows that lack an end."""
        grid, n_windows = self._grid, 0 if whole else self._grid.count(self._n_samples)
        silence = np.zeros(grid.step_samples, np.float32)
        while self._next < n_windows:
            yield from self.hear(silence)

    def _scored(self, start_sample: int, logits: Float32, embedding: Float32) -> Scored:
        outputs = {LOGITS: logits[None], EMBEDDING: embedding[None]}
        start_s = np.array([start_sample]) / self._clock_hz
        window_s = self._grid.window_samples / self._clock_hz
        return checked(Scored(start_s, outputs, self.channel, window_s=window_s), SOUND, self.amiss)
