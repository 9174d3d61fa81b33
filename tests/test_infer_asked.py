"""What infer is asked reaches its tables, and a finished run answers without hearing anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from birdfast import models
from birdfast.merging import merged
from birdfast.runs import Results

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
