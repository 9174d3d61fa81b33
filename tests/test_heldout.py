"""What a training was tested on can be looked at: scores, who was taken for whom, models of folds."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from birdfast import annotations, audio, modelfolder, models
from birdfast.__main__ import main
from birdfast.judging import given
from birdfast.judging.alignment import align
from birdfast.sessions import open_session
from birdfast.train import codebook, crossvalidation, evaluation, folds, heldout, keep, recordings
from birdfast.train.evaluation import Missed

from . import commands
from .test_train import RATE_HZ, RECIPE, SEVERAL_STREAMS, song

pytest.importorskip("numba", reason="training needs birdfast[train]")
pytest.importorskip("sklearn", reason="training needs birdfast[train]")

CLASSES = ["rattle", "warble", "whistle"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`clips.csv` with two folds; one clip is a part of a recording."""
    folder = tmp_path_factory.mktemp("data")
    rows = ["file,label,start_s,end_s,fold"]
    for kind in CLASSES:
        for number in range(4):
            audio.write(folder / f"{kind}{number}.flac", song(kind, number), RATE_HZ)
            part = "0.5,1.75" if (kind, number) == ("rattle", 0) else ","
            rows.append(f"{kind}{number}.flac,{kind},{part},{number % 2 + 1}")
    (folder / "clips.csv").write_text("\n".join(rows) + "\n")
    (folder / "small.toml").write_text(RECIPE)
    return folder


def command(data: Path, output: Path, *more: str) -> list[str]:
    how = ["--recipe", str(data / "small.toml"), "--workers", "1"]
    return ["train", str(data / "clips.csv"), "-o", str(output), *how, *more]


@pytest.fixture(scope="module")
def judged(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("judged") / "songs"
    assert main(command(data, folder, "--cv", "--keep-folds", "--quiet")) == 0
    return folder


def scores_of(table: Path) -> tuple[list[tuple[str, ...]], np.ndarray]:
    with table.open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["file", "start_s", "end_s", *CLASSES]
    return [tuple(row[:3]) for row in rows], np.array([row[3:] for row in rows], float)


def windows(span: tuple[str, ...]) -> np.ndarray:
    """The window of sound that a row is of, zero-padded: float32 [1, 1 s]."""
    found = np.zeros((1, RATE_HZ), np.float32)
    sound = audio.read(span[0], RATE_HZ)[0][round(float(span[1]) * RATE_HZ) : round(float(span[2]) * RATE_HZ)]
    found[0, : len(sound)] = sound
    return found


def test_scores_are_those_of_the_models_that_did_not_hear_the_fold(judged: Path) -> None:
    spans, scores = scores_of(judged / "held_out.csv")
    truth = commands.table(judged / "held_out_truth.csv")
    assert [(row["file"], row["start_s"], row["end_s"]) for row in truth] == spans
    assert len(spans) == 2 * 12 - 1  # a part of 1.25 s has one window
    assert spans[0][1:] == ("0.5", "1.5")
    for row, span, values in zip(truth, spans, scores, strict=True):
        assert Path(row["file"]).name.startswith(row["label"])
        logits = said_of(judged / "folds" / row["fold"], span)
        np.testing.assert_allclose(values, np.exp(logits) / np.exp(logits).sum(), rtol=1e-3, atol=1e-5)


def said_of(model: Path, span: tuple[str, ...]) -> np.ndarray:
    return open_session(models.find(model)).run(windows(span))["logits"].astype(np.float64)[0]


def test_scores_of_several_streams_averaged_over_variants_are_a_row_a_window(
    data: Path, tmp_path: Path
) -> None:
    (tmp_path / "streams.toml").write_text(SEVERAL_STREAMS)
    how = ["--recipe", str(tmp_path / "streams.toml"), "--hold-out", "2", "--keep-folds", "--quiet"]
    assert main(["train", str(data / "clips.csv"), "-o", str(tmp_path / "m"), *how]) == 0
    spans, scores = scores_of(tmp_path / "m/held_out.csv")
    assert len(spans) == 2 * 6
    for span, values in zip(spans, scores, strict=True):
        logits = said_of(tmp_path / "m/folds/2", span)
        np.testing.assert_allclose(values, 1 / (1 + np.exp(-logits)), rtol=1e-3, atol=1e-5)


def test_the_models_of_folds_are_whole_and_say_what_they_are(judged: Path) -> None:
    assert sorted(path.name for path in (judged / "folds").iterdir()) == ["1", "2"]
    for fold in ("1", "2"):
        assert modelfolder.facts(judged / "folds" / fold)["title"] == f"songs, without fold {fold}"
        assert modelfolder.facts(judged / "folds" / fold)["classes"] == CLASSES


def test_who_was_taken_for_whom_is_counted(judged: Path) -> None:
    rows = commands.table(judged / "confusion.csv")
    assert [row.pop("class") for row in rows] == [*CLASSES, "(none)"]
    counts = np.array([[int(count) for count in row.values()] for row in rows])
    told = json.loads((judged / "evaluation.json").read_text())
    assert counts.sum(axis=1).tolist() == [4, 4, 4, 0]
    assert np.trace(counts[:3]) / 12 == pytest.approx(told["mean"]["accuracy"])
    assert len(told["worst"]) == 12 - np.trace(counts[:3])


def test_a_table_as_parquet_has_the_same_rows(data: Path, judged: Path, tmp_path: Path) -> None:
    import pyarrow.parquet

    assert main(command(data, tmp_path, "--hold-out", "2", "--scores", "parquet", "--quiet")) == 0
    table = pyarrow.parquet.read_table(tmp_path / "held_out.parquet")
    assert json.loads(table.schema.metadata[b"common_names"]) == CLASSES
    found = {
        (row["file"], f"{row['start_s']:g}", f"{row['end_s']:g}"): row["scores"] for row in table.to_pylist()
    }
    spans, scores = scores_of(judged / "held_out.csv")
    truth = commands.table(judged / "held_out_truth.csv")
    expected = {
        span: values for span, values, row in zip(spans, scores, truth, strict=True) if row["fold"] == "2"
    }
    assert found.keys() == expected.keys()
    for span, values in expected.items():
        np.testing.assert_allclose(found[span], values, rtol=1e-5, atol=1e-7)
    assert not (tmp_path / "held_out.csv").exists()
    assert not (tmp_path / "folds").exists()


def test_what_is_written_how_it_goes_and_what_to_do_next_is_said(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "my model"
    assert main(command(data, out, "--cv")) == 0
    said = capsys.readouterr().err
    for words in (
        *("fold 1: 6 of 12 clips held out", "how good it is: "),
        *("fold 1 (1 of 3): codebook ", "model (3 of 3): codebook ", " in all", " left"),
        *(f"run it: birdfast infer --model '{out}' RECORDINGS -o RESULTS", "--preset soundscapes"),
    ):
        assert words in said
    assert "not tested" not in said
    assert main(command(data, out, "--cv", "--force", "--quiet")) == 0
    assert capsys.readouterr().err == ""
    assert main(command(data, out, "--force")) == 0
    assert "how good it is: not tested; --hold-out 20%" in capsys.readouterr().err


# ---- models of folds, kept and given up ----

KILLED = """
import os, signal, sys
from birdfast.train import stages
write = stages.Training.write
def killed(training, folder, *what):
    if folder.name == "2":
        os.kill(os.getpid(), signal.SIGKILL)
    write(training, folder, *what)
stages.Training.write = killed
from birdfast.__main__ import main
main(sys.argv[1:])
"""


def files(folder: Path) -> dict[str, bytes]:
    """The models' arrays and manifests, and the tables of what was held out."""
    some = [path for path in folder.rglob("*") if path.suffix in (".npy", ".csv", ".json", ".toml")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in some}


@pytest.mark.long
def test_folds_that_were_killed_go_on_to_the_same(
    data: Path, judged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "songs"
    how = command(data, out, "--cv", "--keep-folds", "--quiet")
    killed = subprocess.run([sys.executable, "-c", KILLED, *how], check=False, timeout=300)
    assert killed.returncode == -signal.SIGKILL
    assert not (out / "held_out.csv").exists()
    found: list[int] = []
    fit = codebook.fit
    monkeypatch.setattr(codebook, "fit", lambda *what, **how: found.append(1) or fit(*what, **how))
    assert main(how) == 0
    assert found == [1]  # of the model alone: those of the folds were kept
    assert files(out) == files(judged)
    assert [*out.rglob("*.part")] == []


def test_models_of_other_folds_go_and_what_is_not_ours_stays(data: Path, tmp_path: Path) -> None:
    assert main(command(data, tmp_path, "--hold-out", "2", "--keep-folds", "--quiet")) == 0
    (tmp_path / "folds/2/mine.txt").write_text("mine")
    assert main(command(data, tmp_path, "--hold-out", "1", "--keep-folds", "--force", "--quiet")) == 0
    assert sorted(str(path.relative_to(tmp_path)) for path in (tmp_path / "folds/2").iterdir()) == [
        "folds/2/mine.txt"
    ]
    assert modelfolder.is_one(tmp_path / "folds/1")
    assert main(command(data, tmp_path, "--force", "--quiet")) == 0
    assert [*(tmp_path / "folds").iterdir()] == [tmp_path / "folds/2"]


def test_what_is_in_the_way_of_a_fold_is_told(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folds/1/mean.npy").mkdir(parents=True)
    assert main(command(data, tmp_path, "--cv", "--keep-folds", "--quiet")) == 64
    assert "folds/1/mean.npy: cannot be written (it is a folder)" in capsys.readouterr().err


def test_folds_are_told_apart_by_how_they_are_written(data: Path, tmp_path: Path) -> None:
    rows = (data / "clips.csv").read_text().replace(",1\n", ",01\n").replace(",2\n", ",1\n")
    (tmp_path / "clips.csv").write_text(rows.replace("\nr", f"\n{data}/r").replace("\nw", f"\n{data}/w"))
    how = ["--recipe", str(data / "small.toml"), "--workers", "1", "--cv", "--quiet"]
    assert main(["train", str(tmp_path / "clips.csv"), "-o", str(tmp_path / "m"), *how]) == 0
    told = json.loads((tmp_path / "m/evaluation.json").read_text())
    assert [one["fold"] for one in told["folds"]] == [1, "01"]
    for fold in ("01", "10", "2", "9" * 5000, "x"):
        assert folds.is_number(fold) == (fold in ("10", "2"))


def test_a_fold_whose_name_is_no_folders_has_a_number() -> None:
    for names, folders in (
        (["1", "2"], ["1", "2"]),
        (["held out"], ["held out"]),
        (["a", "../b"], ["1", "2"]),
        (["..", "."], ["1", "2"]),
        (["x" * 300], ["1"]),
    ):
        assert crossvalidation._names([(name, None, []) for name in names]) == folders  # type: ignore[misc]


@pytest.mark.parametrize("option", [["--keep-folds"], ["--scores", "csv"], ["--plots"]])
def test_options_of_what_is_held_out_go_with_holding_out(
    data: Path, tmp_path: Path, option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(data, tmp_path / "m", *option)) == 64
    assert f"{option[0]} is of what is held out: it goes with --cv or --hold-out" in capsys.readouterr().err


def test_plots_without_matplotlib_are_refused_at_once(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(recordings, "find", lambda *_, **__: pytest.fail("looked for recordings"))
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(command(data, tmp_path / "m", "--cv", "--plots")) == 64
    assert "--plots needs matplotlib" in capsys.readouterr().err


# ---- figures, by hand ----


def test_the_clips_that_another_class_outdid_are_found_the_worst_first() -> None:
    confidences = np.array([[0.9, 0.1, 0], [0.2, 0.8, 0.1], [0.6, 0.3, 0.05], [0.3, 0.2, 0.7]], np.float32)
    truth = np.array([[1, 0, 0], [1, 0, 0], [1, 0, 1], [0, 0, 0]], bool)
    found = evaluation.missed(confidences, truth)
    assert [(one.clip, one.label, one.taken_for) for one in found] == [(2, 2, 1), (1, 0, 1)]
    assert found[0] == Missed(2, 2, pytest.approx(0.05), 1, pytest.approx(0.3))


def test_a_clip_counts_for_each_of_its_classes() -> None:
    scores = np.array([[3, 1, 0], [0, 3, 1], [0, 3, 1], [1, 0, 3]], np.float32)
    truth = np.array([[1, 0, 0], [1, 1, 0], [1, 0, 1], [0, 0, 0]], bool)
    assert evaluation.confusion(scores, truth) == {(0, 0): 2, (1, 1): 1, (0, 1): 1, (2, 1): 1, (-1, 2): 1}


def test_a_spreadsheet_runs_no_class_and_no_file(tmp_path: Path) -> None:
    clip = recordings.Clip("=a.wav", ("=1+1",), fold="-2")
    with heldout.HeldOut(tmp_path, ["=1+1", "b"], csv_safe=True) as table:
        table.write("-2", [clip], np.zeros(1, np.int64), np.array([[0.25, 0.75]], np.float32), 3.0)
    evaluation.write_confusion(tmp_path, evaluation.Confusion({(0, 1): 2}), ["=1+1", "b"], csv_safe=True)
    assert (tmp_path / "held_out.csv").read_text().splitlines() == [
        '"file","start_s","end_s","\'=1+1","b"',
        "'=a.wav,0,3,0.25,0.75",
    ]
    assert (tmp_path / "held_out_truth.csv").read_text().splitlines()[1] == "'=a.wav,0,3,'=1+1,'-2,1"
    assert (tmp_path / "confusion.csv").read_text().splitlines()[:2] == [
        '"class","\'=1+1","b"',
        "'=1+1,0,2",
    ]


def test_what_is_held_out_of_clips_that_overlap_is_judged_clip_by_clip(tmp_path: Path) -> None:
    parts = [("a", 0.0, 3.0), ("b", 1.0, 4.0), ("a", 2.0, 5.0)]
    clips = [recordings.Clip("x.wav", (label,), start_s=s, end_s=e) for label, s, e in parts]
    scores = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], np.float32)
    with heldout.HeldOut(tmp_path, ["a", "b"]) as table:
        table.write("1", clips, np.arange(3), scores, 3.0)
    truth = annotations.read(tmp_path / "held_out_truth.csv")
    assert truth.are_windows
    found = align(given.read(tmp_path / "held_out.csv"), truth)
    np.testing.assert_allclose(found.values, scores)
    assert found.truth.tolist() == [[True, False], [False, True], [True, False]]


def test_tables_of_a_test_that_failed_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="full"), heldout.HeldOut(tmp_path, ["a"]):
        raise OSError("full")
    assert os.listdir(tmp_path) == []  # noqa: PTH208


def test_folds_of_nothing_leave_nothing(tmp_path: Path) -> None:
    keep.prepare_folds(tmp_path / "folds", ())
    (tmp_path / "folds").mkdir()
    keep.prepare_folds(tmp_path / "folds", ())
    assert not (tmp_path / "folds").exists()
