"""The journal of a run: what is done with each file, so that a run can end at any moment and go on.

It is one SQLite file in the output folder. Files are known by their path's bytes as they were given,
and count as done once all their stretches are; size and time of change say whether a file is still
the same. Every file's row carries a digest of itself, of its detections and of its parts' digests: what
was changed from outside is refused, never believed. Tables are written from here, in the order of the
files, so they do not tell whether a run was interrupted.

Detections come stretch by stretch, in order; the parts of dense rows (`outcomes.Part`) as they arise, so
that nobody has to hold them. They count once their stretch's outcome says how many there are.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from ..errors import BirdfastError, ConfigError, OutputError
from ..outcomes import Failure, Outcome, Part
from .record import COLUMNS, NAME, Entry, Record, Standing, make, new_digest, total

__all__ = ["NAME", "Entry", "Journal", "Record", "Standing", "compare", "total"]

UNCOMPARED = {"digest", "names", "metadata", "widths"}  # what others tell already, at length
COMMIT_EVERY_S = 1.0  # what a killed run does again at most, beside the files at work
COMMIT_EVERY_BYTES = 1 << 24  # of parts, which the write-ahead log holds until then


@dataclass
class _Begun:
    """A file whose outcomes are coming in."""

    file: int
    n_stretches: int
    stretch: int = 0
    audio_s: float = 0.0
    n_detections: int = 0
    failure: Failure | None = None
    notes: dict[str, None] = field(default_factory=dict)
    digest: hashlib.blake2b = field(default_factory=new_digest)

    def count(self, outcome: Outcome, blob: bytes) -> None:
        self.stretch += 1
        self.audio_s += outcome.audio_s
        self.n_detections += len(outcome.detections)
        self.failure = self.failure or outcome.failure
        self.notes |= dict.fromkeys(outcome.notes)
        self.digest.update(blob)


class Journal(Record):
    """A run's journal, opened to go on with it, or made; a context manager.

    Parameters
    ----------
    folder : path
        The output folder; it is locked while the journal is open.
    facts : mapping of str to str
        What decides the run's results, and its shard: see `runs.facts`.
    force : bool
        Start anew, whatever the folder's journal is.

    Raises
    ------
    ConfigError
        Another run is at work in the folder, or its journal is of another run, another version, or
        damaged.
    OutputError
        The folder takes no journal.
    """

    def __init__(self, folder: Path, facts: Mapping[str, str], *, force: bool = False) -> None:
        self.path = folder / NAME
        self._lock = _locked(folder)
        try:
            if force:
                for suffix in ("", "-wal", "-shm", "-journal"):
                    self.path.with_name(NAME + suffix).unlink(missing_ok=True)
            self.database = self.connect("rwc")
            self._open(dict(facts))
        except BaseException:
            os.close(self._lock)
            raise
        self._begun: _Begun | None = None
        self._committed_s, self._open_bytes = monotonic(), 0

    def __exit__(self, *_: object) -> None:
        try:
            with self.told():
                if self.database.in_transaction:
                    self.database.execute("COMMIT")
            with suppress(sqlite3.Error):  # someone reads it: then it stays as it is
                self.database.execute("PRAGMA journal_mode = DELETE")  # one file, fit for read-only folders
        finally:
            super().__exit__()
            os.close(self._lock)

    def plan(self, paths: Sequence[str], numbers: Sequence[int], *, retry: bool = False) -> list[int]:
        """Enter the run's files and return which of them are still to do, as places in `paths`.

        Parameters
        ----------
        paths : sequence of str
        numbers : sequence of int
            Their order in the tables.
        retry : bool
            Files that failed are to do, too.
        """
        kept = {"done"} if retry else {"done", "failed"}
        with self.told():
            self.database.execute("UPDATE file SET number = NULL")
            waiting = [
                place
                for place, (path, number) in enumerate(zip(paths, numbers, strict=True))
                if not self._enter(os.fsencode(path), number, kept)
            ]
            self.commit()
        return waiting

    def add(self, path: str, outcome: Outcome) -> None:
        """Write down what became of a file's next stretch; outcomes come file by file, in order."""
        with self.told():
            if self._begun is None:
                self._begun = _Begun(self._id(path), outcome.n_stretches)
            begun, blob = self._begun, outcome.detections.tobytes()
            if blob:
                row = (begun.file, begun.stretch, blob)
                self.database.execute("INSERT INTO stretch VALUES (?, ?, ?)", row)
            self._count_parts(begun, outcome.n_parts)
            begun.count(outcome, blob)
            if begun.stretch == begun.n_stretches:
                self._end(begun)
                self._begun = None
            self._commit_in_time()

    def keep(self, path: str, part: Part) -> None:
        """Write down dense rows of any file at work; a part that comes again takes the first one's place."""
        with self.told():
            row = (self._id(path), *part[:-1], new_digest(part.rows).digest(), part.rows)
            self.database.execute("INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?, ?)", row)
            self._open_bytes += len(part.rows)
            self._commit_in_time()

    def commit(self) -> None:
        """Make sure that what was added survives this process.

        Raises
        ------
        OutputError
            The disk is full, or the folder has gone.
        """
        self._look()
        self.database.execute("COMMIT")
        self.database.execute("BEGIN")
        self._committed_s, self._open_bytes = monotonic(), 0

    def refused(self, error: Exception) -> BirdfastError:
        """Return what a disk that takes nothing more means."""
        return OutputError(f"{self.path}: cannot be written ({error}); what was done is kept")

    def _look(self) -> None:
        """Notice a folder that was removed or moved away: its files can be written on, for nobody."""
        folder = self.path.parent
        try:
            here = os.path.samestat(folder.stat(), os.fstat(self._lock))
        except OSError as error:
            raise OutputError(f"{folder}: has gone since the run began ({error.strerror})") from error
        if not here:
            raise OutputError(f"{folder}: has gone since the run began; another has its name")

    def _commit_in_time(self) -> None:
        late = monotonic() - self._committed_s >= COMMIT_EVERY_S
        if late or self._open_bytes >= COMMIT_EVERY_BYTES:
            self.commit()

    def _open(self, facts: dict[str, str]) -> None:
        """Make the journal if it is new, and make sure that it is this run's."""
        try:
            with self.told():
                if self.database.execute("PRAGMA schema_version").fetchone() == (0,):
                    make(self.database, facts)
                self.check()
                compare(self.path, self.facts(), facts)
                self.database.execute("PRAGMA journal_mode = WAL")
                self.database.execute("PRAGMA synchronous = NORMAL")
                self.database.execute("PRAGMA secure_delete = OFF")  # else zeros for gigabytes of parts
                self.database.execute("BEGIN IMMEDIATE")
                # Half of a file: the run was killed in it.
                self._forget("SELECT id FROM file WHERE state = 'waiting'")
        except BaseException:
            self.database.close()
            raise

    def _enter(self, path: bytes, number: int, kept: set[str]) -> bool:
        """Give a file its number; return whether its results can stay."""
        size, mtime_ns = _size_and_time(path)
        run = self.database.execute
        known = run("SELECT id, size, mtime_ns, state FROM file WHERE path = ?", (path,)).fetchone()
        if known and known[1:3] == (size, mtime_ns) and known[3] in kept:
            run("UPDATE file SET number = ? WHERE id = ?", (number, known[0]))
            return True
        if known:
            self._forget("?", known[0])
            run("DELETE FROM file WHERE id = ?", known[:1])
        run(
            "INSERT INTO file (path, number, size, mtime_ns) VALUES (?, ?, ?, ?)",
            (path, number, size, mtime_ns),
        )
        return False

    def _forget(self, files: str, *values: int) -> None:
        """Delete the results of the files whose ids an SQL expression gives."""
        for table in ("stretch", "part"):
            self.database.execute(f"DELETE FROM {table} WHERE file IN ({files})", values)

    def _count_parts(self, begun: _Begun, n_parts: int) -> None:
        """Make sure that a stretch has the parts that it should have: its first try may have left more."""
        place = "FROM part WHERE file = ? AND stretch = ?"
        values = (begun.file, begun.stretch)
        self.database.execute(f"DELETE {place} AND number >= ?", (*values, n_parts))
        if self.database.execute(f"SELECT count(*) {place}", values).fetchone() != (n_parts,):
            raise sqlite3.DatabaseError("parts of a file's results are missing")

    def _id(self, path: str) -> int:
        found = self.database.execute("SELECT id FROM file WHERE path = ?", (os.fsencode(path),))
        return int(found.fetchone()[0])

    def _end(self, begun: _Begun) -> None:
        """Mark a file as done or failed, with a digest over all that is known of it."""
        query = f"SELECT {COLUMNS} FROM file WHERE id = ?"
        entry = Entry(*self.database.execute(query, (begun.file,)).fetchone())._replace(
            state="failed" if begun.failure else "done",
            audio_s=begun.audio_s,
            n_detections=begun.n_detections,
            failure=json.dumps(begun.failure) if begun.failure else None,
            notes=json.dumps(list(begun.notes)) if begun.notes else None,
        )
        entry = entry._replace(digest=self.sealed(begun.digest, entry))
        # In one statement: a signal may end us between any two.
        self.database.execute(
            "UPDATE file SET state = ?, audio_s = ?, n_detections = ?, failure = ?, notes = ?, digest = ?"
            " WHERE id = ?",
            (*entry[4:], begun.file),
        )


def compare(path: Path, theirs: Mapping[str, str], ours: Mapping[str, str]) -> None:
    """Refuse a journal of another run.

    Raises
    ------
    ConfigError
        With the first differences, by name.
    """
    names = [name for name in sorted({*theirs, *ours} - UNCOMPARED) if theirs.get(name) != ours.get(name)]
    if names:
        said = "; ".join(f"{name}: {theirs.get(name)}, now {ours.get(name)}" for name in names[:3])
        raise ConfigError(
            f"{path}: of a run that differs ({said}); choose another folder, or --force starts anew"
        )


def _locked(folder: Path) -> int:
    """Lock the folder for this process, so long as it lives: no file is needed, none stays behind."""
    try:
        lock = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be looked into ({error.strerror})") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise ConfigError(
            f"{folder}: another run is at work in it (`birdfast status` says how far)"
        ) from error
    except OSError:  # a file system without locks: SQLite's own are left
        pass
    return lock


def _size_and_time(path: bytes) -> tuple[int | None, int | None]:
    """Return a file's size and time of change in ns; None for one that is not there."""
    try:
        status = os.stat(path)  # noqa: PTH116 - Path takes no bytes
    except (OSError, ValueError):
        return None, None
    return status.st_size, status.st_mtime_ns
