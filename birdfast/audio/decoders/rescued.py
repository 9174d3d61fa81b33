"""A decoder, and another that goes on where it gives up."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...arrays import Float32
from .decoder import Decoder, Undecodable


class Rescued:
    """A `Decoder` of a format that loses nothing: which of two decodes it makes no difference.

    Parameters
    ----------
    first : Decoder
    open_second : callable
        Opens the one that knows how to go on behind damage.
    """

    def __init__(self, first: Decoder, open_second: Callable[[], Decoder]) -> None:
        self._first, self._open_second = first, open_second
        self._second: Decoder | None = None
        self.name, self.rate_hz, self.n_channels = first.name, first.rate_hz, first.n_channels
        self.n_frames, self.seeks_slowly = first.n_frames, first.seeks_slowly

    @property
    def notes(self) -> list[str]:
        """What was found while decoding."""
        if self._second is None:
            return self._first.notes
        note = f"damaged: read with {self._second.name} where {self._first.name} gives up"
        return [*self._first.notes, note, *self._second.notes]

    @property
    def lost(self) -> list[tuple[int, int]]:
        """What is lost: from where to where."""
        return self._second.lost if self._second else self._first.lost

    def frames(self, start: int, stop: int | None) -> Iterator[tuple[int, Float32]]:
        """Yield samples with their positions: see `Decoder.frames`."""
        position = start
        if self._second is None:
            try:
                for at, block in self._first.frames(start, stop):
                    yield at, block
                    position = at + len(block)
                return
            except Undecodable:
                self._second = self._open_second()
        yield from self._second.frames(position, stop)

    def close(self) -> None:
        """Let the file go."""
        self._first.close()
        if self._second is not None:
            self._second.close()
