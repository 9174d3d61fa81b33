"""MP4, M4A, 3GP and MOV: boxes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from .header import Header

MOST_BOXES = 10_000  # that are looked at


def mp4(file: IO[bytes], held: int) -> Header:
    """Judge whether another file is behind the first.

    Boxes of a length and a name follow each other (ISO/IEC 14496-12); "ftyp" begins a file, and "moov"
    says where its sound lies. FFmpeg passes over a second "moov". Where fragments ("moof") follow it goes
    on, so they are left to it.
    """
    seen = set()
    for name in _names(file, held):
        if name == b"moof":
            break
        if name == b"ftyp" and b"moov" in seen:
            return Header("(another MP4 file begins there, which is not read)")
        seen.add(name)
    return Header()


def _names(file: IO[bytes], held: int) -> Iterator[bytes]:
    """Yield the names of the boxes that are not in another."""
    place = 0
    for _ in range(MOST_BOXES):
        if place >= held:  # a length may be more than a file can be
            return
        file.seek(place)
        head = file.read(16)
        length = int.from_bytes(head[:4])
        if length == 1:  # it is told in 64 bits, behind the name
            length = int.from_bytes(head[8:])
        if len(head) < 8 or length < 8:
            return
        yield head[4:8]
        place += length
