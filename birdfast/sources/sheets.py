"""Sheets: tables of strangers whose columns are called this or that, read line by line.

The header's first line tells what parts the columns: a tab, a comma, or a semicolon where there is neither.
What a column is called is compared without its case, its blanks and underscores, and its unit: "Start (s)",
"start_s" and "start" are one name.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from . import TABLE_BYTES, Fault, Place, delimiter_of, opened

if TYPE_CHECKING:
    import _csv

# What tools call their columns, the better one first: BirdNET, birdnet, Raven, Kaleidoscope, OpenSoundscape.
FILE = (
    *("file", "filename", "file_name", "path", "filepath", "file_path", "begin_path", "begin_file"),
    *("audio_file", "input", "in_file", "recording"),
)
FOLDERS = ("indir", "folder")  # Kaleidoscope's, of which the file is in the last
START = ("start", "start_time", "begin_time", "begin", "offset", "onset")
END = ("end", "end_time")
DURATION = ("duration",)
OFFSET = ("file_offset",)  # Raven's: the time within a file, where its begin time counts through all files
LABEL = (
    *(
        "label",
        "labels",
        "primary_label",
        "scientific_name",
        "species_name",
        "species",
        "annotation",
        "class",
    ),
    *("common_name", "species_code", "species_ebird_code", "ebird_code", "top1match", "top1match*"),
)
# What tools put between a recording's name and the suffix of its table.
TABLES = re.compile(r"(\.birdnet)?(\.results?|\.selections?|\.table(\.\d+)?)*(\.kaleidoscope)?$", re.I)
UNIT = re.compile(r"_?\((s|sec|seconds)\)$|_(s|sec|seconds)$")
STRANGE = re.compile("[\0\udc80-\udcff]")  # in text that was read as UTF-8 with `surrogateescape`
LONGEST_S = 1e9  # longer than any recording
MOST = 3.4e38  # of a float32


class Sheet:
    """A table that is being read.

    Attributes
    ----------
    path : path
    header : list of str
        Empty of one that has none: its first line is a row.
    """

    def __init__(self, path: Place, lines: _csv.Reader, fault: Fault) -> None:
        self.path, self._lines, self._fault = path, lines, fault
        self.header: list[str] = next(self._lines, [])
        self._first: list[str] | None = None
        if not self.header:
            self.refuse(1, "no header")
        self._check_text(1, self.header)
        if is_number(self.header[0]):  # Audacity's labels have no header
            self._first, self.header = self.header, []
        self._folded = [folded(name) for name in self.header]
        self._labels = [place for place, name in enumerate(self._folded) if name in LABEL]

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the rows that are not empty, each with the number of its last line.

        Raises
        ------
        fault
            A row has not the header's columns, or a class's name is not UTF-8; a file's may be any bytes.
        """
        width = len(self.header)
        if self._first:
            yield 1, self._first
        for row in self._lines:
            if any(row):
                if width and len(row) != width:
                    self.refuse(self._lines.line_num, f"{len(row)} columns, and {width} in the header")
                self._check_text(self._lines.line_num, [row[n] for n in self._labels] if width else row)
                yield self._lines.line_num, row

    def place(self, names: Iterable[str]) -> int | None:
        """Return which column has the first of the names that one has; None where none has."""
        return next((self._folded.index(name) for name in names if name in self._folded), None)

    def seconds(self, line: int, text: str) -> float:
        """Read a time: seconds, or hours, minutes and seconds as 00:01:05.5; `fault` if it is none."""
        try:
            found = 0.0
            for part in text.split(":"):
                found = found * 60 + float(part)
        except ValueError:
            found = math.nan
        if not abs(found) <= LONGEST_S:
            self.refuse(line, f"{text!r} is no time in seconds, or as 00:01:05")
        return found

    def number(self, line: int, text: str) -> float:
        """Read a number that a float32 holds; `fault` if it is none, as NaN and infinity are."""
        if not is_number(text) or not is_finite(float(text)):
            self.refuse(line, f"{text!r} is no number")
        return float(text)

    def _check_text(self, line: int, cells: Sequence[str]) -> None:
        """Refuse bytes that are no UTF-8, and the null characters of UTF-16."""
        if (strange := next(filter(STRANGE.search, cells), None)) is not None:
            self.refuse(line, f"not UTF-8 text: {strange!r}")

    def refuse(self, line: int, why: str) -> NoReturn:
        """Say what is wrong with a line.

        Raises
        ------
        fault
            Always.
        """
        raise self._fault(f"{self.path}: line {line}: {why}")


@contextmanager
def sheet(path: Place, fault: Fault) -> Iterator[Sheet]:
    """Open a table, to be read in the context, in streams; bytes that are no UTF-8 keep their value.

    Raises
    ------
    fault
        It cannot be read, is too large, or no CSV, also later in the context.
    """
    with opened(path, fault, TABLE_BYTES) as file:
        head = file.peek(1).partition(b"\n")[0]
        text = io.TextIOWrapper(file, "utf-8-sig", "surrogateescape", newline="")
        lines = csv.reader(text, delimiter=delimiter_of(head.decode("latin-1")))
        try:
            yield Sheet(path, lines, fault)
        except csv.Error as error:
            raise fault(f"{path}: no table behind line {lines.line_num} ({error})") from error
        finally:
            text.detach()


def folded(name: str) -> str:
    """Return what a column is compared by."""
    return UNIT.sub("", re.sub(r"[\s_]+", "_", name.strip().lower()))


def is_number(text: str) -> bool:
    """Whether a cell holds a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def is_finite(number: float) -> bool:
    """Whether it is a number that a float32 holds, and not NaN or infinite."""
    return abs(number) <= MOST


def recording(path: Place) -> str:
    """Return the name of the recording that a table without a column for it is of, without its suffix."""
    return TABLES.sub("", Path(path).stem)


def tables_in(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    """Return the tables in a folder and below it, by their suffixes, sorted; hidden ones stay out."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in suffixes)
    return sorted(path for path in found if not path.name.startswith(".") and path.is_file())
