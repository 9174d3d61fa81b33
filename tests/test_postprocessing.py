"""Steps of post-processing keep their laws, and are refused by name where there is no such step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from birdfast.errors import ConfigError
from birdfast.postprocessing import FIVE_TAPS, KINDS, Step, apply, parsed

SCORES = arrays(
    np.float64, st.tuples(st.integers(0, 9), st.integers(1, 3)), elements=st.floats(0, 1, width=32)
)
STEPS = [*map(Step, KINDS), Step("smooth", 0.3), Step("power", 2.0)]
every = pytest.mark.parametrize("step", STEPS, ids=str)


@every
@given(values=SCORES)
def test_a_confidence_stays_one_and_nothing_else_is_touched(step: Step, values: np.ndarray) -> None:
    before = values.copy()
    found = step(values)
    assert (found.shape, found.dtype) == (values.shape, values.dtype)
    assert ((found >= 0) & (found <= 1 + 1e-12)).all()
    np.testing.assert_array_equal(values, before)


@every
@given(values=SCORES, data=st.data())
def test_a_class_hangs_on_itself_alone(step: Step, values: np.ndarray, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(values.shape[1])))
    np.testing.assert_array_equal(step(values)[:, order], step(values[:, order]))


@every
@given(values=SCORES)
def test_time_has_no_direction(step: Step, values: np.ndarray) -> None:
    np.testing.assert_allclose(step(values[::-1])[::-1], step(values), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", ["smooth", "smooth5"])
@given(values=SCORES, level=st.floats(0, 1))
def test_smoothing_is_linear_and_leaves_what_is_the_same_all_along(
    name: str, values: np.ndarray, level: float
) -> None:
    step = Step(name)
    np.testing.assert_allclose(step(values + level), step(values) + level, atol=1e-12)


@pytest.mark.parametrize("name", ["top2", "power"])
@given(values=SCORES)
def test_what_weighs_a_file_leaves_the_order_in_it(name: str, values: np.ndarray) -> None:
    found = Step(name)(values)
    for before, after in zip(values.T, found.T, strict=True):
        order = np.argsort(before, kind="stable")
        assert (np.diff(after[order]) >= 0).all()


def test_the_formulas() -> None:
    file = np.array([[0.2], [0.8], [0.4], [0.0]])
    smoothed = [[0.85 * 0.2 + 0.15 * 0.8], [0.15 * 0.2 + 0.7 * 0.8 + 0.15 * 0.4], [0.7 * 0.4 + 0.15 * 0.8]]
    np.testing.assert_allclose(Step("smooth", 0.15)(file), [*smoothed, [0.15 * 0.4]])
    long = np.zeros((7, 1))
    long[3] = 1
    np.testing.assert_allclose(Step("smooth5")(long)[1:6, 0], FIVE_TAPS)
    np.testing.assert_allclose(Step("top2")(file), file * 0.6)
    np.testing.assert_allclose(Step("top2")(file[:1]), file[:1] * 0.2)
    np.testing.assert_allclose(Step("power", 0.4)(file), file * 0.8**0.4)


@given(values=SCORES)
def test_what_does_nothing_does_nothing(values: np.ndarray) -> None:
    np.testing.assert_allclose(apply(parsed(["smooth:0", "power:0"]), values), values)
    assert apply((), values) is values


def test_a_hole_parts_neighbours_and_no_file() -> None:
    """Rows 1, 2 and 6 are heard of one class, 1 and 2 of another; a prior of 0.9 is no score."""
    values = np.array([[0.2, 0.2], [0.8, 0.4], [0.9, 0.9], [0.9, 0.9], [0.9, 0.9], [0.6, 0.9]])
    heard = np.array([[1, 1], [1, 1], [0, 0], [0, 0], [0, 0], [1, 0]], bool)
    smooth = apply(parsed(["smooth:0.25"]), values, heard)
    np.testing.assert_allclose(smooth[heard[:, 0], 0], [0.35, 0.65, 0.6])
    np.testing.assert_allclose(smooth[heard[:, 1], 1], [0.25, 0.35])
    for step, factors in (("top2", (0.7, 0.3)), ("power:1", (0.8, 0.4))):
        found = apply(parsed([step]), values, heard)
        np.testing.assert_allclose(found, np.where(heard, values * factors, values))


@given(values=SCORES, data=st.data(), words=st.lists(st.sampled_from(["smooth", "smooth5", "top2", "power"])))
def test_what_is_not_heard_counts_for_nothing(
    values: np.ndarray, data: st.DataObject, words: list[str]
) -> None:
    heard = data.draw(arrays(np.bool_, values.shape))
    steps = parsed(words)
    found = apply(steps, values, heard)
    np.testing.assert_array_equal(found[~heard], values[~heard])
    other = apply(steps, np.where(heard, values, np.nan), heard)
    np.testing.assert_array_equal(other[heard], found[heard])
    for number, told in enumerate(heard.T):  # a file that is heard to its end is one of so many windows
        n_first = int(np.argmin(told)) if not told.all() else len(told)
        if told.sum() == n_first:
            alone = apply(steps, values[:n_first, [number]])
            np.testing.assert_allclose(found[:n_first, [number]], alone, rtol=1e-12)


def test_steps_are_done_in_order_and_said_as_they_were_told() -> None:
    steps = parsed(["smooth:0.15", "top2", "power:0.4"])
    assert list(map(str, steps)) == ["smooth:0.15", "top2", "power:0.4"]
    file = np.random.default_rng(1).random((12, 4), np.float32)
    np.testing.assert_array_equal(apply(steps, file), steps[2](steps[1](steps[0](file))))
    assert apply(steps, file).dtype == np.float32


@pytest.mark.parametrize("words", ["top2", 5, None, [5], ["top3"], ["top2:1"], ["smooth:x"], ["smooth:0.6"]])
def test_what_is_no_step_is_refused(words: Any) -> None:
    with pytest.raises(ConfigError, match="post: "):
        parsed(words)
    with pytest.raises(ConfigError, match="post: "):
        parsed(["power:nan"])
