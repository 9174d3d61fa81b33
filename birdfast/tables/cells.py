"""Cells: values as text, each made once however many rows have it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Generic, TypeVar

from ..outcomes import Detection
from .files import escaped, harmless

MOST_KEPT = 1 << 16
QUOTED = re.compile('[",\r\n]')  # as Python's csv has it
CONTROL = {ord("\t"): "\\t", ord("\n"): "\\n", ord("\r"): "\\r"}

Value = TypeVar("Value")


class Kept(dict[Value, str], Generic[Value]):
    """What a function makes of values, kept for the next row; nothing is kept of too many."""

    def __init__(self, make: Callable[[Value], str]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, value: Value) -> str:
        if len(self) >= MOST_KEPT:
            self.clear()
        made = self[value] = self._make(value)
        return made


def csv_cell(*, safe: bool = False, always: bool = False) -> Callable[[str], str]:
    """Return what writes text as a cell of a CSV, as `csv.writer` does.

    Parameters
    ----------
    safe : bool
        Put an apostrophe before what a spreadsheet would run.
    always : bool
        Quote all text.
    """

    def cell(text: str) -> str:
        told = str(harmless(text)) if safe else text
        if always or QUOTED.search(told):
            return '"' + told.replace('"', '""') + '"'
        return told

    return cell


def tab_cell(text: str) -> str:
    """Return text between tabs, on one line: those and line breaks in names as escapes, quotes only in front.

    Programs that know no quotes see one cell a column; those that know them see one as well.
    """
    told = escaped(text).translate(CONTROL)
    return '"' + told.replace('"', '""') + '"' if told.startswith('"') else told


def json_cell(text: str) -> str:
    """Return text as JSON has it."""
    return json.dumps(escaped(text), ensure_ascii=False)


def seconds(value: float) -> str:
    """Write seconds to the microsecond, with one decimal at least: 3.0, 0.96."""
    text = repr(round(float(value), 6))
    if "e" in text:  # of a microsecond, or of centuries
        text = f"{value:.6f}".rstrip("0")
    return text + "0" if text.endswith(".") else text


def both(scientific_name: str, common_name: str) -> str:
    """Return the names of a class as BirdNET's labels have them; of no species its one name."""
    return scientific_name if scientific_name == common_name else f"{scientific_name}_{common_name}"


def label(row: Detection) -> str:
    """Return the names of a row's class as one."""
    return both(row.scientific_name, row.common_name)
