"""Parquet files, read batch by batch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..arrays import Float32, Float64
from ..errors import ConfigError
from ..sources import opened, sheets
from ..tables import dense
from .names import Species

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

BATCH_ROWS = 4096


class Rows:
    """The rows of a table: iterating gives lists of plain values."""

    def __init__(self, path: Path, header: list[str]) -> None:
        self._path, self.header = path, header
        self._folded = [sheets.folded(name) for name in header]

    def place(self, names: Iterable[str]) -> int | None:
        """Return which column has the first of the names that one has."""
        return next((self._folded.index(name) for name in names if name in self._folded), None)

    def number(self, line: int, cell: object) -> float:
        """Read a number; ConfigError, with the row's number from 1 on, if it is none or not finite."""
        if not isinstance(cell, int | float | Decimal) or not sheets.is_finite(float(cell)):
            raise ConfigError(f"{self._path}: row {line}: {cell!r} is no number")
        return float(cell)

    def span(self, line: int, start: object, end: object) -> tuple[float, float]:
        """Read where a part of a recording begins and ends; ConfigError if there is no such part."""
        start_s, end_s = self.number(line, start), self.number(line, end)
        if not 0 <= start_s <= end_s <= sheets.LONGEST_S:
            raise ConfigError(
                f"{self._path}: row {line}: {start_s:.10g} to {end_s:.10g} s is no part of a recording"
            )
        return start_s, end_s

    def __iter__(self) -> Iterator[list[Any]]:
        for batch in _batches(self._path):
            yield from map(list, zip(*(column.to_pylist() for column in batch.columns), strict=True))


class Dense(NamedTuple):
    """Some rows of a table of scores: start_s and end_s float64 [n], values float32 [n, n_classes]."""

    files: list[str]
    start_s: Float64
    end_s: Float64
    values: Float32


def rows(path: Path) -> Rows:
    """Return the rows of a file; ConfigError if it cannot be read, also when they are iterated."""
    return Rows(path, header(path))


def header(path: Path) -> list[str]:
    """Return what the columns of a file are called; errors as `rows`."""
    with _reading(path) as file:
        return list(file.schema_arrow.names)


def is_dense(names: Sequence[str]) -> bool:
    """Whether a file with such columns has all scores of windows, as `infer --rtype scores` writes them."""
    return dense.COLUMNS["scores"] in names


def species_of(path: Path) -> list[Species]:
    """Return the classes of a dense table.

    Raises
    ------
    ConfigError
        It does not tell them.
    """
    with _reading(path) as file:
        told = file.schema_arrow.metadata or {}
    try:
        names = [json.loads(told[key]) for key in (b"scientific_names", b"common_names")]
        return [Species(str(one), str(other)) for one, other in zip(*names, strict=True)]
    except (KeyError, ValueError, TypeError) as error:
        raise ConfigError(f"{path}: does not tell its classes ({error})") from error


def dense_rows(path: Path, width: int) -> Iterator[Dense]:
    """Yield the rows of a dense table in parts; ConfigError if it has not so many values in a row."""
    column = dense.COLUMNS["scores"]
    for batch in _batches(path):
        try:
            files = batch.column("file").to_pylist()
            start_s, end_s = (
                batch.column(name).to_numpy(zero_copy_only=False).astype(np.float64)
                for name in ("start_s", "end_s")
            )
            values = batch.column(column).flatten().to_numpy(zero_copy_only=False).reshape(len(files), width)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise ConfigError(f"{path}: damaged ({error})") from error
        yield Dense([str(name) for name in files], start_s, end_s, values)


def _batches(path: Path) -> Iterator[pyarrow.RecordBatch]:
    with _reading(path) as file:
        yield from file.iter_batches(BATCH_ROWS)


@contextmanager
def _reading(path: Path) -> Iterator[pyarrow.parquet.ParquetFile]:
    import pyarrow
    import pyarrow.parquet

    with opened(path, ConfigError) as file:
        try:
            yield pyarrow.parquet.ParquetFile(file)
        except pyarrow.ArrowException as error:
            raise ConfigError(f"{path}: no Parquet file, or a damaged one ({error})") from error
