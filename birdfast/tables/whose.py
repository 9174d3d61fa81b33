"""Whose the rows of a table are: those of one recording, be it that it moved since."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
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


def own(sound: Path, detections: Iterable[Detection]) -> Own:
    """Return the detections of a recording: by its path, else by its file's name if it alone may have moved.

    A file that is still where it was is not the one that was there before.
    """
    of: dict[str, list[Detection]] = {}
    for row in detections:
        of.setdefault(row.file, []).append(row)
    place = _real(str(sound))
    here = [file for file in of if _real(file) == place]
    alike = [file for file in of if Path(file).name == sound.name and not os.path.lexists(file)]
    if here:
        return Own([row for file in here for row in of[file]])
    return Own(of[alike[0]], alike[0]) if len(alike) == 1 else Own([], "", alike)


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
