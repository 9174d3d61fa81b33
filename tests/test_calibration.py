"""Confidences are as often right as they say: temperatures, thresholds, and the folds that they come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from birdfast import metrics
from birdfast.classifier import Layer
from birdfast.train import calibration, innerfolds, scaling
from birdfast.train.head import NEVER
from birdfast.train.mixes import Mix
from birdfast.train.recipe import Head
from birdfast.train.recordings import Clip
from birdfast.train.thresholds import threshold

pytest.importorskip("scipy", reason="training needs birdfast[train]")

N = 4_000
WAYS = pytest.mark.parametrize("exclusive", [True, False])


def calibrated(exclusive: bool, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and truths that are as likely as they say."""
    dice = np.random.default_rng(seed)
    logits = (2 * dice.standard_normal((N, 5))).astype(np.float32)
    shares = calibration.confidences(logits, exclusive)
    if exclusive:
        chosen = (shares.cumsum(axis=1) < dice.random((N, 1))).sum(axis=1).clip(0, 4)
        return logits, chosen[:, np.newaxis] == np.arange(5)
    return logits, dice.random(shares.shape) < shares


@WAYS
@pytest.mark.parametrize("factor", [0.25, 1.0, 3.0])
def test_the_temperature_is_what_calibrated_logits_were_multiplied_by(exclusive: bool, factor: float) -> None:
    logits, truth = calibrated(exclusive)
    found = scaling.fit(logits * np.float32(factor), truth, exclusive)
    assert found.temperature == pytest.approx(factor, rel=0.06)
    assert found.bias == pytest.approx(0, abs=0.1)
    assert scaling.fit(logits, truth, exclusive).temperature == pytest.approx(1, rel=0.06)


@pytest.mark.long
@WAYS
def test_what_few_windows_say_by_chance_changes_nothing(exclusive: bool) -> None:
    logits, truth = calibrated(exclusive)
    few = [scaling.fit(logits[i : i + 40], truth[i : i + 40], exclusive) for i in range(0, N, 40)]
    assert sum(one == scaling.Scaling() for one in few) > 85
    assert all(one.temperature > 2 for one in [scaling.fit(5 * logits[:200], truth[:200], exclusive)])


def test_a_bias_is_found_of_sigmoids_and_undone() -> None:
    logits, truth = calibrated(False)
    found = scaling.fit(2 * (logits + 3), truth, False)
    assert (found.temperature, found.bias) == pytest.approx((2, -3), rel=0.06)
    np.testing.assert_allclose(found.undone(found(logits)), logits, atol=1e-5)
    assert scaling.fit(logits + 3, truth & (truth.sum(axis=1, keepdims=True) == 1), True).bias == 0


@WAYS
def test_no_temperature_near_by_makes_the_truth_likelier(exclusive: bool) -> None:
    logits, truth = calibrated(exclusive, seed=1)
    found = scaling.fit(3 * logits, truth, exclusive)

    def loss(one: scaling.Scaling) -> float:
        shares = calibration.confidences(one(3 * logits), exclusive).astype(float)
        if exclusive:
            return float(-np.log(shares[truth]).mean())
        return float(-np.log(np.where(truth, shares, 1 - shares)).mean())

    near = [replace(found, temperature=factor * found.temperature) for factor in (0.9, 1.1)]
    near += [] if exclusive else [replace(found, bias=found.bias + more) for more in (-0.1, 0.1)]
    assert loss(found) < min(map(loss, near))


@WAYS
def test_a_temperature_brings_the_calibration_error_down_and_no_class_past_another(exclusive: bool) -> None:
    logits, truth = calibrated(exclusive, seed=2)
    found = calibration.of(4 * logits, truth, exclusive, 0.9)
    assert found.ece < 0.03 < 0.1 < found.ece_before
    arrays = found.arrays([Layer(np.eye(5, dtype=np.float32), np.zeros(5, np.float32))])
    changed = 4 * logits @ arrays["layer0_weight"].T + arrays["layer0_bias"]
    np.testing.assert_array_equal(np.argsort(changed, axis=1), np.argsort(logits, axis=1))
    judged = calibration.judged(changed, truth, arrays, exclusive)
    assert (judged["ece"], judged["ece_before"]) == pytest.approx((found.ece, found.ece_before), abs=1e-3)


@WAYS
def test_a_few_windows_that_are_all_right_make_no_head_sure(exclusive: bool) -> None:
    truth = np.arange(60)[:, np.newaxis] % 2 == np.arange(2)
    logits = np.where(truth, 1, -1).astype(np.float32)
    found = calibration.of(logits, truth, exclusive, 0.9)
    assert 0.9 < calibration.confidences(found.scaling(logits), exclusive).max() < 0.997


def test_the_scaling_is_in_the_last_layer_alone() -> None:
    dice = np.random.default_rng(0)
    layers = [Layer(dice.random((3, 3), np.float32), dice.random(3, np.float32)) for _ in range(2)]
    made = calibration.Calibration(
        scaling.Scaling(2.0, 0.5), np.ones(3, np.float32), 0.9, 5, 0.2, 0.1
    ).arrays(layers)
    np.testing.assert_array_equal(made["layer0_weight"], layers[0].weight)
    np.testing.assert_array_equal(made["layer1_weight"], layers[1].weight / 2)
    np.testing.assert_array_equal(made["layer1_bias"], layers[1].bias / 2 + np.float32(0.5))


def test_what_a_fold_could_not_learn_is_not_judged() -> None:
    logits = np.array([[2, 0, NEVER], [0, 2, NEVER], [1, 0, NEVER], [np.nan] * 3], np.float32)
    truth = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]], bool)
    found, two = calibration.of(logits, truth, True, 0.9), calibration.of(logits[:2], truth[:2], True, 0.9)
    assert (found.scaling, found.ece, found.n_windows) == (two.scaling, two.ece, 2)
    np.testing.assert_array_equal(found.thresholds, [*two.thresholds[:2], 1])
    none = calibration.of(logits[3:], truth[3:], True, 0.9)
    assert (none.scaling, none.n_windows, len(none.thresholds)) == (scaling.Scaling(), 0, 0)


@pytest.mark.parametrize(
    ("confidence", "correct", "error"),
    [
        ([1.0, 1.0, 0.0], [1, 1, 0], 0.0),
        ([1.0, 1.0, 1.0, 1.0], [1, 0, 0, 1], 0.5),
        ([0.75, 0.75, 0.25, 0.25], [1, 0, 0, 0], 0.25),  # both bins are off by 0.25
        ([0.65, 0.75], [0, 1], 0.45),  # bins of their own: 0.65 and 0.25, half each
        ([0.61, 0.65], [0, 1], 0.13),  # in one bin: 0.5 of them right, 0.63 sure
        ([0.2, 0.21], [0, 1], 0.495),  # 0.2 is the upper bound of its bin
    ],
)
def test_the_calibration_error_of_hand_made_cases(
    confidence: list[float], correct: list[int], error: float
) -> None:
    found = metrics.calibration_error(np.array(confidence), np.array(correct, bool))
    assert found == pytest.approx(error)


def test_several_tests_are_calibrated_together() -> None:
    dice = np.random.default_rng(0)
    confidence, correct = dice.random(100), dice.random(100) < 0.5
    tables = [metrics.reliability(confidence[some], correct[some]) for some in (slice(30), slice(30, 100))]
    assert metrics.error_of(tables) == pytest.approx(metrics.calibration_error(confidence, correct))
    folds = [{"accuracy": 1.0, "macro_roc_auc": 1.0, "reliability": table} for table in tables]
    assert [*metrics.mean(folds)] == ["accuracy", "macro_roc_auc", "ece"]
    assert metrics.mean(folds)["ece"] == metrics.error_of(tables)


def test_of_nothing_there_is_no_calibration_error() -> None:
    assert np.isnan(metrics.calibration_error(np.zeros(0), np.zeros(0, bool)))


SEEN = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=40)


@given(SEEN, st.sampled_from([0.5, 0.9, 0.95, 1.0]))
def test_a_threshold_reaches_its_precision_or_lets_nothing_false_in(
    seen: list[tuple[int, bool]], precision: float
) -> None:
    confidence = np.array([one for one, _ in seen], np.float32) / 12
    truth = np.array([one for _, one in seen])
    found = threshold(confidence, truth, precision)
    kept = confidence >= found
    assert truth[kept].mean() >= precision if truth[kept].any() else not kept.any()
    assert threshold(confidence, truth, precision / 2) <= found
    for other in {*confidence[truth].tolist()}:  # no other lets more true ones in
        wider = confidence >= np.float32(other)
        assert truth[wider].mean() < precision or truth[wider].sum() <= truth[kept].sum()


@pytest.mark.parametrize(
    ("true", "false", "found"),
    [
        ([0.9, 0.6], [0.2, 0.1], 0.4),  # halfway
        ([0.9] * 9, [0.95, 0.1], 0.5),  # one of ten may be false
        ([0.9] * 20, [0.1, 0.0], 0.5),  # nor is one let in for nothing
        ([0.9] * 8, [0.95, 0.1], np.nextafter(np.float32(0.95), np.float32(1))),  # one of nine may not
        ([], [0.3, 0.1], np.nextafter(np.float32(0.3), np.float32(1))),
        ([0.8], [], 0.4),
        ([0.5], [0.5], np.nextafter(np.float32(0.5), np.float32(1))),
        ([], [1.0], np.nextafter(np.float32(1), np.float32(2))),
        ([], [], 1),
    ],
)
def test_thresholds_of_hand_made_cases(true: list[float], false: list[float], found: float) -> None:
    truth = np.array([True] * len(true) + [False] * len(false))
    assert threshold(np.array(true + false, np.float32), truth, 0.9) == pytest.approx(found, rel=1e-7)


def clips(n: int, labels: Sequence[str] = ("a", "b", "c"), **more: str) -> list[Clip]:
    return [Clip(f"/{number}.wav", (labels[number % len(labels)],), **more) for number in range(n)]


@given(st.integers(2, 30), st.integers(2, 7), st.integers(0, 3))
def test_no_group_straddles_and_classes_are_even(n: int, n_folds: int, seed: int) -> None:
    dice = np.random.default_rng(seed)
    every = clips(n)
    mixes = [Mix((every[dice.integers(n)], every[dice.integers(n)]), (number,)) for number in range(n)]
    parts = [*(Clip(one.path, one.labels, 1.0) for one in every), *mixes]
    within = innerfolds.of_clips([*every, *parts], n_folds, seed)
    assert within.shape == (3 * n, min(n, n_folds))
    folds = {clip.path: {*np.flatnonzero(row)} for clip, row in zip(every, within, strict=False)}
    assert all(len(some) == 1 for some in folds.values())
    for clip, row in zip(parts, within[n:], strict=True):
        files = [one.path for one in getattr(clip, "clips", (clip,))]
        assert {*np.flatnonzero(row)} == set.union(*(folds[path] for path in files))
    for label in "abc":
        sizes = within[:n][[label in clip.labels for clip in every]].sum(axis=0)
        assert sizes.max() - sizes.min() <= 1


def test_copies_are_in_one_fold_and_folds_are_taken_as_they_are(tmp_path) -> None:
    for number in range(6):
        (tmp_path / f"{number}.wav").write_bytes(b"%d" % (number // 2))
    every = [Clip(str(tmp_path / f"{number}.wav"), ("a",)) for number in range(6)]
    within = innerfolds.of_clips(every, 5, 0)
    assert within.shape == (6, 3)
    np.testing.assert_array_equal(within[::2], within[1::2])
    told = [Clip(f"/{number}.wav", ("a",), fold=str(number % 4)) for number in range(8)]
    np.testing.assert_array_equal(*np.split(innerfolds.of_clips(told, 5, 0), 2))
    assert innerfolds.of_clips(clips(1), 5, 0).shape == (1, 0)
    assert innerfolds.of_clips(clips(9), 0, 0).shape == (9, 0)


def test_no_head_is_asked_what_it_has_heard() -> None:
    n = 12
    values = np.eye(n, dtype=np.float32)
    targets = np.arange(n)[:, np.newaxis] % 2 == np.arange(2)
    within = np.arange(n)[:, np.newaxis] % 3 == np.arange(3)
    within[0] = [True, True, False]  # a mix of two folds
    heard: list[set[int]] = []

    def learn(some: np.ndarray, its: np.ndarray) -> list[Layer]:
        heard.append({*some.argmax(axis=1).tolist()})
        return [Layer(some.sum(axis=0)[np.newaxis].repeat(2, axis=0), np.zeros(2, np.float32))]

    logits = innerfolds.held_out_logits(values, targets, within, learn)
    assert np.isnan(logits[0]).all()
    assert not logits[1:].any()  # a weight of 1 is of what was heard
    assert all(0 not in some for some in heard[:2])
    assert [len(some) for some in heard] == [8, 7, 8]


def test_a_head_hears_variants_and_is_asked_what_a_model_is_asked() -> None:
    values = np.repeat(np.eye(6, dtype=np.float32), 2, axis=0)
    values[1::2] *= 2  # a variant
    targets = np.repeat(np.arange(6)[:, np.newaxis] % 2 == np.arange(2), 2, axis=0)
    within = np.repeat(np.arange(6)[:, np.newaxis] // 2 == np.arange(3), 2, axis=0)

    def learn(some: np.ndarray, its: np.ndarray) -> list[Layer]:
        assert len(some) == len(its) == 8
        return [
            Layer(np.ones((2, 6), np.float32) * np.array([[1], [2]], np.float32), np.zeros(2, np.float32))
        ]

    for asked, meant in ((values[::2], 1), (1.5 * values[::2], 1.5)):
        logits = innerfolds.held_out_logits(values, targets, within, learn, asked)
        np.testing.assert_array_equal(logits, np.full((6, 2), meant) * [1, 2])


def test_noise_alone_is_held_out_by_itself() -> None:
    noise = [Mix((), (0, 0, number)) for number in range(4)]
    within = innerfolds.of_clips([*clips(8), *noise], 4, 0)
    assert (within.sum(axis=1) == 1).all()
    assert within[8:].sum(axis=0).tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("hidden", [0, 4])
def test_a_head_is_learnt_of_all_windows_and_calibrated_by_others(hidden: int) -> None:
    pytest.importorskip("sklearn", reason="training needs birdfast[train]")
    from birdfast.train import head

    dice, n = np.random.default_rng(0), 90
    targets = np.arange(n)[:, np.newaxis] % 3 == np.arange(3)
    values = (targets @ dice.standard_normal((3, 40)) * 0.4 + dice.standard_normal((n, 40))).astype(
        np.float32
    )
    choice = Head(hidden=hidden, strength=100.0)
    within = innerfolds.of_clips(clips(n), choice.folds, 0)
    fit = partial(head.fit, exclusive=True, head=choice, seed=0)
    made = calibration.learn(calibration.Windows(values, targets, within, values), True, fit, choice)
    told = calibration.told(made, ["a", "b", "background"])
    assert told["calibration"]["temperature"] > 1.5  # it has learnt its windows by heart
    assert told["calibration"]["ece"] < told["calibration"]["ece_before"]
    assert (told["calibration"]["n_windows"], told["calibration"]["precision"]) == (n, 0.9)
    assert (told["background"], [*told["thresholds"]]) == ("background", ["a", "b"])
    last = fit(values, targets)[-1]
    share = np.float32(1 / told["calibration"]["temperature"])
    np.testing.assert_array_equal(made[f"layer{int(hidden > 0)}_weight"], last.weight * share)
    thresholds = np.array([*told["thresholds"].values()], np.float32)
    np.testing.assert_array_equal(thresholds, made["thresholds"][:2])
    nothing = calibration.Windows(values[:3], targets[:3], within[:3, :0], values[:3])
    plain = calibration.learn(nothing, True, lambda *_: [last], choice)
    assert calibration.told(plain, ["a", "b", "c"]) == {}
    np.testing.assert_array_equal(plain["layer0_weight"], last.weight)
