"""What clips are called: names that sort, that every file system takes, and that a training reads."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from ..outcomes import MIX, Detection
from ..tables import escaped

NAME_BYTES = 100  # of a part of a clip's path
UNFIT = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*;]')  # for one file system or another; ";" parts labels


def label(row: Detection) -> str:
    """Return what a training calls a species: `Genus species_Common name`, or a class's one name."""
    names = dict.fromkeys((row.scientific_name, row.common_name))
    return escaped("_".join(filter(None, names))).replace(";", ",")


class Names:
    """The names of a folder's clips, of which no two are the same, whoever asks for all or one by one.

    Parameters
    ----------
    suffix : str
    """

    def __init__(self, suffix: str) -> None:
        self._suffix, self._used = suffix, set[str]()

    def of(self, row: Detection) -> str:
        """Return where a clip lies: a folder a species, then its confidence, recording and second."""
        stem = _part(Path(row.file).stem)
        channel = "" if row.channel == MIX else f"_ch{row.channel}"
        name = f"{_part(label(row))}/{row.confidence:.3f}_{stem}_{row.start_s:08.2f}s{channel}"
        number, free = 1, name
        while free.casefold() in self._used:
            number += 1
            free = f"{name}-{number}"
        self._used.add(free.casefold())
        return f"{free}.{self._suffix}"


def _part(name: str) -> str:
    """Return a name that every file system takes."""
    plain = UNFIT.sub("_", unicodedata.normalize("NFC", escaped(name)))
    return plain.encode()[:NAME_BYTES].decode("utf-8", "ignore").strip(" .") or "_"
