"""What infer is asked reaches its tables, and a finished run answers without hearing anew."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from birdfast import models
from birdfast.cli import asking
from birdfast.journal import QUESTION, Record
from birdfast.merging import merged
from birdfast.runs import Results
from birdfast.runs.asked import changed
from birdfast.scores.keeping import ALL, BEST

from . import networks
from .commands import birdfast, infer, table


def rows(out: Path) -> list[tuple[str, str, str, float]]:
    names = ("Start (s)", "End (s)", "Scientific name")
    found = table(out / "detections.csv")
    return [(*(row[name] for name in names), float(row["Confidence"])) for row in found]  # type: ignore[misc]


def asked(tiny: models.Model, *words: object) -> str:
    done = infer(tiny, *words)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_merged_rows_are_those_of_a_run_one_after_the_other(
    tiny: models.Model, wav: Path, tmp_path: Path
) -> None:
    out, fresh = tmp_path / "out", tmp_path / "fresh"
    asked(tiny, wav, "-o", out, "--min-conf", "0.3")
    single = [*Results(out)]
    expected = [row for part in merged([single], 2) for row in part]
    assert len(expected) < len(single)
    how = ("--min-conf", "0.3", "--merge_consecutive", "2", "--rtype", "csv", "raven", "ndjson")
    assert "asked again: nothing to hear" in asked(tiny, wav, "-o", out, *how)
    assert [*Results(out)] == expected
    assert [row[:3] for row in rows(out)] == [
        (f"{row.start_s}", f"{row.end_s}", row.scientific_name) for row in expected
    ]
    asked(tiny, wav, "-o", fresh, *how)
    for name in ("detections.csv", "BirdNET_SelectionTable.txt", "detections.ndjson"):
        assert (out / name).read_bytes() == (fresh / name).read_bytes()
    assert len((out / "BirdNET_SelectionTable.txt").read_text().splitlines()) == 1 + len(expected)


def test_thresholds_of_single_classes(tiny: models.Model, wav: Path, tmp_path: Path) -> None:
    out, fresh, file = tmp_path / "out", tmp_path / "fresh", tmp_path / "thresholds.csv"
    asked(tiny, wav, "-o", out, "--min-conf", "0.1")
    every = rows(out)
    names = sorted({row[2] for row in every})
    file.write_text(f"class,threshold\n{names[0]},0.7\n{names[1]},0.2\n")
    least = {names[0]: 0.7, names[1]: 0.2}
    told = asked(tiny, wav, "-o", out, "--min-conf", "0.5", "--thresholds", file)
    assert "asked again: nothing to hear" in told
    assert rows(out) == [row for row in every if row[3] >= least.get(row[2], 0.5)]
    assert {row[2] for row in rows(out)} != {row[2] for row in every if row[3] >= 0.7}
    asked(tiny, wav, "-o", fresh, "--min-conf", "0.5", "--thresholds", file)
    assert (out / "detections.csv").read_bytes() == (fresh / "detections.csv").read_bytes()
    file.write_text(f"class,threshold\n{names[0]},0.9\n")
    asked(tiny, wav, "-o", out, "--min-conf", "0.5", "--thresholds", file)
    assert all(row[3] >= 0.9 for row in rows(out) if row[2] == names[0])


@pytest.mark.parametrize(
    ("text", "more", "reason"),
    [
        ("class,threshold\nNobody,0.5\n", (), "'Nobody' is a class of no model here"),
        ("class,threshold\nNoise,1.5\n", (), "wanted are a class, and 0 to 1"),
        ("class,threshold\nNoise,0.5\n", ("--keep-scores", "none"), "keep_scores: none keeps what one least"),
    ],
)
def test_wrong_thresholds_are_told_before_anything_is_heard(
    tiny: models.Model, wav: Path, tmp_path: Path, text: str, more: tuple[str, ...], reason: str
) -> None:
    (tmp_path / "t.csv").write_text(text)
    done = infer(tiny, wav, "-o", tmp_path / "out", "--thresholds", tmp_path / "t.csv", *more)
    assert done.returncode == 64
    assert reason in done.stderr
    assert "of sound" not in done.stderr


def test_a_list_of_species_reaches_the_tables(tiny: models.Model, wav: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    asked(tiny, wav, "-o", out, "--min-conf", "0")
    every = rows(out)
    one = every[0][2]
    (tmp_path / "species_list.txt").write_text(f"{one}\n")
    asked(tiny, wav, "-o", out, "--min-conf", "0", "--slist", tmp_path)
    assert rows(out) == [row for row in every if row[2] == one]
    asked(tiny, wav, "-o", out, "--min-conf", "0", "--exclude", tmp_path)
    assert rows(out) == [row for row in every if row[2] != one]


@pytest.mark.parametrize(
    "words", ["{out} --rtype raven csv", "--rtype raven csv {out}", "{out} --rtype raven,csv"]
)
def test_tables_takes_the_same_words(tiny: models.Model, wav: Path, tmp_path: Path, words: str) -> None:
    out, other = tmp_path / "out", tmp_path / "other"
    asked(tiny, wav, "-o", out, "--min-conf", "0.1")
    every = rows(out)
    how = ("--min_conf", "0.5", "-b", "4", "-o", other)
    done = birdfast("tables", *words.format(out=out).split(), *how)
    assert done.returncode == 0, done.stderr
    assert "-b: birdfast batches by itself" in done.stderr
    assert rows(other) == [row for row in every if row[3] >= 0.5]
    assert rows(out) == every
    assert (other / "BirdNET_SelectionTable.txt").is_file()


def test_tables_takes_one_folder() -> None:
    done = birdfast("tables", "--rtype", "csv")
    assert done.returncode == 64
    assert "RESULTS, one folder of `birdfast infer`, is wanted" in done.stderr


GIVEN = [
    ("--slist", "list.txt", "none"),
    ("--exclude", "list.txt", "none"),
    ("--thresholds", "thresholds.csv", "none"),
    ("--min-conf", "0.3", "none"),
    ("--top-n", "1", "none"),
    ("--sensitivity", "0.9", "1"),
    ("--merge-consecutive", "5", "1"),
    ("--additional-columns", "model", "none"),
    ("--tz", "UTC", "none"),
    ("--name-pattern", "{site}", "none"),
    ("--deployments", "sites.csv", "none"),
    ("--week", "4", "none"),
    ("-l", "names.txt", "none"),
]


def question_files(folder: Path, name: str) -> None:
    (folder / "names.txt").write_text(f"{name}_Amsel\n")
    (folder / "list.txt").write_text(f"{name}\n")
    (folder / "thresholds.csv").write_text(f"class,threshold\n{name},0.9\n")
    (folder / "sites.csv").write_text("site,lat,lon,tz\nA,,,UTC\n")


def test_tables_takes_back_what_was_asked(
    tiny: models.Model, wav: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    asked(tiny, wav, "-o", out)
    with Record(out) as record:
        before = record.facts().asked
    plain = (out / "detections.csv").read_bytes()
    question_files(tmp_path, rows(out)[0][2])
    monkeypatch.chdir(tmp_path)
    given = [one for one in GIVEN if one[0] not in ("--exclude", "--name-pattern", "-l")]
    for which in (1, 2):
        done = birdfast("tables", out, *(words[place] for words in given for place in (0, which)))
        assert done.returncode == 0, done.stderr
        assert ((out / "detections.csv").read_bytes() == plain) == (which == 2)
    with Record(out) as record:
        assert record.facts().asked == before


@pytest.mark.parametrize(("option", "value", "back"), GIVEN)
def test_each_option_of_a_question_can_be_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, value: str, back: str
) -> None:
    question_files(tmp_path, "Turdus merula")
    monkeypatch.chdir(tmp_path)
    parser = argparse.ArgumentParser()
    asking.arguments(parser)
    usual, told = changed({}, {}, {}), [changed({}, {}, {})]
    for word in (value, back):
        chosen = parser.parse_args([option, word])
        told.append(changed(told[-1], asking.picking(chosen), asking.rest(chosen)))
    assert told[1] != usual
    assert told[2] == usual


def test_a_place_is_taken_back_and_asked_as_usual_again() -> None:
    parser = argparse.ArgumentParser()
    asking.arguments(parser)
    told = asking.rest(
        parser.parse_args(["--lat", "-1", "--lon", "-1", "--sf-thresh", "0.03", "--no-strict"])
    )
    assert told == {"latitude": None, "longitude": None, "place_threshold": 0.03, "strict": False}
    before = {QUESTION: {"latitude": 52.0, "longitude": 13.0, "place_threshold": 0.5, "strict": True}}
    assert changed(before, {}, told).get(QUESTION) is None
    assert asking.rest(parser.parse_args([])) == {}


LOW = [
    (("--min-conf", "0.1", "--sensitivity", "1.5", "--top-n", "3", "--exclude", "LIST"), False),
    (("--min-conf", "0.0002", "--top-n", "3", "--exclude", "LIST", "--keep-scores", "none"), False),
    (("--sensitivity", "1.5", "--thresholds", "0.05"), True),
    (("--thresholds", "0.0005"), True),
    (("--thresholds", "0.0005", "--top-n", "3"), True),  # others may be higher, and not wanted
    (("--min-conf", "0", "--top-n", "3", "--exclude", "LIST"), True),
]


@pytest.mark.parametrize(("words", "keeps_all"), LOW)
def test_a_question_that_the_usual_scores_do_not_answer_has_more_kept(
    wav: Path, tmp_path: Path, words: tuple[str, ...], keeps_all: bool
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    networks.write_folder(folder, networks.weights(BEST + 5))  # of fewer classes all are kept in any case
    (folder / "labels.txt").write_text(
        "".join(f"Avis {number}_Bird {number}\n" for number in range(BEST + 5))
    )
    tiny = models.find(folder)
    names = tiny.class_names()[0]
    (tmp_path / "list.txt").write_text(f"{names.scientific[0]}\n")
    given = [str(tmp_path / "list.txt") if word == "LIST" else word for word in words]
    if "--thresholds" in given:
        place = given.index("--thresholds") + 1
        (tmp_path / "t.csv").write_text(f"class,threshold\n{names.scientific[0]},{given[place]}\n")
        given[place] = str(tmp_path / "t.csv")
    asked(tiny, wav, "-o", tmp_path / "out", *given)
    asked(tiny, wav, "-o", tmp_path / "all", *given, "--keep-scores", "all")
    told = [(tmp_path / name / "detections.csv").read_bytes() for name in ("out", "all")]
    assert told[0] == told[1]
    with Record(tmp_path / "out") as record:
        assert (record.keepings(0)[0][0].least == ALL) == keeps_all


def test_more_scores_of_what_was_heard_before_are_not_kept_and_that_is_said(
    tiny: models.Model, wav: Path, tmp_path: Path
) -> None:
    out, less = tmp_path / "out", "what was heard before keeps less; --force hears it again"
    assert less not in asked(tiny, wav, "-o", out, "--keep-scores", "none")
    assert less not in asked(tiny, wav, "-o", out)
    assert f"--keep-scores best: {less}" in asked(tiny, wav, "-o", out, "--keep-scores", "best")
    assert f"--keep-scores all: {less}" in asked(tiny, wav, "-o", out, "--keep-scores", "all")
    assert less not in asked(tiny, wav, "-o", out, "--keep-scores", "all", "--force")
    for kind in ("all", "best", "none"):
        assert less not in asked(tiny, wav, "-o", out, "--keep-scores", kind)
