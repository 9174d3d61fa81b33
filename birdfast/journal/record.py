"""A journal as it is read: the file, what makes sure that it is whole, and what it says."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ..arrays import Rows
from ..errors import BirdfastError, ConfigError
from ..labels import Labels
from ..outcomes import DETECTION, Failure, row

NAME = "journal.sqlite"
VERSION = 2
APPLICATION_ID = 0x62697264  # "bird": what makes an SQLite file a journal
LOGGED = b"\2\2"  # bytes 18 and 19 of an SQLite file with a write-ahead log (sqlite.org/fileformat2.html)
COLUMNS = "id, path, size, mtime_ns, state, audio_s, n_detections, failure, notes, digest"
PART_ROWS = 4096
CHANGED = "a file's results are not those that were written"
NO_ROOM = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN)


class Entry(NamedTuple):
    """What is known of a file; `failure` and `notes` are JSON, `digest` is over all that."""

    id: int
    path: bytes
    size: int | None
    mtime_ns: int | None
    state: str
    audio_s: float
    n_detections: int
    failure: str | None
    notes: str | None
    digest: bytes | None

    def reason(self) -> Failure | None:
        """Return why the file failed; None if it did not."""
        return Failure(*json.loads(self.failure)) if self.failure else None

    def remarks(self) -> list[str]:
        """Return what was noted of the file."""
        return list(json.loads(self.notes)) if self.notes else []


class Standing(NamedTuple):
    """How far a run is: numbers of files by their state, the sound analysed and what was heard."""

    done: int
    failed: int
    waiting: int
    audio_s: float
    detections: int

    @property
    def files(self) -> int:
        """All files of the run."""
        return self.done + self.failed + self.waiting

    @property
    def exit_code(self) -> int:
        """0: all files fine; 2: some failed; 3: none worked, not even in part."""
        if not self.failed:
            return 0
        return 2 if self.done or self.audio_s > 0 else 3


def total(standings: Iterable[Standing]) -> Standing:
    """Add up the parts of a run."""
    return Standing(*(sum(numbers) for numbers in zip(*standings, strict=True)))


class Record:
    """A journal that is read, also while its run is at work; a context manager.

    Parameters
    ----------
    folder : path
        The output folder of a run.

    Raises
    ------
    ConfigError
        The folder has no journal, or a damaged one, or one of another version.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        if not self.path.is_file():
            raise ConfigError(f"{folder}: no journal of a run ({NAME}) in it")
        self.database = self.connect("ro&immutable=1" if self._rests() else "ro")
        try:
            with self.told():
                self.check()
        except BaseException:
            self.database.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(sqlite3.Error):
            self.database.close()

    def facts(self) -> dict[str, str]:
        """Return the fingerprint of the run and what else was written down of it."""
        with self.told():
            return dict(self.database.execute("SELECT fact, value FROM run ORDER BY fact"))

    def names(self) -> Labels:
        """Return what the detections' classes are called."""
        with self.told():
            scientific, common = json.loads(self.facts()["names"])
        return Labels(tuple(scientific), tuple(common))

    def standing(self) -> Standing:
        """Return how far the run is."""
        counts = dict.fromkeys(("done", "failed", "waiting"), 0)
        audio_s, detections = 0.0, 0
        query = "SELECT state, count(*), sum(audio_s), sum(n_detections) FROM file"
        with self.told():
            for state, n_files, sound_s, heard in self.database.execute(
                f"{query} WHERE number IS NOT NULL GROUP BY state"
            ):
                counts[state] = n_files
                audio_s, detections = audio_s + sound_s, detections + heard
        return Standing(**counts, audio_s=audio_s, detections=detections)

    def entries(self) -> Iterator[tuple[int, Entry]]:
        """Yield the run's files with their numbers, in order."""
        query = f"SELECT number, {COLUMNS} FROM file WHERE number IS NOT NULL ORDER BY number"
        with self.told():
            for number, *row in self.database.execute(query):
                yield number, Entry(*row)

    def detections(self, entry: Entry) -> Iterator[NDArray[np.void]]:
        """Yield a file's detections in parts of bounded size: [n] of `outcomes.DETECTION`.

        Raises
        ------
        ConfigError
            After the last: the file's row, they or the list of its parts are not what was written.
        """
        digest = new_digest()
        query = "SELECT detections FROM stretch WHERE file = ? ORDER BY stretch"
        with self.told():
            for (blob,) in self.database.execute(query, (entry.id,)):
                digest.update(blob)
                found = np.frombuffer(blob, DETECTION)
                for start in range(0, len(found), PART_ROWS):
                    yield found[start : start + PART_ROWS]
            if self.sealed(digest, entry) != entry.digest:
                raise sqlite3.DatabaseError(CHANGED)

    def dense(self, entry: Entry, kind: str, width: int) -> Iterator[Rows]:
        """Yield a file's dense rows of one kind in parts of bounded size: [n] of `outcomes.row(width)`.

        Raises
        ------
        ConfigError
            Before a part that is not what was written; `detections` finds that one is missing or too much.
        """
        query = "SELECT digest, rows FROM part WHERE file = ? AND kind = ? ORDER BY stretch, number"
        with self.told():
            for digest, rows in self.database.execute(query, (entry.id, kind)):
                if new_digest(rows).digest() != digest:
                    raise sqlite3.DatabaseError(CHANGED)
                yield np.frombuffer(rows, row(width))

    def sealed(self, digest: hashlib.blake2b, entry: Entry) -> bytes:
        """Return the digest of a file's detections, its parts and its row, but for the place in the tables.

        Of the parts their places and digests go in: whoever reads detections alone need not read them.
        """
        whole = digest.copy()
        query = "SELECT stretch, number, kind, digest FROM part WHERE file = ? ORDER BY stretch, number"
        for part in chain(self.database.execute(query, (entry.id,)), [entry[1:-1]]):
            whole.update(repr(part).encode("utf-8", "backslashreplace"))
        return whole.digest()

    def _rests(self) -> bool:
        """Say whether it waits for a write-ahead log that is not there: nobody is at work in it.

        SQLite would make the log in order to read, where the folder allows it.
        """
        try:
            with self.path.open("rb") as file:
                logged = file.read(20)[18:] == LOGGED
        except OSError as error:
            raise ConfigError(f"{self.path}: cannot be read ({error.strerror})") from error
        return logged and not self.path.with_name(f"{NAME}-wal").exists()

    def connect(self, mode: str) -> sqlite3.Connection:
        """Open the database, with no transactions but our own."""
        with self.told():
            place = f"{self.path.resolve().as_uri()}?mode={mode}"
            return sqlite3.connect(place, uri=True, isolation_level=None, timeout=5)

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
        for table in ("run", "file", "stretch"):  # parts may be gigabytes: digests find what is wrong there
            (state,) = self.database.execute(f"PRAGMA quick_check({table})").fetchone()
            if state != "ok":
                raise sqlite3.DatabaseError(str(state).replace("\n", " "))
        facts = dict(self.database.execute("SELECT fact, value FROM run"))
        if facts.pop("digest", None) != digest_of(facts):
            raise sqlite3.DatabaseError("its fingerprint is not the one that was written")

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
        except (sqlite3.Error, ValueError, TypeError) as error:
            raise self.damaged(error) from error

    def refused(self, error: Exception) -> BirdfastError:
        """Return what a disk that does not do what is asked means: here it is asked to be read."""
        return ConfigError(f"{self.path}: cannot be read ({error})")

    def damaged(self, error: Exception) -> ConfigError:
        """Return the refusal of a journal that is not as it was written."""
        return ConfigError(f"{self.path}: damaged ({error}); --force starts anew")


def new_digest(content: bytes = b"") -> hashlib.blake2b:
    """Return a part's digest; or a file's start: detections go in first, `Record.sealed` adds the rest."""
    return hashlib.blake2b(content, digest_size=16)


def digest_of(facts: dict[str, str]) -> str:
    """Return the digest of a run's facts."""
    return hashlib.blake2b(json.dumps(facts, sort_keys=True).encode(), digest_size=16).hexdigest()


def make(database: sqlite3.Connection, facts: dict[str, Any]) -> None:
    """Write an empty journal, whole or not at all."""
    tables = """
    CREATE TABLE run (fact TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE file (
        id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, number INTEGER UNIQUE,
        size INTEGER, mtime_ns INTEGER, state TEXT NOT NULL DEFAULT 'waiting',
        audio_s REAL NOT NULL DEFAULT 0, n_detections INTEGER NOT NULL DEFAULT 0,
        failure TEXT, notes TEXT, digest BLOB);
    CREATE TABLE stretch (
        file INTEGER NOT NULL, stretch INTEGER NOT NULL, detections BLOB NOT NULL,
        PRIMARY KEY (file, stretch)) WITHOUT ROWID;
    CREATE TABLE part (
        file INTEGER NOT NULL, stretch INTEGER NOT NULL, number INTEGER NOT NULL,
        kind TEXT NOT NULL, digest BLOB NOT NULL, rows BLOB NOT NULL,
        PRIMARY KEY (file, stretch, number));
    """
    database.execute("BEGIN IMMEDIATE")
    for statement in tables.split(";")[:-1]:
        database.execute(statement)
    rows = {**facts, "digest": digest_of(facts)}.items()
    database.executemany("INSERT INTO run VALUES (?, ?)", rows)
    database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    database.execute(f"PRAGMA user_version = {VERSION}")
    database.execute("COMMIT")
