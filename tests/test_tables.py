"""Tables open in other tools, say the same in both kinds, and have their names only when whole.

Every table keeps one contract: a new one is a line in `MEMBERS`.
"""

from __future__ import annotations

import csv
import errno
import json
import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from birdfast import tables
from birdfast.arrays import Rows
from birdfast.errors import ConfigError, OutputError
from birdfast.outcomes import Detection, Failure
from birdfast.tables import files, kinds, parquet
from birdfast.tables.analyzer import Kaleidoscope2Table, KaleidoscopeTable, RTable
from birdfast.tables.audacity import AudacityTable
from birdfast.tables.birdnet import BirdnetTable
from birdfast.tables.cells import tab_cell
from birdfast.tables.columns import MORE
from birdfast.tables.dense import DenseTable
from birdfast.tables.detections import CombinedTable, CsvTable
from birdfast.tables.failures import FailuresTable, NotesTable
from birdfast.tables.ndjson import NdjsonTable
from birdfast.tables.parquet import ParquetTable
from birdfast.tables.raven import Raven3Table, RavenTable
from birdfast.tables.sqlite import SqliteTable
from birdfast.tables.submission import SubmissionTable
from birdfast.tables.table import About, AboutModel, Names, Result, Table
from birdfast.tables.wide import WideTable

from .journals import RUN, TWO, rows_of


class Member(NamedTuple):
    """A table: what makes it, its file's name, its columns, and how many rows it makes of `told`."""

    makes: Callable[..., Table]
    name: str
    columns: Sequence[str]
    n_rows: int
    more: Sequence[str] = ()  # columns where there are several models
    name_of_several: str = ""  # if it is another
    n_rows_of_several: int = 0  # if they are others


SECONDS = ("Start (s)", "End (s)", "Scientific name", "Common name", "Confidence", "File")
EXACT = ("start_s", "end_s", "scientific_name", "common_name", "confidence", "file")
FAILURE = ("path", "stage", "error", "message", "bytes", "rate_hz", "duration_s")
SCORES, EMBEDDING = ("file", "start_s", "end_s", "scores"), ("file", "start_s", "end_s", "embedding")
SUBMITTED = ("row_id", "Avis", "Engine")
RAVEN = (
    *("Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)", "High Freq (Hz)"),
    *("Common Name", "Species Code", "Confidence", "Begin Path", "File Offset (s)"),
)
RAVEN3 = (
    *("Selection", "Begin Time (s)", "End Time (s)", "Common Name", "Scientific Name", "Species Code"),
    *("Confidence", "View", "Channel", "File Offset (s)", "Low Freq (Hz)", "High Freq (Hz)", "Begin Path"),
)
KALEIDOSCOPE = ("INDIR", "FOLDER", "IN FILE", "OFFSET", "DURATION")
TOP1, NAMED = ("TOP1MATCH", "TOP1DIST"), ("scientific_name", "common_name", "confidence")
SET = ("lat", "lon", "week", "overlap", "sensitivity")
BIRDNET = ("input", "start_time", "end_time", "species_name", "confidence")
WIDE = ("file", "start_time", "end_time", "Avis_Bird", "Engine")
R = ("filepath", "start", "end", "scientific_name", "common_name", "confidence", *SET)
DENSE = {kind: partial(DenseTable, kind=kind) for kind in tables.DENSE}
MEMBERS = [
    Member(CsvTable, "detections.csv", SECONDS, 2, ("Model",)),
    Member(CombinedTable, "BirdNET_CombinedTable.csv", SECONDS, 2, ("Model",)),
    Member(ParquetTable, "detections.parquet", EXACT, 2, ("model",)),
    Member(DENSE["scores"], "scores.parquet", SCORES, 3, (), "scores-one.parquet"),
    Member(DENSE["embeddings"], "embeddings.parquet", EMBEDDING, 3, (), "embeddings-one.parquet"),
    Member(partial(SubmissionTable, header=SUBMITTED), "submission.csv", SUBMITTED, 3),
    Member(RavenTable, "BirdNET_SelectionTable.txt", RAVEN, 2, ("Model",)),
    Member(Raven3Table, "BirdNET_SelectionTable.3.txt", RAVEN3, 2, ("Model",)),
    Member(AudacityTable, "BirdNET_AudacityLabels.txt", ("start", "end", "label"), 2),
    Member(KaleidoscopeTable, "BirdNET_Kaleidoscope.csv", (*KALEIDOSCOPE, *TOP1), 2, ("model",)),
    Member(Kaleidoscope2Table, "BirdNET_Kaleidoscope.2.csv", (*KALEIDOSCOPE, *NAMED, *SET), 2, ("model",)),
    Member(RTable, "BirdNET_RTable.csv", (*R, "min_conf", "species_list", "model"), 2),
    Member(BirdnetTable, "detections.birdnet.csv", BIRDNET, 2, ("model",)),
    Member(NdjsonTable, "detections.ndjson", EXACT, 2, ("model",)),
    Member(SqliteTable, "detections.sqlite", ("file", "file_id", *EXACT[:-1]), 2, ("model",)),
    Member(WideTable, "wide.csv", WIDE, 4, (), "wide-one.csv", 3),  # and one of what failed
    Member(FailuresTable, "failures.csv", FAILURE, 1, ("model",)),
    Member(NotesTable, "notes.csv", ("path", "note"), 1),
]

FILE = ("File", "file", "path", "Begin Path", "filepath", "input", "IN FILE")

ABOUT = About({"model": "tiny"}, (AboutModel("tiny"),))
MADE = {"csv": CsvTable, "parquet": ParquetTable}

ROWS = [
    Detection(0.0, 3.0, "Parus major", "Great Tit", 0.987654, "dawn/a, b.wav"),
    Detection(0.96, 1.935, "Engine", 'En"gine', 0.25, "line\nbreak.wav"),
    Detection(3.0, 6.0, "Engine", "Engine", 0.5, "carriage\rreturn.wav"),
    Detection(86_397.0, 86_400.0, "Strix aluco", "Tawny Owl", 1.0, "odd\udcff.wav"),
]


class Case(NamedTuple):
    """A table of one model or of several."""

    makes: Callable[[Path], Table]
    name: str
    columns: tuple[str, ...]
    n_rows: int
    about: About


def case(member: Member, about: About) -> Case:
    if about.has_several:
        name, columns = member.name_of_several or member.name, (*member.columns, *member.more)
    else:
        name, columns = member.name, tuple(member.columns)
    n_rows = (about.has_several and member.n_rows_of_several) or member.n_rows
    return Case(partial(member.makes, about=about), name, columns, n_rows, about)


CASES = [case(member, about) for member in MEMBERS for about in (RUN, TWO)]


@pytest.fixture(params=[pytest.param(one, id=f"{one.name} of {len(one.about.models)}") for one in CASES])
def member(request: pytest.FixtureRequest) -> Case:
    return request.param


NAMES = ["a, b.wav", "line\nbreak.wav", "carriage\rreturn.wav", "odd\udcff.wav"]


def told(path: str, about: About, number: int) -> Result:
    """Return what every table has something to say of."""
    whose = about.models[-1].name if about.has_several else ""
    found = [Detection(float(start), start + 3.0, "Avis", "Bird", 0.5, path, whose) for start in range(2)]
    failure = Failure(path, "audio", "AudioError", "cut\nshort", 44, 8_000, 1.5, whose)
    chunks = [rows_of(2, first=number), rows_of(1, first=number + 2)]
    dense = {(model, kind): chunks for model in range(len(about.models)) for kind in tables.DENSE}
    dense[0, tables.SUBMISSION] = chunks
    return Result(path, [found[:1], found[1:]], [failure], [f"note {number}"], dense, duration_s=999.0)


def tell(table: Table, result: Result) -> None:
    """Tell a table of a file, in the contract's order."""
    table.begin(result)
    for detections in result.parts:
        table.detections(detections)
    for rows in result.dense[table.takes] if table.takes else ():
        table.dense(rows)
    table.end()


def rows_in(path: Path) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
    """Return a table's columns and its rows, as csv and pyarrow read them."""
    if path.suffix == ".txt":
        return tabs_in(path)
    if path.suffix == ".sqlite":
        with closing(sqlite3.connect(path)) as database:
            rows = database.execute("SELECT * FROM detections_of_files")
            columns = tuple(column[0] for column in rows.description)
            return columns, [dict(zip(columns, row, strict=True)) for row in rows]
    if path.suffix == ".ndjson":
        told = [json.loads(line) for line in path.read_text().splitlines()]
        return tuple(told[0] if told else ()), told
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            rows = csv.DictReader(file, strict=True)
            return tuple(rows.fieldnames or ()), list(rows)
    table = pyarrow.parquet.read_table(path)
    return tuple(table.column_names), table.to_pylist()


def tabs_in(path: Path) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
    """Return what is between tabs, as programs read it that know no quotes."""
    lines = [line.split("\t") for line in path.read_bytes().decode().split("\n")[:-1]]
    columns = ("start", "end", "label") if "Audacity" in path.name else tuple(lines.pop(0))
    return columns, [dict(zip(columns, line, strict=True)) for line in lines]


def files_in(rows: list[dict[str, Any]]) -> list[str]:
    """Return whose rows they are."""
    if "row_id" in rows[0]:
        return [f"{row['row_id'].rpartition('_')[0]}.wav" for row in rows]
    column = next(name for name in FILE if name in rows[0])
    return [row[column] for row in rows]


def as_written(name: str, table: str) -> str:
    """Return how a table has a file's name."""
    if table.endswith(".txt"):
        return tab_cell(name)
    return name if table.endswith(".csv") else tables.escaped(name)


def test_a_table_says_all_of_every_file_in_order(tmp_path: Path, member: Case) -> None:
    with member.makes(tmp_path) as table:
        for number, name in enumerate(NAMES):
            tell(table, told(name, member.about, number))
            assert [path.suffix for path in tmp_path.iterdir()] == [".part"]
    assert [path.name for path in tmp_path.iterdir()] == [member.name]
    columns, rows = rows_in(tmp_path / member.name)
    assert columns == member.columns
    if columns[-1] != "label":
        names = [as_written(name, member.name) for name in NAMES]
        assert files_in(rows) == [name for name in names for _ in range(member.n_rows)]
    assert all(None not in row.values() for row in rows)
    assert len({repr(row) for row in rows}) == len(rows)
    assert table.is_wanted


STARTS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1")


@pytest.mark.parametrize("about", [RUN, TWO], ids=["one", "several"])
def test_a_spreadsheet_runs_nothing_in_a_safe_csv_and_the_rest_is_as_it_was(
    tmp_path: Path, about: About
) -> None:
    for number, start in enumerate(STARTS):
        safe, plain = tmp_path / f"safe {number}", tmp_path / f"plain {number}"
        found = [Detection(0.0, 3.0, start, f"no {start}", 0.5, f"{start}.wav", start)]
        failure = Failure(f"{start}.wav", "audio", "AudioError", start, 44, 8_000, 1.5, start)
        result = Result(f"{start}.wav", [found], [failure], [start, "fine"])
        for folder, csv_safe in ((safe, True), (plain, False)):
            folder.mkdir()
            tables.write_all(folder, ["csv", "parquet"], about, [result], csv_safe=csv_safe)
        tables.write_failures(tmp_path, about, [failure], csv_safe=True)
        for name in ("detections.csv", "failures.csv", "notes.csv"):
            for row, as_it_was in zip(rows_in(safe / name)[1], rows_in(plain / name)[1], strict=True):
                for column, value in as_it_was.items():
                    runs = value.startswith(start)
                    assert row[column] == (f"'{value}" if runs else value), (name, column)
                assert sum(value.startswith("'") for value in row.values()) >= 1
        assert rows_in(safe / "failures.csv") == rows_in(tmp_path / "failures.csv")
        assert rows_in(safe / "detections.parquet") == rows_in(plain / "detections.parquet")


ODD = st.text("'=+-@\t\r\n,\" ab\udcff", max_size=6)


@given(names=st.lists(ODD, min_size=1, max_size=5), csv_safe=st.booleans())
def test_a_table_is_read_as_it_was_written_safe_or_not(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], csv_safe: bool
) -> None:
    folder = tmp_path_factory.mktemp("table")
    rows = [Detection(0.0, 3.0, name, f"'{name}", 0.5, name) for name in names]
    with CsvTable(folder, ABOUT, csv_safe=csv_safe) as table:
        table.detections(rows)
    assert tables.read_csv(table.path) == rows
    cells = [cell for row in rows_in(table.path)[1] for cell in row.values()]
    assert not (csv_safe and any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells))


def test_what_a_safe_table_changes_is_told_from_names_of_that_kind() -> None:
    names = [start + sign for start in ("", "'", "''", "a", "'a") for sign in ("", "=", "-1", "@x")]
    safe = list(map(files.harmless, names))
    assert len({*safe}) == len({*names})
    assert [files.as_it_was(str(one)) for one in safe] == names
    assert files.harmless("'Apapane") == "'Apapane", "a bird's name is no formula"


def test_a_table_of_no_files_has_its_columns(tmp_path: Path, member: Case) -> None:
    with member.makes(tmp_path):
        pass
    assert rows_in(tmp_path / member.name) == (() if member.name.endswith("ndjson") else member.columns, [])


@pytest.mark.parametrize("step", ["begin", "detections", "dense", "end", "finish"])
def test_a_table_that_breaks_off_leaves_the_old_one_and_no_litter(
    tmp_path: Path, member: Case, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def break_off(*_: object) -> None:
        raise KeyboardInterrupt

    old = tmp_path / member.name
    old.write_text("the old one")
    table = member.makes(tmp_path)
    monkeypatch.setattr(*((os, "fsync") if step == "finish" else (table, step)), break_off)
    interrupted = step != "dense" or table.takes is not None
    try:
        with table:
            tell(table, told("a.wav", member.about, 0))
    except KeyboardInterrupt:
        assert interrupted
        assert old.read_text() == "the old one"
    else:
        assert not interrupted
    assert list(tmp_path.iterdir()) == [old]


def test_a_table_whose_name_is_a_folders_is_refused(tmp_path: Path, member: Case) -> None:
    (tmp_path / member.name).mkdir()
    with pytest.raises(ConfigError, match=rf"{member.name}: cannot be written \(it is a folder\)"):
        member.makes(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [member.name]


@pytest.mark.parametrize("about", [RUN, TWO], ids=["one", "several"])
def test_a_run_writes_the_members_that_are_wanted(tmp_path: Path, about: About) -> None:
    every = {case(member, about).name for member in MEMBERS}
    if about.has_several:
        every |= {"scores-two.parquet", "embeddings-two.parquet", "wide-two.csv"}
    written = tables.write_all(tmp_path, tables.KINDS, about, [told("a.wav", about, 0)])
    assert {path.name for path in written} == {path.name for path in tmp_path.iterdir()} == every
    silent = told("a.wav", about, 0)._replace(notes=[])
    written = tables.write_all(tmp_path, tables.KINDS, about, [silent])
    assert {path.name for path in written} == {path.name for path in tmp_path.iterdir()}
    assert every - {path.name for path in written} == {"notes.csv"}


@pytest.mark.parametrize("kind", tables.DENSE)
def test_dense_rows_are_as_wide_as_their_own_models_and_have_its_names(tmp_path: Path, kind: str) -> None:
    def of_width(n: int) -> AboutModel:
        return AboutModel(f"m{n}", (Names((f"A{n}",) * n, ("B",) * n),), dict.fromkeys(tables.DENSE, n))

    about = About({}, (of_width(2), of_width(3)))
    for model, width in enumerate((2, 3)):
        with DenseTable(tmp_path, kind, about, model) as table:
            table.begin(Result("a.wav", []))
            table.dense(rows_of(4, width))
        read = pyarrow.parquet.read_table(tmp_path / f"{kind}-m{width}.parquet")
        assert read.schema.field(3).type.list_size == width
        if kind == "scores":
            assert json.loads(read.schema.metadata[b"scientific_names"]) == [f"A{width}"] * width


class Diary(Table):
    """A table that writes down what it is told."""

    takes = (1, "scores")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "diary.txt", mode="w")
        self.heard: list[str] = []

    def begin(self, result: Result) -> None:
        self.heard.append(f"begin {result.path}")

    def detections(self, rows: Sequence[Detection]) -> None:
        self.heard.append(f"{len(rows)} detections")

    def dense(self, rows: Rows) -> None:
        self.heard.append(f"{len(rows)} rows from {rows['start_s'][0]:g}")

    def end(self) -> None:
        self.heard.append("end")

    def finish(self) -> None:
        self.heard.append("finish")
        super().finish()


def test_a_table_is_told_file_by_file_of_what_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Diary] = []

    def diary(folder: Path) -> Diary:
        made.append(Diary(folder))
        return made[-1]

    monkeypatch.setattr(kinds, "members", lambda *_: {"diary.txt": diary})
    results = [told("a.wav", TWO, 0), told("b.wav", TWO, 50)]
    for result in results:
        result.dense[0, "scores"] = result.dense[1, "embeddings"] = [rows_of(9, first=900)]
    tables.write_all(tmp_path, (), TWO, results)
    parts = ["1 detections", "1 detections"]
    first = ["begin a.wav", *parts, "2 rows from 0", "1 rows from 2", "end"]
    second = ["begin b.wav", *parts, "2 rows from 50", "1 rows from 52", "end"]
    assert made[0].heard[: len(first) + len(second) + 1] == [*first, *second, "finish"]


def written(folder: Path, kind: str, rows: list[Detection] = ROWS) -> Path:
    with MADE[kind](folder, ABOUT) as table:
        for row in rows:
            table.detections([row])
    return table.path


def test_csv_has_birdnets_columns(tmp_path: Path) -> None:
    path = written(tmp_path, "csv")
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["Start (s)", "End (s)", "Scientific name", "Common name", "Confidence", "File"]
    assert rows[1] == ["0.0", "3.0", "Parus major", "Great Tit", "0.9877", "dawn/a, b.wav"]
    assert rows[2] == ["0.96", "1.935", "Engine", 'En"gine', "0.2500", "line\nbreak.wav"]
    assert rows[3][-1] == "carriage\rreturn.wav"
    assert rows[4] == ["86397.0", "86400.0", "Strix aluco", "Tawny Owl", "1.0000", "odd\udcff.wav"]


def test_parquet_has_full_precision_and_metadata(tmp_path: Path) -> None:
    table = pyarrow.parquet.read_table(written(tmp_path, "parquet"))
    assert table.schema.metadata[b"model"] == b"tiny"
    rows = table.to_pylist()
    assert rows[1] == {name: value for name, value in ROWS[1]._asdict().items() if name not in MORE}
    assert rows[0]["confidence"] == pytest.approx(0.987654, abs=1e-7)
    assert rows[3]["file"] == "odd\\xff.wav"


def test_parquet_streams_in_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "ROW_GROUP_ROWS", 2)
    file = pyarrow.parquet.ParquetFile(written(tmp_path, "parquet"))
    assert (file.num_row_groups, file.metadata.num_rows) == (2, 4)


def test_failures(tmp_path: Path) -> None:
    with tables.FailuresTable(tmp_path, ABOUT) as table:
        table.write(Failure("a,b.wav", "audio", "AudioError", "cut short", 44, 8_000, 1.5))
    text = (tmp_path / "failures.csv").read_text()
    assert text == (
        "path,stage,error,message,bytes,rate_hz,duration_s\n"
        '"a,b.wav",audio,AudioError,cut short,44,8000,1.5\n'
    )


def test_a_table_is_read_back_whatever_the_files_are_called(tmp_path: Path) -> None:
    path = written(tmp_path, "csv")
    assert [row.file for row in tables.read_csv(path)] == [row.file for row in ROWS]
    assert b"\r\n" not in path.read_bytes()


def test_a_failure_of_a_file_with_a_carriage_return_is_one_row(tmp_path: Path) -> None:
    with tables.FailuresTable(tmp_path, ABOUT) as table:
        table.write(Failure("a\rb.wav", "audio", "AudioError", "cut short"))
    with (tmp_path / "failures.csv").open(newline="") as file:
        assert list(csv.reader(file))[1:] == [["a\rb.wav", "audio", "AudioError", "cut short", "", "", ""]]


@pytest.mark.parametrize("folder", ["gone", "file"])
def test_a_folder_that_takes_no_table_is_named(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=f"cannot be written into {tmp_path / folder} "):
        MADE["csv"](tmp_path / folder, ABOUT)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_full_disk_leaves_no_litter(tmp_path: Path, kind: str) -> None:
    def is_full(self: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    table = MADE[kind](tmp_path, ABOUT)
    full = type("Full", (), {"flush": is_full, "close": is_full, "closed": False, "write": is_full})()
    with pytest.raises(OSError, match="No space left"), table:
        if kind == "parquet":
            table._writer.close()
            table._writer = full
        table.stream.close()
        table.stream = full
    assert list(tmp_path.iterdir()) == []


def results(number: int) -> list[Result]:
    failure = Failure("b.wav", "audio", "AudioError", f"reason {number}")
    dense = {(0, kind): [rows_of(number)] for kind in tables.DENSE}
    return [
        Result("a.wav", [ROWS[:number]], [], [f"note {number}"], dense),
        Result("b.wav", [], [failure], [], {(0, kind): [] for kind in tables.DENSE}),
    ]


@pytest.mark.parametrize("name", [member.name for member in MEMBERS if member.name != "submission.csv"])
def test_a_table_that_fails_at_its_last_byte_leaves_all_the_old_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    kinds, about = tables.KINDS, RUN
    tables.write_all(tmp_path, kinds, about, results(1))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    fsync = os.fsync

    def fail(handle: int) -> None:
        if Path(f"/proc/self/fd/{handle}").readlink().name.startswith(f".{name}."):
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        tables.write_all(tmp_path, kinds, about, results(2))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert len(before) == len(MEMBERS)


def test_tokens_without_their_footer_are_no_table(tmp_path: Path) -> None:
    def is_full(self: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    table = tables.TokensParquet(tmp_path, 0.01)
    with pytest.raises(OSError, match="No space left"), table:
        table._writer.close()
        table._writer = type("Full", (), {"close": is_full})()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_has_gone_since_is_the_disks_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written into"):
        tables.check_places(tmp_path / "gone", ["csv"], ABOUT)
    with pytest.raises(OutputError, match="cannot be written into"):
        tables.write_all(tmp_path / "gone", ["csv"], ABOUT, [])
    with pytest.raises(OutputError, match="cannot be written into"):
        tables.write_failures(tmp_path / "gone", ABOUT, [])


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(ConfigError, match="'xls' is no kind of table; there are csv, combined, parquet"):
        tables.check("xls")


def test_tidying_takes_a_models_name_as_it_is(tmp_path: Path) -> None:
    odd = About({}, (AboutModel("a"), AboutModel("[ab]*")))
    own, another = (tmp_path / f".scores-{name}.parquet.x.part" for name in ("[ab]*", "bcd"))
    for path in (own, another):
        path.touch()
    tables.tidy(tmp_path, odd)
    assert (own.exists(), another.exists()) == (False, True)
