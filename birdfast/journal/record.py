"""A journal as it is read: what it says of a run, and of each of its files."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from ..arrays import Rows
from ..outcomes import row
from ..scores import keeping
from ..scores.keeping import Keeping, Kept
from .database import UNPLANNED, Database, check_begun, new_digest, rests
from .entry import CHANGED, FILE, HEARING, WAITING, Entry, Hearing, listed
from .facts import Facts
from .whereis import path_of


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


def total(standings: Iterable[Standing]) -> Standing:
    """Add up the parts of a run."""
    return Standing(*(sum(numbers) for numbers in zip(*standings, strict=True)))


class Record(Database):
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
        check_begun(path := path_of(folder))
        super().__init__(path, "ro&immutable=1" if rests(path) else "ro")
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

    def facts(self) -> Facts:
        """Return what was written down of the run as a whole."""
        with self.told():
            return Facts.of(*self.database.execute("SELECT facts, asked FROM run").fetchone())

    def is_planned(self) -> bool:
        """Return whether the run has a list of its files: before that nobody knows what is to do."""
        with self.told():
            (files,) = self.database.execute("SELECT files FROM run").fetchone()
            return str(files) != UNPLANNED

    def standing(self) -> Standing:
        """Return how far the run is: a file is as far as the last of its models."""
        counts = dict.fromkeys(("done", "failed", "waiting"), 0)
        audio_s, detections = 0.0, 0
        # "done" < "failed" < "waiting": the greatest is the worst.
        files = """
            SELECT max(state) AS state, audio_s, total(n_detections) AS n,
                count(model) = :models AND max(model) = :models - 1 AS is_whole
            FROM file LEFT JOIN hearing ON file = id WHERE number IS NOT NULL GROUP BY id"""
        query = f"SELECT state, count(*), sum(audio_s), sum(n), min(is_whole) FROM ({files}) GROUP BY state"
        with self.told():
            found = self.database.execute(query, {"models": len(self._models)})
            for state, n_files, sound_s, heard, are_whole in found:
                if state not in counts or not are_whole:
                    raise sqlite3.DatabaseError(CHANGED)
                counts[state] = n_files
                audio_s, detections = audio_s + sound_s, detections + int(heard)
        return Standing(**counts, audio_s=audio_s, detections=detections)

    def standings(self) -> list[Standing]:
        """Return how far each of the run's models is; the sound is that of all files that it has heard.

        A file that cannot be read has failed for each.
        """
        query = """
            SELECT model, state, count(*), sum(audio_s), total(n_detections)
            FROM file JOIN hearing ON file = id WHERE number IS NOT NULL GROUP BY model, state"""
        found = [Standing(0, 0, 0, 0.0, 0) for _ in self.facts().about.models]
        with self.told():
            for model, state, n_files, audio_s, n_detections in self.database.execute(query):
                was = found[model]
                found[model] = was._replace(
                    **{state: n_files},
                    audio_s=was.audio_s + audio_s,
                    detections=was.detections + int(n_detections),
                )
        return found

    def n_left_out(self) -> int:
        """Return how many files of earlier plans are heard that are not among the last one's."""
        heard = "id NOT IN (SELECT file FROM hearing WHERE state = 'waiting')"
        with self.told():
            query = f"SELECT count(*) FROM file WHERE number IS NULL AND {heard}"
            return int(self.database.execute(query).fetchone()[0])

    def n_through(self) -> int:
        """Return how many files a model is through with, those of earlier plans too."""
        with self.told():
            query = "SELECT count(DISTINCT file) FROM hearing WHERE state <> 'waiting'"
            return int(self.database.execute(query).fetchone()[0])

    def recordings(self) -> Iterator[tuple[str, str]]:
        """Yield the run's files in order, each with what it says of itself; "" where nobody has heard it."""
        query = "SELECT path, told FROM file WHERE number IS NOT NULL ORDER BY number"
        with self.told():
            for path, told in self.database.execute(query):
                yield os.fsdecode(path), told or ""

    def entries(self) -> Iterator[tuple[int, Entry]]:
        """Yield the run's files with their numbers, in order.

        Raises
        ------
        ConfigError
            Before a file of which something is not what was written: its row, or what a model heard.
        """
        query = f"SELECT number, {FILE} FROM file WHERE number IS NOT NULL ORDER BY number"
        with self.told():
            for number, *values in self.database.execute(query):
                entry = Entry(*values)
                entry = entry._replace(hearings=self._hearings(entry.id))
                entry.check()
                for hearing in entry.hearings:
                    self._check(entry, hearing)
                yield number, entry

    def keepings(self, model: int) -> list[tuple[Keeping, ...]]:
        """Return what is kept of the scores of a model's label spaces: in files of the run, each way once."""
        query = """
            SELECT DISTINCT kept FROM file JOIN hearing ON file = id
            WHERE number IS NOT NULL AND model = ? AND kept IS NOT NULL ORDER BY kept"""
        with self.told():
            return [keeping.of_told(text) for (text,) in self.database.execute(query, (model,))]

    def kept(self, entry: Entry, n_classes: int, model: int = 0) -> Iterator[tuple[int, Kept]]:
        """Yield what is kept of a model's scores of a file, in parts of bounded size, with their stretch.

        Raises
        ------
        ConfigError
            It is not told that the model heard the file to its end; or before a part that is not what was
            written.
        """
        with self.told():
            if model not in {hearing.model for hearing in entry.hearings} - entry.waiting:
                raise sqlite3.DatabaseError(CHANGED)
            for stretch, rows in self.parts(keeping.KIND, file=entry.id, model=model):
                yield stretch, keeping.unpack(rows, n_classes)

    def dense(self, entry: Entry, kind: str, width: int, model: int = 0) -> Iterator[Rows]:
        """Yield a file's dense rows of one kind in parts of bounded size: [n] of `outcomes.row(width)`.

        Raises
        ------
        ConfigError
            Before a part that is not what was written; `entries` finds that one is missing or too much.
        """
        with self.told():
            for _, rows in self.parts(kind, file=entry.id, model=model):
                yield np.frombuffer(rows, row(width))

    def parts(self, kind: str, **place: int) -> Iterator[tuple[int, bytes]]:
        """Yield the parts of one kind of a file and a model, or of a stretch of it, each with its stretch."""
        which = " AND ".join(f"{name} = ?" for name in place)
        query = f"SELECT stretch, digest, rows FROM part WHERE kind = ? AND {which} ORDER BY stretch, number"
        for stretch, digest, rows in self.database.execute(query, (kind, *place.values())):
            if new_digest(rows).digest() != digest:
                raise sqlite3.DatabaseError(CHANGED)
            yield stretch, rows

    def sealed(self, entry: Entry, hearing: Hearing) -> bytes:
        """Return the digest of a model's row of a file, and of its parts: their places and digests."""
        whole = new_digest()
        query = """
            SELECT stretch, number, kind, digest FROM part WHERE file = ? AND model = ?
            ORDER BY stretch, number"""
        parts = self.database.execute(query, (entry.id, hearing.model))
        for part in chain(parts, [(entry.path, *hearing.sealed)]):
            whole.update(listed(part))
        return whole.digest()

    def _check(self, entry: Entry, hearing: Hearing) -> None:
        """Refuse a hearing that is not what was written: its row, or the list of its parts."""
        if hearing.state == WAITING:
            changed = hearing != Hearing(hearing.model, WAITING, None, None, None, None)
        else:
            changed = self.sealed(entry, hearing) != hearing.digest
        if changed:
            raise sqlite3.DatabaseError(CHANGED)

    def _hearings(self, file: int) -> tuple[Hearing, ...]:
        """Return a file's rows, one for each of the run's models: what it heard, or is to hear."""
        query = f"SELECT {HEARING} FROM hearing WHERE file = ? ORDER BY model"
        found = tuple(Hearing(*values) for values in self.database.execute(query, (file,)))
        if [hearing.model for hearing in found] != list(self._models):
            raise sqlite3.DatabaseError(CHANGED)
        return found

    @cached_property
    def _models(self) -> range:
        """The numbers of the run's models."""
        return range(len(self.facts().about.models))
