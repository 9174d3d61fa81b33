"""Confidences are BirdNET's, and picking is the same as computing them all and sorting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from birdfast.scores import ScoreRule

LOGITS = arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.integers(1, 9)),
    elements=st.one_of(st.floats(-40, 40, width=32), st.sampled_from([0.0, float(np.float32(-1.0986123))])),
)
RULES = st.builds(
    ScoreRule,
    st.sampled_from(["sigmoid", "softmax", "none"]),
    st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.25, 0.5, 1.0])),
    st.one_of(st.none(), st.integers(1, 5)),
    st.floats(0.5, 1.5),
)


@given(LOGITS, RULES)
def test_pick_is_threshold_then_sort(logits: np.ndarray, rule: ScoreRule) -> None:
    confidences = rule.confidences(logits)
    scores = logits if rule.activation == "sigmoid" else confidences
    expected = []
    for window, row in enumerate(confidences):
        order = sorted(range(len(row)), key=lambda label: (-scores[window, label], label))
        kept = [label for label in order if row[label] >= np.float32(rule.min_confidence)][: rule.top_k]
        expected += [(window, label, row[label]) for label in kept]
    assert list(zip(*rule.pick(logits), strict=True)) == expected


@given(LOGITS, st.floats(0.5, 1.5))
def test_sigmoid_is_birdnets(logits: np.ndarray, sensitivity: float) -> None:
    clipped = np.clip(logits.astype(float) + (sensitivity - 1) * 10, -15, 15)
    expected = 1 / (1 + np.exp(-clipped))
    found = ScoreRule("sigmoid", 0.25, sensitivity=sensitivity).confidences(logits)
    np.testing.assert_allclose(found, expected, rtol=4e-6)


@given(LOGITS)
def test_softmax_adds_up_to_one(logits: np.ndarray) -> None:
    np.testing.assert_allclose(ScoreRule("softmax", 0.25).confidences(logits).sum(axis=1), 1, rtol=1e-5)


def test_a_confidence_equal_to_the_threshold_is_kept() -> None:
    rule = ScoreRule("sigmoid", min_confidence=0.5)
    assert len(rule.pick(np.zeros((1, 3), np.float32))[0]) == 3


@pytest.mark.parametrize("sensitivity", [0.5, 0.75, 1.0, 1.1, 1.5])
def test_a_confidence_is_kept_at_itself_and_not_at_the_next_float(sensitivity: float) -> None:
    """The logit is compared first, and where confidences are close to 1, many logits share one."""
    logits = np.linspace(-21, 21, 2000, dtype=np.float32)[:, np.newaxis]
    confidences = ScoreRule("sigmoid", 0.25, sensitivity=sensitivity).confidences(logits)
    for logit, confidence in zip(logits, confidences[:, 0], strict=True):
        for threshold, n in ((confidence, 1), (np.nextafter(confidence, np.float32(1)), 0)):
            rule = ScoreRule("sigmoid", float(threshold), sensitivity=sensitivity)
            assert len(rule.pick(logit[np.newaxis])[0]) == n, (logit, threshold)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax", "none"])
def test_no_windows_no_detections(activation: str) -> None:
    assert len(ScoreRule(activation, 0.25).pick(np.zeros((0, 3), np.float32))[0]) == 0
