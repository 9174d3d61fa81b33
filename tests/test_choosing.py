"""Of several heads that is taken which did best on windows that it has not heard; no others count."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from birdfast.arrays import Bools
from birdfast.classifier import Classifier
from birdfast.errors import ConfigError
from birdfast.train import calibration, choosing, head, headrecipe, scaling, standardized

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
    return choosing.learn(what, exclusive, fit, recipe(*strengths))


def recipe(*strengths: float) -> headrecipe.HeadRecipe:
    choices = {"strength": strengths} if len(strengths) > 1 else {}
    return headrecipe.HeadRecipe(head=headrecipe.NetworkHead(strength=strengths[0]), choices=choices)


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
    told = choosing.told(recipe(*strengths), found)
    assert told["training"]["head"]["strength"] == 1.0
    assert told["candidates"] == [
        {"strength": one, "loss": loss} for one, loss in zip(strengths, losses, strict=True)
    ]
    assert choosing.judged(recipe(*strengths), found) == {"chosen": {"strength": 1.0}}
    assert [line.partition(",")[0] for line in choosing.in_words(recipe(*strengths), found)] == [
        "head: strength 1"
    ]


def test_of_those_that_do_as_well_and_of_all_that_are_not_tested_it_is_the_first() -> None:
    alike = learnt(windows(True), True, 1.0, 1.0)
    assert len({*alike[choosing.LOSSES]}) == 1
    assert choosing.search(recipe(1.0, 2.0, 3.0), lambda _: 0.5)[0].strength == 1.0
    what = windows(True)
    none = calibration.Windows(what.values, what.targets, what.within[:, :0], what.asked)
    found = learnt(none, True, 1e4, 1.0)
    assert np.isnan(found[choosing.LOSSES]).all()
    told = choosing.told(recipe(1e4, 1.0), found)
    assert told["training"]["head"]["strength"] == 1e4
    assert told["candidates"] == [{"strength": 1e4}, {"strength": 1.0}]
    assert list(choosing.in_words(recipe(1e4, 1.0), found)) == []


def test_where_there_is_nothing_to_choose_nothing_is_said() -> None:
    found = learnt(windows(True), True, 1.0)
    assert "candidates" not in choosing.told(recipe(1.0), found)
    assert choosing.judged(recipe(1.0), found) == {}
    assert list(choosing.in_words(recipe(1.0), found)) == []


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


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_one_thing_is_chosen_after_the_other(data: st.DataObject) -> None:
    first = headrecipe.NetworkHead()
    choices = {"leading": (0, 1, 2), "strength": (first.strength, 2.0, 3.0), "decay": (0.0, 0.5)}
    losses = {
        (leading, strength, decay): data.draw(st.integers(0, 3))
        for leading in choices["leading"]
        for strength in choices["strength"]
        for decay in choices["decay"]
    }
    asked: list[tuple[float, ...]] = []

    def ask(head: headrecipe.NetworkHead) -> float:
        asked.append((head.leading, head.strength, head.decay))
        return losses[asked[-1]]

    found, tried = choosing.search(headrecipe.HeadRecipe(head=first, choices=choices), ask)
    key: list[float] = [0, first.strength, 0.0]
    for place, values in enumerate(choices.values()):
        each = {value: losses[(*key[:place], value, *key[place + 1 :])] for value in values}
        key[place] = min(values, key=each.__getitem__)  # the first of those that do as well
    assert (found.leading, found.strength, found.decay) == tuple(key)
    assert [one.loss for one in tried] == [losses[one] for one in asked]
    assert len(asked) == 1 + 2 + 2 + 1


def test_a_recipe_has_what_there_is_to_choose_from(tmp_path: Path) -> None:
    for kind, usual in headrecipe.KINDS.items():
        made = headrecipe.load(kind)
        assert made.choices == {key: tuple(some) for key, some in usual.items() if isinstance(some, list)}
        assert all(getattr(made.head, key) == np.ravel(value)[0] for key, value in usual.items())
        joined = headrecipe.load(kind, None, 2)
        assert [*joined.choices.items()] == [("leading", (0, 1, 2)), *made.choices.items()]
        assert joined.head == made.head
    (tmp_path / "r.toml").write_text("[head]\nepochs = [3, 4]\ndecay = [0.1, 0.2]\nlearning_rate = 0.01\n")
    made = headrecipe.load("mlp", tmp_path / "r.toml")
    assert [*made.choices.items()] == [("decay", (0.1, 0.2)), ("epochs", (3, 4))]
    assert made.as_dict()["head"]["epochs"] == [3, 4]
    (tmp_path / "r.toml").write_text("[head]\nstrength = 3.0\nleading = 1\n")
    made = headrecipe.load("linear", tmp_path / "r.toml", 2)
    assert (made.head.strength, made.head.leading, made.choices) == (3.0, 1, {})


@pytest.mark.parametrize(("sizes", "leading"), [((7,), 0), ((2, 30), 0), ((2, 30), 1), ((2, 30, 5), 3)])
def test_networks_count_alike_however_many_values_they_have(sizes: tuple[int, ...], leading: int) -> None:
    found = standardized.lengths(sizes, leading)
    parts = np.split(np.square(found), np.cumsum(sizes)[:-1])
    assert len(found) == sum(sizes)
    assert np.square(found).sum() == pytest.approx(1)
    amounts = [part.sum() for part in parts]
    others = [amount for number, amount in enumerate(amounts, 1) if number != leading]
    assert others == pytest.approx([others[0]] * len(others))
    if leading:
        assert amounts[leading - 1] == pytest.approx(standardized.LEAD**2 * others[0])


@pytest.mark.parametrize("leading", [0, 2])
def test_scaling_of_several_networks_is_in_the_layers(leading: int) -> None:
    what, sizes = windows(True), (30, 10)
    choice = headrecipe.NetworkHead(leading=leading)
    layers = standardized.fit(what.values, what.targets, True, choice, 0, sizes)
    mean, share = standardized.factors(what.values)
    scaled = ((what.values - mean) * share * standardized.lengths(sizes, leading)).astype(np.float32)
    meant = head.fit(scaled, what.targets, True, choice, 0, head.balance(what.targets))
    np.testing.assert_allclose(
        Classifier(layers).logits(what.values), Classifier(meant).logits(scaled), atol=1e-3
    )


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ("strength = []", r"head.strength: \[\] does not fit; it takes 1 to 16 of them"),
        (f"strength = {[1.0] * 17}", "head.strength: .* does not fit; it takes 1 to 16 of them"),
        ("leading = 1", "head.leading: 1 does not fit; it takes 0 to 0"),
        ("leading = [0, 2]", "head.leading: 2 does not fit"),
        ("strength = ['much']", "head.strength: 'much' does not fit"),
        ("strength = [1.0, -1.0]", "head.strength: -1.0 does not fit"),
        ("learning_rate = [1.0, 2.0]", "head.learning_rate: .* does not fit; float is wanted"),
    ],
)
def test_candidates_that_do_not_fit_are_refused(tmp_path: Path, told: str, named: str) -> None:
    (tmp_path / "r.toml").write_text(f"[head]\n{told}\n")
    with pytest.raises(ConfigError, match=rf"r\.toml: {named}"):
        headrecipe.load("linear", tmp_path / "r.toml")
