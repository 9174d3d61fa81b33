"""WavPack and TTA files that were joined: where each begins, and how many samples it has.

Their headers tell of the first alone, and FFmpeg stops where that ends.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from .mpegtags import sound_begin, tag_bytes
from .wavpack import SIGN, next_block

TTA = b"TTA1"
BLOCK_HEAD = struct.Struct(
    "<4sIHBBIIIII"
)  # name, size, version, high bytes, samples, index, count, flags, CRC
INITIAL = 1 << 11  # a block's flag: the first of those that have the same samples of several channels
LOWEST_HZ = 1_000  # below that no head is one, and its table may be as long as memory
UNTOLD = 0xFFFFFFFF


class Link(NamedTuple):
    """From where to where in the file a recording lies, and how many samples of a channel it has."""

    begin: int
    end: int
    n_samples: int


def links(path: Path) -> list[Link]:
    """Return the recordings that follow each other in a WavPack or a TTA; none of any other file.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        begin = sound_begin(file)
        file.seek(begin)
        heads = {SIGN: _wavpack, TTA: _tta}.get(file.read(4))
        found = [*heads(file, begin, size)] if heads else []
    borders = [*(begin for begin, _ in found), size]
    return [Link(begin, borders[number + 1], n) for number, (begin, n) in enumerate(found)]


def _tta(file: IO[bytes], place: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield where each TTA begins, and its samples.

    A head of 22 bytes, the length of each frame and a checksum precede the frames, which have 256/245 s.
    """
    while place < size:
        file.seek(place)
        head = file.read(22)
        if len(head) < 22 or head[:4] != TTA:
            return
        rate_hz, n_samples = struct.unpack("<II", head[10:18])
        if rate_hz < LOWEST_HZ:
            return
        table = file.read(4 * -(-n_samples // (256 * rate_hz // 245)))
        yield place, n_samples
        place += (
            22 + len(table) + 4 + sum(struct.unpack(f"<{len(table) // 4}I", table[: len(table) // 4 * 4]))
        )
        while length := tag_bytes(file, place):
            place += length


def _wavpack(file: IO[bytes], place: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield where each WavPack begins, and its samples: as its first block tells, or as many as there are.

    Every block tells its first sample's number (WavPack 4 & 5 Binary File Format).
    """
    begin, told, end = place, None, 0
    for at, first, n_samples, total in _blocks(file, place):
        if not first and end:
            yield begin, told or end
            begin, end = at, 0
        if not end:
            told = total
        end = first + n_samples
    yield begin, told or end


def _blocks(file: IO[bytes], place: int) -> Iterator[tuple[int, int, int, int | None]]:
    """Yield each block that has samples: its place, the first one's number, how many, and those of the whole.

    Of the blocks that have several channels' samples between them, only the first.
    """
    found: int | None = place
    while found is not None:
        file.seek(found)
        head = file.read(BLOCK_HEAD.size)
        if len(head) < BLOCK_HEAD.size:
            return
        _, length, _, high, total_high, total, index, n_samples, flags, _ = BLOCK_HEAD.unpack(head)
        if n_samples and flags & INITIAL:
            yield (
                found,
                index + (high << 32),
                n_samples,
                None if total == UNTOLD else total + (total_high << 32),
            )
        found = next_block(file, found + 8 + length)
