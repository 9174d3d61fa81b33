"""AIFF and AIFF-C: chunks as RIFF's, but with the highest byte first."""

from __future__ import annotations

import struct
from typing import IO

from .chunks import Chunks, Kind
from .header import Header, Lengths, Sound, judge

MOST_BYTES = 0xFFF00000  # so that what comes before the sound can be counted, too
# Without the eight bytes of SSND's own that its length counts. The placeholder is what sox writes.
LENGTHS = Lengths(0xFFFFFFFF - 264, (0x7F000000,), 1 << 32)
BLOCKS = {b"ima4": (34, 64), b"GSM ": (33, 160)}  # bytes and samples of one channel's
BYTES = {b"ulaw": 1, b"ULAW": 1, b"alaw": 1, b"ALAW": 1, b"fl32": 4, b"FL32": 4, b"fl64": 8, b"FL64": 8}
PLAIN = (b"NONE", b"twos", b"sowt", b"raw ", b"in24", b"in32", b"42ni", b"23ni")


def aiff(file: IO[bytes], held: int) -> Header:
    """Judge an AIFF's header.

    "FORM", size, "AIFF" or "AIFC", then chunks, among them COMM (channels, frames, bits, rate) and
    SSND (an offset, a block size and the sound; Apple, 1989 and 1991). libsndfile goes by SSND's
    length, shortens what is cut, stops at a length that is too small, and refuses what another AIFF follows.
    """
    file.seek(8)
    form, common = file.read(4), b""
    if form not in (b"AIFF", b"AIFC"):
        return Header()
    chunks = Chunks(file, held, Kind(order="big"))
    for chunk in chunks.walk(12):
        file.seek(chunk.start)
        if chunk.name == b"COMM":
            common = file.read(min(chunk.length, 1 << 16))
            common_start = chunk.start
        if chunk.name == b"SSND" and len(common) >= 18:
            break
    else:
        return Header()
    offset = int.from_bytes(file.read(4), "big")
    frame_bytes, rate = _frames(common)
    sound = Sound(chunk.start + 8 + offset, max(0, chunk.length - 8 - offset), frame_bytes, rate)
    extent = judge(file, held, sound, LENGTHS, chunks)
    is_told = extent.n_bytes == sound.length and not extent.missing
    if is_told or sound.position > held:  # an offset out of the file, which no header could put right
        return Header(extent.missing, extent.notes)
    n_bytes = min(extent.n_bytes, MOST_BYTES // frame_bytes * frame_bytes)
    missing = extent.missing if n_bytes == extent.n_bytes else "(no AIFF tells more than 4 GiB)"
    end = sound.position + n_bytes
    n_frames = n_bytes // frame_bytes * (160 if common[18:22] == b"GSM " else 1)
    size, frames, told = (struct.pack(">I", number) for number in (end - 8, n_frames, end - chunk.start))
    head = ((0, 4), size, (8, common_start + 2), frames, (common_start + 6, chunk.start - 4), told)
    return Header(missing, extent.notes, (*head, (chunk.start, end)))


def _frames(common: bytes) -> tuple[int, float]:
    """Return the bytes of what cannot be divided, and of a second."""
    n_channels, _, bits, exponent, mantissa = struct.unpack(">HIHHQ", common[:18])
    rate_hz = float(mantissa) * 2.0 ** ((exponent & 0x7FFF) - 16_383 - 63) if exponent < 16_383 + 64 else 0.0
    kind = common[18:22] or b"NONE"
    if kind in BLOCKS:
        n_bytes, n_samples = BLOCKS[kind]
        return n_channels * n_bytes, rate_hz / n_samples * n_channels * n_bytes
    if kind not in BYTES and kind not in PLAIN:
        return 1, 0
    frame_bytes = max(1, n_channels * BYTES.get(kind, -(-bits // 8)))
    return frame_bytes, rate_hz * frame_bytes
