"""Spans: which part of which recording a row of a sheet is about."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import PurePath

from . import sheets
from .sheets import Sheet


class Spans:
    """The columns of a sheet that tell the file and the time.

    Parameters
    ----------
    sheet : Sheet

    Attributes
    ----------
    columns : set of int
        All of them.
    start : int or None
        The one with the start; without it rows are about whole files.

    Raises
    ------
    ConfigError
        The caller's kind: neither a file nor a time is in any column.
    """

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        wanted = (sheets.FILE, sheets.START, sheets.END, sheets.DURATION, sheets.OFFSET)
        places = [sheet.place(names) for names in wanted]
        self.columns = {place for place in places if place is not None}
        self._file, self.start, self._end, self._lasting, self._offset = places
        is_apart = self._file is not None and self._file == sheet.place(["in_file"])
        above = [sheet.place([name]) for name in sheets.FOLDERS if is_apart]
        self._above = [place for place in above if place is not None]
        self.columns |= {*self._above}
        if self._file is None and self.start is None:
            sheet.refuse(1, f"no column has a file or a time: {', '.join(sheet.header[:8])}")

    def of(self, line: int, row: Sequence[str]) -> tuple[str, float, float]:
        """Return a row's file, and its start and end in seconds: 0 and infinity where there are none."""
        sheet = self._sheet
        file = sheets.recording(sheet.path) if self._file is None else row[self._file]
        if self._above and file:  # an absolute name stays as it is
            file = str(PurePath(*(row[place] for place in self._above), file))
        if not file or "\0" in file:
            sheet.refuse(line, f"no file: {file!r}")
        begin = self._cell(row, self.start)
        if not begin:
            return file, 0.0, math.inf
        start_s = begin_s = sheet.seconds(line, begin)
        if offset := self._cell(row, self._offset):
            start_s = sheet.seconds(line, offset)
        end_s = math.inf
        if end := self._cell(row, self._end):
            end_s = sheet.seconds(line, end) - begin_s + start_s if offset else sheet.seconds(line, end)
        elif lasting := self._cell(row, self._lasting):
            end_s = start_s + sheet.seconds(line, lasting)
        return file, start_s, checked(sheet, line, start_s, end_s)

    @staticmethod
    def _cell(row: Sequence[str], place: int | None) -> str:
        return "" if place is None else row[place].strip()


def checked(sheet: Sheet, line: int, start_s: float, end_s: float) -> float:
    """Return the end of a part of a recording; the sheet's fault if there is no such part."""
    if not 0 <= start_s <= end_s:
        sheet.refuse(line, f"{start_s:.10g} to {end_s:.10g} s is no part of a recording")
    return end_s
