"""What every decoder does: it gives the samples of any part of a file, with their positions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from ...arrays import Float32

BLOCK_SAMPLES = 1 << 16


class Undecodable(Exception):
    """The decoder gave up.

    Parameters
    ----------
    reason : str
    position : int or None
        The sample at which it stood; None if it could not even begin.
    """

    def __init__(self, reason: str, position: int | None = None) -> None:
        super().__init__(reason)
        self.reason, self.position = reason, position


class Decoder(Protocol):
    """One file, opened for decoding.

    Attributes
    ----------
    name : str
        The library that decodes, as notes call it.
    rate_hz, n_channels : int
    n_frames : int or None
        Samples per channel as the file promises them; None if only decoding tells.
    seeks_slowly : bool
        To go to a place takes a way through all before it.
    """

    name: str
    rate_hz: int
    n_channels: int
    n_frames: int | None
    seeks_slowly: bool

    def frames(self, start: int, stop: int | None) -> Iterator[tuple[int, Float32]]:
        """Yield the samples from `start` on, to `stop` at least if the file has them, with their positions.

        The same samples come out wherever `start` lies: bit by bit where the format loses nothing,
        within 1e-6 where it does. Positions rise; what lies between a block's end and the next one's
        position is lost in the file, and so is what `start` precedes the first block by.

        Yields
        ------
        (int, float32 [n, n_channels])
            A position, and at most `BLOCK_SAMPLES` samples that are overwritten in the next turn.

        Raises
        ------
        Undecodable
            The library gives up. Blocks before that place have been yielded.
        """
        ...

    def close(self) -> None:
        """Let the file go."""
        ...
