"""What is judged counts as found from where the run had it, a number, or a file; and such files are read."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

import birdfast
from birdfast import models
from birdfast.config import Options
from birdfast.errors import ConfigError
from birdfast.judging import floors
from birdfast.judging.names import Species
from birdfast.runs import thresholds

from . import commands, heads, networks
from .commands import table
from .recordings import noise, write

pytest.importorskip("sklearn.metrics", reason="judging needs birdfast[train]")
NAMES = [Species("Avis prima", "First"), Species("caf\u00e9", "caf\u00e9"), Species("Noise", "Noise")]


def csv_of(folder: Path, text: str) -> Path:
    (folder / "least.csv").write_text(text)
    return folder / "least.csv"


def test_a_file_of_thresholds_is_read_by_any_name_of_a_class(tmp_path: Path) -> None:
    path = csv_of(tmp_path, "class,threshold,precision\nNOISE,0.5,1\nAvis prima_First,0.125,\ncafe\u0301,,\n")
    found = thresholds.read(path, NAMES)
    assert (found.dtype, found.tolist()) == (np.float32, [0.125, 0.25, 0.5])
    assert thresholds.read(path, NAMES, 0.75).tolist() == [0.125, 0.75, 0.5]
    each = thresholds.read(path, NAMES, np.float32([0, 0.375, 0]))
    assert each.tolist() == [0.125, 0.375, 0.5]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("class,threshold\nFirst,0.5\nDodo,0.5\n", "line 3: 'Dodo' is none of the 3 classes"),
        ("class,threshold\nFirst,0.5\nAvis prima,0.5\n", "line 3: 'Avis prima' is there twice"),
        ("class,threshold\nFirst,1.5\n", "line 2: 'First', '1.5': wanted are a class, and 0 to 1"),
        ("class,threshold\nFirst,nan\n", "line 2: 'First', 'nan'"),
        ("class,threshold\nFirst,high\n", "line 2: 'First', 'high'"),
        ("class,threshold\n,0.5\n", "line 2: '', '0.5'"),
        ("class,sure_threshold\nFirst,0.5\n", "lacks the column threshold"),
    ],
)
def test_what_does_not_fit_is_told_by_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=f"least.csv: {said}"):
        thresholds.read(csv_of(tmp_path, text), NAMES)


@pytest.fixture(scope="module")
def own(deep: models.Model, tmp_path_factory: pytest.TempPathFactory) -> models.Model:
    """A head of three classes, the last background, with thresholds of its own."""
    folder = tmp_path_factory.mktemp("own") / "bats"
    told = {"calibration": {"temperature": 1.0, "precision": 0.9}, "thresholds": {"a": 0.75, "b": 0.5}}
    weights, classes = 30 * heads.matrix(5, n_classes=3), ["a", "b", "background"]
    how = {"classes": classes, "background": "background", **told}
    return models.find(heads.write_own(folder, weights, deep.path, str(deep.path.parent), **how))


@pytest.fixture(scope="module")
def run(own: models.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run by a model's own thresholds, and what is true of it."""
    folder = tmp_path_factory.mktemp("run")
    write(folder / "x.wav", noise(200_000), networks.RATE_HZ)
    done = commands.infer(own, folder / "x.wav", "-o", folder / "out", "--rtype", "csv,scores")
    assert done.returncode == 0, done.stderr
    rows = [f"x.wav,{start},{start + 2},{label}" for start, label in ((0, "a"), (8, "b"), (12, "b"))]
    (folder / "truth.csv").write_text("\n".join(["file,start,end,label", *rows]))
    return folder


def counted(run: Path, found: birdfast.Evaluation, least: dict[str, float]) -> None:
    """Hold recall of each class against one that is counted by hand, from the scores."""
    (scores,) = birdfast.Results(run / "out").scores()
    for row, column in zip(found.told["classes"], (0, 1), strict=True):
        calls = {"a": [(0, 2)], "b": [(8, 10), (12, 14)]}[row["class"]]
        spans = zip(scores.start_s, scores.end_s, strict=True)
        true = [any(min(b, e) - max(a, s) > 0.4 for s, e in calls) for a, b in spans]
        told = scores.values[:, column] >= np.float32(least[row["class"]])
        assert row["threshold"] == np.float32(least[row["class"]])
        assert row["recall"] == pytest.approx((told & true).sum() / np.sum(true))
        assert row["n"] == np.sum(true)


def test_a_run_that_was_asked_by_a_file_is_judged_by_it(run: Path, own: models.Model, tmp_path: Path) -> None:
    file = csv_of(tmp_path, "class,threshold\na,0.625\n")
    out = tmp_path / "asked" / "out"
    how = ("-o", out, "--rtype", "csv", "scores", "--thresholds", file)
    done = commands.infer(own, run / "x.wav", *how)
    assert done.returncode == 0, done.stderr
    found = birdfast.evaluate(out, run / "truth.csv", n_draws=0)
    assert found.told["threshold_of"] == "each class's own threshold, as in the run"
    counted(out.parent, found, {"a": 0.625, "b": 0.5})
    assert floors.of(out) == ()  # what compare is told: it cannot know them
    file.write_text("class,threshold\na,0.1\n")
    with pytest.raises(ConfigError, match="holds others than when the run was asked; --threshold takes"):
        birdfast.evaluate(out, run / "truth.csv", n_draws=0)


def test_a_run_is_judged_as_it_was_told(run: Path, own: models.Model, tmp_path: Path) -> None:
    found = birdfast.evaluate(run / "out", run / "truth.csv", n_draws=0)
    assert (found.told["threshold"], found.told["threshold_of"]) == (
        None,
        "each class's own threshold, as in the run",
    )
    counted(run, found, {"a": 0.75, "b": 0.5})
    again = birdfast.evaluate(run / "out" / "scores.parquet", run / "truth.csv", n_draws=0)
    assert again.told == found.told
    one = birdfast.evaluate(run / "out", run / "truth.csv", n_draws=0, threshold=0.6)
    assert one.told["threshold"] == pytest.approx(0.6)
    counted(run, one, {"a": 0.6, "b": 0.6})
    file = csv_of(tmp_path, "class,threshold\nb,0.9\n")
    of_file = birdfast.evaluate(run / "out", run / "truth.csv", n_draws=0, threshold=file)
    counted(run, of_file, {"a": 0.25, "b": 0.9})
    assert of_file.told["threshold_of"] == f"each class's threshold of {file}"


def test_the_command_says_from_where_on_and_what_it_suggests_can_be_used(
    run: Path, own: models.Model, tmp_path: Path
) -> None:
    how = (
        "evaluate",
        run / "out",
        "--truth",
        run / "truth.csv",
        "--draws",
        "0",
        "--precision",
        "0.15",
        "-o",
        tmp_path,
    )
    done = commands.birdfast(*how)
    assert "recall and F1: each class's own threshold, as in the run; sure from: where 15% are" in done.stdout
    told = json.loads((tmp_path / "evaluation.json").read_text())
    wanted = {row["class"]: (row["for_precision"] or {}).get("threshold", "") for row in told["classes"]}
    assert any(wanted.values())
    assert {row["class"]: row["threshold"] for row in table(tmp_path / "thresholds.csv")} == {
        name: str(value) for name, value in wanted.items()
    }
    (found,) = thresholds.by_class(tmp_path / "thresholds.csv", [classes_of(own)])
    assert found == {place: pytest.approx(wanted[name]) for place, name in enumerate("ab") if wanted[name]}


def classes_of(model: models.Model) -> list[tuple[str, str]]:
    (names, *_) = model.class_names()
    return [*zip(names.scientific, names.common, strict=True)]


def test_thresholds_of_several_models_are_of_one_at_least(own: models.Model, deep: models.Model) -> None:
    every = [classes_of(deep), classes_of(own)]
    both = thresholds.by_class(csv_of(own.path.parent, "class,threshold\nb,0.125\nNoise,0.375\n"), every)
    assert both == [{2: 0.375}, {1: 0.125}]
    with pytest.raises(ConfigError, match="line 2: 'Dodo' is a class of no model here"):
        thresholds.by_class(csv_of(own.path.parent, "class,threshold\nDodo,0.125\n"), every)


def test_thresholds_are_said_to_be_of_clips_where_a_model_knows_no_background(
    own: models.Model, deep: models.Model, tmp_path: Path
) -> None:
    (said,) = thresholds.told(Options(), [own])
    assert said.startswith("thresholds of bats: a class's own, for a precision of 0.9 on held-out windows; ")
    told = {"calibration": {"temperature": 1.0, "precision": 0.9}, "thresholds": {"a": 0.75, "b": 0.5}}
    weights = 30 * heads.matrix(5, n_classes=2)
    folder = heads.write_own(
        tmp_path / "x", weights, deep.path, str(deep.path.parent), classes=["a", "b"], **told
    )
    (said,) = thresholds.told(Options(), [models.find(folder)])
    assert "on held-out windows of clips (it knows no background, so among all that sounds fewer" in said
    given = dataclasses.replace(own, thresholds=(0.1, 0.1, 2.0))
    exported = dataclasses.replace(own, kind="onnx", path=tmp_path / "x.onnx")  # which has no manifest
    for model in (given, exported):
        assert thresholds.told(Options(), [model]) == [
            "thresholds of bats: a class's own; --min-conf (min_confidence) takes one of your own"
        ]


def test_a_models_folder_takes_no_evaluation(run: Path, own: models.Model) -> None:
    before = {path.name: path.read_bytes() for path in own.path.parent.iterdir()}
    for force in (False, True):
        with pytest.raises(ConfigError, match="bats: holds a model, whose own evaluation has these names"):
            birdfast.evaluate(run / "out", run / "truth.csv", output=own.path.parent, force=force, n_draws=0)
    assert {path.name: path.read_bytes() for path in own.path.parent.iterdir()} == before


def test_what_an_evaluation_wrote_is_no_table_of_detections(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("Start (s),End (s),Common name,Confidence\n0,3,robin,0.5\n")
    (tmp_path / "truth.csv").write_text("file,start,end,label\nx,0,3,robin\n")
    for _ in range(2):
        found = birdfast.evaluate(tmp_path, tmp_path / "truth.csv", output=tmp_path, n_draws=0)
    assert {path.name for path in found.tables} < {path.name for path in tmp_path.iterdir()}


def test_evaluate_is_the_command(run: Path, tmp_path: Path) -> None:
    found = birdfast.evaluate(run / "out", run / "truth.csv", output=tmp_path / "one", n_draws=20)
    how = ("--draws", "20", "-o", tmp_path / "two")
    commands.birdfast("evaluate", run / "out", "--truth", run / "truth.csv", *how)
    assert commands.contents(tmp_path / "one") == commands.contents(tmp_path / "two")
    assert {path.name for path in found.tables} == {*commands.contents(tmp_path / "one")}
