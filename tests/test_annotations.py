"""Truth is read whoever wrote it, and what is wrong in it is told by file and line."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from birdfast import annotations
from birdfast.annotations import Annotation
from birdfast.errors import ConfigError
from birdfast.judging import wide

INF = math.inf


def read(folder: Path, text: str, name: str = "truth.csv") -> annotations.Truth:
    path = folder / name
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return annotations.read(path)


@pytest.mark.parametrize(
    "header",
    [
        "file,start,end,label",
        "file,start_s,end_s,labels",
        "Filename,Start Time (s),End Time (s),Species eBird Code",
        "audio_file,start_time,end_time,annotation",
        "\ufefffile;start;end;species",
        "File,Begin Time (s),End Time (s),Class",
        "Begin Path\tBegin Time (s)\tEnd Time (s)\tSpecies",
    ],
)
def test_columns_have_the_names_that_tools_give_them(tmp_path: Path, header: str) -> None:
    delimiter = next(one for one in "\t;," if one in header)
    rows = [
        ["a.wav", "1.5", "3", "robin"],
        ["a.wav", "0:01:05.5", "00:01:10", "wren|robin"],
        ["b.wav", "0", "60", ""],
    ]
    text = "\n".join([header, *(delimiter.join(row) for row in rows)])
    text = text.replace("|", ";") if delimiter != ";" else text.replace("wren|robin", '"wren;robin"')
    truth = read(tmp_path, text)
    assert truth.rows == (
        Annotation("a.wav", 1.5, 3, ("robin",)),
        Annotation("a.wav", 65.5, 70, ("wren", "robin")),
        Annotation("b.wav", 0, 60, ()),
    )
    assert not truth.are_windows
    assert truth.labels == ["robin", "wren"]


def test_without_times_a_label_is_of_the_whole_file(tmp_path: Path) -> None:
    truth = read(tmp_path, "file,label,fold\na.wav,robin,1\nb.wav,,2\n")
    assert truth.rows == (Annotation("a.wav", 0, INF, ("robin",)), Annotation("b.wav", 0, INF))


def test_birdclef_tells_windows(tmp_path: Path) -> None:
    rows = (
        Annotation("BC_1", 0, 5, ("47158son15", "grekis")),
        Annotation("BC_1", 5, 10, ()),
        Annotation("BC_2", 0, 5, ("grekis",)),
    )
    for header, lines in (
        ("row_id,labels", ["BC_1_5,47158son15;grekis", "BC_1_10,", "BC_2_5,grekis"]),
        ("row_id,47158son15,grekis", ["BC_1_5,1,1", "BC_1_10,0,0", "BC_2_5,0,1.0"]),
        ("row_id,primary_label", ["BC_1_5,47158son15;grekis", "BC_1_10,nocall", "BC_2_5,grekis"]),
    ):
        truth = read(tmp_path, "\n".join([header, *lines]))
        assert (truth.rows, truth.are_windows) == (rows, True)
    rows_of_a_file = "BC_1.ogg,00:00:00,00:00:05,grekis;wren\nBC_1.ogg,00:00:05,00:00:10,\n"
    truth = read(tmp_path, "filename,start,end,primary_label\n" + rows_of_a_file)
    assert truth.are_windows
    assert truth.rows[0] == Annotation("BC_1.ogg", 0, 5, ("grekis", "wren"))
    assert not annotations.read(tmp_path / "truth.csv", are_windows=False).are_windows


def test_a_row_id_may_have_any_name_in_it(tmp_path: Path) -> None:
    assert read(tmp_path, 'row_id,labels\n"a\nb_5",x\n').rows == (Annotation("a\nb", 0, 5, ("x",)),)


def test_rows_are_as_long_as_their_step(tmp_path: Path) -> None:
    truth = read(tmp_path, "row_id,labels\na_3,x\na_6,x\na_9,\nb_3,x\n")
    assert [(row.start_s, row.end_s) for row in truth.rows] == [(0, 3), (3, 6), (6, 9), (0, 3)]


@pytest.mark.parametrize(
    ("ends", "length_s"),
    [
        ("a_5 a_10 x_20 x_60", 5),  # of x alone it would be 20
        ("a_5 a_15 b_30", 5),
        ("a_3 a_6 b_60", 3),
        ("x_20 y_60", 5),
        ("x_3", 5),
        ("a_0 b_5", 5),
        ("a_10 a_20", 10),
    ],
)
def test_rows_that_are_left_out_make_none_longer(tmp_path: Path, ends: str, length_s: float) -> None:
    told = ends.split()
    truth = read(tmp_path, "\n".join(["row_id,labels", *(f"{one},x" for one in told)]))
    (tmp_path / "scores.csv").write_text("\n".join(["row_id,x", *(f"{one},0.5" for one in told)]))
    scores = wide.read(tmp_path / "scores.csv").windows
    for one, row, start_s in zip(told, truth.rows, scores.start_s, strict=True):
        end_s = float(one.partition("_")[2])
        assert (row.start_s, row.end_s) == (start_s, end_s) == (max(0, end_s - length_s), end_s)


def test_opensoundscape_has_a_column_a_class(tmp_path: Path) -> None:
    truth = read(tmp_path, "file,start_time,end_time,robin,wren\na.wav,0,5,True,False\na.wav,5,10,0,0\n")
    assert truth.are_windows
    assert truth.rows == (Annotation("a.wav", 0, 5, ("robin",)), Annotation("a.wav", 5, 10))


RAVEN = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)"


def test_raven_has_a_table_a_recording_and_two_lines_a_selection(tmp_path: Path) -> None:
    read(
        tmp_path,
        f"{RAVEN}\tSpecies\n"
        "1\tWaveform 1\t1\t2\t3\t0\t9000\trobin\n1\tSpectrogram 1\t1\t2\t3\t0\t9000\trobin\n",
        "dawn.Table.1.selections.txt",
    )
    read(
        tmp_path,
        f"{RAVEN}\tSpecies\n1\tSpectrogram 1\t1\t7\t8\t0\t9000\twren\n",
        "dusk.BirdNET.selection.table.txt",
    )
    (tmp_path / "night.Table.1.selections.txt").write_text(f"{RAVEN}\tSpecies\n")
    truth = annotations.read(tmp_path)
    told = (
        Annotation("dawn", 2, 3, ("robin",)),
        Annotation("dusk", 7, 8, ("wren",)),
        Annotation("night", 0, 0),
    )
    assert truth.rows == told


def test_a_table_of_several_files_counts_within_each(tmp_path: Path) -> None:
    text = (
        f"{RAVEN}\tSpecies\tBegin File\tFile Offset (s)\n"
        "1\tSpectrogram 1\t1\t2\t3.5\t0\t9000\trobin\ta.wav\t2\n"
        "2\tSpectrogram 1\t1\t62\t63.5\t0\t9000\trobin\tb.wav\t2\n"
    )
    truth = read(tmp_path, text, "all.txt")
    assert truth.rows == (Annotation("a.wav", 2, 3.5, ("robin",)), Annotation("b.wav", 2, 3.5, ("robin",)))


def test_audacity_has_no_header(tmp_path: Path) -> None:
    truth = read(tmp_path, "0.5\t2.25\trobin\n3\t4\twren\n", "dawn.txt")
    assert truth.rows == (Annotation("dawn", 0.5, 2.25, ("robin",)), Annotation("dawn", 3, 4, ("wren",)))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file,start,end,label\na.wav,x,3,robin\n", "truth.csv: line 2: 'x' is no time"),
        ("file,start,end,label\na.wav,nan,3,robin\n", "line 2: 'nan' is no time"),
        ("file,start,end,label\na.wav,1e300,3,robin\n", "line 2: '1e300' is no time"),
        ("file,start,end,label\na.wav,4,3,robin\n", "line 2: 4 to 3 s is no part"),
        ("file,start,end,label\na.wav,-1,3,robin\n", "line 2: -1 to 3 s is no part"),
        ("file,start,end,label\n\n,0,3,robin\n", "line 3: no file"),
        ("file,start,end,label\na.wav,0,3\n", "line 2: 3 columns, and 4 in the header"),
        ("row_id,labels\na_5,x\nb,x\n", "line 3: row_id 'b' is not a file's stem and a second"),
        ("file,start,end,robin\na.wav,0,3,0.7\n", "line 2: '0.7' is not 0 or 1"),
        ("file,start,end\na.wav,0,3\n", "no column of labels"),
        ("row_id,robin\na_5,much\n", "line 2: 'much' is no number"),
        ("label\nrobin\n", "no column has a file or a time"),
        ("file,label\n", "no annotations in it"),
        ("", "truth.csv"),
        ("0.5\t2\n", "line 1: Audacity's labels have"),
        ('file,label\n"a.wav' + "x" * 200_000 + "\n", "no table behind line"),
    ],
)
def test_what_is_wrong_is_told_by_file_and_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert said in str(caught.value)
    assert "truth.csv" in str(caught.value)


def test_an_empty_folder_and_a_missing_file_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no annotations in it"):
        annotations.read(tmp_path)
    with pytest.raises(ConfigError, match="no such file|No such file"):
        annotations.read(tmp_path / "none.csv")


def test_a_map_joins_labels(tmp_path: Path) -> None:
    path = tmp_path / "map.csv"
    path.write_text("label,class\n47158son1,cicada\n47158son2,cicada\n")
    truth = read(tmp_path, "file,label\na.wav,47158son1;47158son2;wren\n").mapped(annotations.class_map(path))
    assert truth.rows[0].labels == ("cicada", "wren")
    for text, said in (
        ("label,class\na,b\na,c\n", "line 3: 'a' is 'b' already"),
        ("label,class\na,\n", "line 2: a label or a class is empty"),
        ("from,to\na,b\n", "lacks a column: label and class, or primary_label and one of"),
    ):
        path.write_text(text)
        with pytest.raises(ConfigError, match=said):
            annotations.class_map(path)


def test_a_taxonomy_is_a_map(tmp_path: Path) -> None:
    path = tmp_path / "taxonomy.csv"
    rows = [
        "grekis,Great Kiskadee,Pitangus sulphuratus,Aves",
        "1s1,Cicada,Insecta,Insecta",
        "1s2,,Insecta,Insecta",
    ]
    path.write_text("\n".join(["primary_label,common_name,scientific_name,class_name", *rows]))
    named = {"great kiskadee": "grekis", "pitangus sulphuratus": "grekis", "cicada": "1s1"}
    assert annotations.class_map(path) == named


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("file,label\na.wav,wren\nb.wav,caf\u00e9\n".encode("latin-1"), 3),
        ("file,start,end,caf\u00e9\na.wav,0,3,1\n".encode("latin-1"), 1),
        ("0\t3\trobin\n3\t4\tcaf\u00e9\n".encode("latin-1"), 2),
        ("file,label\na.wav,wren\n".encode("utf-16"), 1),
        ("file,label\na.wav,wren\n".encode("utf-16-be"), 1),
    ],
)
def test_text_that_is_not_utf_8_is_refused(tmp_path: Path, text: bytes, line: int) -> None:
    (tmp_path / "truth.csv").write_bytes(text)
    with pytest.raises(ConfigError, match=f"truth.csv: line {line}: not UTF-8 text"):
        annotations.read(tmp_path / "truth.csv")


def test_bytes_that_are_no_text_stay_what_they_are(tmp_path: Path) -> None:
    truth = read(tmp_path, "file,label\na\udcff.wav,robin\n")
    assert truth.rows[0].file == "a\udcff.wav"
