"""The journal of a run: what is done with each file, so that a run can end at any moment and go on.

It is one SQLite file in the output folder. Files are known by their path's bytes as they were given,
and count as done once all their stretches are, for each model by itself; size and time of change say
whether a file is still the same (`stamp`). Every row carries a digest of itself and of what belongs to
it, and the list of files has one: what was changed from outside is refused, never believed. Tables are
written from here, in the order of the files, so they do not tell whether a run was interrupted.

What is kept of a file comes in parts (`outcomes.Part`) as it arises, so that nobody has to hold it: scores
(`scores.keeping`), of which whoever asks makes detections, and dense rows. Parts count once their stretch's
outcome says how many there are.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from ..outcomes import Failure, Heard, Outcome, Part
from ..scores import keeping
from ..scores.keeping import Kept
from ..sources import stores
from . import stamp
from .begun import Begun
from .database import MERGED, NAME, check_place, new_digest
from .entry import ANOTHER, FILE, Entry
from .facts import BASE, HELD, KEPT, NOTHING, PICKING, QUESTION, REMEMBERED, Facts, compare
from .folder import Folder
from .gathered import Gathered
from .record import Record, Standing, total
from .stamp import NOWHERE, Stamp
from .whereis import path_of
from .writable import Writable

__all__ = [
    "BASE",
    "HELD",
    "KEPT",
    "MERGED",
    "NAME",
    "NOTHING",
    "PICKING",
    "QUESTION",
    "REMEMBERED",
    "Entry",
    "Facts",
    "Folder",
    "Gathered",
    "Journal",
    "Record",
    "Standing",
    "check_place",
    "compare",
    "path_of",
    "total",
]

# Of a file, once it is through.
TOLD_AT_THE_END = ("head", "rate_hz", "duration_s", "failure", "notes", "decoder", "told", "digest")


class Journal(Writable):
    """A run's journal, opened to go on with it, or made; a context manager.

    Parameters
    ----------
    folder : path or Folder
        The output folder, which is locked while the journal is open; or its lock, to be released then.
    facts : Facts
    force : bool
        Start anew, whatever the folder's journal is.

    Attributes
    ----------
    changed : dict of str to str
        The files that `plan` found changed since they were heard, and what is no longer the same.
    n_away : int
        How many that were heard `plan` does not see now (`Entry.is_away`): what was heard of them stays.

    Raises
    ------
    ConfigError
        Another run is at work in the folder, or its journal is of another run, another version, or
        damaged.
    OutputError
        The folder takes no journal.
    """

    def __init__(self, folder: Path | Folder, facts: Facts, *, force: bool = False) -> None:
        super().__init__(folder, facts, force=force)
        self._begun: Begun | None = None
        self.changed, self.n_away = dict[str, str](), 0

    def plan(
        self, paths: Sequence[str], numbers: Sequence[int], *, retry: bool = False
    ) -> list[tuple[int, tuple[int, ...]]]:
        """Enter the run's files and return what is still to do: places in `paths`, each with its models.

        Parameters
        ----------
        paths : sequence of str
        numbers : sequence of int
            Their order in the tables.
        retry : bool
            What failed is to do, too.
        """
        waiting, self.changed, self.n_away, once = [], {}, 0, dict[tuple[int, ...], tuple[int, ...]]()
        stamp.look_up(paths)  # may take its time, as nothing below does
        with self.told():
            with self.whole():
                self.database.execute("UPDATE file SET number = NULL")
                for place, (path, number) in enumerate(zip(paths, numbers, strict=True)):
                    if models := self._enter(os.fsencode(path), number, retry):
                        waiting.append((place, once.setdefault(models, models)))
                self.database.execute("UPDATE run SET files = ?", (self.files(),))
            self.commit()
        return waiting

    def add(self, path: str, outcome: Outcome) -> None:
        """Write down what became of a file's next stretch; outcomes come file by file, in order."""
        with self.told():
            if self._begun is None:
                self._begun = Begun(self._id(path))
            begun = self._begun
            for heard in outcome.heard:
                self._count_parts(begun.file, outcome.stretch, heard)
            begun.count(outcome)
            if outcome.is_last:
                self._end(begun)
                self._begun = None
            self.commit_in_time()

    def keep(self, path: str, part: Part) -> None:
        """Write down what is kept of any file at work; a part that comes again takes the first's place."""
        with self.told():
            place = (self._id(path), part.model, part.stretch, part.number, part.kind)
            values = (*place, new_digest(part.rows).digest(), part.rows)
            self.database.execute("INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?, ?, ?)", values)
            self.open_bytes += len(part.rows)
            self.commit_in_time()

    def kept_just_now(self, path: str, stretch: int, n_classes: int, model: int = 0) -> Iterator[Kept]:
        """Yield what is kept of the scores of a stretch that is not added yet, as `Record.kept`."""
        with self.told():
            place = {"file": self._id(path), "model": model, "stretch": stretch}
            for _, rows in self.parts(keeping.KIND, **place):
                yield keeping.unpack(rows, n_classes)

    def _enter(self, path: bytes, number: int, retry: bool) -> tuple[int, ...]:
        """Give a file its number; return the models that are to hear it (again)."""
        run, now = self.database.execute, stamp.told(path)
        row = run(f"SELECT {FILE} FROM file WHERE path = ?", (path,)).fetchone()
        if row is not None:
            known = self._known(row)
            self.n_away += (is_away := known.is_away(now))
            is_same = now is None or known.stamp.is_told(now) or self._is_moved(known, now)
            if is_away or (is_same and not known.changed):
                run("UPDATE file SET number = ? WHERE id = ?", (number, known.id))
                return self._again(known, retry)
            if len(known.waiting) < len(known.hearings):
                name = os.fsdecode(path)
                self.changed[name] = known.stamp.difference(now, is_object=stores.is_url(name))
            for table in ("file WHERE id", "hearing WHERE file", "part WHERE file"):
                run(f"DELETE FROM {table} = ?", (known.id,))
        insert = "INSERT INTO file (path, number, size, mtime_ns) VALUES (?, ?, ?, ?)"
        file = run(insert, (path, number, *(now or (None, None)))).lastrowid
        assert file is not None
        self._wait(file, tuple(self._models))
        return tuple(self._models)

    def _is_moved(self, known: Entry, now: Stamp) -> bool:
        """Whether the clocks were changed and not the file: then its row gets the new time."""
        if known.head is None or not known.stamp.is_an_hour_from(now):
            return False
        if known.head != stamp.head(known.path):
            return False
        known.check()
        digest = known._replace(mtime_ns=now.mtime_ns).sealed()
        values = (now.mtime_ns, digest, known.id)
        self.database.execute("UPDATE file SET mtime_ns = ?, digest = ? WHERE id = ?", values)
        return True

    def _again(self, known: Entry, retry: bool) -> tuple[int, ...]:
        """Return the models that are still to hear a file that is the one of before, and let them."""
        again = ("waiting", "failed") if retry else ("waiting",)
        models = tuple(one.model for one in known.hearings if one.state in again)
        if models:
            self._begin_anew(known.id, all_of_it=len(models) == len(known.hearings))
            for model in models:
                self.forget("SELECT ?, ?", known.id, model)
            self._wait(known.id, models)
        return models

    def _begin_anew(self, file: int, *, all_of_it: bool) -> None:
        """Forget why a file failed, and all that is known of it where no model's hearing stays."""
        run = self.database.execute
        if all_of_it:
            blank = ", ".join(f"{name} = NULL" for name in TOLD_AT_THE_END)
            run(f"UPDATE file SET audio_s = 0, {blank} WHERE id = ?", (file,))
            return
        entry = self._known(run(f"SELECT {FILE} FROM file WHERE id = ?", (file,)).fetchone())
        entry.check()
        digest = entry._replace(failure=None).sealed()
        run("UPDATE file SET failure = NULL, digest = ? WHERE id = ?", (digest, file))

    def _wait(self, file: int, models: Sequence[int]) -> None:
        """Let models' hearings of a file begin anew."""
        query = "INSERT OR REPLACE INTO hearing VALUES (?, ?, 'waiting', NULL, NULL, NULL, NULL)"
        self.database.executemany(query, [(file, model) for model in models])

    def _count_parts(self, file: int, stretch: int, heard: Heard) -> None:
        """Make sure that a stretch has the parts that it should have: its first try may have left more."""
        place, values = "FROM part WHERE file = ? AND model = ? AND stretch = ?", (file, heard.model, stretch)
        self.database.execute(f"DELETE {place} AND number >= ?", (*values, heard.n_parts))
        if self.database.execute(f"SELECT count(*) {place}", values).fetchone() != (heard.n_parts,):
            raise sqlite3.DatabaseError("parts of a file's results are missing")

    def _known(self, row: Sequence[Any]) -> Entry:
        """Return what is known of a file, by its row."""
        return Entry(*row)._replace(hearings=self._hearings(row[0]))

    def _id(self, path: str) -> int:
        found = self.database.execute("SELECT id FROM file WHERE path = ?", (os.fsencode(path),))
        return int(found.fetchone()[0])

    def _end(self, begun: Begun) -> None:
        """Mark a file as heard by its models, with digests over all that is known of it.

        One that is no longer what was planned has failed; the next run takes it anew by its size and time.
        """
        run, query = self.database.execute, f"SELECT {FILE} FROM file WHERE id = ?"
        before = self._known(run(query, (begun.file,)).fetchone())
        before.check()
        now, its_head = begun.seen(before)
        if before.stamp != NOWHERE and not now.is_told(before.stamp):
            path = os.fsdecode(before.path)
            begun.fail(Failure(path, "audio", "AudioError", f"{path}: {ANOTHER}", now.size))
        entry = begun.entry(before._replace(head=its_head))
        columns = ("size", "mtime_ns", "audio_s", *TOLD_AT_THE_END)
        values = (*(getattr(entry, column) for column in columns), entry.id)
        run(f"UPDATE file SET {', '.join(f'{column} = ?' for column in columns)} WHERE id = ?", values)
        hearings = begun.hearings(lambda hearing: self.sealed(entry, hearing))
        rows = [(begun.file, *hearing) for hearing in hearings]
        # In one statement, and last: a signal may end us between any two, and this one counts.
        places = ", ".join(["(?, ?, ?, ?, ?, ?, ?)"] * len(rows))
        run(f"INSERT OR REPLACE INTO hearing VALUES {places}", list(chain.from_iterable(rows)))
