"""What every decoder does: it gives the samples of any part of a file, with their positions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from ...arrays import Float32

BLOCK_SAMPLES = 1 << 16
MOST_LOSSES = 20  # that are told one by one


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
    notes : list of str
        What is not as it should be, in words; more may come while decoding.
    lost : list of (int, int)
        From where to where samples are lost, as far as decoding has come.
    """

    name: str
    rate_hz: int
    n_channels: int
    n_frames: int | None
    seeks_slowly: bool

    @property
    def notes(self) -> list[str]:
        """What is not as it should be."""

    @property
    def lost(self) -> list[tuple[int, int]]:
        """From where to where samples are lost."""

    def frames(self, start: int, stop: int | None) -> Iterator[tuple[int, Float32]]:
        """Yield the samples from `start` on, to `stop` at least if the file has them, with their positions.

        The same samples come out wherever `start` lies: bit by bit where the format loses nothing,
        within 1e-6 where it does. Positions rise; what lies between a block's end and the next one's
        position is lost in the file, and so is what `start` precedes the first block by.
        An empty block at `stop` says that what is before it is lost, and that the file goes on.

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


def gathered(
    blocks: Iterator[tuple[int, Float32]], n_channels: int, start: int
) -> Iterator[tuple[int, Float32]]:
    """Put small blocks that follow each other together, from `start` on, and let no position come twice."""
    buffer = np.empty((BLOCK_SAMPLES, n_channels), np.float32)
    held, begin, failure = 0, start, None
    try:
        for position, samples in blocks:
            if position > begin + held:
                if held:
                    yield begin, buffer[:held]
                begin, held = position, 0
                if not len(samples):
                    yield begin, buffer[:0]
            samples = samples[begin + held - position :]
            while len(samples):
                some = samples[: BLOCK_SAMPLES - held]
                buffer[held : held + len(some)] = some
                held, samples = held + len(some), samples[len(some) :]
                if held == BLOCK_SAMPLES:
                    yield begin, buffer
                    begin, held = begin + held, 0
    except Undecodable as error:
        failure = error
    if held:
        yield begin, buffer[:held]
    if failure is not None:
        raise failure


def with_channels(block: Float32, n_channels: int) -> Float32:
    """Give a block [n, any] so many channels: each the average of its own, where they are not as many."""
    if block.shape[1] == n_channels:
        return block
    return np.repeat(block.mean(axis=1, keepdims=True, dtype=np.float32), n_channels, axis=1)


def losses(lost: list[tuple[int, int]], rate_hz: int) -> list[str]:
    """Say in words from where to where samples are lost."""
    told = [
        f"lost from {first / rate_hz:.2f} s to {last / rate_hz:.2f} s: silence there"
        for first, last in lost[:MOST_LOSSES]
    ]
    return told + [f"lost at {len(lost)} places"] * (len(lost) > MOST_LOSSES)
