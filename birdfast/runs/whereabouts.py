"""Whereabouts: where recordings are now that results name by the paths of then."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import NamedTuple

from .. import inputs
from ..errors import AudioError
from ..journal import NAME, Record, stamp
from ..journal.stamp import Stamp
from ..outcomes import Detection
from ..sources import stores
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


class Was(NamedTuple):
    """What a recording was when it was heard; its head is None where nobody knows it."""

    stamp: Stamp
    head: bytes | None = None


def heard(results: Path, paths: Collection[str]) -> dict[str, Was]:
    """Return what recordings were when they were heard, those of which a journal knows it."""
    folder = results if results.is_dir() else results.parent
    if not (folder / NAME).is_file():
        return {}
    with Record(folder) as record:
        told = ((os.fsdecode(entry.path), entry) for _, entry in record.entries())
        return {
            path: Was(entry.stamp, entry.head)
            for path, entry in told
            if entry.size is not None and path in paths
        }


class Whereabouts:
    """Where recordings are now.

    Parameters
    ----------
    folders : iterable of paths
        Where to look for those that are not where they were: folders, with all below them, or files.
    heard : dict of str to Was
        What each was, by the path of then, where that is known.

    Raises
    ------
    ConfigError
        There is nothing in the folders.
    """

    def __init__(
        self, folders: Iterable[str | os.PathLike[str]] = (), heard: Mapping[str, Was] | None = None
    ) -> None:
        self._heard, self._named = heard or {}, dict[str, list[str]]()
        folders = list(folders)
        for path in inputs.find(folders) if folders else ():
            self._named.setdefault(Path(path).name, []).append(path)

    def of(self, path: str) -> str:
        """Return where the recording is that had a path: there, or the one file of its name that may be it.

        Of several of a name it is the one of its size, or the one whose folders are most as they were.

        Raises
        ------
        AudioError
            Several may be it, or it lies in a store.
        """
        alike = self._named.get(PurePath(path).name, [])
        size = self._heard[path].stamp.size if path in self._heard else None
        if stores.is_url(path) and not alike:
            raise AudioError(f"{path}: lies in a store; fetch it, and name the folder where it is now")
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

    def doubt(self, path: str, there: str) -> str:
        """Return in words why what lies there may not be the recording that was heard at a path."""
        if path not in self._heard:
            return ""
        was, its_head = self._heard[path]
        if stores.is_url(path) and not stores.is_url(there):
            was = was._replace(mtime_ns=None)  # an object has a version instead, which no file has
        return stamp.doubt(os.fsencode(there), was, its_head)


def _n_common(one: str, other: str) -> int:
    """Return how many last parts two paths have in common."""
    n = 0
    for mine, its in zip(reversed(PurePath(one).parts), reversed(PurePath(other).parts), strict=False):
        if mine != its:
            break
        n += 1
    return n
