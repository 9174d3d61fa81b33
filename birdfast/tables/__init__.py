"""Tables of a run: written in streams, and under their names only when all are whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .. import atomicfile
from ..errors import ConfigError, OutputError
from ..outcomes import Failure
from .dense import COLUMNS, DenseTable
from .detections import CsvTable, ParquetTable, read_csv
from .failures import FailuresTable, NotesTable
from .files import escaped
from .table import About, Result, Table
from .tokens import TokensNpy, TokensParquet

__all__ = [
    "DENSE",
    "FORMATS",
    "About",
    "FailuresTable",
    "Result",
    "TokensNpy",
    "TokensParquet",
    "check",
    "check_places",
    "escaped",
    "open_table",
    "read_csv",
    "tidy",
    "write_all",
    "write_failures",
]

FAILURES, NOTES = "failures.csv", "notes.csv"
FORMATS: dict[str, type[CsvTable] | type[ParquetTable]] = {"csv": CsvTable, "parquet": ParquetTable}
DENSE = tuple(COLUMNS)
TABLES = {kind: table.name for kind, table in FORMATS.items()} | {kind: f"{kind}.parquet" for kind in DENSE}


def check(kind: str) -> None:
    """Refuse a kind of table that there is not.

    Raises
    ------
    ConfigError
        No such kind.
    """
    if kind not in TABLES:
        raise ConfigError(f"rtype: {kind!r} is no kind of table; it takes {', '.join(TABLES)}")


def open_table(folder: Path, kind: str, metadata: Mapping[str, str]) -> Table:
    """Start the table of detections of one kind in `folder`."""
    return FORMATS[kind](folder, metadata)


def check_places(folder: Path, kinds: Iterable[str]) -> None:
    """Refuse a folder where a table could not get its name, before anything is computed.

    Raises
    ------
    ConfigError
        The folder takes no file, or a table's name is a folder's.
    """
    for name in (FAILURES, NOTES, *(TABLES[kind] for kind in kinds)):
        atomicfile.check(folder / name)


def tidy(folder: Path) -> None:
    """Remove what a run that was killed while it wrote tables has left; the folder must be ours."""
    for name in (FAILURES, NOTES, *TABLES.values()):
        for part in folder.glob(f".{name}.*.part"):
            part.unlink(missing_ok=True)


def write_all(folder: Path, kinds: Sequence[str], about: About, results: Iterable[Result]) -> list[Path]:
    """Write all tables of a run, and return where they are; none gets its name before all are whole.

    Raises
    ------
    OutputError
        A table cannot be begun: since `check_places` the folder has gone.
    OSError
        The disk is full, or the folder goes now.
    """
    n_notes = 0
    with ExitStack() as stack:
        enter = stack.enter_context
        with _too_late():
            written = [enter(open_table(folder, kind, about.metadata)) for kind in kinds if kind in FORMATS]
            dense = {kind: enter(DenseTable(folder, kind, about)) for kind in DENSE if kind in kinds}
            failures = enter(FailuresTable(folder / FAILURES))
            notes = enter(NotesTable(folder / NOTES))
        for result in results:
            for detections in result.parts:
                for table in written:
                    table.write(detections)
            for kind, dense_table in dense.items():
                for rows in result.dense[kind]:
                    dense_table.write(result.path, rows)
            if result.failure is not None:
                failures.write(result.failure)
            notes.write(result.path, result.notes)
            n_notes += len(result.notes)
        files = [*written, *dense.values(), failures, notes]
        for file in files:
            file.finish()
    if not n_notes:
        notes.path.unlink()
        files.remove(notes)
    return [file.path for file in files]


def write_failures(folder: Path, failures: Iterable[Failure]) -> None:
    """Write the table of failures alone, of a run that stops at them; errors as `write_all`."""
    with _too_late():
        table = FailuresTable(folder / FAILURES)
    with table:
        for failure in failures:
            table.write(failure)


@contextmanager
def _too_late() -> Iterator[None]:
    """Blame the disk for a table that cannot be begun when all is computed: `check_places` was content."""
    try:
        yield
    except ConfigError as error:
        raise OutputError(str(error)) from error
