"""Wide tables: a row for each window, a column for each class.

As OpenSoundscape has them (file, start_time, end_time, classes), as BirdCLEF's submissions (row_id, classes),
and as `birdfast train --cv` writes its held-out scores. What tells a window apart beside its scores is passed
over: fold, label, channel, site and the like, unless the truth has a label that is called so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ..annotations import row_id, row_length
from ..arrays import Bools, Float64, Floats
from ..errors import ConfigError
from ..sources import composed, sheets
from ..sources.sheets import Sheet
from ..sources.spans import Spans as Columns
from ..spool import Spool
from ..tables.files import as_it_was
from . import parquet
from .names import Species, species
from .said import Gathered, Scores
from .spans import Spans

ROW_ID = ("row_id",)
BESIDE = {
    "fold",
    "channel",
    "site",
    "hour",
    "recorder",
    "date",
    "time",
    "window",
    "clip",
    "split",
    "duration",
}
BATCH_ROWS = 1024


def read(path: Path, labels: Iterable[str] = ()) -> Scores:
    """Read the scores of all windows; of rows without numbers, as of files that failed, only where they lie.

    Parameters
    ----------
    path : path
    labels : iterable of str
        What is true anywhere: columns that are called so are classes.

    Raises
    ------
    ConfigError
        It cannot be read, is no such table, or no row of it has numbers.
    """
    found = _read(path, {label.casefold() for label in labels})
    if not len(found.windows.file):
        why = f"none of {found.n_void:,} rows has a number for each class" if found.n_void else "no rows"
        raise ConfigError(f"{path}: no window to judge ({why})")
    return found


def _read(path: Path, labels: Collection[str]) -> Scores:
    if path.suffix.lower() == ".parquet":
        return _dense(path) if parquet.is_dense(parquet.header(path)) else _wide_parquet(path, labels)
    with sheets.sheet(path, ConfigError) as sheet:
        return (_by_file if sheet.place(ROW_ID) is None else _by_row_id)(sheet, labels)


def _dense(path: Path) -> Scores:
    """Read the table that `infer --rtype scores` writes."""
    names = parquet.species_of(path)
    gathered, rows = Gathered(), _Rows(len(names))
    for part in parquet.dense_rows(path, len(names)):
        for span in zip(part.files, part.start_s, part.end_s, strict=True):
            gathered.add(*span)
        rows.add(part.values)
    return rows.scores(gathered.spans(), names)


def _wide_parquet(path: Path, labels: Collection[str]) -> Scores:
    rows = parquet.rows(path)
    columns = [rows.place(names) for names in (sheets.FILE, sheets.START, sheets.END)]
    if None in columns:
        raise ConfigError(f"{path}: no table of scores: it needs the columns file, start_s and end_s")
    file, start, end = (column or 0 for column in columns)
    chosen = _classes(path, rows.header, {file, start, end}, labels)
    gathered, found = Gathered(), _Rows(len(chosen))
    for line, row in enumerate(rows, 1):
        try:
            values = np.array([[row[place] for place in chosen]], np.float64)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{path}: a score is no number ({error})") from error
        gathered.add(str(row[file]), *rows.span(line, row[start], row[end]))
        found.add(values)
    names = [species(composed(rows.header[place])) for place in chosen]
    return found.scores(gathered.spans(), names)


def _by_file(sheet: Sheet, labels: Collection[str]) -> Scores:
    columns, gathered = Columns(sheet), Gathered()
    chosen = _classes(sheet.path, sheet.header, columns.columns, labels)
    rows = _Rows(len(chosen))
    for told, values in _batches(sheet, chosen):
        for line, row in told:
            gathered.add(*columns.of(line, row))
        rows.add(values)
    return rows.scores(gathered.spans(), _names(sheet, chosen))


def _by_row_id(sheet: Sheet, labels: Collection[str]) -> Scores:
    place = sheet.place(ROW_ID) or 0
    chosen = _classes(sheet.path, sheet.header, {place}, labels)
    rows, ends = _Rows(len(chosen)), list[tuple[str, float]]()
    for told, values in _batches(sheet, chosen):
        ends += [row_id(sheet, line, row[place]) for line, row in told]
        rows.add(values)
    return rows.scores(_rows(ends), _names(sheet, chosen))


def _rows(ends: Sequence[tuple[str, float]]) -> Spans:
    length_s, gathered = row_length(ends), Gathered()
    for stem, end_s in ends:
        gathered.add(stem, max(0.0, end_s - length_s), end_s)
    return gathered.spans()


def _batches(sheet: Sheet, chosen: Sequence[int]) -> Iterator[tuple[list[tuple[int, list[str]]], Float64]]:
    """Yield rows, and the numbers in some of their columns: float64 [n, len(chosen)], NaN for empty cells."""
    batch: list[tuple[int, list[str]]] = []
    for told in sheet.rows():
        batch.append(told)
        if len(batch) == BATCH_ROWS:
            yield batch, _values(sheet, batch, chosen)
            batch = []
    if batch:
        yield batch, _values(sheet, batch, chosen)


def _values(sheet: Sheet, batch: Sequence[tuple[int, list[str]]], chosen: Sequence[int]) -> Float64:
    try:
        return np.array([[row[place] or "nan" for place in chosen] for _, row in batch], np.float64)
    except ValueError:
        for line, row in batch:
            for place in chosen:
                if row[place] and not sheets.is_number(row[place]):
                    sheet.refuse(line, f"the score of {sheet.header[place]!r} is no number: {row[place]!r}")
        raise


class _Rows:
    """The scores of windows that come in parts, told apart from rows without numbers."""

    def __init__(self, width: int) -> None:
        self._spool, self._is_good = Spool(width), list[Bools]()

    def add(self, values: Floats) -> None:
        """Append rows [n, width]."""
        good: Bools = np.logical_and.reduce(np.abs(values) <= sheets.MOST, axis=1)
        self._spool.add(values[good])
        self._is_good.append(good)

    def scores(self, windows: Spans, names: list[Species]) -> Scores:
        """Return them, with the windows of all rows."""
        good = np.concatenate([np.zeros(0, bool), *self._is_good])
        return Scores(windows.chosen(good), names, self._spool.array(), windows.chosen(~good))


def _names(sheet: Sheet, chosen: Sequence[int]) -> list[Species]:
    return [species(as_it_was(composed(sheet.header[place]))) for place in chosen]


def _classes(path: object, header: Sequence[str], taken: set[int], labels: Collection[str]) -> list[int]:
    """Return which columns are classes."""
    beside = BESIDE | {*sheets.FILE, *sheets.START, *sheets.END, *sheets.LABEL}
    chosen = [
        place
        for place, name in enumerate(header)
        if place not in taken
        and name.strip()
        and (sheets.folded(name) not in beside or composed(name).strip().casefold() in labels)
    ]
    names = [header[place] for place in chosen]
    if not chosen:
        raise ConfigError(f"{path}: no column is a class's: {', '.join(header[:8])}")
    if len({*names}) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigError(f"{path}: two columns are called {twice!r}")
    return chosen
