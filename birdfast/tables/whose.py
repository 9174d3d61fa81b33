"""Whose the rows of a table are: those of one recording, be it that it moved since."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ..outcomes import Detection


class Own(NamedTuple):
    """The detections that are of a recording.

    `moved_from`: where it was when they were found, if that is another place. `alike`: names of several files
    of which any may be it.
    """

    rows: list[Detection]
    moved_from: str = ""
    alike: Sequence[str] = ()


class Named(NamedTuple):
    """The names that a recording has in a table; `moved_from` and `alike` as `Own` has them."""

    files: Sequence[str]
    moved_from: str = ""
    alike: Sequence[str] = ()


def own(sound: Path, detections: Iterable[Detection]) -> Own:
    """Return the detections of a recording, which is found as `named` has it."""
    of: dict[str, list[Detection]] = {}
    for row in detections:
        of.setdefault(row.file, []).append(row)
    found = named(sound, of)
    return Own([row for file in found.files for row in of[file]], found.moved_from, found.alike)


def named(sound: Path, files: Iterable[str], sizes: Mapping[str, int] | None = None) -> Named:
    """Return a recording's names: by its path, else by its file's name if it alone may have moved.

    A file that is still where it was is not the one that was there before, unless it has the recording's
    size, where sizes in bytes are known: then the two are copies. Of several of the name it is the one of
    that size.
    """
    files, place = list(files), _real(str(sound))
    if here := [file for file in files if _real(file) == place]:
        return Named(here)
    of_name = [file for file in files if Path(file).name == sound.name]
    alike = [file for file in of_name if not os.path.lexists(file)]
    if sizes and len(alike) != 1 and sound.exists():
        size = sound.stat().st_size
        alike = [file for file in alike or of_name if sizes.get(file) == size] or alike
    return Named(alike, alike[0]) if len(alike) == 1 else Named((), "", alike)


def _real(file: str) -> str:
    """Return the name that all of a file's names lead to; what cannot be one is itself."""
    try:
        return os.path.realpath(file)
    except ValueError:  # a null character
        return file


def by_name(detections: Iterable[Detection]) -> dict[str, list[Detection]]:
    """Return detections by what is written over them: the species, and who heard it where several did."""
    detections = list(detections)
    several = len({row.model for row in detections}) > 1
    found: dict[str, list[Detection]] = {}
    for row in detections:
        found.setdefault(f"{row.common_name} ({row.model})" if several else row.common_name, []).append(row)
    return found
