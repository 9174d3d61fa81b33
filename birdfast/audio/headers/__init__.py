"""What audio files' headers promise, where libsndfile does not look or believes too much.

A file a family of containers; each takes an open file and its size, and returns a `Header`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO

from .aiff import aiff
from .au import au
from .caf import caf
from .dsf import dsf
from .header import Header
from .mp4 import mp4
from .riff import may_be_mpeg, wav
from .voc import voc
from .w64 import w64

__all__ = ["Header", "is_container", "read"]

FAMILIES: dict[bytes, Callable[[IO[bytes], int], Header]] = {
    b"RIFF": wav,
    b"RF64": wav,
    b"BW64": wav,
    b"riff": w64,
    b"FORM": aiff,
    b".snd": au,
    b"dns.": au,
    b"caff": caf,
    b"DSD ": dsf,
    b"Crea": voc,
}
# FLAC, Ogg, Matroska, ASF, WavPack, Monkey's Audio, TAK, TTA, AMR
OTHERS = (
    b"fLaC",
    b"OggS",
    b"\x1aE\xdf\xa3",
    b"0&\xb2u",
    b"wvpk",
    b"MAC ",
    b"tBaK",
    b"TTA1",
    b"#!AM",
)
BOXES = (b"ftyp", b"moov", b"mdat", b"wide")  # what begins an MP4 or a MOV, behind its length


def read(path: Path) -> Header:
    """Judge a file's header by its first bytes; an empty answer for a whole or another file."""
    with path.open("rb") as file:
        head = file.read(8)
        family = mp4 if head[4:] in BOXES else FAMILIES.get(head[:4])
        return family(file, path.stat().st_size) if family else Header()


def is_container(path: Path) -> bool:
    """Say whether a file begins as one in which no bare MPEG frames lie."""
    with path.open("rb") as file:
        head = file.read(8)
        if FAMILIES.get(head[:4]) is wav:
            return not may_be_mpeg(file, path.stat().st_size)
    return head[:4] in FAMILIES or head[:4] in OTHERS or head[4:] in BOXES
