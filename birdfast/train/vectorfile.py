"""Vectors by key, in one SQLite file that grows: what is whole is found again, and the rest is not there."""

from __future__ import annotations

import errno
import hashlib
import json
import sqlite3
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from threading import Lock
from time import monotonic

import numpy as np

from ..arrays import Float32

APPLICATION_ID = 0x62697266  # "birf": what makes an SQLite file one of ours
VERSION = 1
SUFFIXES = ("", "-journal", "-wal", "-shm")  # of the names that SQLite gives its files
PART_ROWS = 1024  # SQLite takes a gigabyte at a time, and less is better
COMMIT_EVERY_S = 1.0  # what a training that is killed has to ask again
NO_ROOM = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)
TABLES = """
CREATE TABLE item (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, n_rows INTEGER NOT NULL, n_columns INTEGER NOT NULL,
    remarks TEXT NOT NULL);
CREATE TABLE part (
    item INTEGER NOT NULL, number INTEGER NOT NULL, digest BLOB NOT NULL, rows BLOB NOT NULL,
    PRIMARY KEY (item, number));
"""
SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"

Found = tuple[Float32, tuple[str, ...]]


class VectorFile:
    """Rows of float32 by key, and what is to be remarked of them; threads share it.

    Parameters
    ----------
    path : path or None
        Begun if it is not there; None is a file without a name, which goes with this object. One that is
        damaged, or another's, is begun anew, and so is nothing of it lost but time.
    say : callable
        Gets a line where that happens.

    Raises
    ------
    OSError
        The disk is full, or takes no file there.
    """

    def __init__(self, path: Path | None, say: Callable[[str], object]) -> None:
        self._path, self._say, self._lock = path, say, Lock()
        self._committed_s = monotonic()
        with self._told():
            try:
                self._database = self._opened()
            except sqlite3.DatabaseError as error:
                self._begin_anew(error)

    def find(self, key: bytes) -> Found | None:
        """Return the rows of a key, float32 [n, n_columns], and the remarks on them; None: not here."""
        with self._lock, self._told():
            try:
                try:
                    return self._find(key)
                except (ValueError, TypeError, OverflowError) as error:
                    self._say(f"{self._name}: something in it is damaged ({error}), and asked for again")
                    self._forget(key)
            except sqlite3.DatabaseError as error:
                self._begin_anew(error)
            return None

    def keep(self, key: bytes, rows: Float32, remarks: Sequence[str]) -> None:
        """Take in the rows of a key that is not here: all of them, or, if we are killed, none."""
        with self._lock, self._told():
            try:
                self._keep(key, rows, remarks)
            except sqlite3.DatabaseError as error:
                self._begin_anew(error)
                self._keep(key, rows, remarks)
            except BaseException:  # an interrupt: what is half there is no item
                self._leave()
                raise
            if monotonic() - self._committed_s >= COMMIT_EVERY_S:
                self._commit()

    def flush(self) -> None:
        """Bring all that was taken in to the disk."""
        with self._lock, self._told():
            self._commit()

    def close(self) -> None:
        """Flush, and leave the file."""
        self.flush()
        self._database.close()

    @property
    def _name(self) -> str:
        return "" if self._path is None else self._path.name

    def _commit(self) -> None:
        if self._database.in_transaction:
            self._database.execute("COMMIT")
        self._committed_s = monotonic()

    def _find(self, key: bytes) -> Found | None:
        about = self._database.execute(
            "SELECT id, n_rows, n_columns, remarks FROM item WHERE key = ?", (key,)
        )
        if (item := about.fetchone()) is None:
            return None
        number, n_rows, n_columns, remarks = item
        parts = self._database.execute(
            "SELECT number, digest, rows FROM part WHERE item = ? ORDER BY number", (number,)
        )
        rows = np.empty((n_rows, n_columns), np.float32)
        for first, digest, content in parts:
            if _digest(key, first, content) != digest:
                raise ValueError("its rows are not those that were written")
            part = np.frombuffer(content, "<f4").reshape(-1, n_columns)
            rows[first : first + len(part)] = part
            n_rows -= len(part)
        if n_rows:
            raise ValueError("rows are missing")
        return rows, tuple(map(str, json.loads(remarks)))

    def _keep(self, key: bytes, rows: Float32, remarks: Sequence[str]) -> None:
        if not self._database.in_transaction:
            self._database.execute("BEGIN IMMEDIATE")
        told = (key, *rows.shape, json.dumps([*remarks]))
        sql = "INSERT OR IGNORE INTO item (key, n_rows, n_columns, remarks) VALUES (?, ?, ?, ?)"
        made = self._database.execute(sql, told)
        if not made.rowcount:  # a copy of it was asked for at the same time
            return
        for first in range(0, len(rows), PART_ROWS):
            content = np.ascontiguousarray(rows[first : first + PART_ROWS], "<f4").tobytes()
            part = (made.lastrowid, first, _digest(key, first, content), content)
            self._database.execute("INSERT INTO part VALUES (?, ?, ?, ?)", part)

    def _forget(self, key: bytes) -> None:
        parts = "DELETE FROM part WHERE item IN (SELECT id FROM item WHERE key = ?)"
        for statement in (parts, "DELETE FROM item WHERE key = ?"):
            self._database.execute(statement, (key,))

    def _leave(self) -> None:
        """Take back what was not brought to the disk."""
        if self._database.in_transaction:
            self._database.execute("ROLLBACK")

    def _opened(self) -> sqlite3.Connection:
        """Open the file and look whether it is one of ours, of our version: another's may run triggers."""
        place = "" if self._path is None else str(self._path)
        database = sqlite3.connect(place, isolation_level=None, timeout=5, check_same_thread=False)
        try:
            database.execute("PRAGMA trusted_schema = OFF")
            database.execute("PRAGMA cell_size_check = ON")
            told = [
                database.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("application_id", "user_version")
            ]
            found = database.execute(SCHEMA).fetchall()
            if not found and told == [0, 0]:
                self._make(database)
            elif found != _schema() or told != [APPLICATION_ID, VERSION]:
                raise sqlite3.DatabaseError("it is not one of ours, or of another version")
        except BaseException:
            database.close()
            raise
        weakref.finalize(self, database.close)  # who forgets the file leaves no connection
        return database

    @staticmethod
    def _make(database: sqlite3.Connection) -> None:
        database.execute("BEGIN IMMEDIATE")
        for statement in TABLES.split(";")[:-1]:
            database.execute(statement)
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {VERSION}")
        database.execute("COMMIT")

    def _begin_anew(self, error: Exception) -> None:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (*NO_ROOM, sqlite3.SQLITE_BUSY) or self._path is None:
            if hasattr(self, "_database"):
                self._leave()
            raise error
        self._say(f"{self._name}: begun anew, as it is damaged ({error})")
        if hasattr(self, "_database"):
            self._database.close()
        for suffix in SUFFIXES:
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self._database = self._opened()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say what SQLite cannot do as the system would."""
        try:
            yield
        except sqlite3.Error as error:
            full = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
            raise OSError(errno.ENOSPC if full else errno.EIO, str(error), str(self._path or "")) from error


@cache
def _schema() -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(TABLES)
        return database.execute(SCHEMA).fetchall()


def _digest(key: bytes, first: int, content: bytes) -> bytes:
    return hashlib.blake2b(key + first.to_bytes(8, "little") + content, digest_size=16).digest()
