"""What is in an MPEG audio file beside its sound: ID3, APE and lyrics tags; Xing, VBRI and LAME headers."""

from __future__ import annotations

from typing import IO, NamedTuple

DECODER_DELAY = 529  # samples that every layer III decoder is late by, as LAME's tag counts
ID3V1_BYTES = 128
XING = (b"Xing", b"Info")
XING_PLACES = (36, 21, 13, 38, 23, 15)  # behind head, checksum if any, and side information


class Promise(NamedTuple):
    """What a Xing or VBRI header says: frames (0: nothing), and the samples that the encoder put around."""

    n_frames: int = 0
    n_delay: int = 0
    n_padding: int = 0
    is_xing: bool = True


def promise(frame: bytes) -> Promise | None:
    """Read what a stream's first frame says of the whole; None if it is sound.

    The header ("Xing", or "Info" if the bit rate is constant) follows the frame's four bytes, its
    checksum if any, and its side information: 9 to 32 bytes, by version and channels. Behind it LAME
    and FFmpeg write how many samples they put before and behind the sound. Fraunhofer's VBRI is always
    at byte 36.
    """
    if frame[36:40] == b"VBRI":
        return Promise(int.from_bytes(frame[50:54]), is_xing=False)
    places = [at for at in XING_PLACES if frame[at : at + 4] in XING]
    if not places:
        return None
    at = places[0] + 8
    flags = frame[at - 1]
    n_frames = int.from_bytes(frame[at : at + 4]) if flags & 1 else 0
    at += 4 * (flags & 1) + 4 * (flags >> 1 & 1) + 100 * (flags >> 2 & 1) + 4 * (flags >> 3 & 1)
    gaps = int.from_bytes(frame[at + 21 : at + 24])
    return Promise(n_frames, gaps >> 12, gaps & 0xFFF)


def tag_bytes(file: IO[bytes], place: int) -> int:
    """Return the length of a tag that begins at a place; 0 if none does."""
    file.seek(place)
    head = file.read(32)
    if head[:3] == b"ID3" and len(head) >= 10 and max(head[6:10]) < 128:
        length = sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        return 10 + length + 10 * bool(head[5] & 0x10)
    if head[:3] == b"TAG":
        return ID3V1_BYTES
    if head[:8] == b"APETAGEX" and len(head) == 32:
        behind = 32 if int.from_bytes(head[20:24], "little") & 1 << 29 else 0
        return int.from_bytes(head[12:16], "little") + behind
    if head[:11] == b"LYRICSBEGIN":
        rest = head + file.read(1 << 16)
        end = max(rest.find(b"LYRICS200"), rest.find(b"LYRICSEND"))
        return end + 9 if end > 0 else 0
    return 0


def sound_begin(file: IO[bytes]) -> int:
    """Return where a file goes on behind the tags at its front."""
    place = 0
    while (length := tag_bytes(file, place)) > 0:
        place += length
    return place
