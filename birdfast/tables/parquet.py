"""Parquet of detections: the columns of the CSV with their full precision, on the disk or in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..errors import ConfigError
from ..outcomes import Detection
from . import columns
from .files import ParquetFile, escaped
from .table import About, Result, Table

if TYPE_CHECKING:
    import pyarrow

ROW_GROUP_ROWS = 1 << 16


class ParquetTable(ParquetFile, Table):
    """The same columns with their full precision, and how they came to be as metadata."""

    name: ClassVar = "detections.parquet"
    of_file: ClassVar = ".BirdNET.results.parquet"

    def __init__(self, folder: Path, about: About, *, csv_safe: bool = False, called: str = "") -> None:
        fields, self._facts = _columns(about)
        super().__init__(folder / (called or self.name), fields, about.metadata)
        self._rows: list[Detection] = []
        self._told: list[list[object]] = []

    def begin(self, result: Result) -> None:
        """Take what is known of the next file."""
        self._facts.begin(result)

    def detections(self, rows: Sequence[Detection]) -> None:
        """Append rows; a full row group goes to the disk."""
        self._rows += rows
        if self._facts.columns:
            self._told += [self._facts.at(row.start_s) for row in rows]
        if len(self._rows) >= ROW_GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_batch(_batch(self._rows, self._schema, self._told))
            self._rows.clear()
            self._told.clear()


def arrow(results: Iterable[Result], about: About) -> pyarrow.Table:
    """Return the detections of files as a table in memory, as `ParquetTable` has them on the disk."""
    import pyarrow

    fields, facts = _columns(about)
    schema, batches = pyarrow.schema(list(fields.items()), metadata=dict(about.metadata)), []
    for result in results:
        facts.begin(result)
        for part in filter(None, result.parts):
            told = [facts.at(row.start_s) for row in part] if facts.columns else ()
            batches.append(_batch(part, schema, told))
    return pyarrow.Table.from_batches(batches, schema)


def columns_of(path: Path) -> dict[str, pyarrow.DataType]:
    """Return the columns of a table of ours, each with its type.

    Raises
    ------
    ConfigError
        It is no Parquet file.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        return {field.name: field.type for field in pyarrow.parquet.read_schema(path)}
    except (pyarrow.ArrowException, OSError) as error:
        raise ConfigError(f"{path}: not a Parquet file ({error})") from error


def widen(path: Path, fields: Mapping[str, pyarrow.DataType]) -> None:
    """Let a table have columns: those that it had not are empty. What it is a link to stays as it is.

    Raises
    ------
    ConfigError, OSError
        It is no Parquet file; its folder takes no more.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        with (
            pyarrow.parquet.ParquetFile(path) as table,
            _Widened(path, fields, table.schema_arrow.metadata) as wide,
        ):
            for number in range(table.num_row_groups):
                wide.take(table.read_row_group(number))
            wide.finish()
    except pyarrow.ArrowException as error:
        raise ConfigError(f"{path}: not a Parquet file ({error})") from error


class _Widened(ParquetFile):
    def take(self, rows: pyarrow.Table) -> None:
        import pyarrow

        there, none = {*rows.column_names}, partial(pyarrow.nulls, len(rows))
        columns = [rows[one.name] if one.name in there else none(one.type) for one in self._schema]
        self._writer.write_table(pyarrow.table(columns, schema=self._schema))


def _batch(
    rows: Sequence[Detection], schema: pyarrow.Schema, told: Sequence[list[object]] = ()
) -> pyarrow.RecordBatch:
    """Return rows as columns: text that comes again and again stands in a dictionary."""
    import pyarrow

    places = {name: itemgetter(place) for place, name in enumerate(Detection._fields)}
    of_fact = dict(zip(schema.names[-len(told[0]) :], zip(*told, strict=True), strict=True)) if told else {}
    made = []
    for field in schema:
        values = of_fact[field.name] if field.name in of_fact else [*map(places[field.name], rows)]
        if pyarrow.types.is_dictionary(field.type):
            made.append(_dictionary(values))
        elif field.name in of_fact:
            made.append(pyarrow.array(_fitting(values, field.type), field.type))
        else:
            made.append(pyarrow.array(np.array(values, field.type.to_pandas_dtype())))
    return pyarrow.RecordBatch.from_arrays(made, schema=schema)


def _dictionary(values: Sequence[str]) -> pyarrow.DictionaryArray:
    import pyarrow

    numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
    places = np.fromiter(map(numbers.__getitem__, values), np.int32, len(values))
    return pyarrow.DictionaryArray.from_arrays(
        places, pyarrow.array(list(map(escaped, numbers)), pyarrow.string())
    )


def _fitting(values: Sequence[Any], kind: pyarrow.DataType) -> list[Any]:
    import pyarrow

    if pyarrow.types.is_string(kind):
        return [None if value is None else escaped(str(value)) for value in values]
    return [None if value in (None, "") else value for value in values]


def _type(name: str) -> pyarrow.DataType:
    import pyarrow

    return pyarrow.type_for_alias(columns.NUMBERS.get(name, "string"))


def _columns(about: About) -> tuple[dict[str, pyarrow.DataType], columns.Facts]:
    """Return all columns with their types, and those among them that files' facts fill."""
    fields = _fields(about)
    facts = columns.Facts(columns.asked(about, *fields, found=True))
    return fields | {name: _type(name) for name in facts.columns}, facts


def _fields(about: About) -> dict[str, pyarrow.DataType]:
    import pyarrow

    name = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
    fields = {
        "start_s": pyarrow.float64(),
        "end_s": pyarrow.float64(),
        "scientific_name": name,
        "common_name": name,
        "confidence": pyarrow.float32(),
        "file": name,
    }
    types = {"channel": pyarrow.int32(), "model": name, "label_space": name}
    return fields | {field: types[field] for field in columns.more(about)}
