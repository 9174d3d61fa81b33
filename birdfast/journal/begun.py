"""A file whose outcomes are coming in, stretch by stretch: what its rows will be at its end."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ..outcomes import Failure, Fetched, Heard, Outcome
from ..sources import stores
from . import stamp
from .entry import Entry, Hearing
from .stamp import Stamp


@dataclass
class _Tally:
    """What one model has heard so far."""

    n_detections: int = 0
    failure: Failure | None = None
    kept: str = ""

    def count(self, heard: Heard) -> None:
        self.n_detections += len(heard.detections)
        self.failure = self.failure or heard.failure
        self.kept = self.kept or heard.kept


@dataclass
class Begun:
    """A file, by its row's id, and what is known of it so far."""

    file: int
    audio_s: float = 0.0
    failure: Failure | None = None
    notes: dict[str, None] = field(default_factory=dict)
    decoder: str = ""
    told: str | None = None
    rate_hz: int | None = None
    duration_s: float | None = None
    fetched: Fetched | None = None
    _tallies: dict[int, _Tally] = field(default_factory=dict)

    def count(self, outcome: Outcome) -> None:
        """Add the next stretch."""
        self.audio_s += outcome.audio_s
        self.failure = self.failure or outcome.failure
        self.notes |= dict.fromkeys(outcome.notes)
        self.decoder = self.decoder or outcome.decoder
        self.told = outcome.told if self.told is None else self.told
        self.rate_hz = self.rate_hz or outcome.rate_hz
        self.duration_s = self.duration_s or outcome.duration_s
        self.fetched = outcome.fetched or self.fetched
        for heard in outcome.heard:
            self._tallies.setdefault(heard.model, _Tally()).count(heard)

    def fail(self, failure: Failure) -> None:
        """Let the whole file have failed, for all models, if it has not yet."""
        self.failure = self.failure or failure

    def seen(self, before: Entry) -> tuple[Stamp, bytes | None]:
        """Return the stamp and the head of what was heard: of a file as it is now, of an object as it came.

        One that could not be fetched is what it was: nobody has seen another.
        """
        if self.fetched is not None:
            size, number, head = self.fetched
            return Stamp(size, number), bytes.fromhex(head)
        if stores.is_url(os.fsdecode(before.path)):
            return before.stamp, None
        return stamp.of(before.path), stamp.head(before.path)

    def entry(self, before: Entry) -> Entry:
        """Return the file's row as it will be, sealed.

        Where some of its models alone heard it again, what the others had heard `before` stays.
        """
        notes = dict.fromkeys(before.remarks()) | self.notes
        entry = before._replace(
            audio_s=max(before.audio_s, self.audio_s),
            failure=json.dumps(self.failure) if self.failure else None,
            notes=json.dumps(list(notes)) if notes else None,
            decoder=self.decoder or before.decoder,
            told=before.told if self.told is None else self.told,
            rate_hz=self.rate_hz or before.rate_hz,
            duration_s=self.duration_s or before.duration_s,
        )
        if before.size is None and self.fetched is not None:  # its store did not tell, when it was planned
            entry = entry._replace(size=self.fetched.size, mtime_ns=self.fetched.number)
        return entry._replace(digest=entry.sealed())

    def hearings(self, seal: Callable[[Hearing], bytes]) -> Iterator[Hearing]:
        """Yield the rows of its models as they will be; `seal` makes a row's digest."""
        for model, tally in self._tallies.items():
            state = "failed" if self.failure or tally.failure else "done"
            reason = json.dumps(tally.failure) if tally.failure else None
            hearing = Hearing(model, state, tally.n_detections, reason, tally.kept or None, None)
            yield hearing._replace(digest=seal(hearing))
