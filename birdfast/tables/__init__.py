"""Tables of a run: written in streams, and under their names only when all are whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from .. import atomicfile
from ..errors import ConfigError, OutputError
from ..outcomes import Failure
from . import kinds as every
from . import tokens
from .detections import CsvTable, read_csv
from .earlier import check_files, check_forms, check_strangers, files_there, forget, places, those_there, tidy
from .failures import FailuresTable, NotesTable
from .files import escaped
from .kinds import (
    ALIASES,
    COMBINED,
    DENSE,
    DETECTIONS,
    KINDS,
    OF_FILES,
    SUBMISSION,
    WIDE,
    Ways,
    check,
    kept_for,
)
from .parquet import arrow
from .placed import is_aside
from .table import About, AboutModel, Anew, Names, Result, Table
from .tokens import TokensNpy, TokensParquet

__all__ = [
    "ALIASES",
    "COMBINED",
    "DENSE",
    "DETECTIONS",
    "KINDS",
    "OF_FILES",
    "SUBMISSION",
    "WIDE",
    "About",
    "AboutModel",
    "Anew",
    "CsvTable",
    "FailuresTable",
    "Names",
    "NotesTable",
    "Result",
    "Table",
    "TokensNpy",
    "TokensParquet",
    "arrow",
    "check",
    "check_files",
    "check_forms",
    "check_places",
    "check_strangers",
    "escaped",
    "forget",
    "is_aside",
    "kept_for",
    "places",
    "read_csv",
    "tidy",
    "tokens",
    "write_all",
    "write_failures",
]


def check_places(folder: Path, kinds: Iterable[str], about: About) -> None:
    """Refuse a folder where a table could not get its name, before anything is computed.

    Raises
    ------
    ConfigError
        The folder takes no file, or a table's name is a folder's.
    """
    for name in every.members(kinds, about):
        atomicfile.check(folder / name)


def write_all(
    folder: Path,
    kinds: Iterable[str],
    about: About,
    results: Iterable[Result],
    *,
    header: Sequence[str] = (),
    csv_safe: bool = False,
    base: str | None = None,
) -> list[Path]:
    """Write all tables of a run, and return where they are; none gets its name before all are whole.

    Tables of other kinds that are there already are written, too, so that all in a folder say the same; one
    whose rows the run did not keep is removed, and that is said. A submission of before stays.

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
    base : str or None
        Write a table for each file, of the kinds that can be so (`kinds.OF_FILES`), and this is the folder
        that recordings are seen from; their tables' places are as theirs. They are returned as one glob a
        kind.

    Raises
    ------
    OutputError
        A table cannot be begun: since `check_places` the folder has gone.
    OSError
        The disk is full, or the folder goes now.
    """
    wanted = dict.fromkeys(kinds)
    bases = {} if base is None else {kind: base for kind in wanted if kind in OF_FILES}
    for kind in bases:
        del wanted[kind]
    kept = {*DETECTIONS, *(kind for kind in KINDS if {*kept_for([kind])} & {*about.models[0].widths})}
    kept.discard(SUBMISSION)
    written = those_there(folder, tuple(wanted), about, kept)
    bases = files_there(folder, bases, about, kept)
    ways = Ways(header, csv_safe)
    with ExitStack() as stack:
        with _too_late():
            makers = [*every.members(written, about, ways).values(), *every.of_files(bases, about, ways)]
            tables = [stack.enter_context(made(folder)) for made in makers]
        for result in results:
            _write(tables, result)
        for table in tables:
            table.finish()
    for table in tables:
        if not table.is_wanted:
            table.path.unlink()
    return [table.path for table in tables if table.is_wanted]


def write_failures(
    folder: Path, about: About, failures: Iterable[Failure], *, csv_safe: bool = False
) -> None:
    """Write the table of failures alone, of a run that stops at them; all else as `write_all`."""
    with _too_late():
        table = FailuresTable(folder, about, csv_safe=csv_safe)
    with table:
        for failure in failures:
            table.write(failure)


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
