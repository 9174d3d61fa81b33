"""A recording: an audio file that is decoded in blocks, from any place."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from ..arrays import Float32
from ..errors import AudioError
from . import refusal
from .choice import choose
from .decoders import BLOCK_SAMPLES, Undecodable, libsndfile, losses
from .resampling import Feed

USUAL = libsndfile.Sndfile.name
MIN_RATE_HZ, MAX_RATE_HZ = 1_000, 768_000


class Recording:
    """One audio file, opened for reading; a context manager.

    Parameters
    ----------
    path : str or path
        A file in any format that libsndfile or FFmpeg reads.

    Attributes
    ----------
    rate_hz, n_channels : int
    n_frames : int or None
        Float32 per channel as the file promises them; None if it does not say, or cannot be believed:
        then only decoding tells.
    seeks_slowly : bool
        To go to a place takes a way through all before it, as in an MP3.

    Raises
    ------
    AudioError
        The file is missing, a directory, not readable, empty, of no known format, or its rate is
        outside 1 to 768 kHz. The message names the file and the reason.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        refusal.check(self.path)
        try:
            choice = choose(self.path)
            self._decoder = choice.open()
        except OSError as error:  # the file has gone since
            raise refusal.unreadable(self.path, error) from error
        except Undecodable as error:
            raise refusal.refused(self.path, error) from error
        self._remarks = choice.notes
        self.rate_hz: int = self._decoder.rate_hz
        self.n_channels: int = self._decoder.n_channels
        self.seeks_slowly = self._decoder.seeks_slowly
        try:
            self.n_frames: int | None = self._decoder.n_frames
            self._check()
            self._missing = choice.missing
        except AudioError:
            self._decoder.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._decoder.close()

    @property
    def notes(self) -> list[str]:
        """What was repaired to read it, which decoder reads it if not the usual one, what is lost so far."""
        decoder = self._decoder
        unusual = [f"read with {decoder.name}"] * (decoder.name != USUAL)
        lost = losses(decoder.lost, self.rate_hz)
        return list(dict.fromkeys([*self._remarks, *unusual, *decoder.notes, *lost]))

    @property
    def duration_s(self) -> float:
        """Length in seconds as the file promises it; 0 if it does not say."""
        return (self.n_frames or 0) / self.rate_hz

    def n_samples_at(self, rate_hz: int) -> int | None:
        """Return the samples at another rate that begin before the recording ends, exactly."""
        if self.n_frames is None:
            return None
        return -(-self.n_frames * rate_hz // self.rate_hz)

    def blocks(self, rate_hz: int, start: int = 0, stop: int | None = None) -> Iterator[Float32]:
        """Yield the samples `start` to `stop`, counted at `rate_hz`, as mono float32 blocks.

        Parameters
        ----------
        rate_hz : int
            The rate of the samples that come out.
        start, stop : int
            Counted at `rate_hz`; `stop` None reads to the end.

        Yields
        ------
        float32 [n], n > 0, in -1..1 for files of integers; channels are averaged. A block may be
        overwritten in the next turn.

        Raises
        ------
        AudioError
            A sample is NaN or infinite, the decoder fails, or the file ends before what its header
            promises. Blocks before that place have been yielded.
        """
        for _, block in self.feed([self.feed_at(rate_hz, start, stop)]):
            yield block

    def feed_at(self, rate_hz: int, start: int = 0, stop: int | None = None) -> Feed:
        """Return what makes the samples `start` to `stop`, counted at `rate_hz`, of this recording's own."""
        return Feed(self.rate_hz, rate_hz, start, stop, self.n_samples_at(rate_hz))

    def feed(self, feeds: Sequence[Feed]) -> Iterator[tuple[int, Float32]]:
        """Decode once for several rates or places.

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
        for block in self._native(first, last):
            for place, feed in enumerate(feeds):
                for made in feed.push(block, position):
                    yield place, made
            position += len(block)
        for place, feed in enumerate(feeds):
            for made in feed.end():
                yield place, made

    def _native(self, start: int, stop: int | None) -> Iterator[Float32]:
        """Decode, average the channels, and check what comes out."""
        end = self.n_frames if stop is None or self.n_frames is None else min(stop, self.n_frames)
        end = stop if end is None else end
        position = start
        try:
            for at, frames in self._decoder.frames(start, end):
                yield from self._silence(position, at)
                if len(frames):
                    yield self._mono(frames, at)
                position = at + len(frames)
        except Undecodable as error:
            raise self._failed(error) from error
        if self.n_frames is not None and end is not None and position < end:
            raise self._cut_short(position, f"of the {self.duration_s:.2f} s its header promises")
        if self._missing and (position == self.n_frames or end is None):
            raise self._cut_short(position, f"({self._missing})")

    def _silence(self, start: int, stop: int) -> Iterator[Float32]:
        """Yield zeros for what is lost, so that what follows keeps its time."""
        for at in range(start, stop, BLOCK_SAMPLES):
            yield np.zeros(min(BLOCK_SAMPLES, stop - at), np.float32)

    def _mono(self, frames: Float32, position: int) -> Float32:
        """Average the channels; one alone stays where it is."""
        mono = frames[:, 0] if self.n_channels == 1 else frames.mean(axis=1, dtype=np.float32)
        if not np.isfinite(mono).all():
            at = position + int(np.argmin(np.isfinite(mono)))
            raise AudioError(f"{self.path}: sample {at} ({at / self.rate_hz:.3f} s) is NaN or infinite")
        return mono

    def _cut_short(self, position: int, why: str) -> AudioError:
        return AudioError(f"{self.path}: cut short: ends at {position / self.rate_hz:.2f} s {why}")

    def _failed(self, error: Undecodable) -> AudioError:
        place = "" if error.position is None else f" at {error.position / self.rate_hz:.2f} s"
        of = f" of {self.duration_s:.2f} s" if self.n_frames else ""
        return AudioError(f"{self.path}: decoding failed{place}{of} ({error.reason})")

    def _check(self) -> None:
        if not MIN_RATE_HZ <= self.rate_hz <= MAX_RATE_HZ:
            raise AudioError(
                f"{self.path}: sample rate {self.rate_hz} Hz is outside {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz"
            )
        if self.n_frames == 0:
            raise AudioError(f"{self.path}: no samples ({self.path.stat().st_size}-byte file)")


def read(path: str | os.PathLike[str], rate_hz: int | None = None) -> tuple[Float32, int]:
    """Read a whole recording, mono.

    Parameters
    ----------
    path : str or path
    rate_hz : int or None
        The rate wanted; None keeps the file's own.

    Returns
    -------
    samples : float32 [n]
    rate_hz : int

    Raises
    ------
    AudioError
        As `Recording` and `Recording.blocks`.
    """
    with Recording(path) as recording:
        rate_hz = rate_hz or recording.rate_hz
        blocks = [block.copy() for block in recording.blocks(rate_hz)]
    return np.concatenate(blocks), rate_hz


def write(path: str | os.PathLike[str], samples: Float32, rate_hz: int) -> None:
    """Write mono samples in -1..1 as 16-bit FLAC, WAV or Ogg Vorbis, by the path's suffix.

    Raises
    ------
    AudioError
        The file cannot be written.
    """
    try:
        libsndfile.write(path, samples, rate_hz)
    except Undecodable as error:
        raise AudioError(f"{path}: cannot be written ({error.reason})") from error


def size_bytes(path: str | os.PathLike[str]) -> int | None:
    """Return the size of a file; None for one that cannot be looked at."""
    try:
        return Path(path).stat().st_size
    except (OSError, ValueError):
        return None
