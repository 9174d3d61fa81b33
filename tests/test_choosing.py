"""Of several heads that is taken which did best on windows that it has not heard; no others count."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from birdfast.arrays import Bools
from birdfast.errors import ConfigError
from birdfast.train import calibration, choosing, headrecipe, scaling, standardized

pytest.importorskip("sklearn", reason="training needs birdfast[train]")


def windows(exclusive: bool, n: int = 90, seed: int = 0) -> calibration.Windows:
    """Windows of three classes that many values hide: weights that are held down do better."""
    dice = np.random.default_rng(seed)
    targets = np.arange(n)[:, np.newaxis] % 3 == np.arange(3)
    if not exclusive:
        targets |= dice.random((n, 3)) < 0.2
    values = targets @ dice.standard_normal((3, 40)) * 0.5 + dice.standard_normal((n, 40))
    within = np.arange(n)[:, np.newaxis] % 5 == np.arange(5)
    return calibration.Windows(values.astype(np.float32), targets, within, values.astype(np.float32))


def learnt(what: calibration.Windows, exclusive: bool, *strengths: float) -> dict[str, np.ndarray]:
    fit = partial(standardized.fit, exclusive=exclusive, seed=0)
    return choosing.learn(what, exclusive, fit, candidates(*strengths))


def candidates(*strengths: float) -> tuple[headrecipe.NetworkHead, ...]:
    return tuple(headrecipe.NetworkHead(strength=one) for one in strengths)


@pytest.mark.parametrize("exclusive", [True, False])
def test_the_least_loss_is_taken_and_trained_as_if_alone(exclusive: bool) -> None:
    strengths = (1e4, 1.0, 1e-4)
    found = learnt(windows(exclusive), exclusive, *strengths)
    alone = [learnt(windows(exclusive), exclusive, one) for one in strengths]
    losses = [float(one[choosing.LOSSES][0]) for one in alone]
    assert found[choosing.LOSSES].tolist() == losses
    assert losses[1] == min(losses) < losses[0]
    for name, array in choosing.without(found).items():
        np.testing.assert_array_equal(array, alone[1][name])
    told = choosing.told(candidates(*strengths), found)
    assert told["training"]["head"]["strength"] == 1.0
    assert told["candidates"] == [
        {"strength": one, "loss": loss} for one, loss in zip(strengths, losses, strict=True)
    ]
    assert choosing.judged(candidates(*strengths), found) == {"chosen": {"strength": 1.0}}
    assert [line.partition(",")[0] for line in choosing.in_words(candidates(*strengths), found)] == [
        "head: strength 1"
    ]


def test_of_those_that_do_as_well_and_of_all_that_are_not_tested_it_is_the_first() -> None:
    alike = learnt(windows(True), True, 1.0, 1.0)
    assert choosing.told(candidates(1.0, 1.0), alike)["candidates"][0] == {"loss": alike[choosing.LOSSES][0]}
    what = windows(True)
    none = calibration.Windows(what.values, what.targets, what.within[:, :0], what.asked)
    found = learnt(none, True, 1e4, 1.0)
    assert np.isnan(found[choosing.LOSSES]).all()
    told = choosing.told(candidates(1e4, 1.0), found)
    assert told["training"]["head"]["strength"] == 1e4
    assert told["candidates"] == [{"strength": 1e4}, {"strength": 1.0}]
    assert list(choosing.in_words(candidates(1e4, 1.0), found)) == []


def test_where_there_is_nothing_to_choose_nothing_is_said() -> None:
    found = learnt(windows(True), True, 1.0)
    assert "candidates" not in choosing.told(candidates(1.0), found)
    assert choosing.judged(candidates(1.0), found) == {}
    assert list(choosing.in_words(candidates(1.0), found)) == []


def known(exclusive: bool, targets: Bools, dice: np.random.Generator) -> Bools:
    found = dice.random(targets.shape) < 0.8
    return found | targets if exclusive else found


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 1000), exclusive=st.booleans())
def test_the_loss_is_that_of_what_is_true(seed: int, exclusive: bool) -> None:
    dice = np.random.default_rng(seed)
    logits = dice.standard_normal((7, 4)).astype(np.float32) * 5
    targets = np.eye(4, dtype=bool)[dice.integers(0, 4, 7)]
    if not exclusive:
        targets = dice.random((7, 4)) < 0.4
    seen = known(exclusive, targets, dice)
    if exclusive:
        there = np.where(seen, np.exp(logits, dtype=np.float64), 0)
        likely = (there / there.sum(axis=1, keepdims=True))[targets]
    else:
        sure = 1 / (1 + np.exp(-logits, dtype=np.float64))
        likely = np.where(targets, sure, 1 - sure)[seen]
    found = scaling.loss(logits, targets, exclusive, seen)
    assert found == pytest.approx(-np.log(likely).mean(), rel=1e-6)


def test_a_recipe_has_a_candidate_for_all_that_goes_together(tmp_path: Path) -> None:
    for kind, usual in headrecipe.KINDS.items():
        made = headrecipe.load(kind).candidates
        assert len(made) == 3
        assert made[0] == headrecipe.load(kind).head
        assert all(getattr(made[0], key) in (value, *np.ravel(value)) for key, value in usual.items())
    (tmp_path / "r.toml").write_text("[head]\ndecay = [0.1, 0.2]\nepochs = [3, 4]\nlearning_rate = 0.01\n")
    made = headrecipe.load("mlp", tmp_path / "r.toml").candidates
    assert [(one.decay, one.epochs) for one in made] == [(0.1, 3), (0.1, 4), (0.2, 3), (0.2, 4)]
    (tmp_path / "r.toml").write_text("[head]\nstrength = 3.0\n")
    assert [one.strength for one in headrecipe.load("linear", tmp_path / "r.toml").candidates] == [3.0]


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ("strength = []", "head: 0 candidates; it takes 1 to 16"),
        (f"strength = {[1.0] * 17}", "head: 17 candidates"),
        ("strength = ['much']", "head.strength: 'much' does not fit"),
        ("strength = [1.0, -1.0]", "head.strength: -1.0 does not fit"),
        ("learning_rate = [1.0, 2.0]", "head.learning_rate: .* does not fit; float is wanted"),
    ],
)
def test_candidates_that_do_not_fit_are_refused(tmp_path: Path, told: str, named: str) -> None:
    (tmp_path / "r.toml").write_text(f"[head]\n{told}\n")
    with pytest.raises(ConfigError, match=rf"r\.toml: {named}"):
        headrecipe.load("linear", tmp_path / "r.toml")
