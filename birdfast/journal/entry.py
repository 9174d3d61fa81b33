"""Entries: a journal's rows about one file, and the digests that say whether they are what was written."""

from __future__ import annotations

import json
import sqlite3
from typing import NamedTuple

from ..outcomes import Failure
from .database import new_digest
from .stamp import NOWHERE, Stamp

FILE = "id, path, size, mtime_ns, head, audio_s, rate_hz, duration_s, failure, notes, decoder, told, digest"
HEARING = "model, state, n_detections, failure, kept, digest"
WAITING = "waiting"
CHANGED = "a file's results are not those that were written"
# What a file is told that is not the one that was planned: its stretches may be of two.
ANOTHER = "changed during the run; run again"


class Hearing(NamedTuple):
    """What is known of one model's hearing of a file.

    `failure` is JSON, `kept` tells which scores are kept (`keeping.told`), `digest` is over all but the count
    of detections, which hangs on what is asked: None where nobody has counted them yet.
    """

    model: int
    state: str
    n_detections: int | None
    failure: str | None
    kept: str | None
    digest: bytes | None

    @property
    def sealed(self) -> tuple[object, ...]:
        """What the digest is over."""
        return self.model, self.state, self.failure, self.kept


class Entry(NamedTuple):
    """What is known of a file; `failure` and `notes` are JSON, `digest` is over all but the hearings.

    `told` is what the file says of itself (`outcomes.Outcome`), `head` is what `stamp.head` said when it was
    through.
    """

    id: int
    path: bytes
    size: int | None
    mtime_ns: int | None
    head: bytes | None
    audio_s: float
    rate_hz: int | None
    duration_s: float | None
    failure: str | None
    notes: str | None
    decoder: str | None
    told: str | None
    digest: bytes | None
    hearings: tuple[Hearing, ...] = ()

    @property
    def stamp(self) -> Stamp:
        """What the file is known by."""
        return Stamp(self.size, self.mtime_ns)

    @property
    def waiting(self) -> frozenset[int]:
        """The models that are still to hear the file, or are at it."""
        return frozenset(hearing.model for hearing in self.hearings if hearing.state == WAITING)

    @property
    def changed(self) -> bool:
        """Whether the file changed while it was heard, which has it heard anew in any case."""
        return self.failure is not None and ANOTHER in self.failure

    def is_away(self, now: Stamp | None) -> bool:
        """Whether a file that was heard is not to be seen now: its disk is out, or its store is silent."""
        is_seen = now not in (None, NOWHERE)
        return not (is_seen or self.stamp == NOWHERE or self.waiting or self.changed)

    def failures(self) -> list[Failure]:
        """Return why the file failed, or its models did; nothing if none did."""
        if self.failure:
            return [Failure(*json.loads(self.failure))]
        return [Failure(*json.loads(hearing.failure)) for hearing in self.hearings if hearing.failure]

    def remarks(self) -> list[str]:
        """Return what was noted of the file."""
        return list(json.loads(self.notes)) if self.notes else []

    def sealed(self) -> bytes:
        """Return the digest of the row: of all but its own place and that of its results."""
        return new_digest(listed(self[1 : Entry._fields.index("digest")])).digest()

    def check(self) -> None:
        """Refuse a row that is not what was written; without a digest nobody has heard the file yet."""
        told = {self.head, self.rate_hz, self.duration_s, self.failure, self.notes, self.decoder, self.told}
        is_unheard = len(self.waiting) == len(self.hearings) > 0
        is_silent = is_unheard and self.audio_s == 0 and told == {None}
        if not (is_silent if self.digest is None else self.sealed() == self.digest):
            raise sqlite3.DatabaseError(CHANGED)


def listed(values: tuple[object, ...]) -> bytes:
    """Return values as what a digest is over."""
    return repr(values).encode("utf-8", "backslashreplace")
