"""Chunks: a name, a length and so many bytes, one after the other, as most containers have them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Literal, NamedTuple

BLOCK_BYTES = 1 << 20
KNOWN = frozenset(
    b"fmt |fact|data|LIST|bext|iXML|axml|cue |smpl|inst|PEAK|JUNK|PAD |FLLR|id3 |ID3 |guan|wamd|umid|_PMX|"
    b"COMM|SSND|MARK|INST|APPL|NAME|AUTH|ANNO|COMT|FVER|desc|free|info|pakt|kuki|chan|uuid|mark".split(b"|")
)
TAGS = (b"TAG", b"ID3", b"APE")  # of MP3s, which programs hang on to other files, too
FILES = {b"RIFF": "WAV", b"RF64": "WAV", b"FORM": "AIFF", b"caff": "CAF", b"riff": "W64"}


class Kind(NamedTuple):
    """How a container writes its chunks: sizes of name and length, the bytes' order, what is filled up to.

    `name_end` is what all names end in; `counts_head` says that a length counts name and length, too.
    """

    name_bytes: int = 4
    length_bytes: int = 4
    order: Literal["little", "big"] = "little"
    align: int = 2
    name_end: bytes = b""
    counts_head: bool = False


class Chunk(NamedTuple):
    """A chunk: its name, where its bytes begin, and how many there are."""

    name: bytes
    start: int
    length: int


class Chunks:
    """The chunks of a file of `held` bytes."""

    def __init__(self, file: IO[bytes], held: int, kind: Kind) -> None:
        self._file, self._held, self._kind = file, held, kind
        self._head_bytes = kind.name_bytes + kind.length_bytes

    def walk(self, place: int) -> Iterator[Chunk]:
        """Yield the chunks from a place on, as long as there are any.

        A chunk is filled up to an even length; some writers forget that.
        """
        chunk = self._at(place)
        while chunk:
            yield chunk
            chunk = self._next(chunk.start + chunk.length, chunk.length)

    def follow(self, end: int) -> bool:
        """Say whether chunks, or tags, lie between a place and the file's end."""
        self._file.seek(min(end, self._held))  # a length may be more than a file can be
        if self._file.read(4)[:3] in TAGS:
            return True
        first = self._next(end, end)
        if first is None or _known(first):
            return first is not None
        *_, last = self.walk(first.start - self._head_bytes)
        return only_zeros(self._file, min(last.start + last.length, self._held))

    def another_file(self, end: int) -> str | None:
        """Name the kind of another file that begins behind the sound and its chunks; None is no file."""
        length = end
        while True:
            for place in self._places(end, length):
                self._file.seek(min(place, self._held))
                if name := FILES.get(self._file.read(4)):
                    return name
            chunk = self._next(end, length)
            if chunk is None:
                return None
            end, length = chunk.start + chunk.length, chunk.length

    def _next(self, end: int, length: int) -> Chunk | None:
        return next((chunk for place in self._places(end, length) if (chunk := self._at(place))), None)

    def _places(self, end: int, length: int) -> tuple[int, int]:
        return end + -length % self._kind.align, end

    def _at(self, place: int) -> Chunk | None:
        """Read the chunk at a place; None if there is none that could be one."""
        kind, start = self._kind, place + self._head_bytes
        if start > self._held:
            return None
        self._file.seek(place)
        head = self._file.read(self._head_bytes)
        length = int.from_bytes(head[kind.name_bytes :], kind.order)
        length -= self._head_bytes if kind.counts_head else 0
        chunk = Chunk(head[: kind.name_bytes], start, max(0, length))
        named = chunk.name.endswith(kind.name_end) and all(32 <= byte < 127 for byte in chunk.name[:4])
        return chunk if named and (_known(chunk) or chunk.length <= self._held - start) else None


def _known(chunk: Chunk) -> bool:
    return chunk.name[:4] in KNOWN


def only_zeros(file: IO[bytes], place: int) -> bool:
    """Say whether there is nothing but zeros from a place on."""
    file.seek(place)
    while block := file.read(BLOCK_BYTES):
        if block != bytes(len(block)):
            return False
    return True
