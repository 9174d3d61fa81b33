"""WAV: RIFF WAVE, and RF64 and BW64, which have 64-bit lengths."""

from __future__ import annotations

import struct
from typing import IO

from ..pieces import Piece
from .chunks import Chunk, Chunks, Kind
from .header import Header, Lengths, Sound, judge

UNTOLD_BYTES = 0xFFFFFF00  # lengths from here on are a recorder's way of not saying
# What sox, GStreamer, others and arecord write into a pipe.
LENGTHS = Lengths(UNTOLD_BYTES, (0x7FFFF000, 0x7FFF0000, 0x7FFFFFFF, 0x80000000), 1 << 32, counts_head=True)
LENGTHS_64 = Lengths((1 << 63) - 256)
GSM, GSM_BYTES, GSM_FRAMES = b"\x31\0", 65, 320  # two frames of GSM 06.10 in a block
ADPCM = (0x02, 0x11)  # of Microsoft, of IMA: samples of a block are told behind what all have
MPEG = (b"\x50\0", b"\x55\0")  # layers I and II, layer III
PLAIN = (1, 3, 6, 7, 0xFFFE)  # PCM, floats, A-law, mu-law, and WAVE_FORMAT_EXTENSIBLE for any of these


def wav(file: IO[bytes], held: int) -> Header:
    """Judge a WAV's header.

    "RIFF", size, "WAVE", then chunks of an id, a 32-bit length and that many bytes, padded to even
    (Microsoft, 1991). In RF64 (EBU Tech 3306) and BW64 (ITU-R BS.2088) the first chunk, "ds64", has
    the lengths, and those of 32 bits are ones. libsndfile stops at a length that is too small, finds
    no sound behind a length of 0 or a chunk that lacks its pad byte, knows no BW64, and silently
    shortens what is cut. Recorders that go on beyond 4 GiB leave what 32 bits hold of it.
    """
    file.seek(0)
    head = file.read(12)
    if head[8:12] != b"WAVE":
        return Header()
    is_riff = head[:4] == b"RIFF"
    size = int.from_bytes(head[4:8], "little")
    notes: tuple[str, ...] = ()
    if is_riff and (size == 0 or size >= UNTOLD_BYTES):
        notes = ("no size in its RIFF header",)
    chunks, found = Chunks(file, held, Kind()), {}
    odd = False  # a chunk begins at an odd place
    for chunk in chunks.walk(12):
        odd |= bool(chunk.start % 2)
        found[chunk.name] = _content(file, chunk) if chunk.name in (b"fmt ", b"ds64") else b""
        if chunk.name == b"data" and b"fmt " in found:
            notes += ("a chunk of odd length without its pad byte",) if odd else ()
            return _data(file, held, chunk, found, notes, odd or head[:4] == b"BW64", chunks)
    return Header(notes=notes)


def may_be_mpeg(file: IO[bytes], held: int) -> bool:
    """Say whether MPEG frames may lie in a RIFF: it says so, or is no whole WAV's beginning."""
    file.seek(0)
    form = file.read(12)[8:]
    if form == b"AVI ":
        return False
    if form == b"WAVE":
        for chunk in Chunks(file, held, Kind()).walk(12):
            if chunk.name == b"fmt ":
                return _content(file, chunk)[:2] in MPEG
    return True


def _content(file: IO[bytes], chunk: Chunk) -> bytes:
    file.seek(chunk.start)
    return file.read(min(chunk.length, 1 << 16))


def _data(
    file: IO[bytes],
    held: int,
    chunk: Chunk,
    found: dict[bytes, bytes],
    notes: tuple[str, ...],
    unread: bool,
    chunks: Chunks,
) -> Header:
    """Judge the sound; `unread` says that libsndfile would not find it."""
    length, lengths = chunk.length, LENGTHS
    if b"ds64" in found and length == 0xFFFFFFFF:
        length, lengths = int.from_bytes(found[b"ds64"][8:16], "little"), LENGTHS_64
    sound = wav_sound(chunk.start, length, found[b"fmt "])
    extent = judge(file, held, sound, lengths, chunks)
    repair: tuple[Piece, ...] = ()
    if unread or extent.missing or extent.n_bytes != length:
        place = (sound.position, sound.position + extent.n_bytes)
        repair = (wav_head(found[b"fmt "], extent.n_bytes), place)
    is_gsm = found[b"fmt "][:2] == GSM  # of odd length: libsndfile makes one block more of the pad byte
    n_frames = extent.n_bytes // GSM_BYTES * GSM_FRAMES if is_gsm else None
    return Header(extent.missing, (*notes, *extent.notes), repair, n_frames)


def wav_sound(position: int, length: int, form: bytes) -> Sound:
    """Return what a WAV's "fmt " chunk says of the sound's frames."""
    tag, n_channels, rate_hz, bytes_per_s, frame_bytes, bits = struct.unpack(
        "<HHIIHH", form[:16].ljust(16, b"\0")
    )
    if tag in PLAIN:
        frame_bytes = n_channels * -(-bits // 8)
        bytes_per_s = rate_hz * frame_bytes
    if tag in ADPCM and len(form) >= 20 and any(form[18:20]):  # what writers tell of the bytes is a guess
        bytes_per_s = rate_hz * frame_bytes / int.from_bytes(form[18:20], "little")
    return Sound(position, length, max(1, frame_bytes), bytes_per_s)


def wav_head(form: bytes, length: int) -> bytes:
    """Write all that comes before the sound; with 64-bit lengths where it takes them."""
    untold = b"\xff" * 4
    chunks = struct.pack("<4sI", b"fmt ", len(form)) + form + b"\0" * (len(form) % 2) + b"data"
    if length < UNTOLD_BYTES:  # libsndfile reads fewer encodings in RF64
        return b"RIFF" + untold + b"WAVE" + chunks + length.to_bytes(4, "little")
    lengths = struct.pack("<4sIQQQI", b"ds64", 28, 0, length, 0, 0)
    return b"RF64" + untold + b"WAVE" + lengths + chunks + untold
