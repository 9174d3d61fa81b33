"""Tables about files: what could not be analysed, and what was repaired."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from .files import CsvFile


class Failure(NamedTuple):
    """One file that could not be analysed to its end: at which stage, and why.

    `error` is the kind (AudioError, ModelError, Timeout, or a signal as SIGKILL), `message` the reason
    in words. `bytes`, `rate_hz` and `duration_s` are what is known of the file.
    """

    path: str
    stage: str
    error: str
    message: str
    bytes: int | None = None
    rate_hz: int | None = None
    duration_s: float | None = None


class FailuresTable(CsvFile):
    """What could not be analysed: the fields of `Failure`. Written always, so an empty one says: none."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, Failure._fields)

    def write(self, failure: Failure) -> None:
        """Append one row."""
        self._csv.writerow(failure)


class NotesTable(CsvFile):
    """What was repaired to read a file: path, note."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, ("path", "note"))

    def write(self, path: str, notes: Sequence[str]) -> None:
        """Append a row for each note."""
        self._csv.writerows((path, note) for note in notes)
