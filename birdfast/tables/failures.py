"""Tables about files: what could not be analysed, and what was repaired."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..outcomes import Failure
from .files import CsvFile


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
