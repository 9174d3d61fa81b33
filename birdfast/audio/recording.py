"""A recording: an audio file that is decoded in blocks, from any place."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Self

import numpy as np

from ..arrays import Float32
from ..config import MAX_HOURS, Resampler
from ..errors import AudioError
from ..outcomes import noted
from . import refusal
from .channels import Mixer, chosen, finite, silences
from .choice import choose, second_decoder_version
from .decoders import Undecodable, libsndfile, losses
from .pace import paced
from .resampling import Feed, feed

USUAL = libsndfile.Sndfile.name


class Recording:
    """One audio file, opened for reading; a context manager.

    Parameters
    ----------
    path : str or path
        A file in any format that libsndfile or FFmpeg reads.
    channel : "mix", "each", or a number from 1, as int or text
        What is heard: the average of all channels, each of them, or one.
    resampler : "steep", "soxr-hq" or "birdnet"
        How its sound gets to another rate; as birdnet does it, that is left to who cuts the windows.
    max_hours : float
        Where a longer recording ends, with an error behind what was read.
    tell : callable of str or None
        Gets each of the `remarks` when the recording is left: some are found on the way.
    speed : float
        How many times as fast it is heard, wherever samples at another rate are counted.

    Attributes
    ----------
    rate_hz, n_channels : int
    pace : Pace
        With `heard_hz`, the rate at which its samples are heard.
    channels : tuple of int
        The channels chosen; 0 is the mix.
    n_frames : int or None
        Samples per channel as the file promises them, at most those of `max_hours`; None if it does not
        say, or cannot be believed: then only decoding tells.
    seeks_slowly : bool
        To go to a place takes a way through all before it, as in an MP3.
    n_decoded : int or None
        Samples per channel as decoding found them on its way to the file's end; None before that.

    Raises
    ------
    AudioError
        The file is missing, a directory, not readable, empty, of no known format, has no such
        channel, or its rate is outside 1 to 768 kHz. The message names the file and the reason.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        channel: str | int = "mix",
        resampler: Resampler = "steep",
        max_hours: float = MAX_HOURS,
        tell: Callable[[str], object] | None = None,
        speed: float = 1.0,
    ) -> None:
        self.path, self._resampler, self._tell = refusal.path_of(path), resampler, tell
        refusal.check(self.path)
        try:
            choice = choose(self.path)
            self._decoder = choice.open()
        except OSError as error:  # the file has gone since
            raise refusal.unreadable(self.path, error) from error
        except Undecodable as error:
            raise refusal.refused(self.path, error) from error
        self._found = choice.notes
        self.n_decoded: int | None = None
        self.rate_hz: int = self._decoder.rate_hz
        self.n_channels: int = self._decoder.n_channels
        self.seeks_slowly = self._decoder.seeks_slowly
        try:
            self.n_frames: int | None = self._decoder.n_frames
            self._n_promised = self.n_frames
            self.pace = paced(self.rate_hz, speed, self.path)
            if self.n_frames == 0:
                raise refusal.empty(self.path)
            self.channels = chosen(channel, self.n_channels, self.path)
            self._mixer = Mixer(self.n_channels)
            self._missing = choice.missing
            self._bound(max_hours)
        except AudioError:
            self._decoder.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._tell is not None:
            for remark in self.remarks():
                self._tell(remark)
        self._decoder.close()

    @property
    def notes(self) -> list[str]:
        """All that is known of it so far: the `remarks`, behind an unusual decoder."""
        return noted(self.decoder, self.remarks())

    @property
    def decoder(self) -> str:
        """What reads it, with its version, where that is not the usual one; "" otherwise."""
        name = self._decoder.name
        return f"{name} (PyAV {second_decoder_version()})" if name != USUAL else ""

    @property
    def duration_s(self) -> float:
        """Length in seconds as the file promises it, be it more than is heard; 0 if it does not say."""
        return (self._n_promised or 0) / self.rate_hz

    def n_samples_at(self, rate_hz: int) -> int | None:
        """Return the samples at another rate that begin before the recording ends, exactly."""
        if self.n_frames is None:
            return None
        return -(-self.n_frames * rate_hz // self.pace.heard_hz)

    def remarks(self) -> list[str]:
        """Return what whoever hears it should know.

        What was repaired to read it; of the blocks that have passed, what is lost, and see `Mixer.remarks`.
        """
        lost = losses(self._decoder.lost, self.rate_hz)
        return list(dict.fromkeys([*self._found, *self._decoder.notes, *lost, *self._mixer.remarks()]))

    def blocks(
        self, rate_hz: int, start: int = 0, stop: int | None = None, channel: int | None = None
    ) -> Iterator[Float32]:
        """Yield the samples `start` to `stop`, counted at `rate_hz`, as mono float32 blocks.

        Parameters
        ----------
        rate_hz : int
            The rate of the samples that come out.
        start, stop : int
            Counted at `rate_hz`; `stop` None reads to the end.
        channel : int or None
            0 is the mix; None the first of those chosen.

        Yields
        ------
        float32 [n], n > 0, in -1..1 for files of integers; the next turn may overwrite it.

        Raises
        ------
        AudioError
            A sample is NaN or infinite, the decoder fails or finds no sample, or the file ends before
            what its header promises. All that is before that place has been yielded.
        """
        for _, block in self.feed([self.feed_at(rate_hz, start, stop, channel)]):
            yield block

    def samples(self, rate_hz: int, start: int = 0, stop: int | None = None) -> Float32:
        """Return the samples that `blocks` yields as one array [n]; arguments and errors as there."""
        blocks = [block.copy() for block in self.blocks(rate_hz, start, stop)]
        return np.concatenate([np.zeros(0, np.float32), *blocks])

    def feed_at(
        self, rate_hz: int, start: int = 0, stop: int | None = None, channel: int | None = None
    ) -> Feed:
        """Return what makes the samples that `blocks` has of this recording's own."""
        channel = self.channels[0] if channel is None else channel
        total = self.n_samples_at(rate_hz)
        return feed(self.pace.heard_hz, rate_hz, start, stop, total, channel, self._resampler)

    def feed(self, feeds: Sequence[Feed]) -> Iterator[tuple[int, Float32]]:
        """Decode once for several rates, places or channels.

        Yields
        ------
        (int, float32 [n])
            A feed's place among the feeds, and its next block, as `blocks` has it.

        Raises
        ------
        AudioError
            As `blocks`.
        """
        ends = [feed.last for feed in feeds if feed.last is not None]
        last = max(ends) if len(ends) == len(feeds) else None
        position = first = min(feed.first for feed in feeds)
        failure: AudioError | None = None
        try:
            for channels in self._native(first, last, {feed.channel for feed in feeds}):
                for place, feed in enumerate(feeds):
                    for made in feed.push(channels[feed.channel], position):
                        yield place, made
                position += len(channels[feeds[0].channel])
        except AudioError as error:
            failure = error
        came = failure is None or position == self.n_frames  # all that was to come
        for place, feed in enumerate(feeds):
            for made in feed.end(fill=came):
                yield place, made
        if failure is not None:
            raise failure

    def _native(self, start: int, stop: int | None, wanted: set[int]) -> Iterator[Mapping[int, Float32]]:
        """Decode, take the channels apart or average them, and check what comes out."""
        end = min((place for place in (stop, self.n_frames) if place is not None), default=None)
        position = start
        try:
            for place, found in self._decoder.frames(start, end):
                at, frames = min(place, self._most), found[: max(0, self._most - place)]
                for silence in silences(at - position):  # what is lost: what follows keeps its time
                    yield dict.fromkeys(wanted, silence)
                if len(frames):
                    yield from finite(self._mixer.apart(frames, wanted), at, self.path, self.rate_hz)
                position = at + len(frames)
                if self.n_frames is None and place + len(found) > self._most:
                    raise self._too_long
        except (OSError, Undecodable) as error:
            raise refusal.failed(self.path, error, self.rate_hz, self.duration_s) from error
        if end is None:
            self.n_decoded = position
        if self.n_frames is None and position == 0 and end != 0:
            raise refusal.empty(self.path)
        if self.n_frames is not None and end is not None and position < end:
            promised = f"of the {self.duration_s:.2f} s its header promises"
            raise refusal.cut_short(self.path, position / self.rate_hz, promised)
        if self._is_too_long and position == self.n_frames:
            raise self._too_long
        if self._missing and (position == self.n_frames or end is None):
            raise refusal.cut_short(self.path, position / self.rate_hz, self._missing)

    def _bound(self, max_hours: float) -> None:
        """Let the recording end where it gets longer than is wanted."""
        self._most = max(1, round(max_hours * 3600 * self.rate_hz))
        self._is_too_long = self.n_frames is not None and self.n_frames > self._most
        self._too_long = refusal.too_long(self.path, max_hours, self.duration_s)
        if self._is_too_long:
            self.n_frames = self._most
