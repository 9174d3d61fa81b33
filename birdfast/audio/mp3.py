"""MPEG audio (layers I to III): where its frames lie, and which samples they are.

Frames follow each other: four bytes of which the first eleven bits are set, then version, layer, bit
rate, sample rate and padding, which give the frame's length (ISO 11172-3, 13818-3). Every frame is
looked at, because no other number can be trusted: a Xing header may be missing or wrong, or tell of the
first of several streams alone.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import IO, NamedTuple

from .mpegtags import XING, XING_PLACES

RATES = (44_100, 48_000, 32_000)
KBITS = {  # by (MPEG 1, layer), from the second on: the first is a bit rate of the encoder's own
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
SYNC = re.compile(rb"(?=\xff[\xe2-\xff][\x10-\xef])")
CHUNK_BYTES = 1 << 20
MARK = 32  # every so many frames the place is kept
NEAR = 4  # so many marks are some seconds
FREE_BYTES = 1 << 13  # no frame is as long
CHAIN = 4  # so many frames in a row are no accident
# In MPEG 1 (True) and later: a frame's sound may begin so far before it, in the bytes of others...
LENT_BYTES = {True: 511, False: 255}
OWN_BYTES = {True: 38, False: 23}  # ... but not in these: head, checksum, side information


class Head(NamedTuple):
    """What a frame's header says; the frames of a run agree in the first three."""

    second: int  # the second byte: version, layer, whether there is a checksum
    rate_hz: int
    layer: int
    n_channels: int

    @property
    def frame_samples(self) -> int:
        """Samples of a frame."""
        half = self.layer == 3 and self.second >> 3 & 3 != 3
        return 384 if self.layer == 1 else 576 if half else 1152


class Run(NamedTuple):
    """Frames without a break: so many between two places in the file; `marks` are every `MARK`th's."""

    head: Head
    begin: int
    end: int
    n_frames: int
    marks: array[int]


def parse(four: bytes) -> Head | None:
    """Read a frame's header; None if it is none, or of a bit rate that it does not tell."""
    if len(four) < 4 or four[0] != 0xFF or four[1] & 0xE0 != 0xE0:
        return None
    version, layer, rate = four[1] >> 3 & 3, 4 - (four[1] >> 1 & 3), four[2] >> 2 & 3
    if version == 1 or layer == 4 or rate == 3 or four[2] >> 4 in (0, 15):
        return None
    rate_hz = RATES[rate] >> {3: 0, 2: 1, 0: 2}[version]
    return Head(four[1], rate_hz, layer, 1 if four[3] >> 6 == 3 else 2)


@cache
def lengths(second: int, rate_hz: int) -> tuple[int, ...]:
    """Return a frame's bytes by the third byte of its header; 0 for one that does not belong here."""
    return tuple(_length(second, third, rate_hz) for third in range(256))


def _length(second: int, third: int, rate_hz: int) -> int:
    head = parse(bytes((0xFF, second, third, 0)))
    if head is None or head.rate_hz != rate_hz:
        return 0
    kbits, padding = KBITS[second >> 3 & 3 == 3, head.layer][(third >> 4) - 1], third >> 1 & 1
    if head.layer == 1:
        return (12_000 * kbits // rate_hz + padding) * 4
    return head.frame_samples // 8 * 1000 * kbits // rate_hz + padding


def follow(file: IO[bytes], begin: int, head: Head) -> Run:
    """Follow the frames from a place on, to one that is not whole, or none, or begins another stream."""
    table, second = lengths(head.second, head.rate_hz), head.second
    place, count, marks = begin, 0, array("q")
    while True:
        file.seek(place)
        chunk = file.read(CHUNK_BYTES)
        at, full = 0, len(chunk)
        border = _other_stream(chunk, second, not count)
        while at + 4 <= full:
            length = table[chunk[at + 2]] if chunk[at] == 0xFF and chunk[at + 1] == second else 0
            if not length or at == border:
                return Run(head, begin, place + at, count, marks)
            if at + length > full:
                break
            if not count % MARK:
                marks.append(place + at)
            at, count = at + length, count + 1
        place += at
        if full < CHUNK_BYTES:
            return Run(head, begin, place, count, marks)


def _other_stream(chunk: bytes, second: int, behind_first: bool) -> int:
    """Return where in a chunk a frame begins that holds a Xing header; -1 if none does."""
    found = []
    for name in XING:
        at = chunk.find(name)
        while at >= 0:
            begins = [at - side for side in XING_PLACES if at - side >= behind_first]
            found += [begin for begin in begins if chunk[begin] == 0xFF and chunk[begin + 1] == second]
            at = chunk.find(name, at + 1)
    return min(found, default=-1)


def frames(path: Path, run: Run, first: int) -> Iterator[tuple[int, bytes]]:
    """Yield a run's frames from a number on, with their numbers."""
    number = first // MARK * MARK
    table, place = lengths(run.head.second, run.head.rate_hz), run.marks[first // MARK]
    with path.open("rb") as file:
        while place < run.end:
            file.seek(place)
            chunk = file.read(min(CHUNK_BYTES, run.end - place))
            at = 0
            while at + 4 <= len(chunk):
                length = table[chunk[at + 2]]
                if not length or at + length > len(chunk):
                    break
                if number >= first:
                    yield number, chunk[at : at + length]
                at, number = at + length, number + 1
            if not at:  # the file has changed since
                return
            place += at


def lender(run: Run, number: int) -> int:
    """Return a frame to begin with, so that all from a number on have what they borrow from those before.

    Only layer III's do (ISO 11172-3, `main_data_begin`).
    """
    if run.head.layer != 3:
        return number
    is_mpeg1 = run.head.second >> 3 & 3 == 3
    first = last = number // MARK
    sound_bytes = 0
    while first and sound_bytes < LENT_BYTES[is_mpeg1]:
        first -= 1
        sound_bytes = run.marks[last] - run.marks[first] - OWN_BYTES[is_mpeg1] * MARK * (last - first)
    return first * MARK


def frame_bytes(before: Run, behind: Run) -> float:
    """Return the bytes of a frame, on average, in some seconds around a break between two runs."""
    last = max(0, len(before.marks) - NEAR)
    first = min(NEAR, len(behind.marks) - 1)
    late = before.end - before.marks[last], before.n_frames - last * MARK
    early = behind.marks[first] - behind.begin, first * MARK
    if not first:
        early = behind.end - behind.begin, behind.n_frames
    return (late[0] + early[0]) / (late[1] + early[1])


def find(file: IO[bytes], begin: int, end: int) -> int | None:
    """Return where the next frames begin that are no accident; None if there are none up to `end`."""
    place = begin
    while place < end:
        file.seek(place)
        chunk = file.read(min(CHUNK_BYTES, end - place))
        for found in SYNC.finditer(chunk):
            if is_chain(file, place + found.start(), end):
                return place + found.start()
        if len(chunk) < 4:
            return None
        place += len(chunk) - 3
    return None


def is_chain(file: IO[bytes], place: int, end: int) -> bool:
    """Say whether some frames follow each other from a place on, or as many as there are up to the end."""
    file.seek(place)
    head = parse(file.read(4))
    if head is None:
        return False
    table = lengths(head.second, head.rate_hz)
    for number in range(CHAIN):
        file.seek(place)
        four = file.read(4)
        if len(four) < 4 or place >= end:
            return number > 1
        if four[0] != 0xFF or four[1] != head.second or not table[four[2]]:
            return False
        place += table[four[2]]
    return True


def is_free_chain(file: IO[bytes], place: int) -> bool:
    """Say whether frames follow each other from a place on whose bit rate is the encoder's own.

    Their heads do not tell their length, but it is the same, but for a byte or a slot of four.
    """
    file.seek(place)
    chunk = file.read(CHAIN * FREE_BYTES)
    if len(chunk) < 4 or chunk[2] >> 4 or not parse(chunk[:2] + bytes((chunk[2] | 0x10, chunk[3]))):
        return False
    head = re.compile(re.escape(chunk[:2]) + b"[" + re.escape(bytes((chunk[2] & 0xFD, chunk[2] | 2))) + b"]")
    for second in head.finditer(chunk, OWN_BYTES[False], FREE_BYTES):
        length = place = second.start()
        for _ in range(CHAIN - 1):
            found = head.search(chunk, place + length - 4, place + length + 7)
            place = found.start() if found else len(chunk)
        if place < len(chunk):
            return True
    return False
