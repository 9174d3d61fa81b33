"""A submission has every row of every file, whatever happens, and says in each what the windows said."""

from __future__ import annotations

import argparse
import csv
import os
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from birdfast import Follower, annotations, models, outcomes, run, submission, windows
from birdfast.annotations import Annotation, Truth
from birdfast.cli import submission as cli
from birdfast.cli import values
from birdfast.errors import ConfigError, ModelError
from birdfast.judging import given as judged
from birdfast.judging.alignment import align
from birdfast.judging.said import Scores
from birdfast.postprocessing import apply, parsed
from birdfast.runs import How, Submission, shards
from birdfast.runs.merging import merge
from birdfast.runs.submitting import Submitter
from birdfast.sources import classes, composed
from birdfast.spool import Spool, change_columns
from birdfast.submission import Overlap, Sample, blended, columns_of, percentiles
from birdfast.submission.blending import BLENDS, Share
from birdfast.tables.table import About, AboutModel, Names, Result

from . import networks
from .commands import birdfast, contents
from .recordings import noise, write

NAMES = ("Avis prima", "Avis secunda", "Noise")


def rows_of(
    window_s: float, step_s: float, scores: Sequence[float], by: str, n_rows: int, start_s: float = 0.0
) -> np.ndarray:
    begins = start_s + np.arange(len(scores)) * step_s
    overlap = Overlap(n_rows, 1, by)
    overlap.add(begins, begins + window_s, np.float32(scores)[:, None])
    values, heard = overlap.rows()
    assert np.isnan(values[~heard]).all()
    return values[:, 0]


def test_windows_of_three_seconds_become_rows_of_five() -> None:
    scores = [0.1, 0.2, 0.6, 0.3, 0.9]  # 0-3, 3-6, 6-9, 9-12, 12-15
    mean = [(3 * 0.1 + 2 * 0.2) / 5, (0.2 + 3 * 0.6 + 0.3) / 5, (2 * 0.3 + 3 * 0.9) / 5]
    np.testing.assert_allclose(rows_of(3, 3, scores, "mean", 3), mean, rtol=1e-6)
    np.testing.assert_allclose(rows_of(3, 3, scores, "max", 3), [0.2, 0.6, 0.9], rtol=1e-6)


def test_windows_of_five_seconds_are_rows_and_what_is_not_heard_is_none() -> None:
    for by in submission.BY:
        found = rows_of(5, 5, [0.5, 0.25], by, 3)
        np.testing.assert_array_equal(found, [0.5, 0.25, np.nan])
        assert len(rows_of(5, 5, [], by, 0)) == 0
        np.testing.assert_array_equal(rows_of(5, 5, [np.nan, 0.25], by, 2), [np.nan, 0.25])


@given(
    st.lists(st.floats(0, 1, width=32), min_size=1, max_size=12),
    st.sampled_from([0.96, 2.0, 3.0, 5.0, 12.5]),
    st.sampled_from([0.5, 1.0]),
    st.integers(1, 6),
)
def test_a_row_has_what_shares_sound_with_it(
    scores: list[float], window_s: float, stride: float, n_rows: int
) -> None:
    step_s = window_s * stride
    every = [(n * step_s, n * step_s + window_s, score) for n, score in enumerate(scores)]
    for row in range(n_rows):
        shared = [(min(b, 5 * row + 5) - max(a, 5 * row), score) for a, b, score in every]
        shared = [(s, score) for s, score in shared if s > 1e-6]
        total = sum(s for s, _ in shared)
        mean = sum(s * score for s, score in shared) / total if shared else np.nan
        highest = max((score for _, score in shared), default=np.nan)
        for by, expected in (("mean", mean), ("max", highest)):
            found = rows_of(window_s, step_s, scores, by, n_rows)[row]
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


@given(st.lists(st.floats(0, 1, width=32), min_size=8, max_size=8))
def test_shifted_grids_count_as_the_mean_of_what_each_says(scores: list[float]) -> None:
    one = rows_of(5, 5, scores[::2], "mean", 3)
    other = rows_of(5, 5, scores[1::2], "mean", 3, 2.5)
    both = rows_of(5, 2.5, scores, "mean", 3)
    np.testing.assert_allclose(both[1:], (one[1:] + other[1:]) / 2, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(both[0], (2 * one[0] + other[0]) / 3, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ("sound_s", "n"),
    [(0, 0), (0.9, 0), (1, 1), (5, 1), (7.3, 2), (59.99, 12), (60, 12), (60.5, 12), (61, 13)],
)
def test_a_last_row_has_a_second_of_sound(sound_s: float, n: int) -> None:
    assert submission.n_rows(sound_s) == n


def test_columns_are_known_by_any_name_and_several_classes_count_as_the_highest(tmp_path: Path) -> None:
    path = tmp_path / "taxonomy.csv"
    path.write_text(
        "primary_label,id,scientific_name,class\nfirst,1,AVIS PRIMA,\nfirst,1,,Noise\nx,2,Nobody,\n"
    )
    names = [("Avis prima", "First"), ("Avis secunda", "Second"), ("Noise", "Noise")]
    found = columns_of(
        ["x", "second", "first", "Avis secunda_Second"], names, classes.read(path, ConfigError)
    )
    assert found.known.tolist() == [1, 2, 3]
    scores = np.float32([[0.1, 0.2, 0.3], [0.9, 0.4, 0.5]])
    np.testing.assert_array_equal(found.of(scores), np.float32([[0.2, 0.3, 0.2], [0.4, 0.9, 0.4]]))
    assert columns_of(["z"], names, {}).of(scores).shape == (2, 0)
    for text in ("from,to\na,b\n", "primary_label,other\na,b\n"):
        path.write_text(text)
        with pytest.raises(ConfigError, match="taxonomy.csv: "):
            classes.read(path, ConfigError)


def test_one_map_of_names_serves_submissions_and_judging_in_both_its_forms(tmp_path: Path) -> None:
    one, other = tmp_path / "map.csv", tmp_path / "taxonomy.csv"
    one.write_text("label,class\nAvis prima,cafe\u0301\nNoise,cafe\u0301\nswapped,b\nb,swapped\n")
    other.write_text("primary_label,class\ncaf\u00e9,AVIS PRIMA\ncaf\u00e9,noise\nb,swapped\nswapped,b\n")
    names = [
        ("Avis prima", "First"),
        ("b", "b"),
        ("swapped", "swapped"),
        ("Noise", "Noise"),
        ("Caf\u00e9", ""),
    ]
    for path in (one, other):
        found = columns_of(["caf\u00e9", "b", "swapped"], names, classes.read(path, ConfigError))
        parts = np.split(found.classes, found.begins[1:])
        assert [part.tolist() for part in parts] == [[0, 3, 4], [2], [1]]  # and by its own name, if it may
        judged = annotations.class_map(path)
        assert judged == {"avis prima": "caf\u00e9", "noise": "caf\u00e9", "swapped": "b", "b": "swapped"}


FLOATS = st.lists(st.one_of(st.floats(0, 1, width=16), st.just(float("nan"))), max_size=20)


@given(FLOATS)
def test_percentiles_are_ranks_of_what_is_a_number(values: list[float]) -> None:
    array = np.float32(values)
    told = np.isfinite(array)
    found = percentiles(array)
    np.testing.assert_allclose(found[told], rankdata(array[told]) / max(1, told.sum()), rtol=1e-6)
    assert np.isnan(found[~told]).all()


def test_a_blend_is_of_those_who_know_and_heard() -> None:
    nan, prior = np.nan, np.float32([0.01, 0.02, 0.03])
    one = Share(0.6, np.array([0, 1]), np.float32([[0.5, 0.2], [nan, nan], [nan, nan]]))
    two = Share(0.4, np.array([1]), np.float32([[0.8], [0.6], [nan]]))
    values, told = blended([one, two], "mean", prior, 3)
    expected = [[0.5, 0.6 * 0.2 + 0.4 * 0.8, 0.03], [0.01, 0.6, 0.03], prior]
    np.testing.assert_allclose(values, expected, rtol=1e-6)
    assert told.tolist() == [[True, True, False], [False, True, False], [False] * 3]
    values, _ = blended([one, two], "logit", prior, 3)
    at = 0.6 * np.log(0.2 / 0.8) + 0.4 * np.log(0.8 / 0.2)
    np.testing.assert_allclose(values[0, 1], 1 / (1 + np.exp(-at)), rtol=1e-6)


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=9), st.floats(0.1, 9))
def test_a_model_alone_blends_to_itself(scores: list[float], weight: float) -> None:
    share = Share(weight, np.array([0]), np.float32(scores)[:, None])
    for by in BLENDS:
        found, _ = blended([share], by, np.float32([0.5]), len(scores))
        np.testing.assert_allclose(found[:, 0], np.float32(scores), atol=2e-7)


def test_a_spool_changes_columns_block_by_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("birdfast.spool.BLOCK_BYTES", 1)
    rows = np.random.default_rng(1).random((7, 3), np.float32)
    spool, empty = Spool(3, tmp_path), Spool(0, tmp_path)
    assert list(tmp_path.iterdir()) == []  # so a kill leaves nothing
    spool.add(rows[:4])
    spool.add(rows[4:])
    changed = spool.array()
    change_columns(changed, lambda column: column[::-1])
    np.testing.assert_array_equal(changed[2:5], rows[::-1][2:5])
    empty.add(rows[:, :0])
    nothing = empty.array()
    change_columns(nothing, percentiles)
    assert nothing[1:5].shape == (4, 0)


GOOD = "row_id,b,a\nx_5,0.25,0.5\n\ny_2_10,0.75,0.5\nx_10,0.5,0.5\n"


def test_a_sample_tells_columns_priors_and_rows(tmp_path: Path) -> None:
    path = tmp_path / "sample.csv"
    path.write_text(GOOD)
    found = Sample.read(path)
    assert (found.header, found.classes) == (("row_id", "b", "a"), ("b", "a"))
    assert found.ends_s == {"x": [5, 10], "y_2": [10]}
    np.testing.assert_array_equal(found.prior, [0.5, 0.5])
    path.write_text("a,row_id,b,c,d\n")
    np.testing.assert_array_equal(Sample.read(path).prior, [0.25] * 4)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "a,b\n",
            "row_id\n",
            "row_id,a,a\n",
            "row_id,row_id,a\n",
            "row_id,a\nx,1\n",
            "row_id,a\nx_7,1\n",
        ),
        *("row_id,a\nx_5,1,2\n", "row_id,a\nx_5,one\n", "row_id,a\nx_5,nan\n", "row_id,a\nx_5,1\nx_5,1\n"),
        *("row_id,a\nd/x_5,1\n", "row_id,a\nx_0,1\n"),
    ],
)
def test_what_is_no_sample_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sample.csv"
    path.write_text(text)
    with pytest.raises(ConfigError, match="sample.csv: "):
        Sample.read(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("sample", 5), ("classes", b"a"), ("by", "median"), ("blend_by", "product"), ("length_s", -1)),
        *(("length_s", "60"), ("blend", ["a"]), ("blend", {"a": 0}), ("blend", {"a": "1"}), ("post", "top2")),
    ],
)
def test_a_submission_names_what_does_not_fit(name: str, value: Any) -> None:
    with pytest.raises(ConfigError):
        Submission(**{"sample": "a.csv", name: value})
    with pytest.raises(ConfigError, match="submission: "):
        How(kinds=("submission",))
    with pytest.raises(ConfigError, match="submission: "):
        How(submission=Submission(sample="a.csv"))


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings of odd lengths, one that is cut and one that is none, a sample, and two networks."""
    folder = tmp_path_factory.mktemp("night")
    (folder / "in" / "more").mkdir(parents=True)
    for number, length_s in enumerate((60, 7.3, 62.0)):
        write(folder / f"in/file_{number}.wav", noise(round(length_s * 8_000), seed=number), 8_000)
    shutil.copy(folder / "in/file_0.wav", folder / "in/more/cut.wav")
    with (folder / "in/more/cut.wav").open("r+b") as file:
        file.truncate(44 + 2 * 8_000 * 21)
    (folder / "in/bad.wav").write_text("no sound")
    rows = "".join(f"{name},0.1,0.2,0.3,0.4\n" for name in ("file_0_5", "elsewhere_5", "file_1_90"))
    (folder / "sample.csv").write_text(f"row_id,noise,Nobody,Second Bird,first\n{rows}")
    (folder / "classes.csv").write_text("primary_label,class\nfirst,Avis prima\nfirst,Noise\n")
    for name, weights in (("one", ()), ("two", (networks.weights(5), networks.weights(window_samples=5)))):
        (folder / name).mkdir()
        networks.write_folder(folder / name, *weights)
        (folder / name / "tiny.tflite").rename(folder / name / f"{name}.tflite")
    return folder


def submitted(out: Path) -> dict[str, list[float]]:
    with (out / "submission.csv").open(newline="") as file:
        _, *rows = csv.reader(file)
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0]: [*map(float, row[1:])] for row in rows}


class Ear(Follower):
    """Writes down what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.warned: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.warned.append(text)


def infer(night: Path, out: Path, names: Sequence[str] = ("one",), **asked: Any) -> Ear:
    ear, files = Ear(), {"sample": night / "sample.csv", "classes": night / "classes.csv"}
    run(
        night / "in",
        [night / name for name in names],
        output=out,
        kinds=("submission", "scores"),
        workers=1,
        followers=[ear],
        submission=Submission(**{**files, **asked}),
    )
    return ear


@pytest.fixture(scope="module")
def heard(night: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run of one network left, of which others may be made at no cost."""
    out = tmp_path_factory.mktemp("heard")
    infer(night, out)
    return out


@pytest.fixture
def out(heard: Path, tmp_path: Path) -> Path:
    return shutil.copytree(heard, tmp_path / "out")


def expected(out: Path, model: str, stem: str, n_rows: int) -> np.ndarray:
    """Return the rows of a file from the table of scores, by another way: [n_rows, noise, second, first]."""
    table = pyarrow.parquet.read_table(out / f"scores{model}.parquet").to_pylist()
    windows = [row for row in table if Path(row["file"]).stem == stem]
    found = np.zeros((n_rows, 3))
    for row in range(n_rows):
        shared = [min(w["end_s"], 5 * row + 5) - max(w["start_s"], 5 * row) for w in windows]
        weights = np.clip(shared, 0, None)
        scores = np.array([w["scores"] for w in windows])
        columns = np.column_stack([scores[:, 2], scores[:, 1], np.maximum(scores[:, 0], scores[:, 2])])
        found[row] = weights @ columns / weights.sum()
    return found


PRIOR = [0.1, 0.2, 0.3, 0.4]


def test_every_file_has_its_rows_whatever_is_in_it(night: Path, out: Path) -> None:
    ear = infer(night, out)
    missing = "not Nobody; --classes takes a CSV of what models call them"
    assert f"one knows 3 of the sample's 4 classes, {missing}" in ear.said
    assert ear.warned == ["1 row of the sample: of no recording here, with its values"]
    found = submitted(out)
    n_rows = {"file_0": 12, "file_1": 12, "file_2": 13, "cut": 12, "bad": 12}
    names = [f"{stem}_{5 * n + 5}" for stem, n_of in n_rows.items() for n in range(n_of)]
    assert {*found} == {*names, "file_1_90", "elsewhere_5"}
    for stem, n_heard in (("file_0", 12), ("file_1", 2), ("file_2", 13), ("cut", 5)):
        values = expected(out, "", stem, n_heard)
        for row, (noise_, second, first) in enumerate(values):
            told = found[f"{stem}_{5 * row + 5}"]
            np.testing.assert_allclose(told, [noise_, 0.2, second, first], rtol=2e-6)
    unheard = ["file_1_15", "file_1_60", "file_1_90", "cut_30", "bad_5", "bad_60", "elsewhere_5"]
    assert all(found[name] == PRIOR for name in unheard)
    header = (out / "submission.csv").read_text().partition("\n")[0]
    assert header == "row_id,noise,Nobody,Second Bird,first"


def test_another_submission_costs_no_other_run_and_one_of_before_stays(night: Path, out: Path) -> None:
    infer(night, out, length_s=0)
    assert not any(name.startswith("bad") for name in submitted(out))
    infer(night, out, post=["smooth:0.2", "power"])
    steps, plain = parsed(["smooth:0.2", "power"]), expected(out, "", "file_2", 13)
    told = np.array([submitted(out)[f"file_2_{5 * row + 5}"] for row in range(13)])
    np.testing.assert_allclose(told[:, [0, 2, 3]], apply(steps, plain), rtol=5e-6)
    assert (told[:, 1] == 0.2).all()
    run(night / "in", night / "one", output=out, kinds=("csv", "scores"))
    assert (out / "submission.csv").exists()


def test_models_are_blended_by_rank_over_the_whole_run(night: Path, tmp_path: Path) -> None:
    both = ("one", "two")
    ear = infer(night, tmp_path, both, blend={"one": 3, "two": 1}, blend_by="rank")
    found, of_each = submitted(tmp_path), []
    heard = [("file_0", 12), ("file_1", 2), ("file_2", 13), ("cut", 5)]
    for model in both:
        every = np.concatenate([expected(tmp_path, f"-{model}", stem, n) for stem, n in heard])
        of_each.append(rankdata(every.astype(np.float32), axis=0) / len(every))
    names = [f"{stem}_{5 * row + 5}" for stem, n in heard for row in range(n)]
    told = np.array([found[name] for name in names])[:, [0, 2, 3]]
    wanted = 0.75 * of_each[0] + 0.25 * of_each[1]
    assert np.abs(told - wanted).max() <= 1 / len(names)  # two neighbours may be rounded to equals
    assert np.median(np.abs(told - wanted)) < 1e-6
    assert all(found[name] == [0.5, PRIOR[1], 0.5, 0.5] for name in ("bad_5", "cut_60", "elsewhere_5"))
    assert ear.warned == ["1 row of the sample: of no recording here, ranked in the middle"]
    infer(night, tmp_path, both, blend={"two": 1})
    np.testing.assert_allclose(
        submitted(tmp_path)["cut_5"][0], expected(tmp_path, "-two", "cut", 1)[0, 0], 1e-5
    )
    infer(night, tmp_path, both, blend_by="logit")
    said = [expected(tmp_path, f"-{model}", "cut", 1)[0, 0] for model in both]
    mean = np.mean([submission.logit(np.float64(one)) for one in said])
    np.testing.assert_allclose(submitted(tmp_path)["cut_5"][0], 1 / (1 + np.exp(-mean)), 1e-5)
    with pytest.raises(ConfigError, match="blend: 'three' does not fit; it takes one, two"):
        infer(night, tmp_path, both, blend={"three": 1})


def told_of(
    tmp_path: Path, heard: dict[str, dict[str, list[float]]], classes: str, **asked: Any
) -> dict[str, np.ndarray]:
    """Return the submission's rows by file, of scores by file and model: a model of one class, nan a hole."""
    sample = tmp_path / "sample.csv"
    sample.write_text(f"row_id,{','.join(classes)}\nz_5{',0.005' * len(classes)}\n")
    names = list(dict.fromkeys(name for scores in heard.values() for name in scores))
    about = About({}, tuple(AboutModel(name, (Names((name[0],), (name,)),)) for name in names))
    results = []
    for file, scores in heard.items():
        dense = {}
        for name, said in scores.items():
            rows = np.zeros(len(said), outcomes.row(1))
            rows["start_s"] = 5 * np.arange(len(said))
            rows["end_s"], rows["values"][:, 0] = rows["start_s"] + 5, said
            dense[names.index(name), "scores"] = [rows[np.isfinite(said)]]
        results.append(Result(f"{file}.wav", [], dense=dense))
    submitter = Submitter(Submission(sample=sample, length_s=30, **asked))
    submitter.fit(about)
    found = submitter.results(lambda: iter(results), tmp_path)
    return {Path(one.path).stem: next(iter(one.dense[0, "submission"]))["values"] for one in found}


HOLE = [0.2, 0.8, *[np.nan] * 3, 0.6]


def test_steps_take_no_row_beyond_a_hole_for_a_neighbour_and_no_prior_for_a_score(tmp_path: Path) -> None:
    """A row that one of two models did not hear has a score of the other, and a prior in its class."""
    heard = {"x": {"a": HOLE, "b": [0.004, 0.002, 0.004, 0.004, 0.004, 0.004]}}
    found = told_of(tmp_path, heard, "ab", post=["smooth:0.25"])["x"]
    np.testing.assert_allclose(found[:, 0], [0.35, 0.65, *[0.005] * 3, 0.6], rtol=1e-6)
    np.testing.assert_allclose(found[:3, 1], [0.0035, 0.003, 0.0035], rtol=1e-6)
    heard["x"]["a"] = [0.004, 0.002, *[np.nan] * 4]
    found = told_of(tmp_path, heard, "ab", post=["top2"])["x"]
    np.testing.assert_allclose(found[:, 0], [0.004 * 0.003, 0.002 * 0.003, *[0.005] * 4], rtol=1e-6)


def test_a_model_that_knows_no_class_is_warned_of_and_what_lacks_is_named(tmp_path: Path) -> None:
    sample, classes = tmp_path / "sample.csv", [f"x{number}" for number in range(1, 6)]
    sample.write_text(f"row_id,a,{','.join(classes)}\n")
    submitter = Submitter(Submission(sample=sample))
    one, other = (AboutModel(name, (Names((name,), (name,)),)) for name in "ab")
    known, unknown = submitter.fit(About({}, (one, other)))
    how = "--classes takes a CSV of what models call them"
    assert known == f"a knows 1 of the sample's 6 classes, not x1, x2, x3 and 2 more; {how}"
    assert unknown == "b knows 0 of the sample's 6 classes"
    assert submitter.strangers() == [f"b knows no class of the sample, so it is not blended; {how}"]


@pytest.mark.parametrize("post", [[], ["top2"], ["smooth", "power:1"]])
def test_what_is_not_heard_ranks_in_the_middle(tmp_path: Path, post: list[str]) -> None:
    """A prior, such as 1/206, would be the lowest percentile of all by its scale alone."""
    heard = {"x": {"a": [0.1] * 6, "b": HOLE}, "y": {"a": [], "b": []}, "z": {"a": [0.9] * 6, "b": HOLE}}
    found = told_of(tmp_path, heard, "abc", blend_by="rank", post=post)
    assert (found["x"][:, 0] < found["y"][:, 0]).all()
    assert (found["y"][:, 0] < found["z"][:, 0]).all()
    np.testing.assert_array_equal(found["x"][2:5, 1], found["y"][2:5, 1])
    np.testing.assert_array_equal(found["y"][:, 2], np.float32([0.005] * 6))  # no model knows it


def test_shards_are_merged_to_the_same_submission(night: Path, out: Path, tmp_path: Path) -> None:
    files = Submission(sample=night / "sample.csv", classes=night / "classes.csv")
    with pytest.raises(ConfigError, match="a shard has not all of its rows"):
        How(kinds=("submission",), submission=files, shard=shards.parse("1/2"))
    parts = [tmp_path / "1", tmp_path / "2"]
    for part in parts:
        run(
            night / "in",
            night / "one",
            output=part,
            kinds="scores",
            shard=f"{part.name}/2",
            workers=1,
        )
    said: list[str] = []
    kinds = ("submission", "scores")
    merge(parts, tmp_path / "both", kinds, submission=files, tell=said.append)
    assert contents(tmp_path / "both") == contents(out)
    assert [text.split()[0] for text in said] == ["one", "1"]
    with pytest.raises(ConfigError, match="submission: None does not fit"):
        merge(parts, tmp_path / "both", kinds)


def test_a_files_rows_are_called_as_the_sample_spells_its_name(night: Path, tmp_path: Path) -> None:
    """Names with an accent of its own (NFD), as some systems have them, and bytes that are no UTF-8."""
    apart, as_one, bytes_ = "caf\u0065\u0301", "caf\u00e9", os.fsdecode(b"odd\xff")
    assert composed(apart) == as_one
    (tmp_path / "in").mkdir()
    for number, name in enumerate((apart, bytes_)):
        write(tmp_path / "in" / "new.wav", noise(80_000, seed=number), 8_000).rename(
            tmp_path / "in" / f"{name}.wav"
        )
    (tmp_path / "sample.csv").write_text(f"row_id,noise\n{as_one}_5,0.001\n{as_one}_15,0.001\n")
    how = {"kinds": ("submission",), "workers": 1, "output": tmp_path / "out"}
    ear, asked = Ear(), Submission(sample=tmp_path / "sample.csv", length_s=0)
    run(tmp_path / "in", night / "one", **how, followers=[ear], submission=asked)
    table = (tmp_path / "out" / "submission.csv").read_bytes().decode("utf-8")
    rows = [line.rpartition(",") for line in table.splitlines()[1:]]
    assert [row[0] for row in rows] == [f"{as_one}_{end}" for end in (5, 10, 15)] + [
        "odd\\xff_5",
        "odd\\xff_10",
    ]
    assert [float(row[2]) == 0.001 for row in rows] == [False, False, True, False, False]
    assert ear.warned == ["1 file with a name that is not UTF-8: their rows are called as odd\\xff_5"]


def test_a_manifests_steps_are_done_where_no_others_are_told(night: Path, out: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(night / "one", tmp_path / "one")
    with (folder / "model.toml").open("a") as file:
        file.write('\npost = ["top2"]\n')
    assert models.find(folder).post == ("top2",)
    own = tmp_path / "own"
    infer(night, own, [folder])
    infer(night, out, post=["top2"])
    assert submitted(own) == submitted(out)
    infer(night, own, [folder], post=[])
    infer(night, out)
    assert submitted(own) == submitted(out)
    with pytest.raises(ConfigError, match="post"):  # another way to the rows is another run
        infer(night, out, [folder])
    (folder / "model.toml").write_text('post = ["top3"]\n')
    with pytest.raises(ModelError, match=r"post = \['top3'\] does not fit"):
        models.find(folder)


def test_two_recordings_of_one_stem_and_a_sample_of_strangers_are_refused(night: Path, out: Path) -> None:
    more = night / "in" / "more" / "file_1.wav"
    shutil.copy(night / "in" / "file_1.wav", more)
    try:
        with pytest.raises(ConfigError, match="would have the same row_ids as"):
            infer(night, out)
    finally:
        more.unlink()
    strange = out / "strange.csv"
    strange.write_text("row_id,x,y\n")
    with pytest.raises(ConfigError, match="no model knows a class of it, as x"):
        infer(night, out, sample=strange)
    assert submitted(out)["bad_5"] == PRIOR, "what was there stays"


def test_the_command_asks_for_all_of_it(night: Path, tmp_path: Path) -> None:
    command = (
        "infer",
        night / "in",
        "--model",
        night / "one",
        "-o",
        tmp_path,
        "--rtype",
        "submission,scores",
    )
    asked = ("--sample", night / "sample.csv", "--classes", night / "classes.csv", "--submission-by", "max")
    more = ("--shift", "0", "0.25", "--post", "smooth", "top2", "--blend", "one:1", "--blend-by", "logit")
    assert birdfast(*command, *asked, *more).returncode == 2
    starts = pyarrow.parquet.read_table(tmp_path / "scores.parquet").column("start_s").to_pylist()
    assert starts[:4] == [0, 0.25, 0.5, 0.75]
    assert len(submitted(tmp_path)) == 12 * 4 + 13 + 2


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (["--sample", "a.csv"], "--sample goes with --rtype submission alone"),
        (["--post", "top2"], "--post goes with"),
        (["--blend-by", "mean"], "--blend-by goes with"),  # also where it is what is usual
        (["--submission-length", "60"], "--submission-length goes with"),
        (["--rtype", "submission"], "needs --sample"),
        (["--rtype", "submission", "--sample", "a", "--blend", "one"], "blend: 'one' does not fit"),
        (["--rtype", "submission", "--sample", "a", "--blend", "a:1,a:2"], "blend: 'a:1,a:2' does not fit"),
        (["--rtype", "submission", "--sample", "a", "--post", "top3"], "post: 'top3' does not fit"),
    ],
)
def test_options_that_make_no_sense_are_refused(how: list[str], said: str) -> None:
    parser = argparse.ArgumentParser()
    values.rtype(parser)
    cli.arguments(parser)
    chosen = parser.parse_args(how)
    with pytest.raises(ConfigError, match=re.escape(said)):
        cli.of(chosen, values.kinds(chosen.rtype))


@pytest.mark.parametrize("shifts", [(0.25,), (0, 0.2), (0, 0.1, 0.3), (0, 0.25, 0.5)])
def test_shifts_part_the_step_evenly(shifts: tuple[float, ...]) -> None:
    grid = windows.Grid(8_000, 4_000, 4_000)
    assert windows.parted(grid, ()) == windows.parted(grid, (0.0,)) == grid
    assert windows.parted(grid, (0.0, 0.25)).step_samples == 2_000
    with pytest.raises(ConfigError, match="do not part a step of 0.5 s evenly"):
        windows.parted(grid, shifts)
    with pytest.raises(ConfigError, match="evenly"):  # there is no half of a sample
        windows.parted(windows.Grid(8_000, 4_001, 4_001), (0.0, 0.25))


def test_rows_behind_a_short_files_end_are_not_judged(night: Path, tmp_path: Path) -> None:
    """A row of a minute is there for a file of seven seconds, too; nothing in it can be true or false."""
    out = tmp_path / "out"
    how = ["-o", out, "--rtype", "submission", "--sample", night / "sample.csv"]
    assert birdfast("infer", night / "in", "--model", night / "one", *how).returncode == 2  # one is cut
    said = judged.read(out)
    assert isinstance(said, Scores)
    assert said.heard_s.keys() == {"file_0", "file_1", "file_2"}
    rows = (Annotation(f"{name}.wav", 0.0, 5.0, ("first",)) for name in ("file_0", "file_1", "cut"))
    found = align(said, Truth(tuple(rows), False))
    names = [found.windows.files[number] for number in found.windows.file]
    assert Counter(names) == {"file_0": 12, "file_1": 2, "cut": 12}
