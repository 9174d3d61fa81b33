"""Whereabouts: where recordings are now that results name by the paths of then."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path, PurePath

from .. import inputs
from ..errors import AudioError
from ..journal import NAME, Record
from ..outcomes import Detection
from ..tables import DETECTIONS, escaped, read_csv
from ..words import counted
from .results import Results


def detections(results: Path) -> Iterator[Detection]:
    """Yield the detections of results: a run's folder, one with merged tables, or a detections.csv.

    Raises
    ------
    ConfigError
        There are none.
    """
    if (results / NAME).is_file():
        yield from Results(results)
    else:
        yield from read_csv(results / DETECTIONS["csv"].name if results.is_dir() else results)


def sizes(results: Path, paths: Collection[str]) -> dict[str, int]:
    """Return how many bytes recordings had when they were heard, those of which a journal knows it."""
    folder = results if results.is_dir() else results.parent
    if not (folder / NAME).is_file():
        return {}
    with Record(folder) as record:
        told = ((os.fsdecode(entry.path), entry.size) for _, entry in record.entries())
        return {path: size for path, size in told if size is not None and path in paths}


class Whereabouts:
    """Where recordings are now.

    Parameters
    ----------
    folders : iterable of paths
        Where to look for those that are not where they were: folders, with all below them, or files.
    sizes : dict of str to int
        How many bytes each had, by the path of then, where that is known.

    Raises
    ------
    ConfigError
        There is nothing in the folders.
    """

    def __init__(
        self, folders: Iterable[str | os.PathLike[str]] = (), sizes: Mapping[str, int] | None = None
    ) -> None:
        self._sizes, self._named = sizes or {}, dict[str, list[str]]()
        folders = list(folders)
        for path in inputs.find(folders) if folders else ():
            self._named.setdefault(Path(path).name, []).append(path)

    def of(self, path: str) -> str:
        """Return where the recording is that had a path: there, or the one file of its name that may be it.

        Of several of a name it is the one of its size, or the one whose folders are most as they were.

        Raises
        ------
        AudioError
            Several may be it.
        """
        alike = self._named.get(PurePath(path).name, [])
        size = self._sizes.get(path)
        if Path(path).exists() or not alike:
            return path
        if len(alike) > 1 and size is not None:
            alike = [one for one in alike if inputs.size_bytes(one) == size] or alike
        common = [_n_common(path, one) for one in alike]
        nearest = [one for one, n in zip(alike, common, strict=True) if n == max(common)]
        if len(nearest) > 1:
            some = ", ".join(map(escaped, nearest[:3]))
            raise AudioError(f"{path}: not there, and {counted(len(nearest), 'file')} may be it: {some}")
        return nearest[0]


def _n_common(one: str, other: str) -> int:
    """Return how many last parts two paths have in common."""
    n = 0
    for mine, its in zip(reversed(PurePath(one).parts), reversed(PurePath(other).parts), strict=False):
        if mine != its:
            break
        n += 1
    return n
