"""A journal's file as it is written: the folder is locked, and one transaction follows the other."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any

from .. import tables
from ..errors import BirdfastError, ConfigError, OutputError
from .database import FILES, NAME, check_place
from .facts import Facts, compare
from .folder import Folder, check_same
from .record import Record

COMMIT_EVERY_S = 1.0  # what a killed run does again at most, beside the files at work
COMMIT_EVERY_BYTES = 1 << 24  # of parts, which the write-ahead log holds until then


class Writable(Record):
    """A journal that is made, or opened to go on with it; parameters and errors as `Journal`.

    Attributes
    ----------
    open_bytes : int
        Of the dense rows that wait to be committed; whoever writes some adds them.
    """

    def __init__(self, folder: Path | Folder, facts: Facts, *, force: bool = False) -> None:
        self._folder = folder if isinstance(folder, Folder) else Folder(folder)
        folder = self._folder.path
        try:
            if force:
                _forget(folder, facts)
            super(Record, self).__init__(folder / NAME, "rwc")
            self._open(facts)
        except BaseException:
            self._folder.release()
            raise
        self._committed_s, self.open_bytes = monotonic(), 0

    def __exit__(self, *_: object) -> None:
        try:
            with self.told():
                if self.database.in_transaction:
                    self.database.execute("COMMIT")
            with suppress(sqlite3.Error):  # someone reads it: then it stays as it is
                self.database.execute("PRAGMA journal_mode = DELETE")  # one file, fit for read-only folders
        finally:
            super().__exit__()
            self._folder.release()

    def commit(self) -> None:
        """Make sure that what was added survives this process.

        Raises
        ------
        OutputError
            The disk is full, or the folder has gone, or its journal.
        """
        self._folder.check()
        check_same(self.path, self._begun_with)
        self.database.execute("COMMIT")
        self.database.execute("BEGIN")
        self._committed_s, self.open_bytes = monotonic(), 0

    def ask(self, asked: Mapping[str, Any]) -> bool:
        """Write down what is asked from now on; return whether it is something else than before.

        Then nobody has counted yet how many detections that makes of what was heard before.
        """
        with self.told():
            facts = self.facts()
            if facts.asked == asked:
                return False
            with self.whole():
                self.write_asked(facts.asking(asked))
                self.database.execute("UPDATE hearing SET n_detections = NULL")
            self.commit()
        return True

    def count(self, found: Iterable[tuple[int, int, int]]) -> None:
        """Write down how many detections there are by what is asked: number, file's id, model."""
        with self.told():
            query = "UPDATE hearing SET n_detections = ? WHERE file = ? AND model = ?"
            self.database.executemany(query, found)
            self.commit()

    def refused(self, error: Exception) -> BirdfastError:
        """Return what a disk that takes nothing more means."""
        return OutputError(f"{self.path}: cannot be written ({error}); what was done is kept")

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Do several statements or none: a signal may end us between any two, and what was done is kept."""
        self.database.execute("SAVEPOINT whole")
        try:
            yield
        except BaseException:
            self.database.execute("ROLLBACK TO whole")
            raise
        finally:
            self.database.execute("RELEASE whole")

    def settle(self) -> None:
        """As `commit`, for who is told of files and not of the journal."""
        with self.told():
            self.commit()

    def commit_in_time(self) -> None:
        """Commit when enough has come since, or long enough ago."""
        late = monotonic() - self._committed_s >= COMMIT_EVERY_S
        if late or self.open_bytes >= COMMIT_EVERY_BYTES:
            self.commit()

    def _open(self, facts: Facts) -> None:
        """Make the journal if it is new, and make sure that it is this run's."""
        try:
            with self.told():
                if self.database.execute("PRAGMA schema_version").fetchone() == (0,):
                    self.make(facts)
                self.check()
                self._begun_with = self.path.stat()  # no other file is the same: SQLite has it open
                compare(self.path, self.facts(), facts)
                self.database.execute("PRAGMA journal_mode = WAL")
                self.database.execute("PRAGMA synchronous = NORMAL")
                # A plan of many files makes a long log, which else would stay as long to the run's end.
                self.database.execute(f"PRAGMA journal_size_limit = {COMMIT_EVERY_BYTES}")
                self.database.execute("PRAGMA secure_delete = OFF")  # else zeros for gigabytes of parts
                self.database.execute("BEGIN IMMEDIATE")
                # Half of a file: the run was killed in it.
                self.forget("SELECT file, model FROM hearing WHERE state = 'waiting'")
        except BaseException:
            self.database.close()
            raise

    def forget(self, hearings: str, *values: int) -> None:
        """Delete the results of the hearings, files with models, that an SQL expression gives."""
        self.database.execute(f"DELETE FROM part WHERE (file, model) IN ({hearings})", values)


def _forget(folder: Path, facts: Facts) -> None:
    """Remove a folder's run: first its tables, of which nobody could tell later whose they are."""
    check_place(folder)
    tables.forget(folder, facts.about)
    with suppress(ConfigError), Record(folder) as before:  # no journal, or one that nobody can read
        tables.forget(folder, before.facts().about)
    for name in FILES:
        (folder / name).unlink(missing_ok=True)
