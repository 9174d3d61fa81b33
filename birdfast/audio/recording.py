"""A recording: an audio file that is decoded in blocks, from any place."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import soundfile

from ..arrays import Float32
from ..errors import AudioError
from . import headers
from .resampling import Feed

MIN_RATE_HZ, MAX_RATE_HZ = 1_000, 768_000
BLOCK_SAMPLES = 1 << 16
UNKNOWN_FRAMES = 1 << 62  # libsndfile's way of saying that a stream does not tell its length


class Recording:
    """One audio file, opened for reading; a context manager.

    Parameters
    ----------
    path : str or path
        A file in any format that libsndfile reads.

    Attributes
    ----------
    rate_hz, n_channels : int
    n_frames : int or None
        Float32 per channel as the file promises them; None if it does not say, as an MP3 without
        a Xing header: libsndfile guesses its length from its first frames.
    notes : list of str
        What was repaired to read it.
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
        header = _header(self.path)
        self.notes = list(header.notes)
        self._file = _open(self.path, header.repair)
        self.rate_hz: int = self._file.samplerate
        self.n_channels: int = self._file.channels
        self.seeks_slowly = self._file.format == "MP3" or not self._file.seekable()
        try:
            self.n_frames: int | None = header.n_frames or self._promised()
            self._check()
            missing = headers.missing_from_ogg(self.path)
            self._missing = header.missing or (f"({missing})" if missing else None)
        except OSError as error:  # the file has gone since
            self._file.close()
            raise _unreadable(self.path, error) from error
        except AudioError:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

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
        if start:
            self._seek(start)
        end = self.n_frames if stop is None or self.n_frames is None else min(stop, self.n_frames)
        end = stop if end is None else end
        buffer = np.empty((BLOCK_SAMPLES, self.n_channels), np.float32)
        position = start
        while end is None or position < end:
            wanted = BLOCK_SAMPLES if end is None else min(BLOCK_SAMPLES, end - position)
            frames = self._read(buffer[:wanted], position)
            if len(frames) == 0:
                break
            yield self._mono(frames, position)
            position += len(frames)
        if self.n_frames is not None and end is not None and position < end:
            raise self._cut_short(position, f"of the {self.duration_s:.2f} s its header promises")
        if self._missing and position == self.n_frames:
            raise self._cut_short(position, self._missing)

    def _read(self, buffer: Float32, position: int) -> Float32:
        try:
            return self._file.read(out=buffer)  # type: ignore[no-any-return]
        except (soundfile.SoundFileError, RuntimeError) as error:
            raise AudioError(
                f"{self.path}: decoding failed at {position / self.rate_hz:.2f} s"
                f"{f' of {self.duration_s:.2f} s' if self.n_frames else ''} ({_reason(error)})"
            ) from error

    def _seek(self, frame: int) -> None:
        try:
            if self._file.seekable():
                self._file.seek(frame)
                return
            for start in range(0, frame, BLOCK_SAMPLES):  # GSM and its like: through all before it
                self._file.read(min(BLOCK_SAMPLES, frame - start), "float32")
        except (soundfile.SoundFileError, RuntimeError) as error:
            raise AudioError(
                f"{self.path}: cannot go to {frame / self.rate_hz:.2f} s ({_reason(error)})"
            ) from error

    def _mono(self, frames: Float32, position: int) -> Float32:
        """Average the channels; one alone stays where it is."""
        mono = frames[:, 0] if self.n_channels == 1 else frames.mean(axis=1, dtype=np.float32)
        if not np.isfinite(mono).all():
            at = position + int(np.argmin(np.isfinite(mono)))
            raise AudioError(f"{self.path}: sample {at} ({at / self.rate_hz:.3f} s) is NaN or infinite")
        return mono

    def _cut_short(self, position: int, why: str) -> AudioError:
        return AudioError(f"{self.path}: cut short: ends at {position / self.rate_hz:.2f} s {why}")

    def _promised(self) -> int | None:
        frames: int = self._file.frames
        known = 0 <= frames < UNKNOWN_FRAMES and (
            self._file.format != "MP3" or headers.has_xing_header(self.path)
        )
        return frames if known or frames == 0 else None

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

    In blocks, because libsndfile 1.2 crashes on a long Vorbis file in one call.

    Raises
    ------
    AudioError
        The file cannot be written.
    """
    try:
        with soundfile.SoundFile(os.fsencode(path), "w", rate_hz, 1) as file:
            for start in range(0, len(samples), BLOCK_SAMPLES):
                file.write(samples[start : start + BLOCK_SAMPLES])
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise AudioError(f"{path}: cannot be written ({_reason(error)})") from error


def size_bytes(path: str | os.PathLike[str]) -> int | None:
    """Return the size of a file; None for one that cannot be looked at."""
    try:
        return Path(path).stat().st_size
    except (OSError, ValueError):
        return None


def decoder_version() -> str:
    """Return the version of libsndfile."""
    return str(soundfile.__libsndfile_version__)


def _header(path: Path) -> headers.Header:
    """Read the header that may be damaged, and say in words why a file is none that can be read."""
    try:
        status = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    except ValueError as error:  # a null character in the name
        raise AudioError(f"{path!r}: not a file name ({error})") from error
    if stat.S_ISDIR(status.st_mode):
        raise AudioError(f"{path}: {_what_folder(path)}")
    if not stat.S_ISREG(status.st_mode):
        raise AudioError(f"{path}: not a regular file")
    if status.st_size == 0:
        raise AudioError(f"{path}: empty file (0 bytes)")
    try:
        return headers.read(path)
    except OSError as error:
        raise _unreadable(path, error) from error


def _open(path: Path, repair: Sequence[headers.Piece]) -> soundfile.SoundFile:
    """Open with libsndfile."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
        return soundfile.SoundFile(headers.Repaired(path, repair) if repair else os.fsencode(path))
    except OSError as error:
        raise _unreadable(path, error) from error
    except (soundfile.SoundFileError, RuntimeError, TypeError, ValueError) as error:
        raise AudioError(f"{path}: {_what_it_is(head) or _reason(error)}") from error


def _unreadable(path: Path, error: OSError) -> AudioError:
    return AudioError(f"{path}: {(error.strerror or 'cannot be read').lower()}")


def _what_folder(path: Path) -> str:
    """Say why a folder came here: someone named it, or nobody could look into it (`inputs.find`)."""
    try:
        os.scandir(path).close()
    except OSError as error:
        return f"a folder that cannot be listed ({(error.strerror or 'no reason given').lower()})"
    return "a directory, not an audio file"


def _what_it_is(head: bytes) -> str | None:
    """Name a format that people record in and libsndfile does not read, or say that there is none."""
    if not any(head):
        return "no header: it begins with zeros"
    unread = {b"ftyp": "MP4/M4A (AAC)", b"wvpk": "WavPack", b"\x30\x26\xb2\x75": "Windows Media (WMA)"}
    for magic, name in unread.items():
        if magic in head[:8]:
            return f"{name} cannot be read; convert it first, for example: ffmpeg -i IN OUT.flac"
    return None


def _reason(error: Exception) -> str:
    """Return libsndfile's own words without the path that it repeats."""
    text = getattr(error, "error_string", None) or str(error)
    text = text.removeprefix("Error : ").rstrip(".")
    return "not an audio file that libsndfile reads" if text == "Format not recognised" else text.lower()
