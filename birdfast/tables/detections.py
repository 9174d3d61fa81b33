"""Tables of detections: a row for each species that is heard in a window."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ..errors import ConfigError
from ..outcomes import Detection
from .files import CsvFile, ParquetFile, escaped
from .table import About, Table

if TYPE_CHECKING:
    import pyarrow

ROW_GROUP_ROWS = 1 << 16


class CsvTable(CsvFile, Table):
    """BirdNET's CSV: seconds and names, confidence with four decimals; the model where there are several."""

    name: ClassVar = "detections.csv"
    header: ClassVar = ("Start (s)", "End (s)", "Scientific name", "Common name", "Confidence", "File")

    def __init__(self, folder: Path, about: About) -> None:
        self._has_models = about.has_several
        super().__init__(folder / self.name, (*self.header, "Model") if self._has_models else self.header)

    def detections(self, rows: Sequence[Detection]) -> None:
        """Append rows."""
        for row in rows:
            seconds = (_seconds(row.start_s), _seconds(row.end_s))
            names = (row.scientific_name, row.common_name)
            whose = (row.model,) if self._has_models else ()
            self._csv.writerow((*seconds, *names, f"{row.confidence:.4f}", row.file, *whose))


class ParquetTable(ParquetFile, Table):
    """The same columns with their full precision, and how they came to be as metadata."""

    name: ClassVar = "detections.parquet"

    def __init__(self, folder: Path, about: About) -> None:
        import pyarrow

        super().__init__(folder / self.name, _fields(about), about.metadata)
        self._record_batch = pyarrow.RecordBatch
        self._rows: list[Detection] = []

    def detections(self, rows: Sequence[Detection]) -> None:
        """Append rows; a full row group goes to the disk."""
        self._rows += (row._replace(file=escaped(row.file)) for row in rows)
        if len(self._rows) >= ROW_GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            rows = [row._asdict() for row in self._rows]
            self._writer.write_batch(self._record_batch.from_pylist(rows, schema=self._schema))
            self._rows.clear()


def arrow(parts: Iterable[Sequence[Detection]], about: About) -> pyarrow.Table:
    """Return detections as a table in memory, as `ParquetTable` has them on the disk."""
    import pyarrow

    schema = pyarrow.schema(list(_fields(about).items()), metadata=dict(about.metadata))
    batches = [
        pyarrow.RecordBatch.from_pylist([row._asdict() | {"file": escaped(row.file)} for row in part], schema)
        for part in parts
    ]
    return pyarrow.Table.from_batches(batches, schema)


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
    return fields | {"model": name} if about.has_several else fields


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
            if tuple(next(rows, ())) not in (CsvTable.header, (*CsvTable.header, "Model")):
                raise ConfigError(f"{path}: not a table of detections")
            return [_detection(*row) for row in rows]
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, TypeError, csv.Error) as error:
        raise ConfigError(f"{path}: damaged ({error})") from error


def _detection(
    start: str, end: str, scientific: str, common: str, confidence: str, file: str, model: str = ""
) -> Detection:
    return Detection(float(start), float(end), scientific, common, float(confidence), file, model)


def _seconds(value: float) -> str:
    """Write seconds to the microsecond, with one decimal at least: 3.0, 0.96."""
    text = f"{value:.6f}".rstrip("0")
    return text + "0" if text.endswith(".") else text
