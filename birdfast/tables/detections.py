"""Tables of detections: a row for each species that is heard in a window."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import ConfigError
from ..outcomes import Detection
from . import files
from .files import CsvFile, ParquetFile, escaped
from .table import About, Table

if TYPE_CHECKING:
    import pyarrow

ROW_GROUP_ROWS = 1 << 16
# Columns of runs that heard more than one of them.
MORE = {"channel": "Channel", "model": "Model", "label_space": "Label space"}


class CsvTable(CsvFile, Table):
    """BirdNET's CSV: confidence with four decimals; channel, model, label space where there are several."""

    name: ClassVar = "detections.csv"
    header: ClassVar = ("Start (s)", "End (s)", "Scientific name", "Common name", "Confidence", "File")

    def __init__(self, folder: Path, about: About, *, csv_safe: bool = False) -> None:
        self._more = tuple(_more(about))
        header = (*self.header, *(MORE[field] for field in self._more))
        super().__init__(folder / self.name, header, csv_safe=csv_safe)

    def detections(self, rows: Sequence[Detection]) -> None:
        """Append rows."""
        for row in rows:
            seconds = (_seconds(row.start_s), _seconds(row.end_s))
            names = (row.scientific_name, row.common_name)
            more = (getattr(row, field) for field in self._more)
            self.write_row((*seconds, *names, f"{row.confidence:.4f}", row.file, *more))


class ParquetTable(ParquetFile, Table):
    """The same columns with their full precision, and how they came to be as metadata."""

    name: ClassVar = "detections.parquet"

    def __init__(self, folder: Path, about: About) -> None:
        super().__init__(folder / self.name, _fields(about), about.metadata)
        self._rows: list[Detection] = []

    def detections(self, rows: Sequence[Detection]) -> None:
        """Append rows; a full row group goes to the disk."""
        self._rows += rows
        if len(self._rows) >= ROW_GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_batch(_batch(self._rows, self._schema))
            self._rows.clear()


def arrow(parts: Iterable[Sequence[Detection]], about: About) -> pyarrow.Table:
    """Return detections as a table in memory, as `ParquetTable` has them on the disk."""
    import pyarrow

    schema = pyarrow.schema(list(_fields(about).items()), metadata=dict(about.metadata))
    return pyarrow.Table.from_batches([_batch(part, schema) for part in parts], schema)


def _batch(rows: Iterable[Detection], schema: pyarrow.Schema) -> pyarrow.RecordBatch:
    import pyarrow

    told = [row._asdict() | {"file": escaped(row.file)} for row in rows]
    return pyarrow.RecordBatch.from_pylist(told, schema=schema)


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
    return fields | {field: types[field] for field in _more(about)}


def _more(about: About) -> Iterator[str]:
    """Yield the fields that tell rows apart, where there is more than one of their kind."""
    if about.has_channels:
        yield "channel"
    if about.has_several:
        yield "model"
    if about.has_spaces:
        yield "label_space"


def read_csv(path: Path) -> list[Detection]:
    """Read a table that `CsvTable` wrote.

    Raises
    ------
    ConfigError
        The file cannot be read, or is no such table.
    """
    try:
        rows = files.read_csv(path, ConfigError)
        header = tuple(next(rows, ()))
        more = [field for field, title in MORE.items() if title in header]
        if header != (*CsvTable.header, *(MORE[field] for field in more)):
            raise ConfigError(f"{path}: not a table of detections")
        return [_detection(more, *row) for row in rows]
    except (ValueError, TypeError, csv.Error) as error:
        raise ConfigError(f"{path}: damaged ({error})") from error


def _detection(more: Sequence[str], *values: str) -> Detection:
    start, end, scientific, common, confidence, file, *rest = values
    told: dict[str, Any] = dict(zip(more, rest, strict=True))
    if "channel" in told:
        told["channel"] = int(told["channel"])
    return Detection(float(start), float(end), scientific, common, float(confidence), file, **told)


def _seconds(value: float) -> str:
    """Write seconds to the microsecond, with one decimal at least: 3.0, 0.96."""
    text = f"{value:.6f}".rstrip("0")
    return text + "0" if text.endswith(".") else text
