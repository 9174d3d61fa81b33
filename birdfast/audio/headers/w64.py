"""W64, Sony's: RIFF WAVE with 64-bit lengths and names of 16 bytes."""

from __future__ import annotations

import struct
from typing import IO

from .chunks import Chunks, Kind
from .header import Header, Lengths, judge
from .riff import wav_sound

NAME_END = b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
KIND = Kind(16, 8, align=8, name_end=NAME_END, counts_head=True)
HEAD_BYTES = 24
LENGTHS = Lengths((1 << 63) - 256)  # ffmpeg's is the largest, less the chunk's head


def w64(file: IO[bytes], held: int) -> Header:
    """Judge a W64's header: "riff", size, "wave", and chunks, whose lengths count their heads.

    libsndfile shortens what is cut, stops at a length that is too small, and may take a few bytes
    behind the sound for sound.
    """
    chunks, form = Chunks(file, held, KIND), b""
    for chunk in chunks.walk(HEAD_BYTES + 16):
        if chunk.name[:4] == b"fmt ":
            file.seek(chunk.start)
            form = file.read(min(chunk.length, 16))
        if chunk.name[:4] == b"data" and form:
            break
    else:
        return Header()
    sound = wav_sound(chunk.start, chunk.length, form)
    extent = judge(file, held, sound, LENGTHS, chunks)
    if extent.n_bytes == chunk.length and chunk.start + chunk.length == held:
        return Header(extent.missing, extent.notes)
    end, place = chunk.start + extent.n_bytes, chunk.start - 8
    size, length = struct.pack("<Q", end), struct.pack("<Q", HEAD_BYTES + extent.n_bytes)
    return Header(
        extent.missing, extent.notes, ((0, 16), size, (HEAD_BYTES, place), length, (chunk.start, end))
    )
