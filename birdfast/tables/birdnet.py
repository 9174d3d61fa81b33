"""The CSV of the library birdnet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import ClassVar

from ..outcomes import Detection
from .cells import Kept, label
from .detections import CsvKind
from .table import About, Result


class BirdnetTable(CsvKind):
    """As birdnet 1.3.1 writes it: text in quotes, times as 00:01:05.50, the surest of a window first.

    A window ends where its recording ends, if that comes first.
    """

    name: ClassVar = "detections.birdnet.csv"
    of_file: ClassVar = ".results.birdnet.csv"
    header: ClassVar = ("input", "start_time", "end_time", "species_name", "confidence")
    is_all_quoted: ClassVar = True

    def __init__(self, folder: Path, about: About, *, csv_safe: bool = False, called: str = "") -> None:
        super().__init__(folder, about, csv_safe=csv_safe, called=called)
        self._clock, self._window = Kept(clock), list[Detection]()
        self._lasts_s = math.inf

    def begin(self, result: Result) -> None:
        """Take what is known of the next file."""
        super().begin(result)
        self._lasts_s = result.lasts_s or math.inf

    def detections(self, rows: Sequence[Detection]) -> None:
        """Append rows, but for those of the last window, of which more may come."""
        windows = [[*rows] for _, rows in groupby([*self._window, *rows], _window)]
        self._window = windows.pop() if windows else []
        super().detections([row for window in windows for row in sorted(window, key=_sureness)])

    def end(self) -> None:
        """Append the last window's rows."""
        super().detections(sorted(self._window, key=_sureness))
        self._window = []

    def line(self, row: Detection) -> str:
        """Return birdnet's columns."""
        clock = self._clock
        return (
            f'{self._cells[row.file]},"{clock[row.start_s]}","{clock[self._end_s(row)]}",{self._cells[label(row)]},'
            f"{row.confidence:.6f}"
        )

    def _end_s(self, row: Detection) -> float:
        return min(row.end_s, self._lasts_s) if row.start_s < self._lasts_s else row.end_s


def clock(seconds: float) -> str:
    """Return a time as hours, minutes, seconds and hundredths."""
    hundredths = round(seconds * 100)
    minutes, rest = divmod(hundredths, 6000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 100:02}.{rest % 100:02}"


def _window(row: Detection) -> tuple[str, int, float]:
    return row.model, row.channel, row.start_s


def _sureness(row: Detection) -> float:
    return -row.confidence
