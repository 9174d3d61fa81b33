"""Tables about files: what could not be analysed, and what is to be known of what was."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from ..outcomes import Failure
from .files import CsvFile
from .table import About, Result, Table


class FailuresTable(CsvFile, Table):
    """What could not be analysed: the fields of `Failure`. Written always, so an empty one says: none."""

    name: ClassVar = "failures.csv"

    def __init__(self, folder: Path, about: About, *, csv_safe: bool = False) -> None:
        self._n_fields = len(Failure._fields) - (not about.has_several)  # the model's name is the last
        super().__init__(folder / self.name, Failure._fields[: self._n_fields], csv_safe=csv_safe)

    def begin(self, result: Result) -> None:
        """Append a row for each failure."""
        for failure in result.failures:
            self.write(failure)

    def write(self, failure: Failure) -> None:
        """Append one row."""
        self.write_row(failure[: self._n_fields])


class NotesTable(CsvFile, Table):
    """What is to be known of files that were read, a `Note` a row: repaired, lost, a silent mix, ..."""

    name: ClassVar = "notes.csv"
    is_wanted = False

    def __init__(self, folder: Path, about: About, *, csv_safe: bool = False) -> None:
        super().__init__(folder / self.name, ("path", "note"), csv_safe=csv_safe)

    def begin(self, result: Result) -> None:
        """Append a row for each note."""
        self.is_wanted = self.is_wanted or bool(result.notes)
        for note in result.notes:
            self.write_row((result.path, note))
