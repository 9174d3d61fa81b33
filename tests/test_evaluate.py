"""Scores are brought to the truth as one would by hand, and what is judged and what is not is told."""

from __future__ import annotations

import contextlib
import csv
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from birdfast import annotations, models
from birdfast.__main__ import main
from birdfast.annotations import Annotation, Truth
from birdfast.errors import ConfigError
from birdfast.judging import alignment, confusion, detections, names, report, worst
from birdfast.judging import given as judged
from birdfast.judging.alignment import Aligned, Options, align
from birdfast.judging.evaluation import Choices, evaluate
from birdfast.judging.names import Species
from birdfast.judging.said import Gathered, Heard, Scores
from birdfast.judging.spans import Rule
from birdfast.metrics import calibration_error
from birdfast.words import extra_hint

from .commands import birdfast, infer, table
from .recordings import noise, write

pytest.importorskip("sklearn.metrics", reason="judging needs birdfast[train]")
INF = float("inf")


def scores(rows: list[tuple[str, float, float]], values: object, *classes: str) -> Scores:
    gathered = Gathered()
    for row in rows:
        gathered.add(*row)
    return Scores(gathered.spans(), [names.species(one) for one in classes], np.array(values, np.float32))


def truth(*rows: tuple[str, float, float, str], windows: bool = False) -> Truth:
    told = (Annotation(*row[:3], tuple(filter(None, row[3].split(";")))) for row in rows)
    return Truth(tuple(told), windows)


def windows_of(found: Aligned) -> list[tuple[str, float, float]]:
    spans = found.windows
    return [(spans.files[f], float(a), float(b)) for f, a, b in zip(*spans[1:], strict=True)]


def true_in(found: Aligned) -> list[str]:
    return [";".join(found.labels[i] for i in np.flatnonzero(row)) for row in found.truth]


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 190), st.integers(1, 60), st.sampled_from("xy")), min_size=1, max_size=8
    ),
    st.sampled_from([2, 10, 30, 50]),
    st.sampled_from([5, 10, 30]),
)
def test_a_window_has_a_label_as_soundscapes_are_made(
    calls: list[tuple[int, int, str]], window: int, step: int
) -> None:
    """In tenths of a second, as bench/soundscapes.py has it; a window within a call holds all that it can."""
    starts = range(0, 200, step)
    said = scores([("a", s / 10, (s + window) / 10) for s in starts], np.zeros((len(starts), 2)), "x", "y")
    told = truth(*(("a.wav", start / 10, (start + length) / 10, label) for start, length, label in calls))
    found = align(said, told)
    for row, start in enumerate(starts):
        by_hand = set()
        for first, length, label in calls:
            shared = min(start + window, first + length) - max(start, first)
            if shared > 0 and shared >= min(5, length / 2, window):
                by_hand.add(label)
        assert {*filter(None, true_in(found)[row].split(";"))} == by_hand


def test_calls_without_an_end_without_length_and_on_each_other() -> None:
    said = scores([("a", s, s + 3) for s in (0, 3, 6)], np.zeros((3, 2)), "x", "y")
    told = truth(("a", 0, INF, "x"), ("a", 3, 3, "y"), ("a", 3.5, 5, "y"), ("a", 3.2, 5.9, "y"))
    assert true_in(align(said, told)) == ["x", "x;y", "x"]
    assert true_in(align(said, truth(("a", 2.6, 3.3, "x")))) == ["x", "", ""]  # 0.4 of 0.7 s, and 0.3
    assert true_in(align(said, truth(("a", 2.6, 3.3, "x")), options=Options(Rule(0.3, 1)))) == ["x", "x", ""]


def test_rows_get_the_highest_score_of_the_windows_that_share_half() -> None:
    said = scores([("a", s, s + 3) for s in (0, 3, 6, 9)], [[0.1], [0.9], [0.2], [0.3]], "x")
    told = truth(("a", 0, 5, "x"), ("a", 5, 10, ""), ("a", 10, 15, ""), windows=True)
    found = align(said, told)
    np.testing.assert_allclose(found.values[:, 0], [0.9, 0.2, 0.3])
    assert windows_of(found) == [("a", 0, 5), ("a", 5, 10), ("a", 10, 15)]
    assert true_in(found) == ["x", "", ""]


def test_windows_that_are_rows_keep_their_scores_in_any_order() -> None:
    dice = np.random.default_rng(0)
    rows = [(name, float(s), s + 5.0) for name in "ab" for s in range(0, 60, 5)]
    values = dice.random((24, 3)).astype(np.float32)
    order = dice.permutation(24)
    said = scores([rows[i] for i in order], values[order], "x", "y", "z")
    told = truth(*((f"in/{name}.ogg", s, e, "xyz"[int(s) % 3]) for name, s, e in rows), windows=True)
    found = align(said, told)
    np.testing.assert_array_equal(found.values, values)
    assert [row.labels[0] for row in told.rows] == true_in(found)


def test_a_row_that_is_a_window_has_its_scores_alone() -> None:
    """Also of detections: windows around a row that was listened to tell nothing of it."""
    rows = [("a", s, s + 4.0) for s in (0.0, 2.0, 4.0)]
    said = scores(rows, [[0.1], [0.9], [0.6]], "x")
    told = truth(("a", 0, 4, ""), ("a", 4, 8, "x"), ("a", 1, 3, "x"), windows=True)
    np.testing.assert_allclose(align(said, told).values[:, 0], [0.1, 0.6, 0.9])
    heard = Heard(said.windows.chosen(np.array([1, 2])), said.species, np.zeros(2, int), said.values[1:, 0])
    for grid, wanted in ((judged.Grid(4, 2, {"a": 8}, True), [0, 0.6, 0.9]), (None, [0.9, 0.9, 0.9])):
        np.testing.assert_allclose(align(heard, told, grid).values[:, 0], wanted)


def test_what_is_missing_scores_0_or_does_not_count() -> None:
    said = scores([("a", 0, 5), ("c", 0, 5)], [[0.5], [0.7]], "x")
    told = truth(("a", 0, 5, ""), ("a", 5, 10, "x"), ("b", 0, 5, "x"), windows=True)
    found = align(said, told)
    np.testing.assert_array_equal(found.values[:, 0], [0.5, 0, 0])
    assert (len(found.missing.file), found.unlisted) == (2, ["c"])
    found = align(said, told, options=Options(missing_is_zero=False))
    assert (windows_of(found), true_in(found), found.labels) == ([("a", 0, 5)], [""], [])
    calls = align(said, truth(("a", 0, 1, ""), ("b", 6, 9, "x")))
    assert windows_of(calls) == [("a", 0, 5), ("b", 0, 5), ("b", 5, 10)]
    assert true_in(calls) == ["", "", "x"]
    listed = align(said, truth(("a", 0, 1, "x")), options=Options(unlisted_is_background=True))
    assert windows_of(listed) == [("a", 0, 5), ("c", 0, 5)]


def test_a_window_with_several_rows_counts_once_with_its_highest_scores() -> None:
    said = scores([("a", 0, 5), ("a", 0, 5), ("a", 5, 10)], [[0.1, 0.8], [0.5, 0.2], [0, 0]], "x", "y")
    for windows in (True, False):
        found = align(said, truth(("a", 0, 5, "x"), ("a", 5, 10, ""), windows=windows))
        assert windows_of(found) == [("a", 0, 5), ("a", 5, 10)]
        np.testing.assert_allclose(found.values, [[0.5, 0.8], [0, 0]])


def test_of_logits_nothing_is_less_than_what_was_not_said() -> None:
    said = scores([("a", 0, 5), ("a", 5, 10)], [[-3], [2]], "x")
    found = align(said, truth(("a", 0, 5, ""), ("a", 5, 10, "x"), ("a", 10, 15, "x"), windows=True))
    np.testing.assert_array_equal(found.values[:, 0], [-3, 2, -3])


def test_a_call_that_no_window_holds_is_told() -> None:
    found = align(scores([("a", 0, 5)], [[0.5]], "x"), truth(("a", 1, 2, "x"), ("a", 70, 72, "x")))
    assert found.n_unheld == 1


def test_classes_have_any_of_their_names_and_many_become_one() -> None:
    said = scores(
        [("a", 0, 3), ("a", 3, 6)], [[0.1, 0.2, 0.3], [0.6, 0.5, 0.4]], "Turdus merula_Blackbird", "s1", "s2"
    )
    for name in ("Turdus merula", "blackbird", "Turdus merula_Blackbird"):
        found = align(said, truth(("a", 0, 1, name), ("a", 1, 2, "dodo")))
        assert (found.column.tolist(), found.unknown) == ([0], {"dodo": 1})
    found = align(
        said, truth(("a", 0, 1, "s1"), ("a", 4, 5, "s2")), options=Options(classes={"s1": "s", "s2": "s"})
    )
    assert found.labels == ["s"]
    np.testing.assert_allclose(found.values[:, found.column[0]], [0.3, 0.5])
    assert true_in(found) == ["s", "s"]


def test_a_name_that_two_classes_have_is_neither() -> None:
    two = [Species("A b", "Bird"), Species("C d", "Bird"), Species("Bird", "Other")]
    assert names.classes(two, [Species("Bird", "Bird"), names.species("A b"), names.species("X")]) == [
        2,
        0,
        None,
    ]
    assert names.classes(two[:2], [names.species("Bird")]) == [None]


@pytest.mark.parametrize(
    ("said", "told", "same"),
    [
        ("/data/S1/a.WAV", "S1/a.flac", True),
        ("/data/S1/a.wav", "a", True),
        ("old/a.wav", "new/a.wav", True),  # it alone has that name
        (r"C:\in\a.wav", "in/a.wav", True),
        ("a.b.wav", "a.b", True),
        ("a.b", "a", False),
        ("cafe\u0301.wav", "caf\u00e9", True),  # one name to who reads it
        ("a\udcff.wav", "a\\xff", True),  # as a submission has it
    ],
)
def test_files_are_known_by_their_names(said: str, told: str, same: bool) -> None:
    assert names.files([said], [told]) == ({told: 0} if same else {})


def test_a_file_that_may_be_two_is_refused() -> None:
    with pytest.raises(ConfigError, match="'a' may be any of 2 files: x/a.wav, y/a.wav"):
        names.files(["x/a.wav", "y/a.wav"], ["a"])
    assert names.files(["x/a.wav", "y/a.wav"], ["y/a"]) == {"y/a": 1}
    assert names.files(["x/a.wav", "y/a.wav"], ["z/a"]) == {}
    assert names.files(["a.wav", "a.flac"], ["a.flac"]) == {"a.flac": 1}


def test_truth_and_scores_of_other_files_are_refused() -> None:
    with pytest.raises(ConfigError, match="it has 'b', they have 'a'"):
        align(scores([("a", 0, 5)], [[0.5]], "x"), truth(("b", 0, 5, "x")))


def test_figures_are_scikit_learns_on_what_was_aligned() -> None:
    from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

    dice = np.random.default_rng(4)
    rows = [(f"f{n}", s, s + 5.0) for n in range(12) for s in np.arange(0, 60, 5.0)]
    true = dice.random((144, 4)) < 0.15
    values = np.clip(dice.random((144, 5)) + 0.3 * np.pad(true, ((0, 0), (0, 1))), 0, 1).astype(np.float32)
    told = truth(
        *(
            (*row, ";".join("wxyz"[i] for i in np.flatnonzero(there)))
            for row, there in zip(rows, true, strict=True)
        ),
        windows=True,
    )
    found = evaluate(align(scores(rows, values, *"wxyzv"), told)).told
    overall, seen = found["overall"], values[:, :4]
    for kind in ("macro", "micro"):
        theirs = roc_auc_score(true, seen, average=kind), average_precision_score(true, seen, average=kind)
        ours = overall[f"{kind}_roc_auc"], overall[f"{kind}_average_precision"]
        assert np.abs(np.subtract(ours, theirs)).max() < 1e-12
        assert abs(overall[f"{kind}_f1"] - f1_score(true, seen >= 0.5, average=kind)) < 1e-12
    rows_of_ones = np.ones((5, 5))
    padded = (
        np.concatenate([np.pad(true, ((0, 0), (0, 1))), rows_of_ones]),
        np.concatenate([values, rows_of_ones]),
    )
    assert abs(overall["padded_cmap"] - average_precision_score(*padded, average="macro")) < 1e-12
    low, high = found["intervals"]["macro_roc_auc"]
    assert low < overall["macro_roc_auc"] < high
    assert [row["class"] for row in found["classes"]] == [*"wxyz"]
    assert found["n_classes"] == 5


@pytest.mark.parametrize("name", ["background", "_background", "nocall"])
def test_background_is_no_class_and_right_where_nothing_is(name: str) -> None:
    values = [[0.9, 0, 0.1], [0, 0.1, 0.9], [0.1, 0, 0.9], [0, 0.8, 0.2]]
    rows = [("a", s, s + 3.0) for s in (0.0, 3.0, 6.0, 9.0)]
    told = truth(*((*row, label) for row, label in zip(rows, ["x", "", "x", ""], strict=True)), windows=True)
    judged = evaluate(align(scores(rows, values, "x", "y", name), told))
    found, without = judged.told, evaluate(align(scores(rows, np.array(values)[:, :2], "x", "y"), told)).told
    assert (found["n_classes"], found["n_classes_that_occur"]) == (2, 1)
    keys = [key for key in found["overall"] if not key.startswith("top_")]
    assert all(found["overall"][key] == without["overall"][key] for key in keys)
    assert found["overall"]["top_1"] == 0.5
    assert [(row["why"], row["class"]) for row in found["worst"] if row["why"] == "never true"] == [
        *(("never true", "y"),) * 2
    ]
    assert judged.confusion.n.tolist() == [[1, 0, 1], [0, 1, 1]]
    right, confidence = np.array([True, True, False, False]), np.array([0.9, 0.9, 0.9, 0.8])
    by_hand = calibration_error(confidence, right)
    assert found["calibration"]["error_of_top_class"] == pytest.approx(by_hand, abs=1e-6)
    mapped = truth(*((*row, "wind") for row in rows), windows=True).mapped({"wind": name})
    assert mapped.labels == []


def test_figures_by_site_and_hour() -> None:
    rows = [(name, s, s + 5.0) for name in ("S1_a", "S2_a") for s in (0.0, 5.0)]
    said = scores(rows, [[0.9], [0.1], [0.2], [0.8]], "x")
    told = truth(("S1_a", 0, 5, "x"), ("S2_a", 0, 5, "x"))
    place = lambda name, start_s: {"site": name[:2], "hour": "06"}  # noqa: E731
    found = evaluate(align(said, told), Choices(place_of=place)).told
    assert [(row["site"], row["macro_roc_auc"]) for row in found["by_site"]] == [("S1", 1.0), ("S2", 0.0)]
    assert [(row["hour"], row["n_windows"]) for row in found["by_hour"]] == [("06", 4)]
    assert "by_site" not in evaluate(align(said, told)).told


def test_confusion_by_hand() -> None:
    values = np.array([[0.9, 0.6], [0.2, 0.7], [0.1, 0.1], [0.1, 0.2], [0.1, 0.2], [0.8, 0.9]])
    true = np.array([[1, 0], [1, 0], [0, 1], [0, 0], [0, 0], [1, 1]], bool)
    other = np.array([-np.inf, -np.inf, -np.inf, -np.inf, 0.9, -np.inf])  # of those that count as found
    found = confusion.of(values, true, other, ["x", "y"], 0.5)
    assert (found.rows, found.columns) == (["x", "y", "nothing"], ["x", "y", "another class", "nothing"])
    np.testing.assert_array_equal(found.n, [[2, 1, 0, 0], [0, 1, 0, 1], [0, 1, 1, 1]])
    own = confusion.of(values, true, np.full(6, -np.inf), ["x", "y"], np.array([0.15, 0.8]))
    np.testing.assert_array_equal(own.n, [[3, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 2]])


def test_the_worst_windows_come_first() -> None:
    said = scores([("a", s, s + 5) for s in (0, 5, 10)], [[0.9, 0.0], [0.2, 0.1], [0.1, 0.95]], "x", "v")
    found = align(said, truth(("a", 5, 10, "x")))
    rows = evaluate(found).told["worst"]
    told = [(row["why"], row["start_s"], row["class"], round(row["score"], 3)) for row in rows]
    assert told == [
        *(("false", 0, "x", 0.9), ("false", 10, "x", 0.1), ("missed", 5, "x", 0.2)),
        *(("never true", 10, "v", 0.95), ("never true", 5, "v", 0.1)),
    ]
    assert len(rows) / 3 <= worst.N_WORST


def test_nothing_that_is_true_and_nothing_that_is_judged_leaves_figures_out() -> None:
    found = evaluate(align(scores([("a", 0, 5)], [[0.5]], "x"), truth(("a", 0, 5, "")))).told
    assert np.isnan(found["overall"]["macro_roc_auc"])
    assert found["n_classes_that_occur"] == 0
    json.dumps(found)


# The command, from what `infer` wrote on


@pytest.fixture(scope="module")
def run(deep: models.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over three recordings: of one there are no detections, as its threshold is not reached."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "in").mkdir()
    for number, seconds in enumerate((4.0, 2.5)):
        write(folder / "in" / f"{number}.wav", noise(int(seconds * 8_000), seed=number), 8_000)
    write(folder / "in" / "silent.wav", 0 * noise(16_000), 8_000)
    how = ["-o", folder / "run", "--rtype", "csv,parquet,scores", "--min-conf", "0.6"]
    assert infer(deep, folder / "in", *how).returncode == 0
    return folder / "run"


def truth_file(folder: Path) -> Path:
    path = folder / "truth.csv"
    lines = ["0.wav,0,1,Avis prima", "0.wav,2,3.2,Second Bird", "1.wav,1,1.4,Noise", "silent.wav,0,2,"]
    path.write_text("\n".join(["file,start,end,label", *lines]))
    return path


def test_detections_are_scores_that_are_0_below_the_threshold(run: Path, tmp_path: Path) -> None:
    told = annotations.read(truth_file(tmp_path))
    dense = align(judged.read(run), told)
    run = shutil.copytree(run, tmp_path / "run")
    (run / "scores.parquet").unlink()
    said = judged.read(run)
    assert isinstance(said, Heard)
    sparse = align(said, told, judged.grid(run, said))
    assert windows_of(sparse) == windows_of(dense)
    assert true_in(sparse) == true_in(dense)
    places = names.classes(sparse.species, dense.species)
    for column, place in enumerate(places):
        wanted = np.where(dense.values[:, column] >= 0.6, dense.values[:, column], 0)
        found = 0 * wanted if place is None else sparse.values[:, place]
        np.testing.assert_allclose(found, wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("how", "step_s"),
    [
        (["--shift", "0", "0.25"], 0.25),
        (["--tail", "drop", "--overlap", "0.1"], 0.4),
        (["--tail", "min-1s", "--overlap", "0.1"], 0.4),
    ],
)
def test_the_windows_of_detections_are_those_of_the_run(
    run: Path, deep: models.Model, tmp_path: Path, how: list[str], step_s: float
) -> None:
    out = tmp_path / "run"
    how = ["-o", str(out), "--rtype", "csv,scores", "--min-conf", "0.6", *how]
    assert infer(deep, run.parent / "in", *how).returncode == 0
    told = annotations.read(truth_file(tmp_path))
    dense = align(judged.read(out), told)
    (out / "scores.parquet").unlink()
    said = judged.read(out)
    assert isinstance(said, Heard)
    assert judged.grid(out, said).step_s == pytest.approx(step_s)
    sparse = align(said, told, judged.grid(out, said))
    np.testing.assert_allclose(sparse.windows[1:], dense.windows[1:], atol=1e-6)
    assert true_in(sparse) == true_in(dense)


def test_a_file_that_failed_is_no_silence(deep: models.Model, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write(tmp_path / "in" / "a.wav", noise(16_000), 8_000)
    (tmp_path / "in" / "broken.wav").write_bytes(b"RIFF")
    infer(deep, tmp_path / "in", "-o", tmp_path / "run", "--min-conf", "0")
    said = judged.read(tmp_path / "run")
    assert isinstance(said, Heard)
    grid = judged.grid(tmp_path / "run", said)
    rows = (("a", 0, 0.5, "Noise"), ("broken", 0, 0.5, "Noise"), ("broken", 0.5, 1, ""), ("a", 2, 2.5, ""))
    found = align(said, truth(*rows, windows=True), grid)
    missing = [(Path(found.missing.files[i]).name, s) for i, s in zip(*found.missing[1:3], strict=True)]
    assert missing == [("broken.wav", 0), ("broken.wav", 0.5), ("a.wav", 2)]
    found = align(said, truth(*rows, windows=True), grid, Options(missing_is_zero=False))
    assert [(Path(name).name, start_s) for name, start_s, _ in windows_of(found)] == [("a.wav", 0)]
    calls = align(said, truth(*rows[:3]), grid, Options(missing_is_zero=False))
    assert {Path(name).name for name, *_ in windows_of(calls)} == {"a.wav"}
    assert len(calls.missing.file) == 2


def test_calls_behind_where_a_recording_breaks_off_are_missed(deep: models.Model, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "cut.wav"
    write(path, noise(24_000), 8_000)
    path.write_bytes(path.read_bytes()[:24_044])
    infer(deep, tmp_path / "in", "-o", tmp_path / "run", "--min-conf", "0", "--rtype", "csv,scores")
    told = truth(("cut", 0, 0.5, "Noise"), ("cut", 2, 2.4, "Noise"))
    scored = judged.read(tmp_path / "run")
    assert isinstance(scored, Scores)
    (tmp_path / "run" / "scores.parquet").unlink()
    heard = judged.read(tmp_path / "run")
    assert isinstance(heard, Heard)
    for said, grid in ((scored, None), (heard, judged.grid(tmp_path / "run", heard))):
        found = align(said, told, grid)
        assert [start_s for _, start_s, _ in windows_of(found)] == [0, 0.5, 1, 1.5, 2]
        assert (found.missing.start_s.tolist(), found.n_unheld) == ([1.5, 2], 0)
        assert true_in(found) == ["Noise", "", "", "", "Noise"]


def test_without_a_journal_windows_are_guessed_and_silence_is_known_by_the_truth(
    run: Path, tmp_path: Path
) -> None:
    told = annotations.read(truth_file(tmp_path))
    said = judged.read(run / "detections.csv")
    assert isinstance(said, Heard)
    grid = judged.grid(run / "detections.csv", said)
    assert (grid.window_s, grid.step_s, grid.is_told) == (0.5, 0.5, False)
    found, known = (
        {(Path(name).name, start_s) for name, start_s, _ in windows_of(align(said, told, one))}
        for one in (grid, judged.grid(run, said))
    )
    assert found < known
    assert {start_s for name, start_s in found if name == "silent.wav"} == {0, 0.5, 1, 1.5}


def test_the_command_writes_and_says_what_came_out(run: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="pictures need birdfast[report]")
    how = [
        "evaluate",
        run,
        "--truth",
        truth_file(tmp_path),
        "-o",
        tmp_path / "out",
        "--plots",
        "--draws",
        "50",
    ]
    result = birdfast(*how)
    assert result.returncode == 0, result.stderr
    assert "17 windows of 3 files, 5 of them with a label; 3 of 3 classes occur" in result.stdout
    assert "ROC-AUC, macro" in result.stdout
    assert "calibration error, top class" in result.stdout
    assert f"birdfast plot {run.parent}/in/0.wav" in result.stdout
    told = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert told["judged"] == {"results": str(run), "truth": str(tmp_path / "truth.csv")}
    assert (told["n_draws"], told["missing"]["n_windows"]) == (50, 0)
    rows = table(tmp_path / "out" / "evaluation.csv")
    assert [row["class"] for row in rows] == ["Avis prima", "Second Bird", "Noise"]
    assert float(rows[0]["roc_auc"]) == told["classes"][0]["roc_auc"]
    assert (tmp_path / "out" / "evaluation.png").read_bytes()[:4] == b"\x89PNG"
    with (tmp_path / "out" / "confusion.csv").open() as file:
        assert next(csv.reader(file)) == [
            "true",
            "Avis prima",
            "Second Bird",
            "Noise",
            "another class",
            "nothing",
        ]


def test_of_one_recording_there_are_no_intervals() -> None:
    rows = [("a", s, s + 5.0) for s in (0.0, 5.0, 10.0)]
    told = truth(("a", 0, 5, "x"), windows=False)
    found = evaluate(align(scores(rows, [[0.9], [0.1], [0.2]], "x"), told)).told
    assert found["intervals"] == {}
    assert "roc_auc_interval" not in found["classes"][0]
    assert "no intervals: they are of draws of files, and there is one" in report.lines(found, Path("x"))


def test_the_files_of_others_are_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / report.JSON
    for text in ('{"folds": []}', "no JSON", "[1]", "5"):
        path.write_text(text)
        with pytest.raises(ConfigError, match="evaluation.json: not what this writes"):
            report.check(tmp_path, report.JSON, report.CSV)
    report.check(tmp_path, report.JSON, report.CSV, force=True)
    report.write_signed(path, {}, {"value": float("nan")})
    assert json.loads(path.read_text()) == {"judged": {}, "value": None}
    report.check(tmp_path, report.JSON, report.CSV)
    path.unlink()
    (tmp_path / report.CSV).touch()
    with pytest.raises(ConfigError, match="evaluation.csv: not what this writes"):
        report.check(tmp_path, report.JSON, report.CSV)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("s.csv", "file,start,end,x\na,0,5,much\n", "line 2: the score of 'x' is no number: 'much'"),
        ("s.csv", "file,start,end,x,x\na,0,5,1,1\n", "two columns are called 'x'"),
        ("s.csv", "file,start,end\na,0,5\n", "no column is a class's"),
        ("s.csv", "row_id,x\na,0.5\n", "line 2: row_id 'a' is not"),
        ("s.csv", "file,start,end,species,confidence\na,0,5,x,high\n", "line 2: 'high' is no number"),
        ("s.parquet", "no such thing", "no Parquet file, or a damaged one"),
        ("s.csv", "", "s.csv"),
    ],
)
def test_a_table_that_is_none_is_told_by_name_and_line(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError) as caught:
        judged.read(tmp_path / name)
    assert said in str(caught.value)
    assert name in str(caught.value)


def test_wide_tables_and_submissions_are_read_alike(tmp_path: Path) -> None:
    tables = {
        "wide.csv": "file,start_time,end_time,fold,label,x,y\na.wav,0,5,1,x,0.5,0.25\na.wav,5,10,1,,,\n",
        "submission.csv": "row_id,x,y\na_5,0.5,0.25\na_10,nan,1\n",
    }
    for name, text in tables.items():
        (tmp_path / name).write_text(text)
        said = judged.read(tmp_path / name)
        assert isinstance(said, Scores)
        assert (said.values.tolist(), said.n_void) == ([[0.5, 0.25]], 1)
        assert (said.windows.start_s.tolist(), said.windows.end_s.tolist()) == ([0], [5])
        found = align(said, truth(("a", 0, 5, "x"), ("a", 5, 10, ""), windows=True))
        assert len(found.missing.file) == 1


@pytest.mark.parametrize("label", ["recorder", "Species", "site", "time", "clip", "name", "label"])
@pytest.mark.parametrize("columns", ["file,start,end", "row_id"])
def test_what_is_true_is_a_class_whatever_it_is_called(tmp_path: Path, label: str, columns: str) -> None:
    (tmp_path / "t.csv").write_text(f"file,start,end,label\na,0,5,{label}\na,5,10,y\n")
    rows = ("a_5", "a_10") if columns == "row_id" else ("a,0,5", "a,5,10")
    text = f"{columns},{label},y,window\n{rows[0]},0.9,0.1,7\n{rows[1]},0.2,0.8,8\n"
    (tmp_path / "s.csv").write_text(text)
    told = annotations.read(tmp_path / "t.csv")
    found = align(judged.read(tmp_path / "s.csv", labels=told.labels), told)
    assert (len(found.labels), len(found.species)) == (2, 2)
    if (label, columns) == ("site", "row_id"):
        result = birdfast("evaluate", tmp_path / "s.csv", "--truth", tmp_path / "t.csv", "--draws", "0")
        assert result.stdout.splitlines()[0].endswith("; 2 of 2 classes occur"), result.stderr


@pytest.mark.parametrize("windows", [True, False])
@pytest.mark.parametrize("is_zero", [True, False])
def test_rows_without_numbers_are_told_and_missing(tmp_path: Path, windows: bool, is_zero: bool) -> None:
    rows = ("a.wav,0,5,0.5,0.1", "a.wav,5,10,nan,0.1", "a.wav,10,15,1e39,0.1", "b.wav,0,5,inf,1")
    (tmp_path / "s.csv").write_text("\n".join(["file,start,end,x,y", *rows]))
    told = truth(("a", 0, 5, "x"), ("a", 5, 10, "x"), ("a", 10, 15, ""), ("b", 0, 5, "y"), windows=windows)
    found = align(judged.read(tmp_path / "s.csv"), told, None, Options(missing_is_zero=is_zero))
    assert (found.n_void, len(found.missing.file)) == (3, 3)
    assert found.values.tolist() == [[0.5, np.float32(0.1)], *([[0, 0]] * 3 if is_zero else [])]
    lines = [*report.lines(evaluate(found).told, tmp_path)]
    assert "3 rows with a score that is no number: as if missing" in lines


@pytest.mark.parametrize("rows", ["", "a.wav,0,5,nan\n", "a.wav,0,5,\n"])
def test_where_nothing_is_said_nothing_is_judged(tmp_path: Path, rows: str) -> None:
    (tmp_path / "s.csv").write_text(f"file,start,end,x\n{rows}")
    with pytest.raises(ConfigError, match="s.csv: no window to judge"):
        judged.read(tmp_path / "s.csv")
    with pytest.raises(ConfigError, match="no window to judge"):
        said, told = scores([("a", 10, 15)], [[1]], "x"), truth(("a", 0, 5, "x"), windows=True)
        align(said, told, None, Options(missing_is_zero=False))


def test_a_clip_may_be_judged_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("file,x,y\na.wav,0.9,0.1\nb.wav,0.2,0.3\n")
    (tmp_path / "t.csv").write_text("file,label,fold\nin/a.wav,x,1\nin/b.wav,y,2\nin/c.wav,y,2\n")
    found = align(judged.read(tmp_path / "s.csv"), annotations.read(tmp_path / "t.csv"))
    assert windows_of(found) == [("a.wav", 0, INF), ("b.wav", 0, INF), ("in/c.wav", 0, INF)]
    assert true_in(found) == ["x", "y", "y"]
    told = evaluate(found).told
    assert told["overall"]["top_1"] == pytest.approx(2 / 3)
    assert "  y 0.000: in/c.wav 0 to inf s" in report.lines(told, tmp_path / "s.csv")
    report.write_signed(tmp_path / "e.json", {}, told)
    assert "Infinity" not in (tmp_path / "e.json").read_text()


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(
        [
            b"row_id,x\na_5,0.5\na_10,1\n",
            b"file,start,end,x\na,0,5,0.5\nb,1:00,2:00,1\n",
            b"Start (s),End (s),Scientific name,Common name,Confidence,File\n0,3,A b,C,0.5,a.wav\n",
            b"0\t3\tA b_C 0.5\n",
            b"Selection\tView\tBegin Time (s)\tEnd Time (s)\tSpecies\n1\tSpectrogram 1\t0\t3\tx\n",
        ]
    ),
    st.lists(st.tuples(st.integers(0, 90), st.binary(max_size=3)), max_size=4),
)
def test_whatever_is_in_a_table_it_is_read_or_refused_in_words(
    tmp_path: Path, text: bytes, changes: list[tuple[int, bytes]]
) -> None:
    for place, some in changes:
        text = text[:place] + some + text[place + len(some) // 2 :]
    path = tmp_path / "table.csv"
    path.write_bytes(text)
    for read in (judged.read, annotations.read, detections.read, annotations.class_map):
        with contextlib.suppress(ConfigError):
            read(path)


def test_a_threshold_is_one_of_the_scores() -> None:
    told = truth(("a", 0, 5, "x"))
    for value, threshold in ((0.5, 2), (0.5, -0.1)):
        with pytest.raises(ConfigError, match="threshold: .* does not fit; scores from 0 to 1 take 0 to 1"):
            evaluate(align(scores([("a", 0, 5)], [[value]], "x"), told), Choices(threshold, n_draws=0))
    logits = evaluate(align(scores([("a", 0, 5)], [[2.5]], "x"), told), Choices(2, n_draws=0))
    assert logits.told["threshold"] == 2


def test_a_models_folder_names_its_scores(tmp_path: Path) -> None:
    for name in ("held_out.csv", "held_out_truth.csv"):
        (tmp_path / name).write_text("file,start_s,end_s,x\na,0,5,1\n")
    with pytest.raises(ConfigError, match="a trained model's folder; what it said is in .*held_out.csv"):
        judged.read(tmp_path)


def test_alignment_needs_a_grid_for_detections() -> None:
    heard = Heard(
        scores([("a", 0, 3)], [[1]], "x").windows, [names.species("x")], np.array([0]), np.array([0.5])
    )
    with pytest.raises(ConfigError, match="nothing tells which windows"):
        alignment.align(heard, truth(("a", 0, 1, "x")))


def test_what_is_missing_is_told_before_anything_is_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert main(["evaluate", str(tmp_path / "no"), "--truth", str(tmp_path / "none.csv")]) == 64
    assert "need scikit-learn: " in capsys.readouterr().err
    assert main(["demo", str(tmp_path / "demo")]) == 0
    assert f"judge that, once scikit-learn is here ({extra_hint('train')}): " in capsys.readouterr().err
