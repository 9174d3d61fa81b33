"""SQLite of detections: what a database can be asked, in one file."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import ClassVar

from ..outcomes import Detection
from . import columns
from .cells import Kept
from .files import escaped
from .table import About, Result, Table

TYPES = {"float64": "REAL", "int32": "INTEGER"}
OWN = ("file_id", "file", "start_s", "end_s", "scientific_name", "common_name", "confidence")
FILES = "id INTEGER PRIMARY KEY, path TEXT NOT NULL, duration_s REAL, heard_s REAL, error TEXT"
ROWS = (
    "file_id INTEGER NOT NULL REFERENCES files, start_s REAL NOT NULL, end_s REAL NOT NULL,"
    " scientific_name TEXT NOT NULL, common_name TEXT NOT NULL, confidence REAL NOT NULL"
)
OF_ROWS = {"channel": "INTEGER", "model": "TEXT", "label_space": "TEXT"}
INDEXES = {"of_species": "scientific_name, confidence", "of_file": "file_id, start_s"}


class SqliteTable(Table):
    """`detections` by the `id` of their file; `files`, those that failed and the silent ones, too; `run`.

    The view `detections_of_files` joins the first two, `run` has what Parquet has as metadata. Bytes of names
    that are no UTF-8 stand as escapes.
    """

    name: ClassVar = "detections.sqlite"
    of_file: ClassVar = ".detections.sqlite"

    def __init__(self, folder: Path, about: About, *, csv_safe: bool = False, called: str = "") -> None:
        super().__init__(folder / (called or self.name), mode="wb")
        self._more, self._n_files, self._text = columns.more(about), 0, Kept(escaped)
        self._is_whole = False
        self._facts = columns.Facts(columns.asked(about, *OWN, *self._more, found=True))
        with _as_the_disks():
            self._database = sqlite3.connect(self._part, isolation_level=None)
            self._begin(about)

    def _begin(self, about: About) -> None:
        of_facts = {name: TYPES.get(columns.NUMBERS.get(name, ""), "TEXT") for name in self._facts.columns}
        more = {name: OF_ROWS[name] for name in self._more} | of_facts
        told = "".join(f", {_quoted(name)} {kind}" for name, kind in more.items())
        self._insert = f"INSERT INTO detections VALUES ({', '.join('?' * (6 + len(more)))})"
        for statement in (
            "PRAGMA journal_mode = OFF",  # the file has no name before it is whole,
            "PRAGMA synchronous = OFF",  # and is brought to the disk then
            "BEGIN",
            "CREATE TABLE run (key TEXT PRIMARY KEY, value TEXT)",
            f"CREATE TABLE files ({FILES})",
            f"CREATE TABLE detections ({ROWS}{told})",
            "CREATE VIEW detections_of_files AS"
            " SELECT path AS file, detections.* FROM detections JOIN files ON id = file_id",
        ):
            self._database.execute(statement)
        self._database.executemany("INSERT INTO run VALUES (?, ?)", about.metadata.items())

    def begin(self, result: Result) -> None:
        """Append the file."""
        self._facts.begin(result)
        self._n_files += 1
        error = next((escaped(failure.message) for failure in result.failures), None)
        values = (self._n_files, escaped(result.path), result.lasts_s, result.audio_s, error)
        with _as_the_disks():
            self._database.execute("INSERT INTO files VALUES (?, ?, ?, ?, ?)", values)

    def detections(self, rows: Sequence[Detection]) -> None:
        """Append rows."""
        number, text, apart = self._n_files, self._text, self._more or self._facts.columns
        told = [
            (number, row.start_s, row.end_s, text[row.scientific_name], text[row.common_name], row.confidence)
            + (self._apart(row) if apart else ())
            for row in rows
        ]
        with _as_the_disks():
            self._database.executemany(self._insert, told)

    def _apart(self, row: Detection) -> tuple[object, ...]:
        values = [getattr(row, name) for name in self._more] + self._facts.at(row.start_s)
        return tuple(self._text[value] if isinstance(value, str) else value for value in values)

    def finish(self) -> None:
        """Make the indexes, and bring all to the disk."""
        if not self._is_whole:
            with _as_the_disks():
                for name, of in INDEXES.items():
                    self._database.execute(f"CREATE INDEX {name} ON detections ({of})")
                self._database.execute("COMMIT")
                self._database.close()
            self._is_whole = True
        super().finish()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is not None:
                self._database.close()
        finally:
            super().__exit__(kind, error, trace)


@contextmanager
def _as_the_disks() -> Iterator[None]:
    """Raise what a disk that takes nothing more does to SQLite as it is raised elsewhere."""
    try:
        yield
    except sqlite3.Error as error:
        is_full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        raise OSError(errno.ENOSPC if is_full else errno.EIO, str(error)) from error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
