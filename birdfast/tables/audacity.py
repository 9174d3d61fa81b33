"""Audacity's labels: start, end, and what is heard there with its confidence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from ..outcomes import Detection
from .cells import Kept, label, seconds, tab_cell
from .table import About, Result, Table


class AudacityTable(Table):
    """Three columns without a header, as Audacity imports them: "Parus major_Great Tit (0.9877)".

    BirdNET-Analyzer writes a fourth, which Audacity passes over. There is no column for the file: in a table
    of several, times count through all of them, as Raven's do, and as Audacity has tracks that were aligned
    end to end.
    """

    name: ClassVar = "BirdNET_AudacityLabels.txt"
    of_file: ClassVar = ".BirdNET.results.txt"

    def __init__(self, folder: Path, about: About, *, csv_safe: bool = False, called: str = "") -> None:
        super().__init__(folder / (called or self.name), mode="w", newline="", encoding="utf-8")
        self._cells, self._spans = Kept(tab_cell), Kept(self._span)
        self._past_s = self._lasts_s = 0.0

    def begin(self, result: Result) -> None:
        """Take what is known of the next file."""
        self._lasts_s = result.lasts_s

    def detections(self, rows: Sequence[Detection]) -> None:
        """Append rows."""
        self.stream.write("".join(map(self._line, rows)))

    def _line(self, row: Detection) -> str:
        span = self._spans[row.start_s, row.end_s]
        return f"{span}\t{self._cells[label(row)]} ({row.confidence:.4f})\n"

    def _span(self, of_file: tuple[float, float]) -> str:
        start_s, end_s = of_file
        return f"{seconds(self._past_s + start_s)}\t{seconds(self._past_s + end_s)}"

    def end(self) -> None:
        """Go on behind the file."""
        self._past_s += self._lasts_s
        self._spans.clear()
