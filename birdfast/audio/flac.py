"""FLAC: what its first block says, and where its frames lie (RFC 9639)."""

from __future__ import annotations

import re
from functools import cache
from typing import IO, NamedTuple

WINDOW_BYTES = 1 << 16
HEAD_BYTES = 16  # a frame's header has no more
SYNC = re.compile(rb"\xff[\xf8\xf9]")
BLOCK_SIZES = {1: 192, 2: 576, 3: 1152, 4: 2304, 5: 4608} | {code: 1 << code for code in range(8, 16)}


class Info(NamedTuple):
    """The block STREAMINFO; `begin` is where the first frame should be, `n_frames` 0 if not told."""

    begin: int
    block: bytes
    block_samples: int
    rate_hz: int
    n_channels: int
    n_bits: int
    n_frames: int

    def most_bytes(self, block_samples: int) -> int:
        """Return what a frame has at most: as it is told, or as uncompressed and a little more."""
        samples = max(block_samples, self.block_samples)
        return samples * self.n_channels * (self.n_bits + 1) // 8 + 256


class Frame(NamedTuple):
    """A frame's header: where it is, its number as it stands there, and its samples."""

    place: int
    number: int
    n_samples: int
    is_variable: bool

    @property
    def next_number(self) -> int:
        """The number that the next frame has."""
        return self.number + (self.n_samples if self.is_variable else 1)


def info(file: IO[bytes], place: int) -> Info | None:
    """Read the blocks of metadata at a place; None if there are none."""
    file.seek(place)
    if file.read(4) != b"fLaC":
        return None
    block, last = b"", False
    while not last and len(head := file.read(4)) == 4:
        last, size = bool(head[0] & 0x80), int.from_bytes(head[1:])
        if head[0] & 0x7F == 0 and not block:
            block = file.read(size)
        else:
            file.seek(size, 1)
    if len(block) < 34:
        return None
    rate_hz, *others = sound_facts(block)
    if not rate_hz:
        return None
    return Info(file.tell(), block[:34], int.from_bytes(block[2:4]), rate_hz, *others)


def sound_facts(block: bytes) -> tuple[int, int, int, int]:
    """Return what STREAMINFO says of the sound: rate in Hz, channels, bits, and samples (0: not told)."""
    packed = int.from_bytes(block[10:18])
    return packed >> 44, (packed >> 41 & 7) + 1, (packed >> 36 & 31) + 1, packed & (1 << 36) - 1


class Finder:
    """Finds the frames of one file by what all of their headers share with the first.

    Parameters
    ----------
    file : a file opened for reading bytes
    first : bytes
        The first frame's header.
    end : int
        Where the file ends.
    """

    def __init__(self, file: IO[bytes], first: bytes, end: int) -> None:
        self._file, self.end = file, end
        rates = bytes(size << 4 | first[2] & 15 for size in range(1, 16))
        kinds = bytes(channels << 4 | first[3] & 15 for channels in range(11))
        self._sync = re.compile(
            b"\xff%b[%b][%b]" % (re.escape(first[1:2]), _escaped(rates), _escaped(kinds)), re.DOTALL
        )

    def after(self, place: int, limit: int | None = None, number: int | None = None) -> Frame | None:
        """Return the next frame that begins at a place or behind, before `limit`; the one of that number."""
        limit = self.end if limit is None else min(limit, self.end)
        while place < limit:
            self._file.seek(place)
            window = self._file.read(min(WINDOW_BYTES, self.end - place))
            for found in self._sync.finditer(window):
                frame = parse(window[found.start() : found.start() + HEAD_BYTES], place + found.start())
                if frame and frame.place < limit and number in (None, frame.number):
                    return frame
            if len(window) < HEAD_BYTES:
                return None
            place += max(1, len(window) - HEAD_BYTES + 1)
        return None

    def last(self, window_bytes: int) -> Frame | None:
        """Return the last frame that begins in the last bytes."""
        found, place = None, max(0, self.end - window_bytes)
        while frame := self.after(place):
            found, place = frame, frame.place + 1
        return found

    def is_whole(self, frame: Frame, end: int) -> bool:
        """Say whether a frame goes from its place right up to another: its checksum fits."""
        self._file.seek(frame.place)
        return crc16(self._file.read(end - frame.place)) == 0


def first_frame(file: IO[bytes], head: Info, size: int) -> Frame | None:
    """Return the frame where the first should be; if that is damaged, the next that another follows."""
    place = head.begin
    while place < size:
        file.seek(place)
        window = file.read(WINDOW_BYTES)
        for found in SYNC.finditer(window):
            first = window[found.start() : found.start() + HEAD_BYTES]
            frame = parse(first, place + found.start())
            if frame and (frame.place == head.begin or _is_followed(Finder(file, first, size), frame, head)):
                return frame
        place += max(1, len(window) - HEAD_BYTES + 1)
    return None


def _is_followed(finder: Finder, frame: Frame, head: Info) -> bool:
    limit = frame.place + head.most_bytes(frame.n_samples)
    return finder.after(frame.place + 6, limit, frame.next_number) is not None


def parse(head: bytes, place: int) -> Frame | None:
    """Read a frame's header; None if it is none (RFC 9639, section 9.1)."""
    if len(head) < 6:
        return None
    lead = head[4]
    more = 0 if lead < 0x80 else 8 - (lead ^ 0xFF).bit_length() - 1
    if lead == 0xFF or (lead >= 0x80 and more < 1):
        return None
    number = lead & (0x7F >> more + (more > 0))
    for byte in head[5 : 5 + more]:
        if byte & 0xC0 != 0x80:
            return None
        number = number << 6 | byte & 0x3F
    at, size, rate = 5 + more, head[2] >> 4, head[2] & 15
    n_samples = BLOCK_SIZES.get(size, 0)
    if size in (6, 7):
        n_samples = int.from_bytes(head[at : at + size - 5]) + 1
        at += size - 5
    at += {12: 1, 13: 2, 14: 2}.get(rate, 0)
    if at >= len(head) or not n_samples or crc8(head[: at + 1]):
        return None
    return Frame(place, number, n_samples, bool(head[1] & 1))


def crc8(content: bytes) -> int:
    """Return the checksum of a header; 0 if its own is part of it and fits."""
    table, crc = _table(8, 0x07), 0
    for byte in content:
        crc = table[crc ^ byte]
    return crc


def crc16(content: bytes) -> int:
    """Return the checksum of a frame; 0 if its own is part of it and fits."""
    table, crc = _table(16, 0x8005), 0
    for byte in content:
        crc = (crc << 8 & 0xFFFF) ^ table[crc >> 8 ^ byte]
    return crc


@cache
def _table(n_bits: int, polynomial: int) -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte << n_bits - 8
        for _ in range(8):
            crc = (crc << 1 ^ (polynomial if crc >> n_bits - 1 else 0)) & (1 << n_bits) - 1
        table.append(crc)
    return tuple(table)


def _escaped(characters: bytes) -> bytes:
    return b"".join(b"\\x%02x" % character for character in characters)
