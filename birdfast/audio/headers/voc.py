"""VOC, Creative's: sound in blocks of less than 16 MiB."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO, NamedTuple

from .chunks import only_zeros
from .header import Extent, Header, Lengths, Sound, judge
from .riff import wav_head

LENGTHS = Lengths(0xFFFFFF - 12, (), 1 << 24)
END, OLD, MORE, MARKER, TEXT, EXTENDED, NEW = 0, 1, 2, 4, 5, 8, 9
SOUND = {OLD: 2, MORE: 0, NEW: 12}  # the bytes that come before a block's sound
TAGS = {0: 1, 4: 1, 6: 6, 7: 7}  # the number that a WAV has for 8- and 16-bit PCM, A-law and mu-law


class Block(NamedTuple):
    """A block: its kind, where its bytes begin, and how many there are."""

    kind: int
    start: int
    length: int


class Form(NamedTuple):
    """What blocks of sound are made of."""

    rate_hz: int
    bits: int
    n_channels: int
    codec: int

    @property
    def frame_bytes(self) -> int:
        """Of one sample of all channels."""
        return max(1, self.n_channels * self.bits // 8)

    def chunk(self) -> bytes:
        """Return the same as a WAV says it."""
        n_bytes, tag = self.frame_bytes, TAGS[self.codec]
        bytes_per_s = min(self.rate_hz * n_bytes, 0xFFFFFFFF)
        return struct.pack("<HHIIHH", tag, self.n_channels, self.rate_hz, bytes_per_s, n_bytes, self.bits)


def voc(file: IO[bytes], held: int) -> Header:
    """Judge a VOC's blocks, and join those of sound as a WAV.

    "Creative Voice File", the head's length, then blocks of a kind, a length of 24 bits and so many
    bytes, and a zero at the end (Creative, 1991). libsndfile takes all behind the first block's head
    for sound, the heads of others and the last zero, too; and writes lengths of 24 bits of what is
    longer.
    """
    file.seek(20)
    place = int.from_bytes(file.read(2), "little")
    form: Form | None = None
    extended = b""
    spans: list[tuple[int, int]] = []
    n_bytes = 0
    missing: str | None = None
    notes: tuple[str, ...] = ()
    for block in _blocks(file, held, place):
        file.seek(block.start)
        if block.kind == EXTENDED:
            extended = file.read(4)
        elif block.kind in SOUND:
            told = form if block.kind == MORE else _form(block.kind, file.read(12), extended)
            extended = b""
            if told is None or told.codec not in TAGS or (form is not None and told != form):
                missing = "(another kind of sound begins there, which is not read)"
                break
            form = told
            extent, start = _extent(file, held, block, form, alone=not spans)
            missing, notes = extent.missing, extent.notes
            spans.append((start, start + extent.n_bytes))
            n_bytes += extent.n_bytes
            if missing or notes:
                break
        elif block.kind not in (MARKER, TEXT):
            missing = f"(a VOC block of kind {block.kind} begins there, which is not read)"
            break
    if form is None or n_bytes == 0:
        return Header(missing, notes)
    return Header(missing, notes, (wav_head(form.chunk(), n_bytes), *spans))


def _blocks(file: IO[bytes], held: int, place: int) -> Iterator[Block]:
    while place < held:
        file.seek(place)
        head = file.read(4)
        if len(head) < 4 or head[0] == END:
            return
        block = Block(head[0], place + 4, int.from_bytes(head[1:], "little"))
        yield block
        place = block.start + block.length


def _extent(file: IO[bytes], held: int, block: Block, form: Form, *, alone: bool) -> tuple[Extent, int]:
    """Return how much sound a block has, and where it begins; `alone` is one with no sound before it."""
    start, length = block.start + SOUND[block.kind], max(0, block.length - SOUND[block.kind])
    bytes_per_s = form.rate_hz * form.frame_bytes * alone  # one of many does not tell the whole's
    sound = Sound(start, length, form.frame_bytes, bytes_per_s)
    if form.codec in (6, 7) and length and start + length <= held and only_zeros(file, start + length - 1):
        return Extent(length - 1), start  # libsndfile counts the zero at the end in
    if _ends_well(file, held, start + length):
        return Extent(length), start
    return judge(file, held, sound, LENGTHS, None), start


def _ends_well(file: IO[bytes], held: int, place: int) -> bool:
    """Say whether the file ends at a place, or another block is there."""
    if place >= held:
        return place == held
    file.seek(place)
    head = file.read(4)
    if head[0] == END:
        return only_zeros(file, place)
    n_bytes = int.from_bytes(head[1:], "little")
    wrapped = (held - place) % LENGTHS.wrap <= 1 and held - place >= LENGTHS.wrap
    return not wrapped and head[0] <= NEW and (head[0] in SOUND or place + 4 + n_bytes <= held)


def _form(kind: int, head: bytes, extended: bytes) -> Form | None:
    """Read what the sound is made of; None if that is not told."""
    if kind == NEW and len(head) == 12:
        return Form(*struct.unpack("<IBBH", head[:8]))
    if len(head) < 2:
        return None
    codec = head[1]
    if len(extended) == 4:
        constant, codec, mode = struct.unpack("<HBB", extended)
        return Form(256_000_000 // ((65_536 - constant) * (mode + 1)), 8, mode + 1, codec)
    return Form(1_000_000 // (256 - head[0]), 16 if codec == 4 else 8, 1, codec)
