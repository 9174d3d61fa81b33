"""Metrics are scikit-learn's where it has them, and what one counts by hand where it has not."""

from __future__ import annotations

import builtins
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from birdfast.errors import ConfigError
from birdfast.metrics import calibration, calibration_error, ranking, thresholds
from birdfast.metrics.bootstrap import Bootstrap, interval

sklearn = pytest.importorskip("sklearn.metrics", reason="metrics need birdfast[train]")


@st.composite
def judged(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Scores with many ties, and a truth with a positive and a negative."""
    n = draw(st.integers(2, 40))
    scores = draw(st.lists(st.integers(0, draw(st.integers(0, 12))), min_size=n, max_size=n))
    truth = draw(st.lists(st.booleans(), min_size=n, max_size=n).filter(lambda some: 0 < sum(some) < n))
    return np.array(scores, np.float32) / 12, np.array(truth)


@settings(max_examples=30)
@given(judged())
def test_a_curve_is_that_of_scikit_learn(one: tuple[np.ndarray, np.ndarray]) -> None:
    scores, truth = one
    precision, recall, threshold = sklearn.precision_recall_curve(truth, scores)
    curve = thresholds.curve(scores, truth)
    np.testing.assert_allclose(curve.threshold[::-1], threshold, rtol=0, atol=1e-12)
    np.testing.assert_allclose(curve.precision[::-1], precision[:-1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(curve.recall[::-1], recall[:-1], rtol=0, atol=1e-12)
    average = np.sum(np.diff(curve.recall, prepend=0) * curve.precision)
    assert abs(average - ranking.average_precision(scores, truth)) < 1e-12


@settings(max_examples=30)
@given(judged())
def test_choices_do_what_they_say(one: tuple[np.ndarray, np.ndarray]) -> None:
    scores, truth = one
    curve = thresholds.curve(scores, truth)
    best = thresholds.best_f1(curve)
    assert best is not None
    told = [sklearn.f1_score(truth, scores >= threshold) for threshold in np.unique(scores)]
    assert abs(best.f1 - max(told)) < 1e-12
    assert abs(sklearn.f1_score(truth, scores >= best.threshold) - best.f1) < 1e-12
    sure = thresholds.for_precision(curve, 0.75)
    fits = [t for t in np.unique(scores) if sklearn.precision_score(truth, scores >= t) >= 0.75]
    assert (sure and sure.threshold) == (min(fits) if fits else None)


def test_no_threshold_is_made_of_what_was_not_detected() -> None:
    scores, truth = np.array([0.0, 0.0, 0.4]), np.array([True, True, False])
    curve = thresholds.curve(scores, truth)
    assert thresholds.best_f1(curve) is not None
    assert thresholds.best_f1(curve, above=0) is None
    assert thresholds.for_precision(curve, 0.5, above=0) is None


def test_counts_are_those_of_scikit_learn() -> None:
    dice = np.random.default_rng(1)
    scores, truth = dice.random((200, 5)), dice.random((200, 5)) < 0.2
    counts = thresholds.counts(scores, truth, 0.7)
    told = sklearn.precision_recall_fscore_support(truth, scores >= 0.7, zero_division=np.nan)
    for name, theirs in zip(("precision", "recall", "f1"), told, strict=False):
        np.testing.assert_allclose(getattr(counts, name), theirs, rtol=0, atol=1e-12)
    none = thresholds.counts(np.zeros((3, 1)), np.zeros((3, 1), bool), 0.5)
    assert np.isnan([none.precision[0], none.recall[0], none.f1[0]]).all()


def test_classes_without_a_positive_do_not_count() -> None:
    scores = np.array([[0.1, 0.9], [0.8, 0.2], [0.8, 0.1]])
    truth = np.array([[False, False], [True, False], [False, False]])
    found = ranking.per_class(scores, truth)
    assert found["roc_auc"][0] == 0.75  # one tie of two
    assert np.isnan(found["roc_auc"][1])
    assert np.isnan(found["average_precision"][1])
    assert ranking.mean_of(found["roc_auc"]) == 0.75
    assert np.isnan(ranking.mean_of(found["roc_auc"][1:]))
    assert np.isnan(ranking.roc_auc(np.ones(2), np.ones(2, bool)))


def test_padded_cmap_is_that_of_birdclef_2023() -> None:
    """Its code: rows of ones below both tables, then scikit-learn's macro average precision."""
    dice = np.random.default_rng(2)
    scores = np.round(dice.random((60, 7)), 1)
    scores[:4, 6] = 1
    truth = dice.random((60, 7)) < 0.1
    truth[:, 5:] = False
    rows = np.ones((5, 7))
    theirs = sklearn.average_precision_score(
        np.concatenate([truth, rows]).astype(int), np.concatenate([scores, rows]), average="macro"
    )
    assert abs(ranking.padded_cmap(scores, truth) - theirs) < 1e-12


def test_ties_count_against_a_rank() -> None:
    scores = np.array([[0.5, 0.4, 0.3], [0, 0, 0], [0.2, 0.9, 0.2], [1, 0, 0]])
    truth = np.array([[False, True, True], [True, False, False], [True, False, True], [False] * 3])
    rank = ranking.ranks(scores, truth)
    np.testing.assert_array_equal(rank, [2, 3, 2, 0])
    assert ranking.top_k(rank, 1) == 0
    assert ranking.top_k(rank, 2) == 2 / 3
    assert np.isnan(ranking.top_k(rank[3:], 1))


def test_calibration_error_by_hand() -> None:
    confidence = np.array([0.05, 0.1, 0.15, 0.95, 1.0, 0.0])
    correct = np.array([False, True, False, True, True, False])
    # In ten bins: (0.05, 0.1, 0.0), (0.15), (0.95, 1.0).
    by_hand = (3 * abs(0.05 - 1 / 3) + 0.15 + 2 * abs(0.975 - 1)) / 6
    assert abs(calibration_error(confidence, correct, 10) - by_hand) < 1e-12
    assert np.isnan(calibration_error(np.zeros(0), np.zeros(0, bool)))
    assert calibration_error(np.array([1.0, 0.0]), np.array([True, False])) == 0
    found = calibration.reliability(confidence, correct, 10)
    assert found["n"] == [3, 1, 0, 0, 0, 0, 0, 0, 0, 2]
    assert calibration.error_of([found, found]) == calibration.error_of([found])


@settings(max_examples=30)
@given(judged(), st.integers(1, 6), st.integers(0, 99))
def test_a_draw_is_the_figure_of_the_windows_that_are_in_it(
    one: tuple[np.ndarray, np.ndarray], n_files: int, seed: int
) -> None:
    scores, truth = one
    recording = np.arange(len(scores)) * n_files // len(scores)
    n_there = len(np.unique(recording))
    recording = 3 * recording + 7  # others have no row, and are not drawn
    draws = Bootstrap(recording, 8, seed)
    ((areas, precisions),) = draws.of_classes(scores[:, np.newaxis], truth[:, np.newaxis])
    told = scores >= 0.5
    counts = draws.counts(*(some[:, np.newaxis] for some in (told & truth, told & ~truth, ~told & truth)))
    every = np.concatenate([*draws.weights()], axis=1).T
    assert every.shape == (8, n_there)
    for number, weights in enumerate(every):
        assert weights.sum() == n_there
        of_rows = weights[np.unique(recording, return_inverse=True)[1]]
        rows = np.repeat(np.arange(len(scores)), of_rows.astype(int))
        area = ranking.roc_auc(scores[rows], truth[rows])
        np.testing.assert_allclose(areas[number], area, rtol=0, atol=1e-12)
        precision = ranking.average_precision(scores[rows], truth[rows])
        np.testing.assert_allclose(precisions[number], precision, rtol=0, atol=1e-12)
        by_hand = thresholds.counts(scores[rows, np.newaxis], truth[rows, np.newaxis], 0.5)
        np.testing.assert_allclose(counts.f1[number], by_hand.f1, rtol=0, atol=1e-12)


def test_draws_and_scores_that_are_taken_in_parts_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    dice = np.random.default_rng(3)
    scores, truth, recording = dice.random((500, 2)), dice.random((500, 2)) < 0.3, np.arange(500) // 20
    found = []
    for cells in (1 << 22, 75, 1):  # 20 draws at once, 3, and 1
        monkeypatch.setattr("birdfast.metrics.bootstrap.CELLS", cells)
        draws = Bootstrap(recording, 20)
        counts = draws.counts(truth, truth, ~truth)
        found.append([*draws.of_classes(scores, truth), counts, draws.mean(scores[:, 0])])
        assert max(weights.size for weights in draws.weights()) <= max(25, cells)
    for other in found[1:]:
        for some, same in zip(found[0], other, strict=True):
            np.testing.assert_allclose(some, same, rtol=0, atol=1e-12)


def test_many_recordings_take_little_memory() -> None:
    dice = np.random.default_rng(5)
    n = 30_000
    scores, truth = dice.random((n, 1)), dice.random((n, 1)) < 0.01
    tracemalloc.start()
    try:
        Bootstrap(np.arange(n), 300).of_classes(scores, truth)
        assert tracemalloc.get_traced_memory()[1] < 200e6
    finally:
        tracemalloc.stop()


def test_an_interval_holds_the_middle_of_the_draws() -> None:
    assert interval(np.arange(101.0), 0.9) == pytest.approx((5, 95))
    assert np.isnan(interval(np.full(3, np.nan))).all()


def test_a_seed_draws_the_same_recordings() -> None:
    one, other, another = (next(Bootstrap(np.arange(9), 5, seed).weights()) for seed in (1, 1, 2))
    assert (one == other).all()
    assert (one != another).any()


def test_without_scikit_learn_it_is_said_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    bring = builtins.__import__

    def refuse(name: str, *how: Any) -> Any:
        if name.startswith("sklearn"):
            raise ImportError(name)
        return bring(name, *how)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ConfigError, match=r"need scikit-learn: .*\[train\]"):
        ranking.roc_auc(np.array([0.1, 0.2]), np.array([True, False]))
