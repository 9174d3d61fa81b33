"""Decoding with libsndfile, which reads most of what recorders write."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import soundfile

from ...arrays import Float32
from .decoder import BLOCK_SAMPLES, Undecodable

UNKNOWN_FRAMES = 1 << 62  # libsndfile's way of saying that a stream does not tell its length


class Sndfile:
    """A `Decoder` of what libsndfile reads.

    Parameters
    ----------
    source : path or a file opened for reading bytes

    Raises
    ------
    Undecodable
        libsndfile does not know the format, or finds its header wrong.
    OSError
        The file cannot be read.
    """

    name = "libsndfile"

    def __init__(self, source: Path | IO[bytes] | Any) -> None:
        try:
            self._file = soundfile.SoundFile(os.fsencode(source) if isinstance(source, Path) else source)
        except (soundfile.SoundFileError, RuntimeError, TypeError, ValueError) as error:
            raise Undecodable(_reason(error)) from error
        self.rate_hz: int = self._file.samplerate
        self.n_channels: int = self._file.channels
        self.is_mp3 = self._file.format == "MP3"
        self.seeks_slowly = self.is_mp3 or not self._file.seekable()
        frames: int = self._file.frames
        self.n_frames: int | None = frames if 0 <= frames < UNKNOWN_FRAMES else None

    def frames(self, start: int, stop: int | None) -> Iterator[tuple[int, Float32]]:
        """Yield samples with their positions: see `Decoder.frames`."""
        if start:
            self._seek(start)
        buffer = np.empty((BLOCK_SAMPLES, self.n_channels), np.float32)
        position = start
        while stop is None or position < stop:
            wanted = BLOCK_SAMPLES if stop is None else min(BLOCK_SAMPLES, stop - position)
            block = self._read(buffer[:wanted], position)
            if len(block) == 0:
                return
            yield position, block
            position += len(block)

    def close(self) -> None:
        """Let the file go."""
        self._file.close()

    def _read(self, buffer: Float32, position: int) -> Float32:
        try:
            return self._file.read(out=buffer)  # type: ignore[no-any-return]
        except (soundfile.SoundFileError, RuntimeError) as error:
            raise Undecodable(_reason(error), position) from error

    def _seek(self, frame: int) -> None:
        try:
            if self._file.seekable():
                self._file.seek(frame)
                return
            for start in range(0, frame, BLOCK_SAMPLES):  # GSM and its like: through all before it
                self._file.read(min(BLOCK_SAMPLES, frame - start), "float32")
        except (soundfile.SoundFileError, RuntimeError) as error:
            raise Undecodable(f"cannot go there: {_reason(error)}", frame) from error


def write(path: str | os.PathLike[str], samples: Float32, rate_hz: int) -> None:
    """Write mono samples in -1..1, 16-bit, by the path's suffix.

    In blocks, because libsndfile 1.2 crashes on a long Vorbis file in one call.

    Raises
    ------
    Undecodable
        The file cannot be written.
    """
    try:
        with soundfile.SoundFile(os.fsencode(path), "w", rate_hz, 1) as file:
            for start in range(0, len(samples), BLOCK_SAMPLES):
                file.write(samples[start : start + BLOCK_SAMPLES])
    except (soundfile.SoundFileError, RuntimeError) as error:
        raise Undecodable(_reason(error)) from error


def version() -> str:
    """Return the version of libsndfile."""
    return str(soundfile.__libsndfile_version__)


def _reason(error: Exception) -> str:
    """Return libsndfile's own words without the path that it repeats."""
    text = getattr(error, "error_string", None) or str(error)
    text = text.removeprefix("Error : ").rstrip(".")
    return "not an audio file that libsndfile reads" if text == "Format not recognised" else text.lower()
