"""CAF, Apple's Core Audio Format: chunks with 64-bit lengths."""

from __future__ import annotations

import struct
from typing import IO

from .chunks import Chunks, Kind
from .header import Header, Lengths, Sound, judge

KIND = Kind(length_bytes=8, order="big", align=1)
LENGTHS = Lengths((1 << 63) - 256)
EDIT_BYTES = 4  # a counter that the sound's chunk begins with


def caf(file: IO[bytes], held: int) -> Header:
    """Judge a CAF's header.

    "caff", a version and flags, then chunks of a name and a length, among them "desc" (rate, format,
    bytes and frames of a packet, channels) and "data" (Apple, Core Audio Format Specification 1.0).
    A length of -1 is the format's own way of not telling. libsndfile refuses it, and what is cut.
    """
    chunks, desc = Chunks(file, held, KIND), b""
    for chunk in chunks.walk(8):
        file.seek(chunk.start)
        if chunk.name == b"desc":
            desc = file.read(min(chunk.length, 32))
        if chunk.name == b"data" and len(desc) == 32:
            break
    else:
        return Header()
    rate_hz, _, _, packet_bytes, packet_frames = struct.unpack(">d4sIII", desc[:24])
    bytes_per_s = rate_hz / packet_frames * packet_bytes if packet_frames and 0 < rate_hz < 1e9 else 0
    length = max(0, chunk.length - EDIT_BYTES)
    sound = Sound(chunk.start + EDIT_BYTES, length, max(1, packet_bytes), bytes_per_s)
    extent = judge(file, held, sound, LENGTHS, chunks)
    if extent.n_bytes == length:
        return Header(extent.missing, extent.notes)
    told = struct.pack(">Q", EDIT_BYTES + extent.n_bytes)
    end = sound.position + extent.n_bytes
    return Header(extent.missing, extent.notes, ((0, chunk.start - 8), told, (chunk.start, end)))
