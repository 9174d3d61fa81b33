"""Brought: what a run's journal on one machine heard goes into the one with which another went on."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from ..errors import BirdfastError, OutputError
from .database import NAME, Database
from .entry import FILE
from .record import Record

ROW = FILE.partition("path, ")[2]  # but its place and its path
# A file is ahead where more models are done with it, or through. Whole files are brought, each with what it
# was known by then: whether it is still the same is asked when the run is planned.
STEPS = (
    """CREATE TEMP TABLE ahead AS
        SELECT f.id AS id, f.path AS path FROM here.file AS f JOIN here.hearing AS h ON h.file = f.id
        GROUP BY f.id HAVING (total(h.state = 'done'), total(h.state <> 'waiting')) > (
            SELECT total(state = 'done'), total(state <> 'waiting')
            FROM main.hearing JOIN main.file AS m ON file = m.id WHERE m.path = f.path)""",
    f"""INSERT INTO main.file (path, {ROW})
        SELECT path, {ROW} FROM here.file WHERE id IN (SELECT id FROM ahead)
        ON CONFLICT (path) DO UPDATE SET {", ".join(f"{one} = excluded.{one}" for one in ROW.split(", "))}""",
    """CREATE TEMP TABLE place AS
        SELECT ahead.id AS here, m.id AS there FROM ahead JOIN main.file AS m ON m.path = ahead.path""",
    "DELETE FROM main.part WHERE file IN (SELECT there FROM place)",
    "DELETE FROM main.hearing WHERE file IN (SELECT there FROM place)",
    # Nobody has counted their detections by what is asked there.
    """INSERT INTO main.hearing SELECT there, model, state, NULL, failure, kept, digest
        FROM here.hearing JOIN place ON file = here""",
    """INSERT INTO main.part SELECT there, model, stretch, number, kind, digest, rows
        FROM here.part JOIN place ON file = here""",
)


class Brought(Database):
    """Two journals of a folder's run, the one there to go on with; a context manager.

    Parameters
    ----------
    here, there : path
        Folders, in which nobody is at work.

    Attributes
    ----------
    are_of_one_run : bool
        Whether the same decides their results.
    n_through : int
        Files that were heard here, or failed.

    Raises
    ------
    ConfigError
        One of them is damaged, of another version or not begun.
    """

    def __init__(self, here: Path, there: Path) -> None:
        with Record(there) as theirs, Record(here) as ours:
            self.are_of_one_run = not [*theirs.facts().differences(ours.facts())]
            self.n_through = ours.n_through()
        super().__init__(there / NAME, "rw")
        try:
            with self.told():
                with closing(sqlite3.connect(here / NAME, timeout=5)) as ours:
                    ours.execute("PRAGMA journal_mode = DELETE")  # one file, in whose place another may come
                place = f"{(here / NAME).resolve().as_uri()}?mode=ro"
                self.database.execute("ATTACH ? AS here", (place,))
                self.database.execute("BEGIN IMMEDIATE")
                self.database.execute(STEPS[0])
        except BaseException:
            self.database.close()
            raise

    def __enter__(self) -> Brought:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(sqlite3.Error):
            self.database.close()

    def n_ahead(self) -> int:
        """Return how many files were heard here that were not there, or were with less success."""
        with self.told():
            return int(self.database.execute("SELECT count(*) FROM ahead").fetchone()[0])

    def bring(self) -> None:
        """Enter them there, all or none; those that are not among the files of its run have no number yet."""
        with self.told():
            for step in STEPS[1:]:
                self.database.execute(step)
            self.database.execute("UPDATE run SET files = ?", (self.files(),))  # none was planned, may be
            self.database.execute("COMMIT")

    def refused(self, error: Exception) -> BirdfastError:
        """Return what a disk that does not do what is asked means: here it is asked to be written."""
        return OutputError(f"{self.path.parent}: cannot be written ({error})")
