"""Kinds: which tables there are, what makes them, and what a run has to keep for them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import NamedTuple

from ..config import Dense
from ..errors import ConfigError
from . import dense, submission, wide
from .analyzer import Kaleidoscope2Table, KaleidoscopeTable, RTable
from .audacity import AudacityTable
from .birdnet import BirdnetTable
from .dense import DenseTable
from .detections import CombinedTable, CsvTable
from .failures import FailuresTable, NotesTable
from .ndjson import NdjsonTable
from .parquet import ParquetTable
from .perfile import PerFile
from .raven import Raven3Table, RavenTable
from .sqlite import SqliteTable
from .submission import ROW_ID, SubmissionTable
from .table import About, Table
from .wide import WideTable

Made = Callable[[Path], Table]

COMBINED = "combined"
# Each has a `name` in a run's folder, and `of_file`, which comes behind the stem of a file's own.
DETECTIONS: dict[str, type[Table]] = {
    "csv": CsvTable,
    COMBINED: CombinedTable,
    "parquet": ParquetTable,
    "raven": RavenTable,
    "raven3": Raven3Table,
    "audacity": AudacityTable,
    "kaleidoscope": KaleidoscopeTable,
    "kaleidoscope2": Kaleidoscope2Table,
    "r": RTable,
    "birdnet": BirdnetTable,
    "ndjson": NdjsonTable,
    "sqlite": SqliteTable,
}
WIDE, SUBMISSION = wide.KIND, submission.KIND
ALWAYS: tuple[type[FailuresTable], type[NotesTable]] = (FailuresTable, NotesTable)
DENSE: tuple[Dense, ...] = tuple(dense.COLUMNS)
KINDS = (*DETECTIONS, WIDE, *DENSE, SUBMISSION)
OF_FILES = (
    *(kind for kind in DETECTIONS if kind != COMBINED),
    WIDE,
)  # of which there may be one for each file
FROM_SCORES = (WIDE, SUBMISSION)
ALIASES = {"table": "raven"}  # as BirdNET-Analyzer calls it


class Ways(NamedTuple):
    """What tables are told of how they are written.

    Attributes
    ----------
    header : sequence of str
        The columns of the table for a competition, where it is wanted.
    csv_safe : bool
        Put an apostrophe before text in CSVs that a spreadsheet would run.
    """

    header: Sequence[str] = ()
    csv_safe: bool = False


AS_USUAL = Ways()


def check(kind: str) -> None:
    """Refuse a kind of table that there is not.

    Raises
    ------
    ConfigError
        No such kind.
    """
    if kind not in KINDS:
        raise ConfigError(f"{kind!r} is no kind of table; there are {', '.join(KINDS)}")


def kept_for(kinds: Iterable[str]) -> tuple[Dense, ...]:
    """Return which dense rows a run has to keep for its tables."""
    wanted = {*kinds}
    return tuple(one for one in DENSE if one in wanted or (one == "scores" and wanted & {*FROM_SCORES}))


def members(kinds: Iterable[str], about: About, ways: Ways = AS_USUAL) -> dict[str, Made]:
    """Return what makes a run's tables, by the names of their files."""
    chosen, safe = {*kinds}, ways.csv_safe
    made: dict[str, Made] = {
        table.name: partial(table, about=about, csv_safe=safe)
        for kind, table in DETECTIONS.items()
        if kind in chosen
    }
    for model in range(len(about.models)):
        if WIDE in chosen:
            made[wide.name(about, model)] = partial(WideTable, about=about, model=model, csv_safe=safe)
    for column, model in product(DENSE, range(len(about.models))):
        if column in chosen:
            name = dense.name(column, about, model)
            made[name] = partial(DenseTable, kind=column, about=about, model=model)
    if SUBMISSION in chosen:
        header = ways.header or (ROW_ID,)
        made[SubmissionTable.name] = partial(SubmissionTable, about=about, header=header, csv_safe=safe)
    return made | {table.name: partial(table, about=about, csv_safe=safe) for table in ALWAYS}


def of_files(bases: Mapping[str, str], about: About, ways: Ways = AS_USUAL) -> list[Made]:
    """Return what makes tables for each file, of kinds with the folders that recordings are seen from."""
    made: list[Made] = []
    for kind, base in bases.items():
        for label, (makes, suffix, takes) in _labelled(kind, about, ways).items():
            made.append(partial(PerFile, kind=label, makes=makes, suffix=suffix, base=base, takes=takes))
    return made


def suffixes(kinds: Iterable[str], about: About) -> dict[str, str]:
    """Return what comes behind the stems of files' tables, by what their lists are called by."""
    return {
        label: suffix for kind in kinds for label, (_, suffix, _) in _labelled(kind, about, AS_USUAL).items()
    }


def ending(label: str) -> str:
    """Return what the name of every file's table ends with, by what their list is called by.

    Of any model: one of several has its name before it.
    """
    return DETECTIONS[label].of_file if label in DETECTIONS else WideTable.of_file


def _labelled(
    kind: str, about: About, ways: Ways
) -> dict[str, tuple[Callable[..., Table], str, tuple[int, str] | None]]:
    if kind in DETECTIONS:
        table = DETECTIONS[kind]
        return {kind: (partial(table, about=about, csv_safe=ways.csv_safe), table.of_file, None)}
    found: dict[str, tuple[Callable[..., Table], str, tuple[int, str] | None]] = {}
    for number, model in enumerate(about.models):
        makes = partial(WideTable, about=about, model=number, csv_safe=ways.csv_safe)
        apart = f".{model.name.replace(os.sep, '_')}" if about.has_several else ""
        label = f"{kind}-{number}" if about.has_several else kind
        found[label] = (makes, f"{apart}{WideTable.of_file}", (number, "scores"))
    return found
