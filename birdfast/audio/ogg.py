"""Ogg: where its pages lie (RFC 3533).

A page is "OggS", version, flags, position, serial number, sequence number, checksum, the number of
segments and their sizes. Every page's checksum is looked at, so a page that is damaged is none.
"""

from __future__ import annotations

import io
import struct
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple

CHUNK_BYTES = 1 << 20
MOST_BYTES = 27 + 255 + 255 * 255  # of a page
CONTINUED, FIRST, LAST = 1, 2, 4  # flags
MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))  # the bits of a byte from behind
ONES = 0xFFFFFFFF
HEAD = struct.Struct("<4xBBqII4xB")  # version, flags, granule, serial, sequence, segments
SERIAL, SERIAL_AT, CHECKSUM_AT = struct.Struct("<I"), 14, 22
CHECKSUM, NO_CHECKSUM = struct.Struct(">I"), bytes(4)  # as it stands in mirrored bytes


class UnknownKind(Exception):
    """A stream is of no kind that is known here, or there is no sound in it."""


class Page(NamedTuple):
    """A page's header, and where it lies."""

    place: int
    end: int
    flags: int
    granule: int
    serial: int
    sequence: int
    is_open: bool  # its last packet goes on in the next page


@dataclass
class Link:
    """One stream, or several side by side, from the pages that begin them to the next that do.

    Attributes
    ----------
    ranges : list of (int, int)
        The bytes of its pages, as few as there are breaks.
    serials : list of int
    first_packet : bytes
        The first page's packet: it says what is in the stream.
    places, granules : arrays
        Of the first stream's pages: where they begin, and the position at their ends (-1: none).
    holes : set of int
        Which of these pages do not follow the one before.
    last : Page or None
        The last of the first stream's pages.
    """

    ranges: list[tuple[int, int]] = field(default_factory=list)
    serials: list[int] = field(default_factory=list)
    first_packet: bytes = b""
    places: array[int] = field(default_factory=lambda: array("q"))
    granules: array[int] = field(default_factory=lambda: array("q"))
    holes: set[int] = field(default_factory=set)
    last: Page | None = None

    def add(self, page: Page) -> None:
        """Take a page that follows."""
        if self.ranges and self.ranges[-1][1] == page.place:
            self.ranges[-1] = (self.ranges[-1][0], page.end)
        else:
            self.ranges.append((page.place, page.end))
        if page.flags & FIRST:
            self.serials.append(page.serial)
        if page.serial == self.serials[0]:
            if self.last and page.sequence != self.last.sequence + 1:
                self.holes.add(len(self.places))
            self.places.append(page.place)
            self.granules.append(page.granule)
            self.last = page

    @property
    def is_begun(self) -> bool:
        """Whether it has more than the pages that begin streams."""
        return len(self.places) > 1 or len(self.ranges) > 1


def pages(file: IO[bytes], size: int) -> Iterator[Page]:
    """Yield the pages of a file that are whole, over all that is none."""
    place = 0
    while place < size:
        file.seek(place)
        chunk = file.read(CHUNK_BYTES)
        mirrored = memoryview(chunk.translate(MIRRORED))
        at = chunk.find(b"OggS")
        while at >= 0 and (at + MOST_BYTES <= len(chunk) or place + len(chunk) >= size):
            page = _page(chunk, mirrored, at, place)
            if page:
                yield page
            at = chunk.find(b"OggS", page.end - place if page else at + 1)
        place += max(at if at >= 0 else len(chunk) - 3, 1)


def _page(chunk: bytes, mirrored: memoryview, at: int, place: int) -> Page | None:
    """Read the page at a place in a chunk; None if it is damaged."""
    table = at + HEAD.size
    if table > len(chunk):
        return None
    version, flags, granule, serial, sequence, n_segments = HEAD.unpack_from(chunk, at)
    body = table + n_segments
    end = body + sum(chunk[table:body])
    if version or end > len(chunk):
        return None
    if _checksum(mirrored[at:end]) != bytes(mirrored[at + CHECKSUM_AT : at + CHECKSUM_AT + 4]):
        return None
    is_open = n_segments > 0 and chunk[body - 1] == 255
    return Page(place + at, place + end, flags, granule, serial, sequence, is_open)


def _checksum(mirrored: memoryview | bytes) -> bytes:
    """Return the checksum of a page, both with mirrored bytes, whatever stands in its place."""
    before = zlib.crc32(NO_CHECKSUM, zlib.crc32(mirrored[:CHECKSUM_AT], ONES))
    return CHECKSUM.pack(zlib.crc32(mirrored[CHECKSUM_AT + 4 :], before) ^ ONES)


def numbered(data: bytes, serial: int) -> bytes:
    """Return a file of one stream with another serial number: encoders take one by chance."""
    found = bytearray(data)
    for page in pages(io.BytesIO(data), len(data)):
        SERIAL.pack_into(found, page.place + SERIAL_AT, serial)
        checksum = _checksum(bytes(found[page.place : page.end]).translate(MIRRORED)).translate(MIRRORED)
        found[page.place + CHECKSUM_AT : page.place + CHECKSUM_AT + 4] = checksum
    return bytes(found)


def links(path: Path) -> tuple[list[Link], bytes]:
    """Return the links of a chain, and what is behind the last page (a part of it).

    Raises
    ------
    OSError
        The file cannot be read.
    """
    found: list[Link] = []
    size, end = path.stat().st_size, 0
    with path.open("rb") as file:
        if file.read(4) != b"OggS":
            return [], b""
        for page in pages(file, size):
            if page.flags & FIRST and (not found or found[-1].is_begun):
                found.append(Link(first_packet=packet(file, page.place)))
            if found:
                found[-1].add(page)
            end = page.end
        file.seek(end)
        return found, file.read(CHUNK_BYTES)


def packet(file: IO[bytes], place: int) -> bytes:
    """Return the first packet of the page at a place."""
    file.seek(place)
    head, body = segments(file.read(MOST_BYTES))
    return body[: head[0]] if head else b""


def segments(page: bytes) -> tuple[list[int], bytes]:
    """Return the sizes of the packets in a page, and their bytes; the last one may go on behind it.

    A size of a packet that does not end here is negative, less one.
    """
    n_segments = page[26]
    sizes, size = [], 0
    for segment in page[27 : 27 + n_segments]:
        size += segment
        if segment < 255:
            sizes.append(size)
            size = 0
    if n_segments and page[26 + n_segments] == 255:
        sizes.append(-size - 1)
    return sizes, page[27 + n_segments :]
