"""CSV of detections: a row for each species that is heard in a window."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from ..errors import ConfigError
from ..outcomes import Detection
from . import columns, files
from .cells import Kept, csv_cell, seconds
from .files import CsvFile
from .table import About, Result, Table

# Columns of runs that heard more than one of them.
MORE = {"channel": "Channel", "model": "Model", "label_space": "Label space"}


class CsvKind(CsvFile, Table):
    """A CSV with a row a detection: a member says its columns, and what stands in them.

    Parameters
    ----------
    folder : path
    about : About
    csv_safe : bool
        Put an apostrophe before text that a spreadsheet would run.
    called : str
        The file's name, where it is not the run's.
    """

    header: ClassVar[tuple[str, ...]] = ()
    more: ClassVar = {name: name for name in MORE}  # what columns are called that tell rows apart
    takes_facts: ClassVar = False  # whether there are columns for what is asked of the recording
    is_all_quoted: ClassVar = False

    def __init__(self, folder: Path, about: About, *, csv_safe: bool = False, called: str = "") -> None:
        self._more = tuple(name for name in columns.more(about) if name in self.more)
        there = (*self.header, *(self.more[name] for name in self._more))
        self._facts = columns.Facts(columns.asked(about, *there) if self.takes_facts else ())
        self._cells = Kept(csv_cell(safe=csv_safe, always=self.is_all_quoted))
        self._seconds = Kept(seconds)
        super().__init__(folder / (called or self.name), (*there, *self._facts.columns), csv_safe=csv_safe)
        self._ending = self._told(0.0)

    def begin(self, result: Result) -> None:
        """Take what is known of the next file."""
        self._facts.begin(result)
        self._ending = self._told(0.0)

    def detections(self, rows: Sequence[Detection]) -> None:
        """Append rows."""
        line, more, ending = self.line, self._more, self._ending
        if not more and not self._facts.hang_on_time:
            self.stream.write("".join([f"{line(row)}{ending}\n" for row in rows]))
            return
        for row in rows:
            apart = "".join(f",{self._cells[str(getattr(row, name))]}" for name in more)
            told = self._told(row.start_s) if self._facts.hang_on_time else ending
            self.stream.write(f"{line(row)}{apart}{told}\n")

    def line(self, row: Detection) -> str:
        """Return a row's first columns as text."""
        raise NotImplementedError

    def _told(self, start_s: float) -> str:
        return "".join(f",{self._cells[text]}" for text in columns.texts(self._facts.at(start_s)))


class CsvTable(CsvKind):
    """BirdNET's CSV: confidence with four decimals; channel, model, label space where there are several."""

    name: ClassVar = "detections.csv"
    of_file: ClassVar = ".BirdNET.results.csv"
    header: ClassVar = ("Start (s)", "End (s)", "Scientific name", "Common name", "Confidence", "File")
    more: ClassVar = MORE
    takes_facts: ClassVar = True

    def line(self, row: Detection) -> str:
        """Return BirdNET's columns."""
        cells, times = self._cells, self._seconds
        return (
            f"{times[row.start_s]},{times[row.end_s]},{cells[row.scientific_name]},{cells[row.common_name]},"
            f"{row.confidence:.4f},{cells[row.file]}"
        )


class CombinedTable(CsvTable):
    """The same under the name that BirdNET-Analyzer has for a table of all recordings."""

    name: ClassVar = "BirdNET_CombinedTable.csv"


def read_csv(path: Path) -> list[Detection]:
    """Read a table that `CsvTable` wrote, but for columns that say more of the recording.

    Raises
    ------
    ConfigError
        The file cannot be read, or is no such table.
    """
    try:
        rows = files.read_csv(path, ConfigError)
        header = tuple(next(rows, ()))
        known = len(CsvTable.header)
        if header[:known] != CsvTable.header:
            raise ConfigError(f"{path}: not a table of detections")
        places = {
            field: header.index(title, known) for field, title in MORE.items() if title in header[known:]
        }
        return [_detection(places, row, len(header)) for row in rows]
    except (ValueError, TypeError, csv.Error) as error:
        raise ConfigError(f"{path}: damaged ({error})") from error


def _detection(places: dict[str, int], row: Sequence[str], width: int) -> Detection:
    if len(row) != width:
        raise ValueError(f"a row of {len(row)} columns, and {width} in the header")
    start, end, scientific, common, confidence, file = row[: len(CsvTable.header)]
    told: dict[str, Any] = {field: row[place] for field, place in places.items()}
    if "channel" in told:
        told["channel"] = int(told["channel"])
    return Detection(float(start), float(end), scientific, common, float(confidence), file, **told)
