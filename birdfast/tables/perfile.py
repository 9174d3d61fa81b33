"""Tables per file: a tree of them that mirrors the recordings'.

They are made in a hidden room within the output folder, and get their places when all tables of a run are
whole. Which are ours stands in a list beside the room before the first of them has its place: so wherever
that breaks off, the next run knows its own.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Self

from .. import atomicfile
from ..arrays import Rows
from ..errors import ConfigError, OutputError
from ..outcomes import Detection
from . import placed
from .table import Result, Table

Makes = Callable[..., Table]


class PerFile(Table):
    """Tables of one kind, one for each recording.

    Parameters
    ----------
    folder : path
        The run's output folder.
    kind : str
        What the room and the list are called by.
    makes : callable
        What makes a table, of a folder and `called`, its name.
    suffix : str
        What comes behind a recording's stem; see `placed.place_of`.
    base : str
        The folder that recordings are seen from.
    takes : (int, str) or None
        As of the tables.

    Raises
    ------
    ConfigError
        The folder takes no file.
    """

    def __init__(
        self,
        folder: Path,
        kind: str,
        makes: Makes,
        suffix: str,
        base: str,
        takes: tuple[int, str] | None = None,
    ) -> None:
        self.takes, self.path = takes, folder / "**" / f"*{suffix}"  # as a glob: they are many
        self._folder, self._kind, self._base = folder, kind, base
        self._makes, self._suffix = makes, suffix
        self._table: Table | None = None
        self._is_listed, self._base_before = False, placed.base_of(folder, kind)
        atomicfile.check(placed.list_of(folder, kind))
        self._room = Path(tempfile.mkdtemp(prefix=f".{kind}.", suffix=".part", dir=folder))

    def __enter__(self) -> Self:
        return self

    def begin(self, result: Result) -> None:
        """Begin the file's table; one that nobody could hear has none, or it would pass for a silent one."""
        if result.failures and not result.audio_s:
            return
        place = placed.place_of(result.path, self._base, self._suffix)
        place = placed.free(place, result.path, self._suffix, lambda one: (self._room / one).exists())
        _check(self._folder, place)
        folder = (self._room / place).parent
        folder.mkdir(parents=True, exist_ok=True)
        self._table = self._makes(folder, called=place.name)
        self._table.is_synced = False  # they are many, and one call does it for all
        self._table.begin(result)

    def detections(self, rows: Sequence[Detection]) -> None:
        """Hand rows on."""
        if self._table is not None:
            self._table.detections(rows)

    def dense(self, rows: Rows) -> None:
        """Hand rows on."""
        if self._table is not None:
            self._table.dense(rows)

    def end(self) -> None:
        """End the file's table: it is whole, in the room."""
        if self._table is not None:
            self._table.end()
            with self._table:
                pass
            self._table = None

    def finish(self) -> None:
        """Bring the tables to the disk, and write down that they are to come."""
        if not self._is_listed:
            os.sync()
            base = self._base if self._base_before is None else self._base_before
            placed.write_list(self._folder, self._kind, base, chain(self._before(), self._whole()))
            self._is_listed = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is not None and self._table is not None:
                self._table.__exit__(kind, error, trace)
            if kind is None:
                self.finish()
                self._name_all()
        finally:
            shutil.rmtree(self._room, ignore_errors=True)

    def _name_all(self) -> None:
        """Give the tables their places.

        Those of other recordings stay, as scripts go through a folder file by file; but where recordings were
        seen from another folder, they go first, as some may be of the same.
        """
        is_elsewhere = self._base_before not in (None, self._base)
        for name in self._before() if is_elsewhere else ():
            placed.remove(self._folder, name)
        for name in self._whole():
            target = self._folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            (self._room / name).replace(target)
        if is_elsewhere:
            placed.write_list(self._folder, self._kind, self._base, self._before())

    def _before(self) -> Iterator[str]:
        """Yield the tables of before that have no new ones in their places."""
        for name in placed.names(self._folder, self._kind):
            if (self._folder / name).is_file() and not (self._room / name).is_file():
                yield name

    def _whole(self) -> Iterator[str]:
        """Yield the tables in the room, by their places in it."""
        for folder, _, found in os.walk(self._room):
            for name in found:
                yield os.path.relpath(os.path.join(folder, name), self._room)  # noqa: PTH118


def _check(folder: Path, place: Path) -> None:
    """Refuse a place that a table could not get, before any has its own.

    Raises
    ------
    OutputError
        It is a folder's, or a file lies where its folder is to be.
    """
    try:
        atomicfile.check_replaceable(folder / place)
    except ConfigError as error:
        raise OutputError(str(error)) from error
    for above in place.parents[:-1]:
        if os.path.lexists(folder / above):
            if not (folder / above).is_dir():
                raise OutputError(f"{folder / above}: is no folder, and tables of files are to lie in it")
            return
