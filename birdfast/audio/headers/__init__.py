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
from .header import Header
from .riff import wav
from .voc import voc
from .w64 import w64

__all__ = ["Header", "read"]

FAMILIES: dict[bytes, Callable[[IO[bytes], int], Header]] = {
    b"RIFF": wav,
    b"RF64": wav,
    b"BW64": wav,
    b"riff": w64,
    b"FORM": aiff,
    b".snd": au,
    b"dns.": au,
    b"caff": caf,
    b"Crea": voc,
}


def read(path: Path) -> Header:
    """Judge a file's header by its first four bytes; an empty answer for a whole or another file."""
    with path.open("rb") as file:
        family = FAMILIES.get(file.read(4))
        return family(file, path.stat().st_size) if family else Header()
