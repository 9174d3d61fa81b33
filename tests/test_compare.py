"""What two tools detected is the same whatever they call it, and what differs is told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from birdfast import models, tables
from birdfast.errors import ConfigError
from birdfast.judging import comparison, detections, differences, floors
from birdfast.judging import given as judged
from birdfast.judging.comparison import compare, paired
from birdfast.judging.names import Species, species
from birdfast.judging.said import Gathered, Heard
from birdfast.outcomes import Detection
from birdfast.tables import About, AboutModel, Result

from .commands import birdfast, infer, table
from .recordings import noise, write

BIRDS = (("Turdus merula", "Blackbird"), ("Parus major", "Great Tit"))
ROWS = [
    ("a", 0.0, 3.0, 0, 0.9),
    ("a", 0.0, 3.0, 1, 0.5),
    ("a", 3.0, 6.0, 0, 0.25),
    ("b", 63.0, 66.0, 1, 0.75),
]


def heard(*rows: tuple[str, float, float, str, float]) -> Heard:
    gathered, known = Gathered(), dict[Species, int]()
    for row in rows:
        gathered.add(*row[:3])
    which = [known.setdefault(species(row[3]), len(known)) for row in rows]
    confidence = np.array([row[4] for row in rows], np.float32)
    return Heard(gathered.spans(), list(known), np.array(which, np.int64), confidence)


def clock(seconds: float) -> str:
    return f"00:{int(seconds // 60):02d}:{seconds % 60:05.2f}"


def named(row: tuple[str, float, float, int, float]) -> tuple[str, ...]:
    return (row[0], f"{row[1]}", f"{row[2]}", *BIRDS[row[3]], f"{row[4]:.4f}")


def ours(folder: Path) -> Path:
    folder.mkdir()
    told = [Detection(start, end, *BIRDS[which], p, f"in/{name}.flac") for name, start, end, which, p in ROWS]
    about = About({}, (AboutModel("net"),))
    files = {row.file: [one for one in told if one.file == row.file] for row in told}
    tables.write_all(
        folder, ("csv", "parquet"), about, (Result(file, [rows]) for file, rows in files.items())
    )
    return folder


def our_csv(folder: Path) -> Path:
    return ours(folder) / "detections.csv"


def birdnet(path: Path) -> Path:
    lines = [
        f'"/data/{name}.wav","{clock(start)}","{clock(end)}","{"_".join(BIRDS[which])}",{p:.6f}'
        for name, start, end, which, p in ROWS
    ]
    path = path.with_suffix(".csv")
    path.write_text("\n".join(["input,start_time,end_time,species_name,confidence", *lines]))
    return path


def birdnet_parquet(path: Path) -> Path:
    names, start_s, end_s, which, p = zip(*ROWS, strict=True)
    made = {
        "input": pyarrow.array([f"/data/{name}.wav" for name in names]).dictionary_encode(),
        "start_time": pyarrow.array(start_s, pyarrow.float32()),
        "end_time": pyarrow.array(end_s, pyarrow.float32()),
        "species_name": ["_".join(BIRDS[one]) for one in which],
        "confidence": pyarrow.array(p, pyarrow.float32()),
    }
    path = path.with_suffix(".parquet")
    pyarrow.parquet.write_table(pyarrow.table(made), path)
    return path


def analyzer(path: Path) -> Path:
    """With a byte order mark, as birda writes it."""
    lines = ["{1},{2},{3},{4},{5},/x/{0}.wav".format(*named(row)) for row in ROWS]
    path = path.with_suffix(".csv")
    path.write_text(
        "\n".join(["\ufeffStart (s),End (s),Scientific name,Common name,Confidence,File", *lines])
    )
    return path


def a_table_a_file(folder: Path) -> Path:
    """Raven's, each named after its recording; one says that nothing was heard."""
    folder.mkdir()
    header = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tCommon Name\tSpecies Code\tConfidence"
    for name in "abc":
        lines = [
            f"1\tSpectrogram 1\t1\t{start}\t{end}\t{common}\tcode\t{p}"
            for file, start, end, _, common, p in map(named, ROWS)
            if file == name
        ] or ["1\tSpectrogram 1\t1\t0\t3\tnocall\tnocall\t1.0"]
        (folder / f"{name}.BirdNET.selection.table.txt").write_text("\n".join([header, *lines]))
    (folder / "BirdNET_analysis.analyze-params.csv").write_text("File splitting duration\n600\n")
    return folder


def raven(path: Path) -> Path:
    """All files in one, whose begin times go on from file to file."""
    lines = [
        f"1\t{float(start) + 100}\t{float(end) + 100}\t{scientific}\t{p}\t/x/{file}.wav\t{start}"
        for file, start, end, scientific, _, p in map(named, ROWS)
    ]
    path = path.with_suffix(".txt")
    header = (
        "Selection\tBegin Time (s)\tEnd Time (s)\tScientific Name\tConfidence\tBegin Path\tFile Offset (s)"
    )
    path.write_text("\n".join([header, *lines]))
    return path


def audacity(folder: Path) -> Path:
    folder.mkdir()
    for name in "ab":
        rows = [row for row in map(named, ROWS) if row[0] == name]
        lines = [f"{start}\t{end}\t{a}_{b}\t{p}" for _, start, end, a, b, p in rows]
        within = [f"{start}\t{end}\t{b} {p}" for _, start, end, _, b, p in rows]
        (folder / f"{name}.BirdNET.results.txt").write_text("\n".join(lines if name == "a" else within))
    return folder


def kaleidoscope(path: Path) -> Path:
    lines = [f"/,x,{file}.wav,{start},3,{a},{b},{p},,,," for file, start, _, a, b, p in map(named, ROWS)]
    path = path.with_suffix(".csv")
    header = (
        "INDIR,FOLDER,IN FILE,OFFSET,DURATION,scientific_name,common_name,confidence,lat,lon,week,overlap"
    )
    path.write_text("\n".join([header, *lines]))
    return path


def test_audacitys_labels_of_a_whole_run_are_of_no_file(tmp_path: Path) -> None:
    (tmp_path / "BirdNET_AudacityLabels.txt").write_text("0.0\t3.0\tParus major_Great Tit (0.9000)\n")
    for path in (tmp_path, *tmp_path.iterdir()):
        with pytest.raises(ConfigError, match="name no file, and their times count through all"):
            detections.read(path)


TOOLS = (*(ours, our_csv, birdnet, birdnet_parquet, analyzer, a_table_a_file, raven, audacity, kaleidoscope),)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda one: one.__name__)
def test_every_tools_table_says_the_same(tool: object, tmp_path: Path) -> None:
    one, other = ours(tmp_path / "ours"), tool(tmp_path / "theirs")  # type: ignore[operator]
    pairs = paired(detections.read(one), detections.read(other))
    told = compare(pairs)
    assert told["is_same"], told
    assert told["detections"] == {"both": 4, "only_a": 0, "only_b": 0, "at_threshold": 0}
    assert told["windows"] == {"both": 3, "only_a": 0, "only_b": 0}
    assert sorted(np.unique(pairs.confidence).round(4)) == [0.25, 0.5, 0.75, 0.9]
    assert compare(paired(detections.read(other), detections.read(one)))["is_same"]


def test_what_differs_is_counted_by_species_and_by_file() -> None:
    one = heard(("a", 0, 3, "x", 0.9), ("a", 3, 6, "x", 0.8), ("a", 3, 6, "y", 0.7), ("b", 0, 3, "y", 0.5))
    other = heard(("a", 0, 3, "x", 0.7), ("a", 3, 6, "x", 0.8), ("b", 0, 3, "y", 0.5), ("c", 0, 3, "z", 0.6))
    told = compare(paired(one, other))
    assert not told["is_same"]
    assert told["detections"] == {"both": 3, "only_a": 1, "only_b": 1, "at_threshold": 0}
    assert told["windows"] == {"both": 3, "only_a": 0, "only_b": 1}
    assert told["difference"]["n_beyond"] == 1
    assert told["difference"]["max"] == pytest.approx(0.2)
    assert told["difference"]["median"] == 0
    assert told["difference"]["histogram_by_0.1"][:3] in ([2, 1, 0], [2, 0, 1])  # 0.2 in float32
    assert [(row["name"], row["only_a"], row["only_b"]) for row in told["by_species"]] == [
        *(("y", 1, 0), ("z", 0, 1), ("x", 0, 0)),
    ]
    assert [(row["name"], row["both"]) for row in told["by_file"]] == [("a", 2), ("c", 0), ("b", 1)]
    assert [(row["file"], row["species"], round(row["a"], 3)) for row in told["largest"]] == [("a", "x", 0.9)]


def test_what_one_of_the_two_cannot_have_is_not_compared() -> None:
    one = heard(("a", 0, 3, "x", 0.9), ("a", 3, 6, "x", 0.3), ("a", 6, 9, "x", 0.25))
    other = heard(("a", 0, 3, "x", 0.9), ("a", 3, 6, "x", 0.3), ("a", 9, 12, "x", 0.1))
    told = compare(paired(one, other))
    assert (told["compared_from"], told["not_compared"]) == (pytest.approx(0.25), 1)
    assert not told["is_same"]
    assert compare(paired(one, other), thresholds=((0.25,), (0.1,)))["is_same"]
    assert told["detections"] == {"both": 2, "only_a": 0, "only_b": 0, "at_threshold": 1}
    assert compare(paired(one, other), 0)["detections"]["only_a"] == 1
    assert compare(paired(one, other), 0.95)["detections"] == dict.fromkeys(
        ("both", "only_a", "only_b", "at_threshold"), 0
    )


def test_a_species_that_one_lost_is_a_difference_whatever_is_left() -> None:
    """The lowest confidence that is left is no threshold: what lies below it may be lost."""
    one = heard(("a", 0, 3, "x", 0.9), ("a", 3, 6, "y", 0.3), ("b", 0, 3, "y", 0.5))
    other = heard(("a", 0, 3, "x", 0.9))
    told = compare(paired(one, other))
    assert (told["is_same"], told["not_compared"]) == (False, 2)
    assert [*differences.lines(told)][-1].startswith("what was compared is the same; nothing tells")
    told = compare(paired(one, other), thresholds=((0.25,), (0.25,)))
    assert (told["is_same"], told["detections"]["only_a"]) == (False, 2)
    assert compare(paired(one, other), 0.6)["is_same"]


@pytest.mark.parametrize(
    ("thresholds", "wanted"),
    [
        (((0.25,), (0.1,)), (0.25, True)),
        (((0.2, 0.7), (0.2, 0.7)), (0.2, True)),
        (((0.2, 0.7), (0.1,)), (0.7, False)),
        (((), (0.1,)), (0.3, False)),
        (((), ()), (0.3, False)),
    ],
)
def test_what_can_be_compared_reaches_both_thresholds(
    thresholds: tuple[floors.Floors, floors.Floors], wanted: tuple[float, bool]
) -> None:
    assert floors.common(thresholds, (0.3, None)) == wanted


KALEIDOSCOPE = "INDIR,FOLDER,IN FILE,OFFSET,DURATION,{}\nin,x,a.wav,3,3,{}\n"


def test_kaleidoscopes_distances_are_no_confidences(tmp_path: Path) -> None:
    """The less, the surer; but programs that have no distance write a confidence in its place."""
    path = tmp_path / "a.csv"
    path.write_text(KALEIDOSCOPE.format("TOP1MATCH,TOP1DIST", "A b_C,0.75"))
    assert detections.read(path).confidence.tolist() == [0.75]
    path.write_text(KALEIDOSCOPE.format("TOP1MATCH,TOP1DIST,confidence", "A b_C,0.75,0.5"))
    assert detections.read(path).confidence.tolist() == [0.5]
    for columns in ("TOP1MATCH*,TOP1DIST,TOP2MATCH", "TOP1MATCH,TOP1DIST,CHANNEL"):
        path.write_text(KALEIDOSCOPE.format(columns, "A b_C,0.75,1"))
        for read in (detections.read, judged.read):
            with pytest.raises(ConfigError, match="line 1: TOP1DIST is a distance, the less the surer"):
                read(path)


def test_a_run_tells_its_thresholds(tmp_path: Path, tiny: models.Model) -> None:
    write(tmp_path / "a.wav", noise(8_000), 8_000)
    assert infer(tiny, tmp_path / "a.wav", "-o", tmp_path / "run", "--min-conf", "0.4").returncode == 0
    assert floors.of(tmp_path / "run") == (0.4,)
    assert floors.of(tmp_path) == ()


def test_tables_without_rows_are_compared() -> None:
    none, one = heard(), heard(("a", 0, 3, "x", 0.9))
    assert compare(paired(none, none))["is_same"]
    told = compare(paired(none, one), 0)
    assert (told["is_same"], told["detections"]["only_b"]) == (False, 1)


def test_the_higher_of_two_detections_of_a_window_stands() -> None:
    one = heard(("a", 0, 3, "x", 0.4), ("a", 0, 3, "x", 0.9), ("a", 0, 3, "x", 0.2))
    assert compare(paired(one, heard(("a", 0.004, 3, "x", 0.9))))["is_same"]


starts = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 5), st.sampled_from("xy")), max_size=12, unique=True
)


@given(starts, starts)
def test_the_numbers_are_those_of_sets(
    one: list[tuple[str, int, str]], other: list[tuple[str, int, str]]
) -> None:
    made = [heard(*((f, s * 3.0, s * 3.0 + 3, x, 0.5) for f, s, x in some)) for some in (one, other)]
    told = compare(paired(*made), 0)["detections"]
    wanted = len({*one} & {*other}), len({*one} - {*other}), len({*other} - {*one})
    assert (told["both"], told["only_a"], told["only_b"]) == wanted


def test_names_behind_an_apostrophe_are_what_they_were(tmp_path: Path) -> None:
    made = []
    for safe in (False, True):
        folder = tmp_path / str(safe)
        folder.mkdir()
        rows = [Detection(0, 3, "=A b", "-C", 0.5, "=in/@a.wav")]
        tables.write_all(
            folder, ("csv",), About({}, (AboutModel("net"),)), [Result(rows[0].file, [rows])], csv_safe=safe
        )
        made.append(detections.read(folder))
    assert made[0].species == made[1].species == [Species("=A b", "-C")]
    assert made[0].windows.files == made[1].windows.files == ["=in/@a.wav"]


def test_rows_of_several_models_are_told_apart(tmp_path: Path) -> None:
    header = "Start (s),End (s),Scientific name,Common name,Confidence,File,Model"
    lines = [f"0.0,3.0,{a},{b},0.9,a.wav,{model}" for model in ("m", "n") for a, b in BIRDS]
    (tmp_path / "detections.csv").write_text("\n".join([header, *lines]))
    with pytest.raises(ConfigError, match="of several models; --model takes one: m, n"):
        detections.read(tmp_path)
    assert len(detections.read(tmp_path, "n").which) == 2


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "one,two\n1,2\n", "no table of detections|no column has a file or a time"),
        ("a.csv", "file,start,end,species,confidence\na,0,3,x,1e\n", "line 2: '1e' is no number"),
        ("a.csv", "file,start,end,species,confidence\na,3,0,x,1\n", "line 2: 3 to 0 s is no part"),
        ("a.csv", "file,start,end,species,confidence\na,0,3,x\n", "line 2: 4 columns, and 5"),
        ("a.txt", "0\t3\n", "line 1: Audacity's labels"),
        ("a.parquet", "PAR1", "no Parquet file"),
    ],
)
def test_what_is_no_table_is_told_by_name_and_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=said):
        detections.read(tmp_path / name)
    with pytest.raises(ConfigError, match=name.replace(".", r"\.")):
        detections.read(tmp_path)  # the folder of it


@pytest.mark.parametrize("cell", ["nan", "inf", "-inf", "1e39"])
def test_a_confidence_that_is_no_number_is_refused(tmp_path: Path, cell: str) -> None:
    sheet = tmp_path / "d.csv"
    sheet.write_text(f"file,start,end,species,confidence\na,0,3,x,0.5\nb,0,3,x,{cell}\n")
    with pytest.raises(ConfigError, match=f"line 3: '{cell}' is no number"):
        detections.read(sheet)


def test_the_commands_refuse_such_a_confidence(tmp_path: Path) -> None:
    sheet, truth = tmp_path / "d.csv", tmp_path / "t.csv"
    sheet.write_text("file,start,end,species,confidence\na,0,3,x,nan\n")
    truth.write_text("file,start,end,label\na,0,3,x\n")
    for command in (("compare", sheet, sheet), ("evaluate", sheet, "--truth", truth)):
        result = birdfast(*command)
        assert (result.returncode, "d.csv: line 2: 'nan' is no number" in result.stderr) == (64, True)


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        *(("confidence", cell, f"row 2: {cell} is no number") for cell in (np.nan, np.inf, None)),
        ("start", np.nan, "row 2: nan is no number"),
        ("end", -1.0, "row 2: 0 to -1 s is no part"),
    ],
)
def test_rows_of_parquet_that_are_none_are_told(
    tmp_path: Path, column: str, cell: float | None, said: str
) -> None:
    columns = {"file": ["a", "b"], "start": [0.0, 0.0], "end": [3.0, 3.0], "species": ["x", "x"]}
    columns["confidence"] = [0.5, 0.5]
    columns[column] = [columns[column][0], cell]
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "d.parquet")
    with pytest.raises(ConfigError, match=said):
        detections.read(tmp_path / "d.parquet")


def test_a_folder_without_tables_is_told(tmp_path: Path) -> None:
    (tmp_path / "failures.csv").write_text("path\n")
    with pytest.raises(ConfigError, match="no tables of detections in it"):
        detections.read(tmp_path)


def test_the_command_ends_with_0_or_1_and_writes_what_differs(tmp_path: Path) -> None:
    one, other = our_csv(tmp_path / "ours"), birdnet(tmp_path / "theirs")
    same = birdfast("compare", one.parent, other)
    assert (same.returncode, same.stdout.splitlines()[-1]) == (0, "the same"), same.stderr
    lines = other.read_text().splitlines()
    other.write_text("\n".join([*lines[:-1], lines[-1].replace("0.75", "0.65").replace("Parus", "=Parus")]))
    result = birdfast("compare", one, other, "-o", tmp_path / "out", "--csv-safe")
    assert (result.returncode, "\nthey differ\n" in result.stdout) == (1, True), result.stderr
    told = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert told["judged"] == {"a": str(one), "b": str(other)}
    rows = table(tmp_path / "out" / "differences.csv")
    assert {row["file"] for row in rows} == {"in/b.flac"}
    assert all(row["a"] == "" or row["b"] == "" for row in rows) or rows[0]["b"] == "0.65"
    assert len(table(tmp_path / "out" / "comparison.csv")) == len(told["by_species"]) + len(told["by_file"])
    assert comparison.N_LARGEST


@pytest.mark.parametrize("name", ["a\tb", "a\nb", "a\rb", "a\\tb", '"a"'])
@pytest.mark.parametrize("kind", ["raven", "raven3"])
def test_names_that_ravens_tables_escape_are_those_of_other_tables(
    tmp_path: Path, name: str, kind: str
) -> None:
    rows = [Detection(0.0, 3.0, *BIRDS[0], 0.5, f"in/{name}.wav")]
    tables.write_all(tmp_path, ("csv", kind), About({}, (AboutModel("net"),)), [Result(rows[0].file, [rows])])
    one, other = (tmp_path / tables.DETECTIONS[one].name for one in ("csv", kind))
    assert compare(paired(detections.read(one), detections.read(other)))["is_same"]
