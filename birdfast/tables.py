"""Tables of detections and of failures: written in streams, and under their names only when whole."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, ClassVar, NamedTuple

from .atomicfile import AtomicFile
from .errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ROW_GROUP_ROWS = 1 << 16
FAILURES, NOTES = "failures.csv", "notes.csv"


class Detection(NamedTuple):
    """One species in one window of one file."""

    start_s: float
    end_s: float
    scientific_name: str
    common_name: str
    confidence: float
    file: str


class Failure(NamedTuple):
    """One file that could not be analysed to its end: at which stage, and why.

    `error` is the kind (AudioError, ModelError, Timeout, or a signal as SIGKILL), `message` the reason
    in words. `bytes`, `rate_hz` and `duration_s` are what is known of the file.
    """

    path: str
    stage: str
    error: str
    message: str
    bytes: int | None = None
    rate_hz: int | None = None
    duration_s: float | None = None


class Result(NamedTuple):
    """What the tables say of one file; the detections come in parts that fit the memory."""

    path: str
    parts: Iterable[list[Detection]]
    failure: Failure | None
    notes: Sequence[str]


class _UnixLines:
    """A text stream whose CSV rows end with a line feed, whatever a file's name holds.

    Python's writer quotes those line breaks alone that are part of its own line terminator; so it
    gets both, and its terminator is exchanged here.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, row: str) -> None:
        self._stream.write(row.removesuffix("\r\n") + "\n")


class Table(AtomicFile):
    """A table of detections that is being written."""

    suffix: ClassVar[str]

    def __init__(self, path: Path, metadata: Mapping[str, str], **how: Any) -> None:
        super().__init__(path, **how)

    def write(self, rows: Iterable[Detection]) -> None:
        """Append rows."""
        raise NotImplementedError


class CsvTable(Table):
    """BirdNET's CSV: seconds and names, confidence with four decimals."""

    suffix = ".csv"
    header: ClassVar = ("Start (s)", "End (s)", "Scientific name", "Common name", "Confidence", "File")

    def __init__(self, path: Path, metadata: Mapping[str, str]) -> None:
        super().__init__(path, metadata, mode="w", newline="", encoding="utf-8", errors="surrogateescape")
        self._csv = csv.writer(_UnixLines(self.stream))
        self._csv.writerow(self.header)

    def write(self, rows: Iterable[Detection]) -> None:
        """Append rows."""
        self._csv.writerows(
            (_seconds(row.start_s), _seconds(row.end_s), *row[2:4], f"{row.confidence:.4f}", row.file)
            for row in rows
        )


class ParquetTable(Table):
    """The same columns with their full precision, and how they came to be as metadata."""

    suffix = ".parquet"

    def __init__(self, path: Path, metadata: Mapping[str, str]) -> None:
        import pyarrow
        import pyarrow.parquet

        name = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
        types = (pyarrow.float64(), pyarrow.float64(), name, name, pyarrow.float32(), name)
        fields = list(zip(Detection._fields, types, strict=True))
        self._schema = pyarrow.schema(fields, metadata=dict(metadata))
        self._record_batch = pyarrow.RecordBatch
        super().__init__(path, metadata, mode="wb")
        self._writer = pyarrow.parquet.ParquetWriter(self.stream, self._schema, compression="zstd")
        self._rows: list[Detection] = []

    def write(self, rows: Iterable[Detection]) -> None:
        """Append rows; a full row group goes to the disk."""
        self._rows += (row._replace(file=escaped(row.file)) for row in rows)
        if len(self._rows) >= ROW_GROUP_ROWS:
            self._flush()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._flush()
            self._writer.close()
        except BaseException as failed:
            super().__exit__(type(failed), failed, failed.__traceback__)
            raise
        super().__exit__(kind, error, trace)

    def _flush(self) -> None:
        if self._rows:
            rows = [row._asdict() for row in self._rows]
            self._writer.write_batch(self._record_batch.from_pylist(rows, schema=self._schema))
            self._rows.clear()


class FailuresTable(AtomicFile):
    """What could not be analysed: the fields of `Failure`. Written always, so an empty one says: none."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, mode="w", newline="", encoding="utf-8", errors="surrogateescape")
        self._csv = csv.writer(_UnixLines(self.stream))
        self._csv.writerow(Failure._fields)

    def write(self, failure: Failure) -> None:
        """Append one row."""
        self._csv.writerow(failure)


class NotesTable(AtomicFile):
    """What was repaired to read a file: path, note."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, mode="w", newline="", encoding="utf-8", errors="surrogateescape")
        self._csv = csv.writer(_UnixLines(self.stream))
        self._csv.writerow(("path", "note"))

    def write(self, path: str, notes: Sequence[str]) -> None:
        """Append a row for each note."""
        self._csv.writerows((path, note) for note in notes)


class TokensParquet(AtomicFile):
    """Token sequences, a row a recording: file, frame_s (from token to token), tokens."""

    def __init__(self, folder: Path, frame_s: float) -> None:
        import pyarrow
        import pyarrow.parquet

        tokens = pyarrow.list_(pyarrow.int32())
        fields = [("file", pyarrow.string()), ("frame_s", pyarrow.float64()), ("tokens", tokens)]
        self._schema, self._frame_s = pyarrow.schema(fields), frame_s
        self._record_batch = pyarrow.RecordBatch
        super().__init__(folder / "tokens.parquet", mode="wb")
        self._writer = pyarrow.parquet.ParquetWriter(self.stream, self._schema, compression="zstd")

    def write(self, path: str, tokens: NDArray[np.int32]) -> None:
        """Append a recording's tokens: int32 [n]."""
        row = {"file": [escaped(path)], "frame_s": [self._frame_s], "tokens": [tokens]}
        self._writer.write_batch(self._record_batch.from_pydict(row, schema=self._schema))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._writer.close()
        finally:
            super().__exit__(kind, error, trace)


class TokensNpy(AtomicFile):
    """Token sequences as .npy files named by number, and tokens.csv, which tells whose each is."""

    def __init__(self, folder: Path, frame_s: float) -> None:
        super().__init__(
            folder / "tokens.csv", mode="w", newline="", encoding="utf-8", errors="surrogateescape"
        )
        self._folder, self._frame_s, self._number = folder, frame_s, 0
        self._csv = csv.writer(_UnixLines(self.stream))
        self._csv.writerow(("tokens", "frame_s", "file"))

    def write(self, path: str, tokens: NDArray[np.int32]) -> None:
        """Write a recording's tokens: int32 [n]."""
        import numpy

        name = f"{self._number:06d}.npy"
        self._number += 1
        with AtomicFile(self._folder / name, mode="wb") as file:
            numpy.save(file.stream, tokens, allow_pickle=False)
        self._csv.writerow((name, f"{self._frame_s:g}", path))


FORMATS: dict[str, type[Table]] = {"csv": CsvTable, "parquet": ParquetTable}


def check(kind: str) -> None:
    """Refuse a kind of table that there is not.

    Raises
    ------
    ConfigError
        No such kind.
    """
    if kind not in FORMATS:
        raise ConfigError(f"rtype: {kind!r} is no kind of table; it takes {', '.join(FORMATS)}")


def open_table(folder: Path, kind: str, metadata: Mapping[str, str]) -> Table:
    """Start the table of detections of one kind in `folder`."""
    table = FORMATS[kind]
    return table(folder / f"detections{table.suffix}", metadata)


def check_places(folder: Path, kinds: Iterable[str]) -> None:
    """Refuse a folder where a table could not get its name, before anything is computed.

    Raises
    ------
    ConfigError
        The folder takes no file, or a table's name is a folder's.
    """
    for name in (FAILURES, NOTES, *(f"detections{FORMATS[kind].suffix}" for kind in kinds)):
        file = AtomicFile(folder / name, mode="wb")
        with file.stream:
            file._part.unlink()


def tidy(folder: Path) -> None:
    """Remove what a run that was killed while it wrote tables has left; the folder must be ours."""
    for name in (FAILURES, NOTES, *(f"detections{table.suffix}" for table in FORMATS.values())):
        for part in folder.glob(f".{name}.*.part"):
            part.unlink(missing_ok=True)


def write_all(
    folder: Path, kinds: Iterable[str], metadata: Mapping[str, str], results: Iterable[Result]
) -> list[Path]:
    """Write all tables of a run, and return where they are; none gets its name before all are whole.

    Raises
    ------
    ConfigError
        As `check_places`.
    OSError
        The disk is full, or the folder has gone.
    """
    n_notes = 0
    with ExitStack() as stack:
        written = [stack.enter_context(open_table(folder, kind, metadata)) for kind in kinds]
        failures = stack.enter_context(FailuresTable(folder / FAILURES))
        notes = stack.enter_context(NotesTable(folder / NOTES))
        for result in results:
            for rows in result.parts:
                for table in written:
                    table.write(rows)
            if result.failure is not None:
                failures.write(result.failure)
            notes.write(result.path, result.notes)
            n_notes += len(result.notes)
    if not n_notes:
        notes.path.unlink()
    return [file.path for file in (*written, failures, *([notes] if n_notes else []))]


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


def escaped(name: str) -> str:
    """Return a file name as text that everything can hold, bytes that are no UTF-8 as escapes: a\\xff.wav."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
