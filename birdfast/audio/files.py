"""Whole files: read and written."""

from __future__ import annotations

import io
import os
import zlib

from ..arrays import Float32
from ..config import path as checked_path
from ..config import whole
from ..errors import AudioError, ConfigError
from . import ogg
from .decoders import Undecodable, libsndfile
from .pace import MAX_RATE_HZ
from .recording import Recording
from .resampling import mono


def read(
    path: str | os.PathLike[str], rate_hz: int | None = None, channel: str | int = "mix"
) -> tuple[Float32, int]:
    """Read a whole recording, mono.

    Parameters
    ----------
    path : str or path
    rate_hz : int or None
        The rate wanted; None keeps the file's own.
    channel : "mix" or a number from 1, as int or text

    Returns
    -------
    samples : float32 [n]
    rate_hz : int

    Raises
    ------
    AudioError
        As `Recording` and `Recording.blocks`.
    ConfigError
        The channel is "each", which is no one sound, or the rate is none.
    """
    if channel == "each":
        raise ConfigError(f'{path}: channel each: one is read, "mix" or a number from 1')
    rate_hz = None if rate_hz is None else whole("rate_hz", rate_hz, 1, MAX_RATE_HZ)
    with Recording(path, channel) as recording:
        rate_hz = rate_hz or recording.rate_hz
        return recording.samples(rate_hz), rate_hz


def encoded(samples: Float32, rate_hz: int, container: str) -> bytes:
    """Return mono samples in -1..1 as the bytes of a file: 16-bit "wav" or "flac", or "ogg" (Vorbis).

    The same samples are the same bytes.

    Raises
    ------
    AudioError
        They cannot be written so, as Vorbis knows no rate above 200 kHz.
    """
    samples = mono(samples)
    with io.BytesIO() as file:
        try:
            libsndfile.write(file, samples, rate_hz, container.upper())
        except Undecodable as error:
            raise AudioError(
                f"cannot be written as {container} at {rate_hz:,} Hz ({error.reason})"
            ) from error
        data = file.getvalue()
    return ogg.numbered(data, zlib.crc32(samples.tobytes())) if container == "ogg" else data


def write(path: str | os.PathLike[str], samples: Float32, rate_hz: int) -> None:
    """Write mono samples in -1..1 as 16-bit FLAC, WAV or Ogg Vorbis, by the path's suffix.

    Raises
    ------
    AudioError
        The file cannot be written, or the samples are no finite mono floats.
    ConfigError
        The path or the rate is none.
    """
    path, rate_hz = checked_path("path", path), whole("rate_hz", rate_hz, 1, MAX_RATE_HZ)
    samples = mono(samples)
    try:
        libsndfile.write(path, samples, rate_hz)
    except Undecodable as error:
        raise AudioError(f"{path}: cannot be written ({error.reason})") from error
