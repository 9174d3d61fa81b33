"""Raven's selection tables, as BirdNET-Analyzer 2.x and 3.x write them.

Raven opens files one behind the other, as one sound: in a table of several files the begin and end times
count through all of them, in their order, those that failed and those where nothing was heard as well. "File
Offset (s)" is the time within the file that "Begin Path" names.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    titles: ClassVar[dict[str, str]] = {
        "number": "Selection",
        "view": "View",
        "channel": "Channel",
        "begin": "Begin Time (s)",
        "end": "End Time (s)",
        "low": "Low Freq (Hz)",
        "high": "High Freq (Hz)",
        "common": "Common Name",
        "code": "Species Code",
        "confidence": "Confidence",
        "path": "Begin Path",
        "offset": "File Offset (s)",
    }
    more: ClassVar = {"model": "Model", "label_space": "Label Space"}

    def __init__(self, folder: Path, about: About, *, csv_safe: bool = False, called: str = "") -> None:
        super().__init__(folder / (called or self.name), mode="w", newline="", encoding="utf-8")
        self._more = tuple(name for name in columns.more(about) if name in self.more)
        titles = (*self.titles.values(), *(self.more[name] for name in self._more))
        self.stream.write("\t".join(titles) + "\n")
        cells = (*(f"{{{name}}}" for name in self.titles), *(f"{{{name}}}" for name in self._more))
        self._line = ("\t".join(cells) + "\n").format
        bands = columns.bands_hz(about)
        self._bands = {model: tuple(f"{hz:.1f}" for hz in band) for model, band in bands.items()}
        self._usual = next(iter(self._bands.values()))
        self._cells, self._seconds = Kept(tab_cell), Kept(seconds)
        self._n_rows, self._past_s, self._lasts_s = 0, 0.0, 0.0

    def begin(self, result: Result) -> None:
        """Take what is known of the next file."""
        self._lasts_s = max(result.duration_s, result.audio_s)

    def detections(self, rows: Sequence[Detection]) -> None:
        """Append rows."""
        self.stream.write(
            "".join([self._of(number, row) for number, row in enumerate(rows, self._n_rows + 1)])
        )
        self._n_rows += len(rows)

    def _of(self, number: int, row: Detection) -> str:
        cells, times = self._cells, self._seconds
        low, high = self._bands.get(row.model, self._usual)
        return self._line(
            number=number,
            view="Spectrogram 1",
            channel=columns.channel(row),
            begin=times[self._past_s + row.start_s],
            end=times[self._past_s + row.end_s],
            low=low,
            high=high,
            common=cells[row.common_name],
            scientific=cells[row.scientific_name],
            code=cells[both(row.scientific_name, row.common_name)],
            confidence=f"{row.confidence:.4f}",
            path=cells[row.file],
            offset=times[row.start_s],
            model=cells[row.model],
            label_space=cells[row.label_space],
        )

    def end(self) -> None:
        """Go on behind the file."""
        self._past_s += self._lasts_s


class Raven3Table(RavenTable):
    """The table of BirdNET-Analyzer 3.x: its columns and their order, with scientific names.

    Its times count every file, where 3.x passes over those without detections. The name is ours, so that it
    may lie beside the other.
    """

    name: ClassVar = "BirdNET_SelectionTable.3.txt"
    of_file: ClassVar = ".BirdNET.selection.table.3.txt"
    titles: ClassVar = {
        "number": "Selection",
        "begin": "Begin Time (s)",
        "end": "End Time (s)",
        "common": "Common Name",
        "scientific": "Scientific Name",
        "code": "Species Code",
        "confidence": "Confidence",
        "view": "View",
        "channel": "Channel",
        "offset": "File Offset (s)",
        "low": "Low Freq (Hz)",
        "high": "High Freq (Hz)",
        "path": "Begin Path",
    }
