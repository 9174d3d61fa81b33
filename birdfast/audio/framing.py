"""What lies between a file and a codec: packets, and the samples that they stand for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

EARLY_S = 0.25  # a codec starts so much before the samples that are wanted: they are then as in one go
LONGEST_GAP_S = 3600.0  # a clock that leaps further is wrong, where nothing else tells the length


class Group(NamedTuple):
    """Packets that follow each other, and which samples they give.

    `position` is that of the first sample, or None where only the last one's is known: `end` is the
    one behind it. Samples from `first` up to `last` (None: all) count. `fresh` says that what was
    decoded before does not lead here.
    """

    packets: tuple[bytes, ...]
    position: int | None
    end: int | None = None
    first: int = 0
    last: int | None = None
    fresh: bool = False

    def begin(self, n_samples: int) -> int:
        """Return the position of the first of the samples that the packets gave."""
        return (self.end or 0) - n_samples if self.position is None else self.position


class Framing(Protocol):
    """One stream of packets.

    Attributes
    ----------
    codec : str
        FFmpeg's name of the decoder.
    extradata : bytes or None
        What the decoder has to know first.
    rate_hz, n_channels : int
    n_frames : int or None
        Samples per channel as the file promises them; None if only decoding tells.
    seeks_slowly : bool
        To go to a place takes a way through all before it.
    notes : list of str
        What is not as it should be, and what is found on the way through.
    """

    codec: str
    extradata: bytes | None
    rate_hz: int
    n_channels: int

    @property
    def n_frames(self) -> int | None:
        """Samples per channel, if the file says so."""

    seeks_slowly: bool
    notes: list[str]

    def groups(self, start: int) -> Iterator[Group]:
        """Yield the packets for the samples from `start` on; the first ones at least `EARLY_S` early."""
        ...
