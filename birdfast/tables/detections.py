"""Tables of detections: a row for each species that is heard in a window."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar

from ..errors import ConfigError
from ..outcomes import Detection
from .files import CsvFile, ParquetFile, escaped
from .table import Table

ROW_GROUP_ROWS = 1 << 16


class CsvTable(CsvFile, Table):
    """BirdNET's CSV: seconds and names, confidence with four decimals."""

    name: ClassVar = "detections.csv"
    header: ClassVar = ("Start (s)", "End (s)", "Scientific name", "Common name", "Confidence", "File")

    def __init__(self, folder: Path, metadata: Mapping[str, str]) -> None:
        super().__init__(folder / self.name, self.header)

    def write(self, rows: Iterable[Detection]) -> None:
        """Append rows."""
        self._csv.writerows(
            (_seconds(row.start_s), _seconds(row.end_s), *row[2:4], f"{row.confidence:.4f}", row.file)
            for row in rows
        )


class ParquetTable(ParquetFile, Table):
    """The same columns with their full precision, and how they came to be as metadata."""

    name: ClassVar = "detections.parquet"

    def __init__(self, folder: Path, metadata: Mapping[str, str]) -> None:
        import pyarrow

        name = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
        types = (pyarrow.float64(), pyarrow.float64(), name, name, pyarrow.float32(), name)
        super().__init__(folder / self.name, dict(zip(Detection._fields, types, strict=True)), metadata)
        self._record_batch = pyarrow.RecordBatch
        self._rows: list[Detection] = []

    def write(self, rows: Iterable[Detection]) -> None:
        """Append rows; a full row group goes to the disk."""
        self._rows += (row._replace(file=escaped(row.file)) for row in rows)
        if len(self._rows) >= ROW_GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            rows = [row._asdict() for row in self._rows]
            self._writer.write_batch(self._record_batch.from_pylist(rows, schema=self._schema))
            self._rows.clear()


def read_csv(path: Path) -> list[Detection]:
    """Read a table that `CsvTable` wrote.

    Raises
    ------
    ConfigError
        The file cannot be read, or is no such table.
    """
    try:
        with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            rows = csv.reader(file)
            if tuple(next(rows, ())) != CsvTable.header:
                raise ConfigError(f"{path}: not a table of detections")
            return [_detection(*row) for row in rows]
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, TypeError, csv.Error) as error:
        raise ConfigError(f"{path}: damaged ({error})") from error


def _detection(start: str, end: str, scientific: str, common: str, confidence: str, file: str) -> Detection:
    return Detection(float(start), float(end), scientific, common, float(confidence), file)


def _seconds(value: float) -> str:
    """Write seconds to the microsecond, with one decimal at least: 3.0, 0.96."""
    text = f"{value:.6f}".rstrip("0")
    return text + "0" if text.endswith(".") else text
