"""Raven's selection tables, as BirdNET-Analyzer 2.x and 3.x write them.

Raven opens files one behind the other, as one sound: in a table of several files the begin and end times
count through all of them, in their order, those that failed and those where nothing was heard as well. "File
Offset (s)" is the time within the file that "Begin Path" names.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import ClassVar

from ..outcomes import Detection
from . import columns
from .cells import Kept, both, seconds, tab_cell
from .table import About, Result, Table


class RavenTable(Table):
    """The table of BirdNET-Analyzer 2.x, under its name; the species code is the class's whole label.

    The band is the model's or the one that was chosen (`columns.bands_hz`). Tabs and line breaks in names
    stand as escapes, as Raven knows no quotes.
    """

    name: ClassVar = "BirdNET_SelectionTable.txt"
    of_file: ClassVar = ".BirdNET.selection.table.txt"
    header: ClassVar[tuple[str, ...]] = (
        *("Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)"),
        *("High Freq (Hz)", "Common Name", "Species Code", "Confidence", "Begin Path", "File Offset (s)"),
    )
    more: ClassVar = {"model": "Model", "label_space": "Label Space"}

    def __init__(self, folder: Path, about: About, *, csv_safe: bool = False, called: str = "") -> None:
        super().__init__(folder / (called or self.name), mode="w", newline="", encoding="utf-8")
        self._more = tuple(name for name in columns.more(about) if name in self.more)
        self.stream.write("\t".join((*self.header, *(self.more[name] for name in self._more))) + "\n")
        self._bands_hz = columns.bands_hz(about)
        self._band_at(math.inf)
        self._cells, self._seconds = Kept(tab_cell), Kept(seconds)
        self._spans, self._names = Kept(self._span), Kept(self._named)
        self._n_rows, self._past_s, self._lasts_s = 0, 0.0, 0.0

    def begin(self, result: Result) -> None:
        """Take what is known of the next file."""
        self._lasts_s = result.lasts_s
        self._band_at((result.rate_hz or math.inf) / 2)

    def detections(self, rows: Sequence[Detection]) -> None:
        """Append rows."""
        self.stream.write("".join(map(self._line, count(self._n_rows + 1), rows)))
        self._n_rows += len(rows)

    def end(self) -> None:
        """Go on behind the file."""
        self._past_s += self._lasts_s
        self._spans.clear()

    def _line(self, number: int, row: Detection) -> str:
        cells, (low, high) = self._cells, self._bands.get(row.model, self._usual)
        span, offset = self._spans[row.start_s, row.end_s], self._seconds[row.start_s]
        names = self._names[row.scientific_name, row.common_name]
        return (
            f"{number}\tSpectrogram 1\t{row.channel or 1}\t{span}\t{low}\t{high}\t{names}"
            f"\t{row.confidence:.4f}\t{cells[row.file]}\t{offset}{self._apart(row)}\n"
        )

    def _band_at(self, most_hz: float) -> None:
        """Let no selection lie above the highest frequency that a recording has."""
        bands = self._bands_hz.items()
        self._bands = {model: tuple(f"{min(edge, most_hz):.1f}" for edge in band) for model, band in bands}
        self._usual = next(iter(self._bands.values()))

    def _span(self, of_file: tuple[float, float]) -> str:
        start_s, end_s = of_file
        return f"{seconds(self._past_s + start_s)}\t{seconds(self._past_s + end_s)}"

    @staticmethod
    def _named(names: tuple[str, str]) -> str:
        return f"{tab_cell(names[1])}\t{tab_cell(both(*names))}"

    def _apart(self, row: Detection) -> str:
        return "".join(f"\t{self._cells[getattr(row, name)]}" for name in self._more) if self._more else ""


class Raven3Table(RavenTable):
    """The table of BirdNET-Analyzer 3.x: its columns and their order, with scientific names.

    Its times count every file, where 3.x passes over those without detections. The name is ours, so that it
    may lie beside the other.
    """

    name: ClassVar = "BirdNET_SelectionTable.3.txt"
    of_file: ClassVar = ".BirdNET.selection.table.3.txt"
    header: ClassVar = (
        *("Selection", "Begin Time (s)", "End Time (s)", "Common Name", "Scientific Name", "Species Code"),
        *(
            "Confidence",
            "View",
            "Channel",
            "File Offset (s)",
            "Low Freq (Hz)",
            "High Freq (Hz)",
            "Begin Path",
        ),
    )

    def _line(self, number: int, row: Detection) -> str:
        cells, (low, high) = self._cells, self._bands.get(row.model, self._usual)
        span, offset = self._spans[row.start_s, row.end_s], self._seconds[row.start_s]
        names = self._names[row.scientific_name, row.common_name]
        return (
            f"{number}\t{span}\t{names}\t{row.confidence:.4f}\tSpectrogram 1\t{row.channel or 1}\t{offset}"
            f"\t{low}\t{high}\t{cells[row.file]}{self._apart(row)}\n"
        )

    @staticmethod
    def _named(names: tuple[str, str]) -> str:
        return f"{tab_cell(names[1])}\t{tab_cell(names[0])}\t{tab_cell(both(*names))}"
