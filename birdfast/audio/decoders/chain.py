"""Several streams in one file, one behind the other, as one recording."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ...arrays import Float32
from .decoder import Decoder, Undecodable, with_channels


class Chain:
    """A `Decoder` of links that follow each other, each with a decoder of its own.

    Parameters
    ----------
    links : sequence of (callable, int)
        What opens a link's decoder, and the samples that the link has.
    """

    def __init__(self, links: Sequence[tuple[Callable[[], Decoder], int]]) -> None:
        self._links = links
        first = links[0][0]()
        self.name, self.rate_hz, self.n_channels = first.name, first.rate_hz, first.n_channels
        self.seeks_slowly = first.seeks_slowly
        self.n_frames: int | None = sum(n_frames for _, n_frames in links)
        self.notes: list[str] = []
        self.lost: list[tuple[int, int]] = []
        first.close()

    def frames(self, start: int, stop: int | None) -> Iterator[tuple[int, Float32]]:
        """Yield samples with their positions: see `Decoder.frames`."""
        begin = 0
        for open_link, n_frames in self._links:
            end = begin + n_frames
            if start < end and (stop is None or begin < stop):
                last = n_frames if stop is None else min(n_frames, stop - begin)
                yield from self._link(open_link(), max(0, start - begin), last, begin)
            begin = end

    def close(self) -> None:
        """Let the file go."""

    def _link(self, link: Decoder, start: int, stop: int, begin: int) -> Iterator[tuple[int, Float32]]:
        """Decode a part of a link whose first sample is at `begin`."""
        try:
            if link.rate_hz != self.rate_hz:
                raise Undecodable(f"its sample rate changes to {link.rate_hz} Hz", 0)
            for position, block in link.frames(start, stop):
                yield begin + position, with_channels(block[: max(0, stop - position)], self.n_channels)
        except Undecodable as error:
            raise Undecodable(error.reason, begin + (error.position or 0)) from error
        finally:
            self.notes += link.notes
            self.lost += [(begin + first, begin + last) for first, last in link.lost]
            link.close()
