"""Files that have their names only when they are whole, as CSV and as Parquet."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

from .. import sources
from ..atomicfile import AtomicFile
from ..sources import Fault

if TYPE_CHECKING:
    import pyarrow


# What begins with one of these signs is a formula to a spreadsheet (OWASP: CSV injection). Apostrophes before
# one are counted in: so one that was put there can be told from those that a name has.
RUN = re.compile("'*[-=+@\t\r]")


class CsvFile(AtomicFile):
    """Rows as UTF-8 text under a header; file names that are no text keep their bytes.

    Parameters
    ----------
    path : path
    header : sequence of str
    csv_safe : bool
        Put an apostrophe before text that a spreadsheet would run, and say so by a header in quotes.
    """

    def __init__(self, path: Path, header: Sequence[object], *, csv_safe: bool = False) -> None:
        super().__init__(path, mode="w", newline="", encoding="utf-8", errors="surrogateescape")
        lines = _UnixLines(self.stream)
        self._csv, self._is_safe = csv.writer(lines), csv_safe
        csv.writer(lines, quoting=csv.QUOTE_ALL if csv_safe else csv.QUOTE_MINIMAL).writerow(header)

    def write_row(self, values: Iterable[object]) -> None:
        """Append a row."""
        self._csv.writerow(map(harmless, values) if self._is_safe else values)


def line(values: Iterable[object]) -> str:
    """Return a row as `CsvFile` writes it, for a table that has each at once."""
    text = io.StringIO()
    csv.writer(_UnixLines(text)).writerow(values)
    return text.getvalue()


def harmless(value: object) -> object:
    """Return a value as a safe table has it: text that a spreadsheet would run behind an apostrophe."""
    return f"'{value}" if isinstance(value, str) and RUN.match(value) else value


def as_it_was(value: str) -> str:
    """Return the text that `harmless` was given, of which it made a safe table's."""
    return value[1:] if value.startswith("'") and RUN.match(value) else value


def read_csv(path: Path, fault: Fault) -> Iterator[list[str]]:
    """Yield the header and the rows of a table that `CsvFile` wrote, safe or not, as they were given to it.

    Raises
    ------
    fault
        It cannot be read.
    csv.Error, UnicodeError
        It is no CSV.
    """
    with sources.opened(path, fault) as file:
        is_safe = file.peek(1)[:1] == b'"'
        rows = csv.reader(io.TextIOWrapper(file, "utf-8", "surrogateescape", newline=""))
        yield from ([*map(as_it_was, row)] for row in rows) if is_safe else rows


class _UnixLines:
    """A text stream whose CSV rows end with a line feed, whatever a file's name holds.

    Python's writer quotes those line breaks alone that are part of its own line terminator; so it
    gets both, and its terminator is exchanged here.
    """

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, row: str) -> None:
        self._stream.write(row.removesuffix("\r\n") + "\n")


class ParquetFile(AtomicFile):
    """Row groups under a schema; a subclass writes with `_writer` and keeps what waits for `_flush`."""

    def __init__(
        self,
        path: Path,
        fields: Mapping[str, pyarrow.DataType],
        metadata: Mapping[str, str] | None = None,
        **how: Any,
    ) -> None:
        import pyarrow
        import pyarrow.parquet

        self._schema = pyarrow.schema(list(fields.items()), metadata=metadata and dict(metadata))
        super().__init__(path, mode="wb")
        self._writer = pyarrow.parquet.ParquetWriter(self.stream, self._schema, compression="zstd", **how)

    def finish(self) -> None:
        """Write the last rows and the footer."""
        self._flush()
        self._writer.close()
        super().finish()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is not None:
                self._writer.close()
        finally:
            super().__exit__(kind, error, trace)

    def _flush(self) -> None:
        """Write the rows that wait for more."""


def write_json(path: Path, told: Mapping[str, Any]) -> None:
    """Write figures and words as JSON: null for what is no finite number, names that are no UTF-8 escaped.

    Raises
    ------
    ConfigError, OSError
        The place takes no file.
    """
    with AtomicFile(path, mode="w", encoding="utf-8") as file:
        file.stream.write(json.dumps(_plain(told), indent=1) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(below) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(below) for below in value]
    if isinstance(value, str):
        return escaped(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def escaped(name: str) -> str:
    """Return a file name as text that everything can hold, bytes that are no UTF-8 as escapes: a\\xff.wav."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
