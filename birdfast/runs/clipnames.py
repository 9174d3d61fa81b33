"""What clips are called: names that sort, that every file system takes, and that a training reads."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from ..outcomes import MIX, Detection
from ..tables import escaped

NAME_BYTES = 100  # of a part of a clip's path
UNFIT = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*;]')  # for one file system or another; ";" parts labels


def label(row: Detection) -> str:
    """Return what a training calls a species: `Genus species_Common name`, or a class's one name."""
    names = dict.fromkeys((row.scientific_name, row.common_name))
    return escaped("_".join(filter(None, names))).replace(";", ",")


def names(rows: Sequence[Detection], suffix: str) -> list[str]:
    """Return where clips lie: a folder a species, then their confidence, recording and second."""
    used, found = set[str](), list[str]()
    for row in rows:
        stem = _part(Path(row.file).stem)
        channel = "" if row.channel == MIX else f"_ch{row.channel}"
        name = f"{_part(label(row))}/{row.confidence:.3f}_{stem}_{row.start_s:08.2f}s{channel}"
        number, free = 1, name
        while free.casefold() in used:
            number += 1
            free = f"{name}-{number}"
        used.add(free.casefold())
        found.append(f"{free}.{suffix}")
    return found


def _part(name: str) -> str:
    """Return a name that every file system takes."""
    plain = UNFIT.sub("_", unicodedata.normalize("NFC", escaped(name)))
    return plain.encode()[:NAME_BYTES].decode("utf-8", "ignore").strip(" .") or "_"
