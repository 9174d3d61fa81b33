"""Resampling: from a recorder's rate to a model's, as sound comes in blocks.

A recording is resampled as a whole, not window by window, so a window's samples do not depend on where
the windows lie. "steep" is the usual way (`steepfilter`); soxr at its quality HQ the other. Where the rates'
ratio gives the steep filter no blocks, soxr's quality VHQ stands in for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import get_args

import numpy as np
import soxr

from ..arrays import Float32
from ..config import Resampler, choice, whole
from ..errors import AudioError
from .filterdesign import fits, ratio
from .steepfilter import BATCH, SteepFilter, SteepStream

PREROLL_S = 0.25  # far longer than soxr's filter: what is dropped with it carries all start-up effects


def resample(samples: Float32, from_hz: int, to_hz: int, resampler: Resampler = "steep") -> Float32:
    """Return mono samples at another rate, as `Recording.blocks` would give them.

    Parameters
    ----------
    samples : float32 [n]
    from_hz, to_hz : int
    resampler : "steep" or "soxr-hq"

    Returns
    -------
    float32 [ceil(n to_hz / from_hz)]

    Raises
    ------
    AudioError
        The samples are no finite mono floats.
    ConfigError
        A rate is no whole number above 0, or there is no such resampler.
    """
    from_hz, to_hz = whole("from_hz", from_hz, 1), whole("to_hz", to_hz, 1)
    choice("resampler", resampler, get_args(Resampler))
    samples = mono(samples)
    if from_hz == to_hz:
        return samples
    total = -(-len(samples) * to_hz // from_hz)
    made = feed(from_hz, to_hz, total=total, resampler=resampler)
    blocks = [block.copy() for block in (*made.push(samples, 0), *made.end())]
    return np.concatenate([np.zeros(0, np.float32), *blocks])


def mono(samples: object) -> Float32:
    """Return samples as float32 [n].

    Raises
    ------
    AudioError
        They are no array of floats, have several channels, or are not finite.
    """
    if not isinstance(samples, np.ndarray):
        raise AudioError(f"samples are a {type(samples).__name__}; a NumPy array of floats [n] is wanted")
    if samples.ndim != 1 or samples.dtype.kind != "f":
        raise AudioError(f"samples are {samples.dtype} {list(samples.shape)}; mono floats [n] are wanted")
    with np.errstate(over="ignore"):
        found: Float32 = samples.astype(np.float32, copy=False)
    if not np.isfinite(found).all():
        raise AudioError(f"sample {int(np.argmin(np.isfinite(found)))} is NaN or infinite as float32")
    return found


def resampler_version() -> str:
    """Return the version of soxr."""
    return str(soxr.__version__)


def feed(
    from_hz: int,
    to_hz: int,
    start: int = 0,
    stop: int | None = None,
    total: int | None = None,
    channel: int = 0,
    resampler: Resampler = "steep",
    batch: int = BATCH,
) -> Feed:
    """Return what makes the samples `start` to `stop` at one rate of a recording's own.

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
    resampler : "steep" or "soxr-hq"
    batch : int
        How many of the steep filter's blocks are made at a time: one comes soonest, and all give the same.
    """
    if from_hz == to_hz:
        return Feed(start, stop, channel)
    if resampler == "steep" and fits(from_hz, to_hz):
        return _SteepFeed(from_hz, to_hz, start, stop, channel, batch)
    quality = "HQ" if resampler == "soxr-hq" else "VHQ"
    return _SoxrFeed(from_hz, to_hz, start, stop, total, channel, quality)


class Feed:
    """The samples `start` to `stop` of a recording, of its own that come in blocks; made by `feed`.

    Attributes
    ----------
    channel : int
    first : int
        The recording's sample where it has to begin: not behind `start`, and on both rates' grids.
    last : int or None
        The one behind the last that is needed; None is the end.
    """

    def __init__(self, first: int, last: int | None, channel: int) -> None:
        self.first, self.last, self.channel = first, last, channel

    def push(self, block: Float32, at: int) -> Iterator[Float32]:
        """Take mono samples [n] that begin at the recording's sample `at`, and yield what they make.

        Blocks follow each other; what lies before `first` or behind `last` is passed over. What is yielded
        may be overwritten in the next turn.
        """
        wanted = block[max(0, self.first - at) : None if self.last is None else max(0, self.last - at)]
        return self._make(wanted) if len(wanted) else iter(())

    def end(self, fill: bool = True, total: int | None = None) -> Iterator[Float32]:
        """Yield what is still to come when the last block was pushed.

        `fill`: what is behind it is silence, as it is the recording's end; without, it is not known. `total`
        says how many samples all of it has at `to_hz`, where that is known only now.
        """
        return iter(())

    def _make(self, block: Float32) -> Iterator[Float32]:
        yield block


class _SteepFeed(Feed):
    def __init__(
        self, from_hz: int, to_hz: int, start: int, stop: int | None, channel: int, batch: int
    ) -> None:
        filtering = _steep(from_hz, to_hz)
        first, last = filtering.span(start, start + 1 if stop is None else max(stop, start + 1))
        super().__init__(first, None if stop is None else last, channel)
        self._stream = SteepStream(filtering, start, stop, batch)

    def end(self, fill: bool = True, total: int | None = None) -> Iterator[Float32]:
        return self._stream.end(whole=not fill)

    def _make(self, block: Float32) -> Iterator[Float32]:
        return self._stream.push(block)


class _SoxrFeed(Feed):
    def __init__(
        self,
        from_hz: int,
        to_hz: int,
        start: int,
        stop: int | None,
        total: int | None,
        channel: int,
        quality: str,
    ) -> None:
        up, down = ratio(from_hz, to_hz)
        preroll = round(PREROLL_S * from_hz)
        first = max(0, start * down // up - preroll) // down * down
        super().__init__(first, None if stop is None else -(-stop * down // up) + preroll, channel)
        self._start = start
        self._end = min((place for place in (stop, total) if place is not None), default=None)
        self._position = first // down * up
        self._soxr = soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32", quality=quality)

    def end(self, fill: bool = True, total: int | None = None) -> Iterator[Float32]:
        self._end = total if self._end is None else self._end
        yield from self._within(self._soxr.resample_chunk(np.zeros(0, np.float32), last=True))
        reached = max(self._position, self._start)
        if fill and self._end is not None and self._start < self._end and reached < self._end:
            yield np.zeros(self._end - reached, np.float32)  # soxr rounds the length its own way

    def _make(self, block: Float32) -> Iterator[Float32]:
        return self._within(self._soxr.resample_chunk(block))

    def _within(self, block: Float32) -> Iterator[Float32]:
        """Yield the part of a resampled block that was asked for."""
        end = None if self._end is None else max(0, self._end - self._position)
        kept = block[max(0, self._start - self._position) : end]
        self._position += len(block)
        if len(kept):
            yield kept


@lru_cache(maxsize=16)  # rates are what strangers' files say
def _steep(from_hz: int, to_hz: int) -> SteepFilter:
    """Return a filter that was made once for all recordings; several threads may use it."""
    return SteepFilter(from_hz, to_hz)
