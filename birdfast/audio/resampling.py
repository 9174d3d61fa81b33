"""Resampling: from a recorder's rate to a model's, by soxr at its quality HQ.

A recording is resampled as a whole, not window by window, so a window's samples do not depend on where
the windows lie.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd

import numpy as np
import soxr

from ..arrays import Float32

PREROLL_S = 0.25  # far longer than soxr's filter: what is dropped with it carries all start-up effects


def resample(samples: Float32, from_hz: int, to_hz: int) -> Float32:
    """Return mono samples at another rate, as `Recording.blocks` would give them.

    Parameters
    ----------
    samples : float32 [n]
    from_hz, to_hz : int

    Returns
    -------
    float32 [ceil(n to_hz / from_hz)]
        soxr rounds the length its own way; zeros fill what it lacks.
    """
    if from_hz == to_hz:
        return samples
    n_samples = -(-len(samples) * to_hz // from_hz)
    resampled: Float32 = soxr.resample(samples, from_hz, to_hz, quality="HQ")[:n_samples]
    return np.pad(resampled, (0, n_samples - len(resampled)))


def resampler_version() -> str:
    """Return the version of soxr."""
    return str(soxr.__version__)


class Feed:
    """The samples `start` to `stop` at one rate, made of a recording's own that come in blocks.

    Parameters
    ----------
    from_hz, to_hz : int
        The recording's rate, and the one that is wanted.
    start, stop : int
        Counted at `to_hz`; `stop` None takes all that comes.
    total : int or None
        How many samples the whole recording has at `to_hz`; None where it does not say.
    channel : int
        Whose samples it takes; 0 is the mix of all.

    Attributes
    ----------
    channel : int
    first : int
        The recording's sample where it has to begin: a little before `start`, on both rates' grids.
    last : int or None
        The one behind the last that is needed; None is the end.
    """

    def __init__(
        self,
        from_hz: int,
        to_hz: int,
        start: int = 0,
        stop: int | None = None,
        total: int | None = None,
        channel: int = 0,
    ) -> None:
        self.channel = channel
        self._start, self._end = start, stop
        self._position, self.first, self.last = start, start, stop
        self._resampler: soxr.ResampleStream | None = None
        if from_hz != to_hz:
            up, down = ratio(to_hz, from_hz)
            preroll = round(PREROLL_S * from_hz)
            self.first = max(0, start * down // up - preroll) // down * down
            self.last = None if stop is None else -(-stop * down // up) + preroll
            self._end = total if stop is None or (total is not None and total < stop) else stop
            self._position = self.first // down * up
            self._resampler = soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32", quality="HQ")

    def push(self, block: Float32, at: int) -> Iterator[Float32]:
        """Take mono samples [n] that begin at the recording's sample `at`, and yield what they make.

        Blocks follow each other; what lies before `first` or behind `last` is passed over.
        """
        block = block[max(0, self.first - at) : None if self.last is None else max(0, self.last - at)]
        if self._resampler is None:
            if len(block):
                yield block
        elif len(block):
            yield from self._within(self._resampler.resample_chunk(block))

    def end(self, fill: bool = True) -> Iterator[Float32]:
        """Yield what is still to come when the last block was pushed; `fill` with zeros what lacks."""
        if self._resampler is None:
            return
        yield from self._within(self._resampler.resample_chunk(np.zeros(0, np.float32), last=True))
        reached = max(self._position, self._start)
        if fill and self._end is not None and self._start < self._end and reached < self._end:
            yield np.zeros(self._end - reached, np.float32)

    def _within(self, block: Float32) -> Iterator[Float32]:
        """Yield the part of a resampled block that was asked for."""
        end = None if self._end is None else max(0, self._end - self._position)
        kept = block[max(0, self._start - self._position) : end]
        self._position += len(block)
        if len(kept):
            yield kept


def ratio(to_hz: int, from_hz: int) -> tuple[int, int]:
    """Return the ratio of two rates in lowest terms."""
    divisor = gcd(to_hz, from_hz)
    return to_hz // divisor, from_hz // divisor
