"""Tables of a run: written in streams, and under their names only when all are whole."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import product
from pathlib import Path

from .. import atomicfile
from ..config import Dense
from ..errors import ConfigError, OutputError
from ..outcomes import Failure
from . import dense, tokens
from .dense import DenseTable
from .detections import CsvTable, ParquetTable, arrow, read_csv
from .failures import FailuresTable, NotesTable
from .files import escaped
from .submission import KIND as SUBMISSION
from .submission import ROW_ID, SubmissionTable
from .table import About, AboutModel, Anew, Names, Result, Table
from .tokens import TokensNpy, TokensParquet

__all__ = [
    "DENSE",
    "KINDS",
    "SUBMISSION",
    "About",
    "AboutModel",
    "Anew",
    "FailuresTable",
    "Names",
    "NotesTable",
    "Result",
    "Table",
    "TokensNpy",
    "TokensParquet",
    "arrow",
    "check",
    "check_places",
    "check_strangers",
    "escaped",
    "forget",
    "read_csv",
    "tidy",
    "tokens",
    "write_all",
    "write_failures",
]

DETECTIONS: dict[str, type[CsvTable] | type[ParquetTable]] = {"csv": CsvTable, "parquet": ParquetTable}
ALWAYS: tuple[type[FailuresTable], type[NotesTable]] = (FailuresTable, NotesTable)
DENSE: tuple[Dense, ...] = tuple(dense.COLUMNS)
KINDS = (*DETECTIONS, *DENSE, SUBMISSION)


def check(kind: str) -> None:
    """Refuse a kind of table that there is not.

    Raises
    ------
    ConfigError
        No such kind.
    """
    if kind not in KINDS:
        raise ConfigError(f"{kind!r} is no kind of table; there are {', '.join(KINDS)}")


def check_places(folder: Path, kinds: Iterable[str], about: About) -> None:
    """Refuse a folder where a table could not get its name, before anything is computed.

    Raises
    ------
    ConfigError
        The folder takes no file, or a table's name is a folder's.
    """
    for name in _members(kinds, about):
        atomicfile.check(folder / name)


def check_strangers(folder: Path, about: About) -> None:
    """Refuse a folder with files of any table's name, where nothing tells that they are ours.

    Raises
    ------
    ConfigError
        There is one: BirdNET-Analyzer's detections.csv, too, has this name, and the same header.
    """
    for name in _members(KINDS, about):
        if (folder / name).is_file():
            raise ConfigError(
                f"{folder / name}: nothing here tells that birdfast wrote it;"
                " move it away, choose another folder, or give it up with --force"
            )


def tidy(folder: Path, about: About) -> None:
    """Remove what a run that was killed while it wrote tables has left; the folder must be ours."""
    for name in _members(KINDS, about):
        for part in folder.glob(f".{glob.escape(name)}.*.part"):
            part.unlink(missing_ok=True)


def forget(folder: Path, about: About) -> None:
    """Remove the tables of a run that is begun anew; the folder must be ours."""
    for name in _members(KINDS, about):
        path = folder / name
        if path.parent == folder and not path.is_dir():  # a model's name is a stranger's word
            path.unlink(missing_ok=True)


def write_all(
    folder: Path,
    kinds: Iterable[str],
    about: About,
    results: Iterable[Result],
    *,
    header: Sequence[str] = (),
    csv_safe: bool = False,
) -> list[Path]:
    """Write all tables of a run, and return where they are; none gets its name before all are whole.

    Tables of other kinds that are there already are written, too, so that all in a folder say the same; one
    whose rows the run did not keep is removed, and so is a submission of before.

    Parameters
    ----------
    folder : path
    kinds : iterable of str
    about : About
    results : iterable of Result
    header : sequence of str
        The columns of the table for a competition, where it is wanted.
    csv_safe : bool
        Put an apostrophe before text in CSVs that a spreadsheet would run.

    Raises
    ------
    OutputError
        A table cannot be begun: since `check_places` the folder has gone.
    OSError
        The disk is full, or the folder goes now.
    """
    kinds = _with_those_there(folder, kinds, about)
    with ExitStack() as stack:
        with _too_late():
            members = _members(kinds, about, header, csv_safe=csv_safe).values()
            tables = [stack.enter_context(made(folder)) for made in members]
        for result in results:
            _write(tables, result)
        for table in tables:
            table.finish()
    for table in tables:
        if not table.is_wanted:
            table.path.unlink()
    return [table.path for table in tables if table.is_wanted]


def _with_those_there(folder: Path, kinds: Iterable[str], about: About) -> tuple[str, ...]:
    """Return the kinds of tables to write: those that are wanted, and others that lie in the folder."""
    wanted = tuple(kinds)
    kept = {*DETECTIONS, *about.models[0].widths}
    for kind in KINDS:
        there = [folder / name for name in _members([kind], about).keys() - _members([], about).keys()]
        if kind not in wanted and any(path.is_file() for path in there):
            wanted += (kind,) * (kind in kept)
            for path in there if kind not in kept else ():
                path.unlink(missing_ok=True)
    return wanted


def write_failures(
    folder: Path, about: About, failures: Iterable[Failure], *, csv_safe: bool = False
) -> None:
    """Write the table of failures alone, of a run that stops at them; all else as `write_all`."""
    with _too_late():
        table = FailuresTable(folder, about, csv_safe=csv_safe)
    with table:
        for failure in failures:
            table.write(failure)


def _members(
    kinds: Iterable[str], about: About, header: Sequence[str] = (), *, csv_safe: bool = False
) -> dict[str, Callable[[Path], Table]]:
    """Return what makes a run's tables, by the names of their files."""
    chosen = tuple(kinds)
    made: dict[str, Callable[[Path], Table]] = {}
    for kind in chosen:
        if kind in DETECTIONS:
            made[DETECTIONS[kind].name] = partial(DETECTIONS[kind], about=about)
    if CsvTable.name in made:
        made[CsvTable.name] = partial(CsvTable, about=about, csv_safe=csv_safe)
    for column, model in product(DENSE, range(len(about.models))):
        if column in chosen:
            made[dense.name(column, about, model)] = partial(
                DenseTable, kind=column, about=about, model=model
            )
    if SUBMISSION in chosen:
        made[SubmissionTable.name] = partial(
            SubmissionTable, about=about, header=header or (ROW_ID,), csv_safe=csv_safe
        )
    return made | {table.name: partial(table, about=about, csv_safe=csv_safe) for table in ALWAYS}


def _write(tables: Sequence[Table], result: Result) -> None:
    """Tell the tables of one file."""
    for table in tables:
        table.begin(result)
    for detections in result.parts:
        for table in tables:
            table.detections(detections)
    for whose, chunks in result.dense.items():
        takers = [table for table in tables if table.takes == whose]
        for rows in chunks if takers else ():
            for table in takers:
                table.dense(rows)
    for table in tables:
        table.end()


@contextmanager
def _too_late() -> Iterator[None]:
    """Blame the disk for a table that cannot be begun when all is computed: `check_places` was content."""
    try:
        yield
    except ConfigError as error:
        raise OutputError(str(error)) from error
