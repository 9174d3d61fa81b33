"""The journals of a run's shares, gathered in one: share by share, each whole or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..atomicfile import AtomicFile
from ..errors import BirdfastError, OutputError
from .database import NAME, SCHEMA, UNPLANNED, Database, rests, schema
from .entry import FILE
from .facts import Facts
from .record import Record

TAKEN = "taken.txt"  # beside it: which shares are in it, each as it was then

ENTERED = "path, number, " + FILE.partition("path, ")[2]
# A file has its number for its place, as no two shares have the same.
STEPS = (
    "DELETE FROM part WHERE file IN (SELECT number + 1 FROM share.file)",
    "DELETE FROM hearing WHERE file IN (SELECT number + 1 FROM share.file)",
    "DELETE FROM file WHERE id IN (SELECT number + 1 FROM share.file)",
    f"""INSERT INTO file (id, {ENTERED})
        SELECT number + 1, {ENTERED} FROM share.file WHERE number IS NOT NULL""",
    """INSERT INTO hearing
        SELECT f.number + 1, h.model, h.state, h.n_detections, h.failure, h.kept, h.digest
        FROM share.hearing AS h JOIN share.file AS f ON h.file = f.id WHERE f.number IS NOT NULL""",
    """INSERT INTO part
        SELECT f.number + 1, p.model, p.stretch, p.number, p.kind, p.digest, p.rows
        FROM share.part AS p JOIN share.file AS f ON p.file = f.id WHERE f.number IS NOT NULL""",
)
# Of the files of the shares that are taken: all others are of shares that a killed merge was given.
GIVEN = "SELECT number + 1 FROM file WHERE number IS NOT NULL"
OTHERS = "SELECT id FROM file WHERE id NOT IN (SELECT id FROM given)"


class Gathered(Database):
    """The journal of a whole run as its shares come; a context manager.

    Parameters
    ----------
    folder : path
    facts : Facts
        Of the whole run.
    """

    def __init__(self, folder: Path, facts: Facts) -> None:
        super().__init__(folder / NAME, "rwc")
        self._taken = folder / TAKEN
        with self.told():
            if self.database.execute("PRAGMA schema_version").fetchone() == (0,):
                self.make(facts)
            if self.database.execute(SCHEMA).fetchall() != schema():
                raise sqlite3.DatabaseError("its tables are not those of a journal")
            found = Facts.of(*self.database.execute("SELECT facts, asked FROM run").fetchone())
            if found != facts:
                raise sqlite3.DatabaseError("of another run")
            self.database.execute("UPDATE run SET files = ?", (UNPLANNED,))
            self.database.execute("CREATE TEMP TABLE given (id INTEGER PRIMARY KEY)")
        self._before, self._lines = dict[str, str](), dict[str, str]()  # by the share
        with suppress(FileNotFoundError):
            lines = self._taken.read_text("utf-8").splitlines()
            self._before = {line.partition(" ")[0]: line for line in lines}  # the last of each

    def __enter__(self) -> Gathered:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(sqlite3.Error):
            self.database.close()

    def take(self, record: Record) -> None:
        """Take a share, unless it is there as it is now; no run may be at work in its folder.

        Raises
        ------
        ConfigError
            It is damaged, or has a file that another has, too.
        OutputError
            There is no room.
        """
        self._count(record)
        stat, shard = record.path.stat(), record.facts().shard
        line = self._lines[shard] = f"{shard} {stat.st_size} {stat.st_mtime_ns}"
        has_log = record.path.with_name(f"{NAME}-wal").exists()  # it may have more than the file
        if self._before.get(shard) == line and not has_log:
            return
        with self.told():
            self._take(record.path)
        with self._taken.open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def _count(self, record: Record) -> None:
        """Remember which files are a share's that is taken.

        Raises
        ------
        ConfigError
            One is in another share, too.
        """
        with self.told(), self._whole():
            try:
                self.database.executemany("INSERT INTO given VALUES (?)", record.database.execute(GIVEN))
            except sqlite3.IntegrityError as error:
                raise record.damaged(sqlite3.DatabaseError("a file of it is in two parts")) from error

    def _take(self, path: Path) -> None:
        mode = "ro&immutable=1" if rests(path) else "ro"
        self.database.execute("ATTACH ? AS share", (f"{path.resolve().as_uri()}?mode={mode}",))
        try:
            with self._whole():
                for step in STEPS:
                    self.database.execute(step)
        finally:
            with suppress(sqlite3.Error):
                self.database.execute("DETACH share")

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Do several statements or none."""
        self.database.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.database.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self.database.execute("ROLLBACK")
            raise

    def end(self) -> None:
        """Say that all are there, and nothing else: what was of other shares goes."""
        # First, so that none is believed to be there that has gone.
        with AtomicFile(self._taken, mode="w", encoding="utf-8") as file:
            file.stream.writelines(f"{line}\n" for line in self._lines.values())
        with self.told(), self._whole():
            for rows in ("part WHERE file", "hearing WHERE file", "file WHERE id"):
                self.database.execute(f"DELETE FROM {rows} IN ({OTHERS})")
            self.database.execute("UPDATE run SET files = ?", (self.files(),))

    def refused(self, error: Exception) -> BirdfastError:
        """Return what a disk that does not do what is asked means: here it is asked to be written."""
        return OutputError(f"{self.path.parent.parent}: cannot be written ({error})")
