"""What other programs know is written as they write it, read by them, and says the same in every format."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from birdfast import annotations, tables
from birdfast.config import Options
from birdfast.journal import Journal, Record
from birdfast.judging import detections as judged
from birdfast.judging import wide as judged_wide
from birdfast.models import Model
from birdfast.outcomes import Detection, Failure, Heard, Outcome, row
from birdfast.runs import How, Run
from birdfast.runs.answers import Answers
from birdfast.runs.results import results as run_results
from birdfast.sources import sheets
from birdfast.tables import About, AboutModel, Names, Result, cells, columns
from birdfast.tables.birdnet import clock
from birdfast.tables.kinds import DETECTIONS, OF_FILES
from birdfast.tables.raven import Raven3Table, RavenTable
from birdfast.tables.wide import WideTable

from . import formats
from .formats import ABOUT, FAILED, GOLDEN, HEARD, results
from .journals import FACTS, hear, outcome, rows_of
from .recordings import SECOND, noise, write

Row = tuple[str, float, float, str, str]  # file, start, end, scientific and common name, of a reader's own
OWN = [path.name for path in sorted((GOLDEN / "own").iterdir())]
PER_FILE = [path for path in sorted(GOLDEN.rglob("*")) if path.parent.name in ("a", "b")]


def written(folder: Path, *, about: About = ABOUT, failed: bool = False, base: str | None = None) -> Path:
    """Return a folder with the tables of every format."""
    tables.write_all(folder, OF_FILES, about, results(failed=failed), base=base)
    return folder


# ---- as other programs write it ----


@pytest.mark.parametrize("name", OWN)
def test_a_format_is_what_it_was(tmp_path: Path, name: str) -> None:
    assert (written(tmp_path, failed=True) / name).read_bytes() == (GOLDEN / "own" / name).read_bytes()


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("detections.csv", "BirdNET_CombinedTable.csv"),
        ("BirdNET_Kaleidoscope.2.csv", "BirdNET_Kaleidoscope.csv"),
        ("detections.birdnet.csv", "birdnet.csv"),
    ],
)
def test_other_programs_write_the_same_bytes(tmp_path: Path, ours: str, theirs: str) -> None:
    assert (written(tmp_path) / ours).read_bytes() == (GOLDEN / theirs).read_bytes()


def test_ravens_table_is_the_analyzers_but_for_numbers_that_are_floats(tmp_path: Path) -> None:
    theirs = (GOLDEN / RavenTable.name).read_text()
    assert (written(tmp_path) / RavenTable.name).read_text() == theirs.replace(
        "\t0\t15000\t", "\t0.0\t15000.0\t"
    )


@pytest.mark.parametrize("theirs", PER_FILE, ids=lambda path: path.name)
def test_a_file_has_a_table_of_its_own_where_the_analyzer_puts_it(tmp_path: Path, theirs: Path) -> None:
    ours = written(tmp_path, base="in") / theirs.relative_to(GOLDEN)
    expected = theirs.read_text()
    if theirs.name.endswith(".kaleidoscope.csv"):  # 2.x's columns have another name here
        ours = ours.with_name(ours.name.replace(".csv", ".2.csv"))
    if theirs.name.endswith(".selection.table.txt"):
        expected = expected.replace("\t0\t15000\t", "\t0.0\t15000.0\t")
        expected = re.sub("\n1\t.*nocall.*", "", expected)  # of a file without detections
    if theirs.name.endswith(".results.txt"):  # Audacity reads three columns
        expected = re.sub(r"(\w), (.*)\t(.*)", r"\1_\2 (\3)", expected)
    assert ours.read_text() == expected


# ---- the same in every format ----


def in_csv(path: Path, *names: str) -> list[tuple[str, ...]]:
    with path.open(newline="", encoding="utf-8") as file:
        return [tuple(told[name] for name in names) for told in csv.DictReader(file, strict=True)]


def in_tabs(path: Path, *names: str) -> list[tuple[str, ...]]:
    header, *lines = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
    return [tuple(line[header.index(name)] for name in names) for line in lines]


def of_label(label: str) -> tuple[str, str]:
    scientific, _, common = label.partition("_")
    return scientific, common or scientific


def at(times: tuple[str, ...]) -> tuple[float, float]:
    start_s, end_s = map(float, times)
    return start_s, end_s


def hours(text: str) -> float:
    whole, minutes, rest = text.split(":")
    return int(whole) * 3600 + int(minutes) * 60 + float(rest)


def of_raven(path: Path, scientific: str) -> Iterable[Row]:
    names = ("Begin Path", "File Offset (s)", "Begin Time (s)", "End Time (s)", scientific, "Common Name")
    for file, offset, begin, end, name, common in in_tabs(path, *names):
        start_s = float(offset)
        yield file, start_s, start_s + float(end) - float(begin), name.partition("_")[0], common


def of_audacity(path: Path) -> Iterable[Row]:
    begins, past_s = [], 0.0
    for result in results(failed=True):
        begins.append((result.path, past_s, past_s + result.duration_s))
        past_s += result.duration_s
    for line in path.read_text(encoding="utf-8").splitlines():
        start, end, label = line.split("\t")
        file, begin_s, _ = next(one for one in begins if one[1] <= float(start) < one[2])
        yield file, float(start) - begin_s, float(end) - begin_s, *of_label(re.sub(r" \(.*", "", label))


def of_parquet(path: Path) -> Iterable[Row]:
    fields = ("file", "start_s", "end_s", "scientific_name", "common_name")
    return [tuple(told[name] for name in fields) for told in pyarrow.parquet.read_table(path).to_pylist()]


def of_sqlite(path: Path) -> Iterable[Row]:
    with closing(sqlite3.connect(path)) as database:
        told = "file, start_s, end_s, scientific_name, common_name"
        return database.execute(f"SELECT {told} FROM detections_of_files").fetchall()


def of_kaleidoscope(path: Path, *names: str) -> Iterable[Row]:
    there = ("INDIR", "FOLDER", "IN FILE", "OFFSET", "DURATION")
    for above, folder, file, offset, lasting, *told in in_csv(path, *there, *names):
        start_s = float(offset)
        both = (told[0], told[1]) if len(told) == 2 else of_label(told[0])
        yield str(Path(above, folder, file)), start_s, start_s + float(lasting), *both


READERS: dict[str, Callable[[Path], Iterable[Row]]] = {
    "csv": lambda path: [
        (told[0], *at(told[1:3]), *told[3:])
        for told in in_csv(path, "File", "Start (s)", "End (s)", "Scientific name", "Common name")
    ],
    "parquet": of_parquet,
    "raven": lambda path: of_raven(path, "Species Code"),
    "raven3": lambda path: of_raven(path, "Scientific Name"),
    "audacity": of_audacity,
    "kaleidoscope": lambda path: of_kaleidoscope(path, "TOP1MATCH"),
    "kaleidoscope2": lambda path: of_kaleidoscope(path, "scientific_name", "common_name"),
    "r": lambda path: [
        (told[0], *at(told[1:3]), *told[3:])
        for told in in_csv(path, "filepath", "start", "end", "scientific_name", "common_name")
    ],
    "birdnet": lambda path: [
        (file, hours(start), hours(end), *of_label(name))
        for file, start, end, name in in_csv(path, "input", "start_time", "end_time", "species_name")
    ],
    "ndjson": lambda path: [
        tuple(
            json.loads(line)[name] for name in ("file", "start_s", "end_s", "scientific_name", "common_name")
        )
        for line in path.read_text(encoding="utf-8").splitlines()
    ],
    "sqlite": of_sqlite,
}


@pytest.mark.parametrize("kind", READERS)
def test_every_format_says_the_same(tmp_path: Path, kind: str) -> None:
    lasting = {path: duration_s for path, duration_s, _ in HEARD}
    found = sorted(READERS[kind](written(tmp_path, failed=True) / DETECTIONS[kind].name))
    told = sorted(
        (one.file, one.start_s, one.end_s, one.scientific_name, one.common_name)
        for path, _, heard in HEARD
        for one in formats.rows(path, heard)
    )
    if kind == "birdnet":  # whose windows end with their recordings
        told = [(file, start, min(end, lasting[file]), *names) for file, start, end, *names in told]
    assert len(found) == len(told) == 7
    for ours, theirs in zip(found, told, strict=True):
        assert (ours[0], *ours[3:]) == (theirs[0], *theirs[3:])
        assert ours[1:3] == pytest.approx(theirs[1:3])


# ---- read by others ----


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # crowsetta's to settle with pandas
def test_crowsetta_reads_ravens_table_and_audacitys_labels(tmp_path: Path) -> None:
    crowsetta = pytest.importorskip("crowsetta")
    written(tmp_path, failed=True)
    for name in ("BirdNET_SelectionTable.txt", "BirdNET_SelectionTable.3.txt"):
        boxes = crowsetta.formats.bbox.Raven.from_file(tmp_path / name, annot_col="Common Name").to_bbox()
        assert [box.label for box in boxes][:2] == ["Great Tit", "Eurasian Blackbird"]
        assert {(box.low_freq, box.high_freq) for box in boxes} == {(0.0, 15_000.0)}
        assert [box.onset for box in boxes] == [0.0, 0.0, 3.0, 9.0, 20.5, 23.5, 23.5]
    labels = crowsetta.formats.seq.AudSeq.from_file(tmp_path / "BirdNET_AudacityLabels.txt").to_seq()
    assert [segment.onset_s for segment in labels.segments] == [0.0, 0.0, 3.0, 9.0, 20.5, 23.5, 23.5]
    assert labels.segments[0].label == "Parus major_Great Tit (0.9877)"


ODD = ("in/a, b.wav", 'in/say "ah".wav', "in/tab\there.wav", "in/two\nlines.wav", "in/ä🐦\r.wav", '"q".wav')


@pytest.mark.parametrize("kind", [kind for kind in READERS if kind not in ("parquet", "ndjson", "sqlite")])
def test_pandas_reads_one_row_a_detection_whatever_files_are_called(tmp_path: Path, kind: str) -> None:
    pandas = pytest.importorskip("pandas")
    found = [Result(path, [formats.rows(path, HEARD[0][2])], duration_s=12.0) for path in ODD]
    tables.write_all(tmp_path, [kind], ABOUT, found)
    tabs = DETECTIONS[kind].name.endswith(".txt")
    how = {"sep": "\t", "header": None if kind == "audacity" else 0} if tabs else {}
    table = pandas.read_csv(tmp_path / DETECTIONS[kind].name, **how)
    assert len(table) == len(ODD) * 4
    files = {
        "csv": "File",
        "raven": "Begin Path",
        "raven3": "Begin Path",
        "r": "filepath",
        "birdnet": "input",
    }
    if kind in files:
        named = [name if not tabs else name.translate(cells.CONTROL) for name in ODD]
        assert list(dict.fromkeys(table[files[kind]])) == named


def test_pandas_asks_the_database_and_opensoundscapes_shape(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    written(tmp_path, failed=True)
    with closing(sqlite3.connect(tmp_path / "detections.sqlite")) as database:
        counted = "SELECT path, count(scientific_name) n FROM files LEFT JOIN detections ON id = file_id"
        table = pandas.read_sql(f"{counted} GROUP BY id ORDER BY id", database)
        (plan,) = database.execute("EXPLAIN QUERY PLAN SELECT * FROM detections WHERE scientific_name = 'x'")
        assert dict(database.execute("SELECT key, value FROM run"))["model"] == "birdnet-2.4"
    assert table["n"].tolist() == [4, 0, 0, 3]
    assert "USING INDEX of_species" in plan[-1]
    scores = pandas.read_csv(tmp_path / "wide.csv", index_col=[0, 1, 2])
    assert scores.index.names == ["file", "start_time", "end_time"]
    assert scores.shape == (10, 3)
    assert scores.isna().all(axis=1).tolist() == [file == FAILED[0] for file, *_ in scores.index]


@pytest.mark.parametrize("kind", [kind for kind in DETECTIONS if kind not in ("parquet", "ndjson", "sqlite")])
def test_what_is_written_is_read_back_as_truth_and_as_detections(tmp_path: Path, kind: str) -> None:
    written(tmp_path, base="in")
    for path, _, heard in HEARD:
        place = tmp_path / Path(path).relative_to("in").with_suffix(DETECTIONS[kind].of_file)
        if not heard:  # and who takes a folder of such tables reads: nothing
            continue
        truth, found = annotations.read(place), judged.read(place)
        assert [one.start_s for one in truth.rows] == [start for start, *_ in heard]
        species = {word for one in truth.labels for word in one.split("_")}
        assert species <= {name for names in formats.SPECIES for name in names}
        assert {Path(one.file).stem for one in truth.rows} == {Path(path).stem}
        assert [float(start) for start in found.windows.start_s] == [start for start, *_ in heard]
        assert found.confidence.tolist() == pytest.approx([score for *_, score in heard], abs=1e-4)


def test_kaleidoscopes_columns_tell_the_whole_path(tmp_path: Path) -> None:
    written(tmp_path)
    for name in ("BirdNET_Kaleidoscope.csv", "BirdNET_Kaleidoscope.2.csv"):
        assert {one.file for one in annotations.read(tmp_path / name).rows} == {HEARD[0][0], HEARD[2][0]}


SPREADSHEETS = ("csv", "kaleidoscope", "kaleidoscope2", "r", "birdnet", "wide")


@pytest.mark.parametrize("kind", SPREADSHEETS)
def test_a_spreadsheet_runs_no_name_in_a_safe_table(tmp_path: Path, kind: str) -> None:
    names = Names(("=1+1", "@x", "ok"), ("-2", "+3", "ok"))
    about = About({"model": "=m"}, (AboutModel("=m", (names,), {"scores": 3}),))
    found = [Detection(0.0, 3.0, *pair, 0.5, "=a/@b/-c.wav") for pair in zip(*names[:2], strict=True)]
    dense = {(0, "scores"): [rows_of(1, 3)]}
    told = [Result("=a/@b/-c.wav", [found], dense=dense)]
    tables.write_all(tmp_path, [kind], about, told, csv_safe=True)
    (table,) = set(tmp_path.iterdir()) - {tmp_path / "failures.csv"}
    with table.open(newline="") as file:
        every = [cell for row in csv.reader(file) for cell in row]
    runs = [cell for cell in every if cell.startswith(("=", "@", "+", "-")) and not sheets.is_number(cell)]
    assert runs == []
    assert {"'=a/@b/-c.wav", "'-c.wav"} & {*every}


# ---- wide ----


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=40))
def test_wide_cells_are_written_as_python_writes_them(
    tmp_path_factory: pytest.TempPathFactory, values: list[float]
) -> None:
    names = tuple(f"c{number}" for number in range(len(values)))
    about = About({}, (AboutModel("m", (Names(names, names),), {"scores": len(values)}),))
    rows = np.zeros(1, row(len(values)))
    rows["values"] = values
    with WideTable(tmp_path_factory.mktemp("wide"), about) as table:
        table.begin(Result("a.wav", []))
        table.dense(rows)
        table.end()
    (told,) = in_csv(table.path, *names)
    assert told == tuple(f"{value:.6f}" for value in values)


@pytest.mark.parametrize("strange", [-0.5, 1.5, 40.25, float("inf")])
def test_what_is_no_confidence_is_written_all_the_same(tmp_path: Path, strange: float) -> None:
    rows = np.zeros(2, row(3))
    rows["values"] = [[0.5, strange, np.nan], [0.25, 0.0, 1.0]]
    with WideTable(tmp_path, ABOUT) as table:
        table.begin(Result("a.wav", []))
        table.dense(rows)
        table.end()
    first, second = (line.split(",")[3:] for line in table.path.read_text().splitlines()[1:])
    assert (float(first[1]), first[2]) == (strange, "")
    assert second == ["0.250000", "0.000000", "1.000000"]


def test_wide_says_what_of_a_file_was_not_heard(tmp_path: Path) -> None:
    rows = np.zeros(2, row(3))
    rows["start_s"], rows["end_s"] = [0, 3], [3, 6]
    failure = Failure("a.wav", "audio", "AudioError", "cut", duration_s=60.0)
    with WideTable(tmp_path, ABOUT) as table:
        table.begin(Result("a.wav", [], [failure]))
        table.dense(rows)
        table.end()
    assert table.path.read_text().splitlines()[-1] == "a.wav,6.0,60.0,,,"
    assert len(judged_wide.read(table.path).windows.file) == 2


def test_classes_of_one_name_are_told_apart_as_pandas_does(tmp_path: Path) -> None:
    space = Names(("A", "A", "B"), ("a", "a", "B"))
    about = About({}, (AboutModel("m", (space,), {"scores": 3}),))
    with WideTable(tmp_path, about) as table:
        pass
    assert table.path.read_text() == "file,start_time,end_time,A_a,A_a.1,B\n"


# ---- times, bands, columns ----


def test_times_count_every_file(tmp_path: Path) -> None:
    for name in ("BirdNET_SelectionTable.txt", "BirdNET_SelectionTable.3.txt"):
        told = in_tabs(written(tmp_path, failed=True) / name, "Begin Path", "Begin Time (s)", "Selection")
        assert told[-1][1:] == (str(10.5 + 6.0 + FAILED[1] + 3.0), "7")


def test_a_file_lasts_as_long_as_was_heard_or_as_its_header_promises(tmp_path: Path) -> None:
    cut = Failure("b.wav", "audio", "AudioError", "cut", duration_s=7.5)
    bad = Failure("c.wav", "audio", "AudioError", "no sound")
    with Journal(tmp_path, FACTS) as journal:
        journal.plan(["a.wav", "b.wav", "c.wav", "d.wav"], [0, 1, 2, 3])
        hear(journal, "a.wav", outcome())
        hear(journal, "b.wav", Outcome(audio_s=2.0, failure=cut, heard=[Heard()]))
        hear(journal, "c.wav", Outcome(failure=bad, heard=[Heard()]))
        dropped = Outcome(audio_s=9.0, heard=[Heard()], rate_hz=22_050, duration_s=10.5)
        hear(journal, "d.wav", dropped)
    with Record(tmp_path) as record:
        told = [(one.lasts_s, one.rate_hz) for one in run_results(Answers(record))]
    assert told == [(3.0, None), (7.5, None), (0.0, None), (10.5, 22_050)]


def test_a_run_knows_how_long_files_are_whatever_of_them_is_heard(tmp_path: Path, tiny: Model) -> None:
    for name, rate_hz in (("a.wav", SECOND), ("b.flac", 2 * SECOND)):
        write(tmp_path / name, noise(2 * rate_hz + rate_hz // 1000), rate_hz)
    paths = [str(tmp_path / name) for name in ("a.wav", "b.flac")]
    Run(paths, [tiny], Options(tail="drop"), tmp_path / "out", How(n_workers=1)).work()
    with Record(tmp_path / "out") as record:
        found = [(one.audio_s, one.duration_s, one.rate_hz) for one in run_results(Answers(record))]
    assert found == [(2.0, 2.001, SECOND), (2.0, 2.001, 2 * SECOND)]


@pytest.mark.parametrize("kind", [RavenTable, Raven3Table])
def test_no_selection_lies_above_what_a_recording_has(tmp_path: Path, kind: type[RavenTable]) -> None:
    about = ABOUT._replace(metadata={"model_rate_hz": "48000"})
    with kind(tmp_path, about) as table:
        for name, rate_hz in (("a.wav", 22_050), ("b.wav", None), ("c.wav", 96_000)):
            table.begin(Result(name, [], rate_hz=rate_hz))
            table.detections([Detection(0.0, 3.0, "A", "a", 0.5, name)])
            table.end()
    assert in_tabs(table.path, "High Freq (Hz)") == [("11025.0",), ("15000.0",), ("15000.0",)]


@pytest.mark.parametrize(
    ("options", "rate_hz", "band"),
    [
        ({}, 48_000, ("0.0", "15000.0")),
        ({}, 16_000, ("0.0", "8000.0")),
        ({"fmin_hz": 0.0, "fmax_hz": 15_000.0}, 256_000, ("0.0", "128000.0")),
        ({"fmin_hz": 500}, 256_000, ("500.0", "15000.0")),
        ({"fmin_hz": 500, "fmax_hz": 9_000}, 48_000, ("500.0", "9000.0")),
        ({"fmin_hz": 500, "fmax_hz": 9_000, "speed": 0.1}, 48_000, ("5000.0", "90000.0")),
    ],
)
def test_selections_lie_where_the_model_hears(
    tmp_path: Path, options: dict[str, float], rate_hz: int, band: tuple[str, str]
) -> None:
    about = ABOUT._replace(metadata={"model_rate_hz": str(rate_hz), "options": json.dumps(options)})
    assert (
        in_tabs(written(tmp_path, about=about) / RavenTable.name, "Low Freq (Hz)", "High Freq (Hz)")[0]
        == band
    )


def test_each_models_selections_lie_in_its_own_band(tmp_path: Path) -> None:
    models = tuple(AboutModel(name, (Names(),), {}) for name in ("one", "two"))
    about = About({"model_rate_hz": "[48000, 16000]"}, models)
    found = [Detection(0.0, 3.0, "A", "a", 0.5, "x.wav", name, 2) for name in ("one", "two")]
    with RavenTable(tmp_path, about._replace(has_channels=True)) as table:
        table.begin(Result("x.wav", []))
        table.detections(found)
        table.end()
    told = in_tabs(table.path, "High Freq (Hz)", "Channel", "Model")
    assert told == [("15000.0", "2", "one"), ("8000.0", "2", "two")]


BEGUN = datetime(2024, 6, 12, 5, 30, tzinfo=timezone(timedelta(hours=2)))


@pytest.mark.parametrize("base", [None, "in"])
def test_columns_say_more_of_the_recording(tmp_path: Path, base: str | None) -> None:
    about = ABOUT._replace(columns=("time", "site", "lat", "week", "nothing"))
    facts = {"time": BEGUN, "site": "Süd, 1", "lat": 52.5, "week": 22}
    found = [result._replace(facts=facts) for result in results()]
    kinds = ("csv", "parquet", "ndjson", "sqlite", "kaleidoscope2", "r")
    tables.write_all(tmp_path, kinds, about, found, base=base)
    stem = tmp_path / "a" / "dawn"

    def place(kind: str) -> Path:
        of = DETECTIONS[kind]
        return tmp_path / of.name if base is None else stem.with_name(stem.name + of.of_file)

    told = in_csv(place("csv"), "time", "site", "lat", "week", "nothing")
    assert told[0] == ("2024-06-12T05:30:00+02:00", "Süd, 1", "52.5", "22", "")
    assert told[3][0] == "2024-06-12T05:30:09+02:00"
    table = pyarrow.parquet.read_table(place("parquet")).to_pylist()
    line = json.loads(place("ndjson").read_text().splitlines()[3])
    with closing(sqlite3.connect(place("sqlite"))) as database:
        database.row_factory = sqlite3.Row
        asked = database.execute("SELECT * FROM detections").fetchall()[3]
    expected = {"time": told[3][0], "site": "Süd, 1", "lat": 52.5, "week": 22, "nothing": None}
    for one in (table[3], line, asked):
        assert {name: one[name] for name in expected} == expected
    for kind in ("kaleidoscope2", "r"):
        assert in_csv(place(kind), "lat", "lon", "week")[0] == ("52.5000", "-1.0000", "22")
    assert len(tables.read_csv(place("csv"))) == (7 if base is None else 4)


def test_a_moment_has_an_offset_where_it_is_known() -> None:
    assert columns.moment(BEGUN.replace(tzinfo=None), 1.5) == "2024-06-12T05:30:01.500000"
    assert columns.moment(BEGUN.astimezone(UTC), 86_400) == "2024-06-13T03:30:00+00:00"


# ---- cells ----


@given(st.text("'=+-@\t\r\n,\" ab#ä", max_size=6), st.booleans())
def test_cells_are_as_pythons_csv_writes_them(text: str, safe: bool) -> None:
    written, cell = io.StringIO(), cells.csv_cell(safe=safe)(text)
    csv.writer(written).writerow(["x", tables.files.harmless(text) if safe else text])
    assert f"x,{cell}\r\n" == written.getvalue()


@given(st.text(max_size=8))
def test_a_cell_between_tabs_is_one_for_all_who_read_it(text: str) -> None:
    cell = cells.tab_cell(text)
    assert not {*"\t\n\r"} & {*cell}
    (told,) = csv.reader([f"1\t{cell}\t2"], delimiter="\t")
    assert told == ["1", tables.escaped(text).translate(cells.CONTROL), "2"]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.0, "00:00:00.00"), (65.5, "00:01:05.50"), (59.999, "00:01:00.00"), (360_000.25, "100:00:00.25")],
)
def test_hours_and_minutes_are_whole(seconds: float, told: str) -> None:
    assert clock(seconds) == told


def test_the_surest_of_a_window_comes_first_in_birdnets_table_however_rows_come(tmp_path: Path) -> None:
    scores = [0.1, 0.9, 0.5]
    found = [
        Detection(start, start + 3, f"S{n}", "c", scores[n], "a") for start in (0.0, 3.0) for n in range(3)
    ]
    for number, parts in enumerate(([found], [[one] for one in found], [found[:2], found[2:4], found[4:]])):
        folder: Any = tmp_path / str(number)
        folder.mkdir()
        tables.write_all(folder, ["birdnet"], ABOUT, [Result("a", parts)])
        told = in_csv(folder / "detections.birdnet.csv", "start_time", "confidence")
        assert [float(score) for _, score in told] == [0.9, 0.5, 0.1] * 2


def test_sheets_know_whose_a_table_is_that_has_no_column_for_it() -> None:
    assert sheets.recording("x/dawn.wav.BirdNET.results.txt") == "dawn.wav"
