"""What audio files' headers promise, where libsndfile does not look or believes too much."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import IO, Any, NamedTuple

UNTOLD_BYTES = 0xFFFFFF00  # lengths from here on are a recorder's way of not saying
WRAP_BYTES = 1 << 32  # what a 32-bit length cannot tell from nothing
MAX_HEAD_BYTES = 1 << 26  # far more than recorders write before the sound


class WavHeader(NamedTuple):
    """A RIFF WAVE header: what the file lacks of what it promises, and what has to be put right.

    `repair` is a header that says the truth and the place where the sound begins; `notes` says in
    words what was wrong.
    """

    missing: str | None = None
    notes: tuple[str, ...] = ()
    repair: tuple[bytes, int] | None = None


def wav(path: Path) -> WavHeader:
    """Read a WAV's header; an empty answer for a whole or another file.

    "RIFF", size, "WAVE", then chunks of an id, a 32-bit length and that many bytes, padded to even
    (Microsoft, 1991). Recorders that lose their power leave a size of 0 or 0xFFFFFFFF: then the
    sound goes to the file's end. Those that go on beyond 4 GiB leave what 32 bits hold of it.
    libsndfile finds no sound in the first, no more than 4 GiB in the second and the rest in the
    third. It silently shortens a cut WAV.
    """
    held = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
            return WavHeader()
        size = int.from_bytes(head[4:8], "little")
        notes = ("no size in its RIFF header",) if size == 0 or size >= UNTOLD_BYTES else ()
        while len(chunk := file.read(8)) == 8:
            length, position = int.from_bytes(chunk[4:], "little"), file.tell()
            if chunk[:4] == b"data":
                return _data(file, position, length, held, notes)
            file.seek(position + length + length % 2)
    return WavHeader(notes=notes)


def _data(file: IO[bytes], position: int, length: int, held: int, notes: tuple[str, ...]) -> WavHeader:
    """Judge the length of the sound that begins at `position`."""
    n_bytes, note = length, ""
    if length >= UNTOLD_BYTES:
        n_bytes, note = held - position, "no data length in its header: read to the file's end"
    elif length == 0 and held > position and not _is_chunk(file, position, held):
        n_bytes, note = held - position, "a data length of 0 in its header: read to the file's end"
    elif held - position - length >= WRAP_BYTES:  # no chunk behind the sound is so long
        n_bytes = _unwrapped(file, position, length, held)
        note = f"a data length of {length} in its header, and more than 4 GiB behind that: read on"
    if note:
        wrong = length == 0 or n_bytes >= UNTOLD_BYTES
        return WavHeader(None, (*notes, note), _repair(file, position, n_bytes) if wrong else None)
    promised = position + length
    missing = f"its header promises {promised} bytes, it has {held}" if held < promised else None
    return WavHeader(missing, notes)


def _unwrapped(file: IO[bytes], position: int, length: int, held: int) -> int:
    """Return the length whose lower 32 bits a header tells; to the file's end if no chunk is behind it."""
    most = held - position
    whole = most - (most - length) % WRAP_BYTES
    return whole if _is_chunk(file, position + whole + whole % 2, held) else most


def _is_chunk(file: IO[bytes], place: int, held: int) -> bool:
    """Say whether a chunk begins at a place: a name and a length that fits."""
    file.seek(place)
    head = file.read(8)
    printable = len(head) == 8 and all(32 <= byte < 127 for byte in head[:4])
    return printable and place + 8 + int.from_bytes(head[4:], "little") <= held


def _repair(file: IO[bytes], position: int, length: int) -> tuple[bytes, int] | None:
    """Write the file's head anew; with 64-bit lengths where it takes them (RF64, EBU Tech 3306)."""
    if position > MAX_HEAD_BYTES:
        return None
    file.seek(12)
    chunks, untold = file.read(position - 12 - 4), b"\xff" * 4
    if length < UNTOLD_BYTES:  # libsndfile reads fewer encodings in RF64
        return b"RIFF" + untold + b"WAVE" + chunks + length.to_bytes(4, "little"), position
    lengths = struct.pack("<4sIQQQI", b"ds64", 28, 0, length, 0, 0)
    return b"RF64" + untold + b"WAVE" + lengths + chunks + untold, position


class Repaired(io.RawIOBase):
    """A file with another head as it is read; the file itself stays as it is.

    Parameters
    ----------
    path : path
    head : bytes
        What is read first.
    rest : int
        The place in the file where it goes on.
    """

    def __init__(self, path: Path, head: bytes, rest: int) -> None:
        self._file = path.open("rb", buffering=0)
        self._head, self._shift = head, rest - len(head)
        self._place = 0

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer from the present place on."""
        view = memoryview(buffer).cast("B")
        head = self._head[self._place : self._place + len(view)]
        view[: len(head)] = head
        self._file.seek(max(self._place, len(self._head)) + self._shift)
        n_bytes = len(head) + (self._file.readinto(view[len(head) :]) or 0)
        self._place += n_bytes
        return n_bytes

    def seek(self, place: int, whence: int = 0) -> int:
        """Go to a place, as files do."""
        begin = (0, self._place, self._file.seek(0, 2) - self._shift)[whence]
        self._place = begin + place
        return self._place

    def tell(self) -> int:
        """Return the present place."""
        return self._place

    def seekable(self) -> bool:
        """Return that it can go anywhere."""
        return True

    def readable(self) -> bool:
        """Return that it is there for reading."""
        return True

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
