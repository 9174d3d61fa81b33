"""More CSVs that users of BirdNET-Analyzer and Kaleidoscope know."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from ..outcomes import Detection
from . import columns
from .cells import label, seconds
from .columns import Settings
from .detections import CsvKind
from .table import About, Result


class KaleidoscopeTable(CsvKind):
    """The columns that Kaleidoscope reads, under BirdNET-Analyzer's name.

    TOP1MATCH is the class's label and TOP1DIST its confidence: the nearer to 1, the surer, other than with
    Kaleidoscope's own clusters. INDIR is where the folder of the file lies.
    """

    name: ClassVar = "BirdNET_Kaleidoscope.csv"
    of_file: ClassVar = ".BirdNET.results.kaleidoscope.csv"
    header: ClassVar[tuple[str, ...]] = (
        "INDIR",
        "FOLDER",
        "IN FILE",
        "OFFSET",
        "DURATION",
        "TOP1MATCH",
        "TOP1DIST",
    )

    def begin(self, result: Result) -> None:
        """Take what is known of the next file."""
        super().begin(result)
        above, name = os.path.split(result.path)
        self._place = ",".join(self._cells[part] for part in (*os.path.split(above), name))

    def line(self, row: Detection) -> str:
        """Return Kaleidoscope's columns."""
        return f"{self._span(row)},{self._cells[label(row)]},{row.confidence:.4f}"

    def _span(self, row: Detection) -> str:
        times = self._seconds
        return f"{self._place},{times[row.start_s]},{times[row.end_s - row.start_s]}"


class Kaleidoscope2Table(KaleidoscopeTable):
    """The columns of BirdNET-Analyzer 2.x; -1 stands for a place or week that is not known."""

    name: ClassVar = "BirdNET_Kaleidoscope.2.csv"
    of_file: ClassVar = ".BirdNET.results.kaleidoscope.2.csv"
    header: ClassVar[tuple[str, ...]] = (
        *("INDIR", "FOLDER", "IN FILE", "OFFSET", "DURATION", "scientific_name", "common_name", "confidence"),
        *("lat", "lon", "week", "overlap", "sensitivity"),
    )

    def __init__(self, folder: Path, about: About, *, csv_safe: bool = False, called: str = "") -> None:
        super().__init__(folder, about, csv_safe=csv_safe, called=called)
        self._settings = Settings(about)

    def begin(self, result: Result) -> None:
        """Take what is known of the next file."""
        super().begin(result)
        told = self._settings.of(result)
        self._set = (
            f"{told['lat']:.4f},{told['lon']:.4f},{told['week']},"
            f"{columns.tenths(told['overlap'])},{columns.tenths(told['sensitivity'])}"
        )

    def line(self, row: Detection) -> str:
        """Return 2.x's columns."""
        names = f"{self._cells[row.scientific_name]},{self._cells[row.common_name]}"
        return f"{self._span(row)},{names},{row.confidence:.4f},{self._set}"


class RTable(CsvKind):
    """The table for R of BirdNET-Analyzer 2.x and before, which 3.x has no more."""

    name: ClassVar = "BirdNET_RTable.csv"
    of_file: ClassVar = ".BirdNET.results.r.csv"
    header: ClassVar[tuple[str, ...]] = (
        *("filepath", "start", "end", "scientific_name", "common_name", "confidence", "lat", "lon", "week"),
        *("overlap", "sensitivity", "min_conf", "species_list", "model"),
    )
    more: ClassVar = {"channel": "channel", "label_space": "label_space"}

    def __init__(self, folder: Path, about: About, *, csv_safe: bool = False, called: str = "") -> None:
        super().__init__(folder, about, csv_safe=csv_safe, called=called)
        self._settings, self._model = Settings(about), about.models[0].name

    def begin(self, result: Result) -> None:
        """Take what is known of the next file."""
        super().begin(result)
        told = self._settings.of(result)
        numbers = (columns.tenths(told[name]) for name in ("overlap", "sensitivity"))
        least = "" if told["min_conf"] is None else seconds(float(str(told["min_conf"])))
        self._set = (
            f"{told['lat']:.4f},{told['lon']:.4f},{told['week']},{','.join(numbers)},{least},"
            f"{self._cells[str(told['species_list'])]}"
        )

    def line(self, row: Detection) -> str:
        """Return 2.x's columns."""
        cells, times = self._cells, self._seconds
        return (
            f"{cells[row.file]},{times[row.start_s]},{times[row.end_s]},{cells[row.scientific_name]},"
            f"{cells[row.common_name]},{row.confidence:.4f},{self._set},{cells[row.model or self._model]}"
        )
