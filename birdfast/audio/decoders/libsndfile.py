"""Decoding with libsndfile, which reads most of what recorders write."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import soundfile

from ...arrays import Float32
from ..framing import EARLY_S
from .decoder import BLOCK_SAMPLES, Undecodable

UNKNOWN = "not an audio file that libsndfile reads"
# libsndfile's words; the second ones where its MP3 decoder finds nothing, though the file is there.
NOT_KNOWN = ("Format not recognised", "File does not exist or is not a regular file")
LOSSY = ("MP3", "OGG")
# At 8 kbit/s an MP3's frame may borrow 255 bytes from others of which each has one, and 24 ms, to lend.
LOW_RATE_HZ, LOW_RATE_EARLY_S = 24_000, 6.5
SYSTEM = 2  # libsndfile's number for what the system told it
OF_HEADERS = tuple(os.strerror(one) for one in (errno.EINVAL, errno.ESPIPE, errno.EOVERFLOW))  # wrong places
LOST = 1 << 62  # the place in a file after an error
READ_BYTES = 1 << 16  # from a file of ours at once; libsndfile asks for less, byte by byte in an MP3
UNKNOWN_FRAMES = 1 << 62  # libsndfile's way of saying that a stream does not tell its length


class _InOneGo(soundfile.SoundFile):  # type: ignore[misc]
    """A file whose reading is not interrupted.

    Where it may, soundfile goes to the place where it is already after each read: MP3 then loses its
    bit reservoir, and that is no longer the sound that is in the file.
    """

    def seekable(self) -> bool:
        """Return that it cannot go anywhere."""
        return False

    def _open(self, *how: Any) -> Any:
        """Return what libsndfile opened, unless the system failed it: it may take that for a file's end."""
        opened = super()._open(*how)
        if soundfile._snd.sf_error(opened) == SYSTEM:
            told = soundfile._ffi.string(soundfile._snd.sf_strerror(opened)).decode(errors="replace")
            if not told.rstrip(".").endswith(OF_HEADERS):
                soundfile._snd.sf_close(opened)
                raise _unread()
        return opened


class _Reader(io.BufferedReader):
    """A file of ours that libsndfile reads: where reading fails, it takes that for the file's end.

    Attributes
    ----------
    failure : BaseException or None
        Why reading failed; raised here it would be told on the terminal, and go no further.
    """

    failure: BaseException | None = None

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer; with nothing where that fails."""
        try:
            return super().readinto(buffer)
        except BaseException as error:  # also what a signal's handler raises
            self.failure = error
            return 0


class Sndfile:
    """A `Decoder` of what libsndfile reads.

    Parameters
    ----------
    source : path, or an unbuffered file of ours opened for reading bytes
        A path wherever there is one: sound behind tags, or beside the file, is found by that alone, and
        what a signal's handler raises is not lost in between.

    Raises
    ------
    Undecodable
        libsndfile does not know the format, or finds its header wrong.
    OSError
        The file cannot be read.
    """

    name = "libsndfile"

    def __init__(self, source: Path | io.RawIOBase) -> None:
        self._source = source if isinstance(source, Path) else _Reader(source, READ_BYTES)
        try:
            self._file, self._place = self._twice(), 0
        except BaseException:
            self._let_go()
            raise
        self.rate_hz: int = self._file.samplerate
        self.n_channels: int = self._file.channels
        self.notes: list[str] = []
        self.lost: list[tuple[int, int]] = []
        self.is_mp3, self._can_seek = self._file.format == "MP3", super(_InOneGo, self._file).seekable()
        is_low = self.is_mp3 and self.rate_hz <= LOW_RATE_HZ
        early_s = LOW_RATE_EARLY_S if is_low else EARLY_S
        self._early = round(early_s * self.rate_hz) if self._file.format in LOSSY else 0
        self.seeks_slowly = self.is_mp3 or not self._can_seek
        frames: int = self._file.frames
        self.n_frames: int | None = frames if 0 <= frames < UNKNOWN_FRAMES else None

    def frames(self, start: int, stop: int | None) -> Iterator[tuple[int, Float32]]:
        """Yield samples with their positions: see `Decoder.frames`; OSError if the file cannot be read."""
        if self.n_frames is not None and start >= self.n_frames:
            return
        buffer = np.empty((BLOCK_SAMPLES, self.n_channels), np.float32)
        position = self._go_before(start)
        while stop is None or position < stop:
            border = start if position < start else stop
            wanted = BLOCK_SAMPLES if border is None else min(BLOCK_SAMPLES, border - position)
            block = self._read(buffer[:wanted], position)
            if len(block) == 0:
                return
            if position >= start:
                yield position, block
            position += len(block)

    def close(self) -> None:
        """Let the file go."""
        self._file.close()
        self._let_go()

    def _let_go(self) -> None:
        if isinstance(self._source, _Reader):
            self._source.close()

    def _check(self, error: Exception | None = None) -> None:
        """Raise why the file could not be read, if that was so."""
        if isinstance(self._source, _Reader) and self._source.failure is not None:
            raise self._source.failure
        if getattr(error, "code", None) == SYSTEM:
            raise _unread() from error

    def _twice(self) -> _InOneGo:
        """Open the file, and once more where that fails: a header not read is as another kind's."""
        try:
            return self._open()
        except (OSError, Undecodable):
            if not isinstance(self._source, Path):
                raise
            return self._open()

    def _open(self) -> _InOneGo:
        try:
            file = _InOneGo(os.fsencode(self._source) if isinstance(self._source, Path) else self._source)
        except TypeError as error:  # soundfile takes what ends in .raw for headerless, too
            raise Undecodable(UNKNOWN) from error
        except (soundfile.SoundFileError, RuntimeError, ValueError) as error:
            self._check()
            raise Undecodable(_reason(error)) from error
        self._check()
        if file.format == "RAW":  # its name alone, as notes.gsm or dawn.au, says that this is sound
            file.close()
            raise Undecodable(UNKNOWN)
        return file

    def _read(self, buffer: Float32, position: int) -> Float32:
        self._place = LOST
        try:
            block: Float32 = self._file.read(out=buffer)
        except (soundfile.SoundFileError, RuntimeError) as error:
            self._check(error)
            raise Undecodable(_reason(error), position) from error
        self._check()
        self._place = position + len(block)
        return block

    def _go_before(self, start: int) -> int:
        """Go to a sample, or so far before it that it is decoded as in one go, and say where that is."""
        if not self._can_seek:
            if start < self._place:
                self._again()
            return self._place
        place = max(0, start - self._early)
        if place != self._place:
            try:
                self._file.seek(place)
            except (soundfile.SoundFileError, RuntimeError) as error:
                self._place = LOST
                self._check(error)
                raise Undecodable(f"cannot go there: {_reason(error)}", place) from error
        return place

    def _again(self) -> None:
        """Begin anew a file in which one cannot go back."""
        self._file.close()
        if isinstance(self._source, _Reader):
            self._source.seek(0)
        self._file, self._place = self._open(), 0


def write(
    to: str | os.PathLike[str] | IO[bytes], samples: Float32, rate_hz: int, container: str | None = None
) -> None:
    """Write mono samples in -1..1, 16-bit, as a container that libsndfile knows, or by the path's suffix.

    In blocks, because libsndfile 1.2 crashes on a long Vorbis file in one call.

    Raises
    ------
    Undecodable
        The file cannot be written.
    """
    try:
        place = os.fsencode(to) if isinstance(to, str | os.PathLike) else to
        with soundfile.SoundFile(place, "w", rate_hz, 1, format=container) as file:
            for start in range(0, len(samples), BLOCK_SAMPLES):
                file.write(samples[start : start + BLOCK_SAMPLES])
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise Undecodable(_reason(error)) from error


def version() -> str:
    """Return the version of libsndfile."""
    return str(soundfile.__libsndfile_version__)


def _unread() -> OSError:
    return OSError(errno.EIO, os.strerror(errno.EIO))


def _reason(error: Exception) -> str:
    """Return libsndfile's own words without the path that it repeats."""
    text = getattr(error, "error_string", None) or str(error)
    text = text.removeprefix("Error : ").rstrip(".")
    return UNKNOWN if text.startswith(NOT_KNOWN) else text.lower()
