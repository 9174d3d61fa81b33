"""AU, Sun's and NeXT's: one head, and the sound to the file's end."""

from __future__ import annotations

import struct
from typing import IO, Literal

from .header import Header, Lengths, Sound, judge

LENGTHS = Lengths(0xFFFFFF00, (0x7FFFF000, 0x7FFFFFFF, 0x80000000), 1 << 32)
BYTES = {1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 4, 7: 8, 27: 1}  # by the encoding's number


def au(file: IO[bytes], held: int) -> Header:
    """Judge an AU's header: ".snd", the sound's place, length, encoding, rate and channels (Sun, 1992).

    A length of ones is the format's own way of not telling. libsndfile knows that, shortens what is
    cut, and stops at a length that is too small. "dns." is the same with the lowest byte first.
    """
    file.seek(0)
    head = file.read(24)
    if len(head) < 24:
        return Header()
    order: Literal["<", ">"] = "<" if head[:4] == b"dns." else ">"
    position, length, encoding, rate_hz, n_channels = struct.unpack(order + "5I", head[4:])
    frame_bytes = max(1, BYTES.get(encoding, 0) * n_channels)
    known = encoding in BYTES
    sound = Sound(position, length, frame_bytes if known else 1, rate_hz * frame_bytes if known else 0)
    extent = judge(file, held, sound, LENGTHS, None)
    if extent.n_bytes == length:
        return Header(extent.missing, extent.notes)
    end = position + extent.n_bytes  # a file of so many bytes, whose header does not tell its length
    return Header(extent.missing, extent.notes, ((0, 8), b"\xff" * 4, (12, end)))
