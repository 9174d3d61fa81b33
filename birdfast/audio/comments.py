"""Comments: the texts that recorders leave in their files, beside the sound.

GUANO's chunk, that of Wildlife Acoustics, the comment and the artist of a WAV's LIST, Broadcast Wave's date,
and a FLAC's comments.
"""

from __future__ import annotations

import errno
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import IO

from .. import sources
from ..errors import AudioError
from .headers.chunks import Chunk, Chunks, Kind

MOST_CHUNKS = 256  # that are gone through: a recorder writes a handful
MOST_BYTES = 1 << 16  # of one that are read
# Broadcast Wave (EBU Tech 3285): a description of 256 bytes, an originator and its reference of 32 each, a
# date of 10 and a time of 8.
ORIGINATOR, DATE, TIME = slice(256, 288), slice(320, 330), slice(330, 338)
# Wildlife Acoustics' older chunk: fields of a number in two bytes, a length in four, and text; as GUANO calls
# those that are read.
OF_WAMD = {1: "Model", 2: "Serial", 4: "Prefix", 5: "Timestamp"}
OF_LIST = {b"ICMT": "comment", b"IART": "artist"}
OF_FLAC = {"comment": "comment", "description": "comment", "artist": "artist", "guano": "guano"}
NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG)
FLAC_COMMENTS, FLAC_LAST, FLAC_HEAD = 4, 0x80, 4


def read(path: Path) -> dict[str, str]:
    """Return the texts in a recording by their kinds: guano, wamd, comment, artist, date, originator.

    What is missing, or is none of these formats, has none. It is tried twice: a recording is not to lack its
    place and date as one read failed.

    Raises
    ------
    AudioError
        It is there, and both times it could not be read: nobody knows what it says.
    """
    with suppress(AudioError):
        return _read(path)
    try:
        return _read(path)
    except AudioError as error:
        why = error.__cause__
        if isinstance(why, MemoryError) or (isinstance(why, OSError) and why.errno not in NOT_THERE):
            raise
        return {}


def _read(path: Path) -> dict[str, str]:
    with sources.opened(path, AudioError, sys.maxsize) as file:
        head, held = file.read(12), path.stat().st_size
        if head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:] == b"WAVE":
            return dict(_of_wav(file, held))
        return dict(_of_flac(file)) if head[:4] == b"fLaC" else {}


def _of_wav(file: IO[bytes], held: int) -> Iterator[tuple[str, str]]:
    """Yield a WAV's texts; those behind the sound, too, where its length tells where that ends."""
    for chunk in islice(Chunks(file, held, Kind()).walk(12), MOST_CHUNKS):
        if chunk.name not in (b"guan", b"wamd", b"LIST", b"bext"):
            continue
        content = _content(file, chunk)
        if chunk.name == b"guan":
            yield "guano", _text(content)
        elif chunk.name == b"wamd":
            yield "wamd", "\n".join(_of_wamd(content))
        elif chunk.name == b"bext":
            yield "originator", _text(content[ORIGINATOR])
            yield "date", f"{_text(content[DATE])} {_text(content[TIME])}".strip()
        elif content[:4] == b"INFO":
            inside = Chunks(file, chunk.start + len(content), Kind()).walk(chunk.start + 4)
            for one in islice(inside, MOST_CHUNKS):
                if one.name in OF_LIST:
                    yield OF_LIST[one.name], _text(_content(file, one))


def _of_wamd(content: bytes) -> Iterator[str]:
    at = 0
    while at + 6 <= len(content):
        number, length = struct.unpack_from("<HI", content, at)
        if number in OF_WAMD:
            yield f"{OF_WAMD[number]}: {_text(content[at + 6 : at + 6 + length])}"
        at += 6 + length


def _of_flac(file: IO[bytes]) -> Iterator[tuple[str, str]]:
    """Yield a FLAC's comments (RFC 9639, section 8): "KEY=value", each behind its length."""
    place = 4
    for _ in range(MOST_CHUNKS):
        file.seek(place)
        head = file.read(FLAC_HEAD)
        length = int.from_bytes(head[1:], "big")
        if len(head) < FLAC_HEAD or (head[0] & ~FLAC_LAST) == FLAC_COMMENTS:
            break
        place += FLAC_HEAD + length
        if head[0] & FLAC_LAST:
            return
    else:
        return
    content = file.read(min(length, MOST_BYTES))
    at = 4 + int.from_bytes(content[:4], "little") + 4  # the encoder's name, and how many there are
    while 0 < at + 4 <= len(content):
        n_bytes = int.from_bytes(content[at : at + 4], "little")
        key, _, value = _text(content[at + 4 : at + 4 + n_bytes]).partition("=")
        if key.lower() in OF_FLAC:
            yield OF_FLAC[key.lower()], value
        at += 4 + n_bytes


def _content(file: IO[bytes], chunk: Chunk) -> bytes:
    file.seek(chunk.start)
    return file.read(min(chunk.length, MOST_BYTES))


def _text(content: bytes) -> str:
    return content.partition(b"\0")[0].decode("utf-8", "replace").strip()
