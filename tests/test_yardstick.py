"""Losses of the skip-gram's epochs compare: by the same tokens and negatives; nothing else is learnt."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from birdfast.train import sentences, skipgram, yardstick
from birdfast.train.yardstick import NEGATIVES, Yardstick

from .test_skipgram import SMALL, two_topics

COIN = (1 + NEGATIVES) * np.log(2)


def made(lists: list[np.ndarray], window: int = 5, size: int = 20, subsample: float = 0) -> Yardstick:
    tokens, offsets = sentences.flat(lists, size)
    counts = np.bincount(tokens[tokens >= 0], minlength=size)
    keep = sentences.keep_probabilities(counts, subsample)
    return Yardstick.of(tokens, offsets, keep, counts, window)


def losses(**options: Any) -> list[float]:
    told: list[skipgram.Epoch] = []
    skipgram.train(walks(), 200, progress=told.append, **SMALL | {"epochs": 8} | options)
    return [epoch.loss for epoch in told]


def walks() -> list[np.ndarray]:
    """Sentences that wander about a ring of 200 tokens: who is near is soon met."""
    steps = np.random.default_rng(3).integers(-3, 4, (200, 80))
    return list((np.cumsum(steps, axis=1) + np.arange(200)[:, np.newaxis]) % 200)


def test_a_loss_is_the_likelihood_of_tokens_and_negatives() -> None:
    measure, dice = made(two_topics()), np.random.default_rng(1)
    inputs, outputs = dice.normal(0, 1, (2, 20, 16)).astype(np.float32)
    expected = 0.0
    for context, (token, *negatives) in zip(measure.contexts, measure.rows, strict=True):
        scores = outputs.astype(np.float64) @ inputs[context].astype(np.float64)
        expected += np.log1p(np.exp(-scores[token]))
        expected += sum(np.log1p(np.exp(scores[row])) for row in negatives if row >= 0)
    assert measure.loss(inputs, outputs) == pytest.approx(expected / len(measure.contexts), rel=1e-5)


def test_rows_that_know_nothing_toss_coins() -> None:
    measure = made(two_topics())
    n_rows = (measure.rows >= 0).sum() / len(measure.rows)
    zeros = np.zeros((20, 16), np.float32)
    assert measure.loss(zeros, zeros) == pytest.approx(n_rows * np.log(2))
    assert n_rows * np.log(2) < COIN
    assert np.isfinite(measure.loss(np.full((20, 16), 50, np.float32), np.full((20, 16), -50, np.float32)))


def test_losses_fall_from_epoch_to_epoch_and_hardly_differ_between_seeds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(yardstick, "SHARE", 1)
    told = losses()
    assert (np.diff(told) < 0).all()
    assert told[-1] < 0.75 * COIN
    np.testing.assert_allclose(losses(seed=1), told, rtol=0.1)


def test_a_loss_that_is_not_taken_changes_nothing_of_what_is_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = skipgram.train(two_topics(), 20, **SMALL)
    monkeypatch.setattr(Yardstick, "loss", lambda *_: 0.0)
    monkeypatch.setattr(Yardstick, "of", lambda *_: Yardstick(np.zeros(0, np.int32), np.zeros((0, 6))))
    np.testing.assert_array_equal(skipgram.train(two_topics(), 20, **SMALL), measured)


def test_another_training_of_the_same_sentences_has_the_same_yardstick(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    measures: list[Yardstick] = []
    of = Yardstick.of
    monkeypatch.setattr(Yardstick, "of", lambda *what: measures.append(of(*what)) or measures[-1])
    for options in ({}, {"seed": 9}, {"dim": 32}, {"negatives": 11}, {"exponent": 0.0}, {"n_workers": 2}):
        losses(**options)
    for other in measures[1:]:
        np.testing.assert_array_equal(other.contexts, measures[0].contexts)
        np.testing.assert_array_equal(other.rows, measures[0].rows)


def test_pairs_are_those_that_windows_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Distances of 1 to 4 are met 4, 3, 2 and 1 times as often; tokens are numbered, so one sees how far."""
    monkeypatch.setattr(yardstick, "SHARE", 10)
    measure = made([np.arange(5000)], window=4, size=5000)
    distance = np.abs(measure.contexts - measure.rows[:, 0])
    shares = np.bincount(distance, minlength=5)[1:] / len(distance)
    assert len(distance) == yardstick.MOST_TOKENS
    np.testing.assert_allclose(shares, [0.4, 0.3, 0.2, 0.1], atol=0.02)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(-1, 19), max_size=30), max_size=8), st.integers(1, 2**24))
def test_pairs_lie_in_one_sentence(drawn: list[list[int]], window: int) -> None:
    lists = [np.array(one, np.int32) for one in drawn]
    measure = made(lists, window)
    whole = [[token for token in one if token >= 0] for one in drawn]
    together = {(a, b) for one in whole for i, a in enumerate(one) for j, b in enumerate(one) if i != j}
    pairs = {*zip(measure.rows[:, 0].tolist(), measure.contexts.tolist(), strict=True)}
    assert pairs <= together
    assert bool(pairs) <= bool(together)
    assert not (measure.rows[:, 1:] == measure.rows[:, :1]).any()


def test_thin_tokens_are_rare_on_the_yardstick_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yardstick, "SHARE", 10)
    often = np.where(np.random.default_rng(0).random(4000) < 0.9, 0, np.arange(4000) % 20)
    all_kept, thinned = made([often]), made([often], subsample=1e-2)
    assert (thinned.rows[:, 0] == 0).mean() < (all_kept.rows[:, 0] == 0).mean() - 0.1
