"""Places: where the table of one recording lies, and which tables of recordings are ours."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain, count
from pathlib import Path, PurePath

from .. import atomicfile, sources
from ..atomicfile import AtomicFile
from ..errors import ConfigError

ASIDE = re.compile(r"\.birdfast-[^/]+\.list|\.[^/]+\.part")
MOST_BYTES = 255 - len("..abcdefgh.part")  # of a name, of which that of an unfinished file is made


def place_of(path: str, base: str, suffix: str) -> Path:
    """Return where a recording's table lies in the output folder.

    Where the recording lies itself, seen from a folder, under its stem: a/dawn.wav is
    a/dawn.BirdNET.results.csv. One that lies elsewhere is seen from the root: mnt/a/dawn.BirdNET.results.csv.

    Parameters
    ----------
    path : str
        The recording's.
    base : str
        The folder.
    suffix : str
    """
    absolute, home = (os.path.abspath(one) for one in (path, base or os.curdir))  # noqa: PTH100
    above = home if home.endswith(os.sep) else home + os.sep
    seen = absolute[len(above) :] if absolute.startswith(above) else absolute.lstrip(os.sep)
    return Path(seen).parent / _fitting(Path(seen).stem, suffix)


def free(place: Path, path: str, suffix: str, is_taken: Callable[[Path], bool]) -> Path:
    """Return the place of a recording's table, or another where one of the same stem has it.

    The first in the run's order has the stem, of a.wav and a.flac; others keep their suffix:
    a.wav.BirdNET.results.csv.
    """
    if not is_taken(place):
        return place
    name = PurePath(path).name
    stems = chain([name], (f"{name}.{number}" for number in count(2)))
    others = (place.with_name(_fitting(stem, suffix)) for stem in stems)
    return next(other for other in others if not is_taken(other))


def list_of(folder: Path, kind: str) -> Path:
    """Return where it stands which tables of a kind are ours."""
    return folder / f".birdfast-{kind}.list"


def is_aside(name: str) -> bool:
    """Whether a name in a run's folder is no table's, but of what tables are made with: lists, and rooms."""
    return ASIDE.fullmatch(name) is not None


def write_list(folder: Path, kind: str, base: str, names: Iterable[str]) -> None:
    """Write down which tables are ours, and which folder their recordings are seen from."""
    with AtomicFile(list_of(folder, kind), mode="w", encoding="utf-8") as file:
        file.stream.writelines(f"{json.dumps(line)}\n" for line in chain([base], names))


def names(folder: Path, kind: str, ending: str = "") -> Iterator[str]:
    """Yield the tables that are ours, by their places in the output folder; none where there is no list.

    Raises
    ------
    ConfigError
        The list cannot be read, or was changed: a name is of no table below the folder, or lacks the ending.
    """
    lines = _lines(folder, kind)
    next(lines, None)
    for name in lines:
        is_below = name and not name.startswith(os.sep) and os.pardir not in PurePath(name).parts
        if not is_below or not name.endswith(ending):
            raise ConfigError(f"{list_of(folder, kind)}: damaged; remove it, and the tables that it names")
        yield name


def base_of(folder: Path, kind: str) -> str | None:
    """Return which folder recordings were seen from when their tables were written; None: there are none."""
    return next(_lines(folder, kind), None)


def remove(folder: Path, name: str) -> None:
    """Remove a table that is ours, and the folders that are empty then."""
    with suppress(IsADirectoryError):
        (folder / name).unlink(missing_ok=True)
    with suppress(OSError):
        for above in PurePath(name).parents[:-1]:
            (folder / above).rmdir()


def forget(folder: Path, kind: str, ending: str) -> None:
    """Remove all tables of a kind that are ours; none where the list was changed."""
    for _ in names(folder, kind, ending):
        pass
    for name in names(folder, kind, ending):
        remove(folder, name)
    list_of(folder, kind).unlink(missing_ok=True)


def tidy(folder: Path, kind: str) -> None:
    """Remove what a run that was killed while it made such tables has left; the folder must be ours."""
    for room in folder.glob(f".{kind}.*.part"):
        if room.is_dir() and not room.is_symlink():
            shutil.rmtree(room, ignore_errors=True)
    atomicfile.tidy(folder, re.escape(list_of(folder, kind).name))


def _lines(folder: Path, kind: str) -> Iterator[str]:
    place = list_of(folder, kind)
    if not place.is_file():
        return
    with sources.opened(place, ConfigError) as file:
        for line in file:
            try:
                told = json.loads(line)
            except ValueError:
                told = None
            if not isinstance(told, str):
                raise ConfigError(f"{place}: damaged; remove it, and the tables that it names")
            yield told


def _fitting(stem: str, suffix: str) -> str:
    """Return a table's name; a stem that is too long for it is cut, with a digest behind it."""
    name = os.fsencode(stem + suffix)
    if len(name) <= MOST_BYTES:
        return stem + suffix
    digest = hashlib.blake2b(name, digest_size=4).hexdigest()
    cut = os.fsencode(stem)[: MOST_BYTES - len(os.fsencode(suffix)) - len(digest) - 1]
    return f"{cut.decode('utf-8', 'ignore')}~{digest}{suffix}"
