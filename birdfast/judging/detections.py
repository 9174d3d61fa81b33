"""Detections, as birdfast and other tools write them.

Ours, BirdNET-Analyzer's and birdnet's CSV and Parquet, Raven's selection tables, Audacity's labels,
Kaleidoscope's CSV: known by what their columns are called. A table without a column for the file is of the
recording that it is named after. A folder is all such tables in it, or what `birdfast infer` wrote there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import tables
from ..errors import ConfigError
from ..sources import sheets
from ..sources.sheets import Sheet
from ..sources.spans import Spans as Columns
from ..tables.files import as_it_was
from . import parquet
from .names import Species, species
from .said import Gathered, Heard

CONFIDENCE = ("confidence", "score", "probability")
# Kaleidoscope's distance from a cluster: the less, the surer. A table of these columns alone has a confidence
# there, as programs write it that have no distance.
DISTANCE = "top1dist"
NO_DISTANCE = ("indir", "folder", "in_file", "offset", "duration", "top1match", DISTANCE)
SUFFIXES = (".csv", ".txt", ".tsv", ".parquet")
# What lies beside such tables and is none.
OTHERS = re.compile(
    r"(failures|notes|evaluation|confusion|thresholds|comparison|differences)\.csv|.*analyze-params\.csv"
    r"|birdfast-merged\.txt|truth\.csv|scores.*\.parquet|embeddings.*\.parquet|(.*\.)?wide(-.*)?\.csv"
    r"|.*species_list\.txt|README.*|held_out\..*"
)
NONE = ("", "nocall", "noid")  # a row that says that nothing was heard
WITHIN = re.compile(r"(.*?)[ ,:]*\(?([01](?:\.\d+)?)\)?")  # a label of Audacity's that ends with its score

Row = tuple[str, float, float, Species, float]


class Named(NamedTuple):
    """Which columns name the class: both names, or one that is either."""

    scientific: int | None
    common: int | None
    either: int | None

    @classmethod
    def of(cls, place: Callable[[Sequence[str]], int | None]) -> Named:
        """Find them."""
        return cls(place(["scientific_name"]), place(["common_name"]), place(sheets.LABEL))

    def species(self, row: Sequence[str]) -> Species | None:
        """Return the class of a row; None of one that says: nothing."""
        told = [row[place] for place in (self.scientific, self.common) if place is not None]
        if all(name.strip().lower() in NONE for name in told or [row[self.either or 0]]):
            return None
        if len(told) == 2 and all(told):
            scientific, common = map(as_it_was, told)
            return Species(scientific.strip(), common.strip())
        return species(as_it_was(next(filter(None, told), row[self.either or 0])))


def read(path: Path, model: str | None = None) -> Heard:
    """Read what was detected.

    Parameters
    ----------
    path : path
        A table, or a folder.
    model : str, optional
        Whose rows are meant, in a table of several.

    Raises
    ------
    ConfigError
        It cannot be read, is no such table, or is of several models.
    """
    known: dict[Species, int] = {}
    gathered, which, confidence = Gathered(), list[int](), list[float]()
    for table in _tables(path):
        rows = parquet.rows(table) if table.suffix.lower() == ".parquet" else None
        for file, start_s, end_s, name, score in (
            _of_parquet(table, rows, model) if rows else _of_sheet(table, model)
        ):
            gathered.add(file, start_s, end_s)
            which.append(known.setdefault(name, len(known)))
            confidence.append(score)
    return Heard(gathered.spans(), list(known), np.array(which, np.int64), np.array(confidence, np.float32))


def is_one(header: Sequence[str]) -> bool:
    """Whether a table with such columns is one of detections."""
    there = {sheets.folded(name) for name in header}
    return (
        bool(there & {*CONFIDENCE, DISTANCE})
        and bool(there & {*sheets.LABEL})
        and bool(there & {*sheets.START})
    )


def _tables(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    for kind in ("parquet", *tables.DETECTIONS):  # what `infer` writes: all say the same
        own = path / tables.DETECTIONS[kind].name
        if own.is_file() and own.suffix in SUFFIXES:
            return [own]
    found = [one for one in sheets.tables_in(path, SUFFIXES) if not OTHERS.fullmatch(one.name)]
    if not found:
        raise ConfigError(f"{path}: no tables of detections in it")
    return found


def _of_sheet(path: Path, model: str | None) -> Iterator[Row]:
    with sheets.sheet(path, ConfigError) as sheet:
        if not sheet.header:
            yield from _audacity(sheet)
            return
        columns, named, score = Columns(sheet), Named.of(sheet.place), _score(sheet)
        if not is_one(sheet.header):
            sheet.refuse(1, f"no table of detections: its columns are {', '.join(sheet.header[:8])}")
        whose = _Whose(path, model, sheet.place(["model"]))
        for line, row in sheet.rows():
            found = named.species(row)
            if found and whose.fits(row):
                file, start_s, end_s = columns.of(line, row)
                yield as_it_was(file), start_s, end_s, found, sheet.number(line, row[score or 0])


def _score(sheet: Sheet) -> int | None:
    """Return which column has the confidence; the sheet's fault of one that has distances."""
    if sheet.place(CONFIDENCE) is None and sheet.place([DISTANCE]) is not None:
        if {*map(sheets.folded, sheet.header)} != {*NO_DISTANCE}:
            sheet.refuse(
                1, "TOP1DIST is a distance, the less the surer; a column confidence, 0 to 1, is wanted"
            )
        return sheet.place([DISTANCE])
    return sheet.place(CONFIDENCE)


def _of_parquet(path: Path, rows: parquet.Rows, model: str | None) -> Iterator[Row]:
    """Yield the rows of a Parquet file, whose times are numbers."""
    if not is_one(rows.header):
        raise ConfigError(f"{path}: no table of detections: its columns are {', '.join(rows.header[:8])}")
    named, whose = Named.of(rows.place), _Whose(path, model, rows.place(["model"]))
    file, start, end, score = (
        rows.place(names) for names in (sheets.FILE, sheets.START, sheets.END, CONFIDENCE)
    )
    if file is None or end is None:
        raise ConfigError(f"{path}: no table of detections: no column has the file, or none the end")
    for line, row in enumerate(rows, 1):
        found = named.species([str(cell) for cell in row])
        if found and whose.fits([str(cell) for cell in row]):
            start_s, end_s = rows.span(line, row[start or 0], row[end])
            yield str(row[file]), start_s, end_s, found, rows.number(line, row[score or 0])


def _audacity(sheet: Sheet) -> Iterator[Row]:
    if Path(sheet.path).name == tables.DETECTIONS["audacity"].name:
        why = "Audacity's labels of a whole run name no file, and their times count through all of them"
        sheet.refuse(1, f"{why}; take another of its tables, or those of each file (--per-file)")
    for line, row in sheet.rows():
        if len(row) < 3:
            sheet.refuse(line, "Audacity's labels have a start, an end and a name")
        start_s, end_s = (sheet.seconds(line, cell) for cell in row[:2])
        name, score = row[2], row[3] if len(row) > 3 else ""
        if not score and (told := WITHIN.fullmatch(name)):
            name, score = told[1], told[2]
        if name.strip().lower() not in NONE:
            yield (
                sheets.recording(sheet.path),
                start_s,
                end_s,
                species(name),
                sheet.number(line, score or "1"),
            )


class _Whose:
    """Refuses a table of several models, unless it is told whose rows are meant."""

    def __init__(self, path: Path, model: str | None, place: int | None) -> None:
        self._path, self._model, self._place = path, model, place
        self._first: str | None = None

    def fits(self, row: Sequence[str]) -> bool:
        """Whether a row is meant."""
        if self._place is None:
            return True
        name = row[self._place]
        if self._model is not None:
            return name == self._model
        self._first = name if self._first is None else self._first
        if name != self._first:
            raise ConfigError(
                f"{self._path}: of several models; --model takes one: {self._first}, {name}, ..."
            )
        return True
