"""MP3: whether a file tells its length."""

from __future__ import annotations

from pathlib import Path


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
