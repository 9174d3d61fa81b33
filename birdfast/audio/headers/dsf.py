"""DSF, one-bit sound of Sony's: three chunks."""

from __future__ import annotations

import struct
from typing import IO

from .header import Header, Sound, promise

SOUND_BEGIN = 92  # behind the chunks "DSD " and "fmt ", and the name and length of "data"


def dsf(file: IO[bytes], held: int) -> Header:
    """Judge a DSF's header.

    "DSD ", "fmt " (channels at byte 52, rate at 56) and "data" follow each other, and have 64-bit
    lengths that count name and length, too (Sony, DSF File Format Specification 1.01). FFmpeg reads
    to where the file ends.
    """
    file.seek(0)
    head = file.read(SOUND_BEGIN)
    if len(head) < SOUND_BEGIN or head[80:84] != b"data":
        return Header()
    n_channels, rate_hz = struct.unpack("<II", head[52:60])
    length = max(0, int.from_bytes(head[84:92], "little") - 12)
    sound = Sound(SOUND_BEGIN, length, bytes_per_s=n_channels * rate_hz / 8)
    return Header(promise(sound, held) if held < SOUND_BEGIN + length else None)
