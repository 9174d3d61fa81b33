"""The journal's file: an SQLite database of our version, opened, checked, and its errors in words."""

from __future__ import annotations

import hashlib
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path

from .. import sources
from ..errors import BirdfastError, ConfigError, NotBegunError
from . import hot
from .facts import Facts

NAME = "journal.sqlite"
MERGED = "birdfast-merged.txt"  # in its place where the tables of several runs are, and says of which
VERSION = 6
APPLICATION_ID = 0x62697264  # "bird": what makes an SQLite file a journal
LOGGED = b"\2\2"  # bytes 18 and 19 of an SQLite file with a write-ahead log (sqlite.org/fileformat2.html)
NO_ROOM = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)

# A file is known by its path's bytes. What is of the recording stands in its row (`told`: by itself), what a
# model heard of it in `hearing`, by the model's number; `kept` says which of its scores are in `part`, and
# `n_detections` how many detections they are by what was `asked` last, NULL if nobody has counted yet. Files
# without a number are those of an earlier plan; `run.files` is what `Database.files` said of the others, and
# UNPLANNED before that: a plan of no files is another thing. A part of file 0, which there is not, is of the
# whole run: see `vouchers`.
TABLES = """
CREATE TABLE run (facts TEXT NOT NULL, asked TEXT NOT NULL, digest BLOB NOT NULL, files TEXT NOT NULL);
CREATE TABLE file (
    id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, number INTEGER UNIQUE,
    size INTEGER, mtime_ns INTEGER, head BLOB, audio_s REAL NOT NULL DEFAULT 0,
    rate_hz INTEGER, duration_s REAL, failure TEXT, notes TEXT, decoder TEXT, told TEXT, digest BLOB);
CREATE TABLE hearing (
    file INTEGER NOT NULL, model INTEGER NOT NULL, state TEXT NOT NULL,
    n_detections INTEGER, failure TEXT, kept TEXT, digest BLOB,
    PRIMARY KEY (file, model)) WITHOUT ROWID;
CREATE TABLE part (
    file INTEGER NOT NULL, model INTEGER NOT NULL, stretch INTEGER NOT NULL, number INTEGER NOT NULL,
    kind TEXT NOT NULL, digest BLOB NOT NULL, rows BLOB NOT NULL,
    PRIMARY KEY (file, model, stretch, number));
"""
UNPLANNED = "not planned yet"
SMALL_TABLES = ("run", "file", "hearing")  # parts may be gigabytes: digests find what is wrong there
RUNS_FILES = "SELECT number, path FROM file WHERE number IS NOT NULL ORDER BY number"
ROWS = 1024  # that are held at once; it goes into the digest, too
SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"
FILES = tuple(NAME + suffix for suffix in ("", "-wal", "-shm", "-journal"))


class Database:
    """A journal's file as it is opened; what reads and what writes is built on it.

    Someone else may have made it: nothing in it runs, and nothing of it is read before `check`.

    Parameters
    ----------
    path : path
    mode : str
        As SQLite's URIs have it: "ro", "rwc".
    """

    def __init__(self, path: Path, mode: str) -> None:
        self.path = path
        _check_files(path.parent)
        with self.told():
            place = f"{path.resolve().as_uri()}?mode={mode}"
            self.database = sqlite3.connect(place, uri=True, isolation_level=None, timeout=5)
            self.database.execute("PRAGMA trusted_schema = OFF")
            self.database.execute("PRAGMA cell_size_check = ON")

    def make(self, facts: Facts) -> None:
        """Write an empty journal, whole or not at all."""
        self.database.execute("BEGIN IMMEDIATE")
        for statement in TABLES.split(";")[:-1]:
            self.database.execute(statement)
        self.database.execute("INSERT INTO run VALUES (?, ?, ?, ?)", (*_sealed(*facts.to_json()), UNPLANNED))
        self.database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        self.database.execute(f"PRAGMA user_version = {VERSION}")
        self.database.execute("COMMIT")

    def check(self) -> None:
        """Refuse a file that is no whole journal of our version."""
        (application,) = self.database.execute("PRAGMA application_id").fetchone()
        (version,) = self.database.execute("PRAGMA user_version").fetchone()
        if application != APPLICATION_ID:
            raise sqlite3.DatabaseError("not a journal of birdfast")
        if version != VERSION:
            whose = f"{'a newer' if version > VERSION else 'an older'} birdfast"
            raise ConfigError(
                f"{self.path}: written by {whose} (version {version}, ours {VERSION}); --force starts anew"
            )
        if self.database.execute(SCHEMA).fetchall() != schema():
            raise sqlite3.DatabaseError("its tables are not those of a journal")
        for table in SMALL_TABLES:
            (state,) = self.database.execute(f"PRAGMA quick_check({table})").fetchone()
            if state != "ok":
                raise sqlite3.DatabaseError(str(state).replace("\n", " "))
        query = "SELECT facts, asked, digest, files FROM run"
        ((*texts, digest, files),) = self.database.execute(query).fetchall()
        if _sealed(*texts)[-1] != digest:
            raise sqlite3.DatabaseError("its facts are not those that were written")
        has_files = self.database.execute("SELECT EXISTS (SELECT 1 FROM file)").fetchone() == (1,)
        if (files == UNPLANNED and has_files) or files not in (UNPLANNED, self.files()):
            raise sqlite3.DatabaseError("its files are not those that were planned")

    def write_asked(self, facts: Facts) -> None:
        """Write down what is asked now."""
        (text,) = self.database.execute("SELECT facts FROM run").fetchone()
        values = _sealed(text, facts.to_json()[1])
        self.database.execute("UPDATE run SET facts = ?, asked = ?, digest = ?", values)

    def files(self) -> str:
        """Return what tells the run's files from others: their count, a digest of numbers and paths."""
        digest, n_files = new_digest(), 0
        found = self.database.execute(RUNS_FILES)
        while rows := found.fetchmany(ROWS):
            digest.update(repr(rows).encode("utf-8", "backslashreplace"))
            n_files += len(rows)
        return f"{n_files} files, {digest.hexdigest()}"

    @contextmanager
    def told(self) -> Iterator[None]:
        """Say in words what SQLite cannot do."""
        try:
            yield
        except sqlite3.OperationalError as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in NO_ROOM:
                raise self.refused(error) from error
            if code == sqlite3.SQLITE_BUSY:
                raise ConfigError(f"{self.path}: another program is at work in it") from error
            raise self.damaged(error) from error
        except (sqlite3.Error, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            raise self.damaged(error) from error
        except MemoryError as error:  # too little of it, or a damaged row claims to be larger than all
            raise self.refused(MemoryError("too little memory")) from error

    def refused(self, error: Exception) -> BirdfastError:
        """Return what a disk that does not do what is asked means: here it is asked to be read."""
        return ConfigError(f"{self.path}: cannot be read ({error})")

    def damaged(self, error: Exception) -> ConfigError:
        """Return the refusal of a journal that is not as it was written."""
        return ConfigError(f"{self.path}: damaged ({error}); --force starts anew")


def check_place(folder: Path) -> None:
    """Refuse a folder where a journal's place is taken by folders, which nobody removes unasked.

    Raises
    ------
    ConfigError
        With the first of them.
    """
    for path, mode in _files(folder):
        if stat.S_ISDIR(mode):
            raise ConfigError(
                f"{path}: is a folder, where a run keeps its journal; move it away, or choose another output"
            )


def _check_files(folder: Path) -> None:
    """Refuse links, which would have us write elsewhere, and what is no file."""
    check_place(folder)
    for path, mode in _files(folder):
        if not stat.S_ISREG(mode):
            raise ConfigError(f"{path}: no regular file, as a journal is; --force starts anew")


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yield what is in a journal's places, with its mode."""
    for path in (folder / name for name in FILES):
        with suppress(OSError):  # not there, or SQLite says why it cannot be looked at
            yield path, path.lstat().st_mode


@cache
def schema() -> list[tuple[str, ...]]:
    """Return what SQLite says of `TABLES`: in another's journal a trigger may do anything to them."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(TABLES)
        return database.execute(SCHEMA).fetchall()


def _sealed(facts: str, asked: str) -> tuple[str, str, bytes]:
    """Return a run's facts and what is asked of it, with their digest."""
    return facts, asked, new_digest(f"{facts}\n{asked}".encode()).digest()


def rests(path: Path) -> bool:
    """Say whether a journal waits for a write-ahead log that is not there: nobody is at work in it.

    SQLite would make the log in order to read, where the folder allows it.
    """
    logged = sources.head(path, 20, ConfigError)[18:] == LOGGED
    return logged and not path.with_name(f"{NAME}-wal").exists()


def check_begun(path: Path) -> None:
    """Refuse a file in which a run has not written anything: a new journal comes there all at once.

    Raises
    ------
    NotBegunError
    """
    _check_files(path.parent)
    hot.roll_back(path)
    with suppress(OSError):  # SQLite says why it cannot be looked at
        if not path.stat().st_size:
            raise NotBegunError(f"{path.parent}: not begun: its run was killed as it started; start it again")


def new_digest(content: bytes = b"") -> hashlib.blake2b:
    """Return the digest of a content, to which more can be added."""
    return hashlib.blake2b(content, digest_size=16)
