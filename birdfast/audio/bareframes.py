"""Bare frames of AAC (ADTS, ISO 13818-7) and AC-3 (ATSC A/52): where they lie in a file.

FFmpeg finds them as well, but does not say where: what it passes over is not counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, NamedTuple

CHUNK_BYTES = 1 << 16
HEAD_BYTES = 7
SYNC = {"aac": re.compile(rb"\xff[\xf0\xf1\xf8\xf9]"), "ac3": re.compile(rb"\x0b\x77")}
AC3_KBITS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)


class BareFrame(NamedTuple):
    """A frame: its place, its length, and its bytes."""

    pos: int
    size: int
    content: bytes


def frames(file: IO[bytes], kind: str, place: int) -> Iterator[BareFrame]:
    """Yield what looks like a whole frame ("aac" or "ac3") from a place on, one behind the other."""
    length = {"aac": adts_bytes, "ac3": ac3_bytes}[kind]
    while True:
        file.seek(place)
        head = file.read(HEAD_BYTES)
        if len(head) < HEAD_BYTES:
            return
        n_bytes = length(head) if SYNC[kind].match(head) else 0
        content = head + file.read(n_bytes - HEAD_BYTES) if n_bytes > HEAD_BYTES else b""
        if content and len(content) == n_bytes:
            yield BareFrame(place, n_bytes, content)
            place += n_bytes
        else:
            place = _next_sync(file, kind, place + 1)


def _next_sync(file: IO[bytes], kind: str, place: int) -> int:
    """Return where the next word lies that begins frames; the file's end if none does."""
    while True:
        file.seek(place)
        chunk = file.read(CHUNK_BYTES)
        found = SYNC[kind].search(chunk)
        if found:
            return place + found.start()
        if len(chunk) < CHUNK_BYTES:
            return place + len(chunk)
        place += len(chunk) - 1


def adts_bytes(head: bytes) -> int:
    """Return the length of an ADTS frame."""
    return (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5


def ac3_bytes(head: bytes) -> int:
    """Return the length of an AC-3 frame; 0 for none that is valid (A/52, table 5.18)."""
    rate, size = head[4] >> 6, head[4] & 63
    if rate == 3 or size >> 1 >= len(AC3_KBITS):
        return 0
    kbits = AC3_KBITS[size >> 1]
    return (kbits * 4, 2 * (kbits * 96_000 // 44_100 + (size & 1)), kbits * 6)[rate]
