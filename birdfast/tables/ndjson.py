"""NDJSON: an object a line, for programs that read as it comes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from ..outcomes import Detection
from . import columns
from .cells import Kept, json_cell
from .files import escaped
from .table import About, Result, Table

OWN = ("start_s", "end_s", "scientific_name", "common_name", "confidence", "file")


class NdjsonTable(Table):
    """The columns of detections.parquet by name; bytes of names that are no UTF-8 stand as escapes."""

    name: ClassVar = "detections.ndjson"
    of_file: ClassVar = ".detections.ndjson"

    def __init__(self, folder: Path, about: About, *, csv_safe: bool = False, called: str = "") -> None:
        super().__init__(folder / (called or self.name), mode="w", newline="", encoding="utf-8")
        self._lines = Lines(about)

    def begin(self, result: Result) -> None:
        """Take what is known of the next file."""
        self._lines.begin(result)

    def detections(self, rows: Sequence[Detection]) -> None:
        """Append rows."""
        self.stream.write("".join(map(self._lines.line, rows)))


class Lines:
    """Rows as lines of NDJSON, of a table or as they come."""

    def __init__(self, about: About) -> None:
        self._more = columns.more(about)
        self._facts = columns.Facts(columns.asked(about, *OWN, *self._more, found=True))
        self._cells = Kept(json_cell)
        self._ending = self._told(0.0)

    def begin(self, result: Result) -> None:
        """Take what is known of the next file."""
        self._facts.begin(result)
        self._ending = self._told(0.0)

    def line(self, row: Detection) -> str:
        """Return a row as its line, with the break at its end."""
        cells = self._cells
        names = f'"scientific_name": {cells[row.scientific_name]}, "common_name": {cells[row.common_name]}'
        return (
            f'{{"start_s": {row.start_s!r}, "end_s": {row.end_s!r}, {names},'
            f' "confidence": {row.confidence:.9g}, "file": {cells[row.file]}{self._apart(row)}}}\n'
        )

    def _apart(self, row: Detection) -> str:
        told = self._told(row.start_s) if self._facts.hang_on_time else self._ending
        if not self._more:
            return told
        return "".join(f', "{name}": {self._value(getattr(row, name))}' for name in self._more) + told

    def _told(self, start_s: float) -> str:
        values = zip(self._facts.columns, self._facts.at(start_s), strict=True)
        return "".join(f", {json.dumps(name)}: {self._value(value)}" for name, value in values)

    def _value(self, value: object) -> str:
        return self._cells[value] if isinstance(value, str) else json.dumps(value, default=_escaped)


def _escaped(value: object) -> str:
    return escaped(str(value))
