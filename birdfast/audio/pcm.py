"""PCM as it comes through a pipe: raw samples, or a WAV whose header may not know how long it will be."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

from ..arrays import Array, Float32
from ..errors import AudioError
from . import otherfiles
from .headers.riff import LENGTHS, LENGTHS_64
from .pace import MAX_RATE_HZ, MIN_RATE_HZ

Encoding = Literal["s16", "f32", "u8", "s24", "s32", "f64"]
WIDTHS = {"s16": 2, "f32": 4, "u8": 1, "s24": 3, "s32": 4, "f64": 8}  # bytes of a sample
WAVS = (b"RIFF", b"RF64", b"BW64")
ENCODINGS: dict[tuple[int, int], Encoding] = {
    **{(1, 8): "u8", (1, 16): "s16", (1, 24): "s24", (1, 32): "s32"},
    **{(3, 32): "f32", (3, 64): "f64"},
}
EXTENSIBLE = 0xFFFE
INT16 = np.float32(1 / 32768)  # as libsndfile has it, exactly
HEAD_BYTES = 12  # say what kind of file it is
MOST_BYTES = 1 << 26  # of chunks before the sound: more is no header
MOST_CHANNELS = 999

Read = Callable[[int], bytes]


class Pcm(NamedTuple):
    """How samples lie in bytes, all channels of one moment together, the lowest byte first."""

    rate_hz: int
    n_channels: int = 1
    encoding: Encoding = "s16"

    @property
    def frame_bytes(self) -> int:
        """Bytes of one moment."""
        return WIDTHS[self.encoding] * self.n_channels

    def samples(self, data: bytes) -> Array:
        """Return whole frames as int16 or float32 [n, n_channels], as libsndfile makes them of a file."""
        return _samples(data, self.encoding).reshape(-1, self.n_channels)


def put_floats(samples: Array, out: Float32) -> Float32:
    """Write int16 or float32 samples into float32 of the same shape, and return it; nothing is allocated."""
    np.copyto(out, samples)
    if samples.dtype == np.int16:
        np.multiply(out, INT16, out=out)  # in two steps: to multiply as they are would allocate
    return out


def is_wav(head: bytes) -> bool:
    """Say by `HEAD_BYTES` whether it is a WAV.

    Raises
    ------
    AudioError
        It is another kind of file, which has to be decoded before.
    """
    if head[:4] in WAVS:
        return True
    refuse(otherfiles.by_magic(head))
    return False


def refuse(kind: str | None) -> None:
    """Refuse another kind of file, if it is one; raises as `is_wav`."""
    if kind is not None:
        raise AudioError(f"that is {kind}, not WAV or raw samples: ffmpeg -f wav decodes it")


def wav(head: bytes, read: Read) -> tuple[Pcm, int | None]:
    """Read a WAV's header up to the sound.

    Parameters
    ----------
    head : bytes
        Its first `HEAD_BYTES`.
    read : callable of int
        Returns so many of the bytes that follow; fewer at the end.

    Returns
    -------
    pcm : Pcm
    n_bytes : int or None
        Of sound, as the header tells; None where it does not know, as of programs that write into a pipe.

    Raises
    ------
    AudioError
        It is cut or broken, or its sound is compressed.
    """
    if head[8:12] != b"WAVE":
        raise AudioError(f"a broken WAV header: {head[8:12]!r} in the place of WAVE")
    found, n_read = dict[bytes, bytes](), 0
    while True:
        name, length = struct.unpack("<4sI", _whole(8, read))
        if name == b"data":
            break
        n_read += length
        if n_read > MOST_BYTES:
            raise AudioError(f"a broken WAV header: {n_read:,} bytes, and no sound yet")
        content = _whole(length + length % 2, read)
        if name in (b"fmt ", b"ds64"):
            found[name] = content
    if b"fmt " not in found:
        raise AudioError("a broken WAV header: no fmt chunk before its sound")
    if length == 0xFFFFFFFF and len(found.get(b"ds64", b"")) >= 16:
        length = int.from_bytes(found[b"ds64"][8:16], "little")
        is_told = 0 < length < LENGTHS_64.untold
    else:
        is_told = 0 < length < LENGTHS.untold and not _is_placeholder(length)
    pcm = _pcm(found[b"fmt "])
    return pcm, length if is_told else None


def _is_placeholder(length: int) -> bool:
    """Say whether programs write such a length where they do not know it, perhaps without the header's."""
    return any(0 <= place - length < 4096 for place in LENGTHS.placeholders)


def _pcm(form: bytes) -> Pcm:
    if len(form) < 16:
        raise AudioError(f"a broken WAV header: a fmt chunk of {len(form)} bytes")
    tag, n_channels, rate_hz, _, frame_bytes, bits = struct.unpack("<HHIIHH", form[:16])
    if tag == EXTENSIBLE and len(form) >= 26:
        tag = int.from_bytes(form[24:26], "little")
    encoding = ENCODINGS.get((tag, bits))
    if encoding is None:
        raise AudioError(f"a WAV of format {tag} with {bits} bits: PCM or floats are wanted")
    pcm = Pcm(rate_hz, n_channels, encoding)
    if not 1 <= n_channels <= MOST_CHANNELS or frame_bytes != pcm.frame_bytes:
        raise AudioError(f"a broken WAV header: {n_channels} channels of {bits} bits in {frame_bytes} bytes")
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise AudioError(f"a WAV of {rate_hz} Hz: outside {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz")
    return pcm


def _whole(n_bytes: int, read: Read) -> bytes:
    data = read(n_bytes)
    if len(data) < n_bytes:
        raise AudioError("a broken WAV header: it ends before the sound")
    return data


def _samples(data: bytes, encoding: Encoding) -> Array:
    match encoding:
        case "s16":
            return np.frombuffer(data, "<i2").astype(np.int16, copy=False)
        case "f32":
            return np.frombuffer(data, "<f4").astype(np.float32, copy=False)
        case "f64":
            return np.frombuffer(data, "<f8").astype(np.float32)
        case "u8":
            return _scaled(np.frombuffer(data, np.uint8).astype(np.float32) - 128, 7)
        case "s24":
            parts = np.frombuffer(data, np.uint8).reshape(-1, 3)
            wide = np.zeros((len(parts), 4), np.uint8)
            wide[:, 1:] = parts
            return _scaled(wide.view("<i4")[:, 0].astype(np.float32), 31)
        case "s32":
            return _scaled(np.frombuffer(data, "<i4").astype(np.float32), 31)


def _scaled(values: Float32, bits: int) -> Float32:
    scaled: Float32 = values * np.float32(2.0**-bits)
    return scaled
