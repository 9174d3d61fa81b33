"""What audio files' headers promise, where libsndfile does not look or believes too much."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO, Any, NamedTuple

UNTOLD_BYTES = 0xFFFFFF00  # lengths from here on are a recorder's way of not saying
TO_THE_END = b"\xff\xff\xff\xff"  # the length that libsndfile reads to the file's end


class WavHeader(NamedTuple):
    """A RIFF WAVE header: what the file lacks of what it promises, and what has to be put right.

    `repair` is a place in the file and the bytes that belong there, `notes` says it in words.
    """

    missing: str | None = None
    notes: tuple[str, ...] = ()
    repair: tuple[int, bytes] | None = None


def wav(path: Path) -> WavHeader:
    """Read a WAV's header; an empty answer for a whole or another file.

    "RIFF", size, "WAVE", then chunks of an id, a 32-bit length and that many bytes, padded to even
    (Microsoft, 1991). Recorders that lose their power leave a size of 0 or 0xFFFFFFFF: then the
    sound goes to the file's end. libsndfile reads the latter, and finds no sound in the former. It
    silently shortens a cut WAV.
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
    if length >= UNTOLD_BYTES:
        return WavHeader(notes=(*notes, "no data length in its header: read to the file's end"))
    if length == 0 and held > position and not _is_chunk(file.read(8), held - position):
        repair = (position - 4, TO_THE_END)
        return WavHeader(None, (*notes, "a data length of 0 in its header: read to the file's end"), repair)
    promised = position + length
    missing = f"its header promises {promised} bytes, it has {held}" if held < promised else None
    return WavHeader(missing, notes)


def _is_chunk(head: bytes, n_bytes: int) -> bool:
    """Say whether a chunk follows, so that the sound before it is meant to be empty."""
    printable = len(head) == 8 and all(32 <= byte < 127 for byte in head[:4])
    return printable and int.from_bytes(head[4:], "little") + 8 <= n_bytes


class Repaired(io.RawIOBase):
    """A file with some bytes exchanged as it is read; the file itself stays as it is."""

    def __init__(self, path: Path, at: int, content: bytes) -> None:
        self._file = path.open("rb", buffering=0)
        self._at, self._content = at, content

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer from the present place on."""
        view = memoryview(buffer).cast("B")
        start = self._file.tell()
        n_bytes = self._file.readinto(view) or 0
        for number, byte in enumerate(self._content, self._at - start):
            if 0 <= number < n_bytes:
                view[number] = byte
        return n_bytes

    def seek(self, place: int, whence: int = 0) -> int:
        """Go to a place, as files do."""
        return self._file.seek(place, whence)

    def tell(self) -> int:
        """Return the present place."""
        return self._file.tell()

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


def has_xing_header(path: Path) -> bool:
    """Say whether an MP3's first frame tells its length, as LAME and nearly all encoders write it.

    The header ("Xing", or "Info" if the bit rate is constant) follows the frame's four bytes, its
    checksum if any, and its side information: 9 to 32 bytes, by version and channels. An ID3v2 tag
    may come first: ten bytes, the last four its length, seven bits each. Fraunhofer's VBRI does
    not count, because libsndfile does not read it.
    """
    with path.open("rb") as file:
        head = file.read(10)
        if head[:3] == b"ID3":
            length = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
            file.seek(10 + length + 10 * bool(head[5] & 0x10))
        else:
            file.seek(0)
        frame = file.read(64)
    return any(frame[at : at + 4] in (b"Xing", b"Info") for at in range(4 + 9, 4 + 2 + 32 + 1))


def missing_from_ogg(path: Path) -> str | None:
    """Say that an Ogg file lacks its last page, None for a whole or another file.

    libsndfile takes the last page it finds for the end; that page has to be whole and to carry the
    end-of-stream flag (RFC 3533, section 6). A page has at most 65,307 bytes.
    """
    with path.open("rb") as file:
        if file.read(4) != b"OggS":
            return None
        file.seek(max(0, path.stat().st_size - 65_307))
        end = file.read()
    page = end[end.rfind(b"OggS") :]
    length = 27 + page[26] + sum(page[27 : 27 + page[26]]) if len(page) > 26 else len(page) + 1
    whole = len(page) >= length and page[5] & 4
    return None if whole else "its last Ogg page is missing"
