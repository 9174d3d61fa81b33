"""WavPack: which of its blocks are there, because FFmpeg finds none behind damage."""

from __future__ import annotations

from pathlib import Path
from typing import IO

SIGN = b"wvpk"
HEAD_BYTES = 32
MOST_BYTES = 1 << 20  # of a block
VERSIONS = range(0x402, 0x411)
CHUNK_BYTES = 1 << 20


def pieces(path: Path) -> list[tuple[int, int]]:
    """Return from where to where blocks follow each other; nothing if the file does not begin with one.

    Raises
    ------
    OSError
        It cannot be read.
    """
    size, found = path.stat().st_size, list[tuple[int, int]]()
    with path.open("rb") as file:
        place: int | None = 0 if block_bytes(file, 0) else None
        while place is not None:
            end = place + block_bytes(file, place)
            follower = end if block_bytes(file, end) else next_block(file, place + len(SIGN))
            if end <= (size if follower is None else follower):
                joins = bool(found) and found[-1][1] == place
                found[-1:] = [(found[-1][0], end)] if joins else [*found[-1:], (place, end)]
            place = follower
    return found


def block_bytes(file: IO[bytes], place: int) -> int:
    """Return the length of the block at a place; 0 if there is none."""
    file.seek(place)
    head = file.read(HEAD_BYTES)
    length = int.from_bytes(head[4:8], "little") + 8
    is_one = len(head) == HEAD_BYTES and head[:4] == SIGN and HEAD_BYTES <= length <= MOST_BYTES
    return length if is_one and int.from_bytes(head[8:10], "little") in VERSIONS else 0


def next_block(file: IO[bytes], place: int) -> int | None:
    """Return where the next block begins from a place on, behind tags or damage; None if there is none."""
    if block_bytes(file, place):  # most are right there
        return place
    while True:
        file.seek(place)
        chunk = file.read(CHUNK_BYTES)
        at = chunk.find(SIGN)
        if at < 0 and len(chunk) < CHUNK_BYTES:
            return None
        if at >= 0 and block_bytes(file, place + at):
            return place + at
        place += at + 1 if at >= 0 else len(chunk) - len(SIGN) + 1
