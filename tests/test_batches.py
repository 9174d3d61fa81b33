"""Several windows at once are believed where they say what each says alone, and else run one by one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from birdfast.arrays import Float32
from birdfast.errors import ModelError, ModelMemoryError, ModelRuntimeError
from birdfast.sessions.batches import Batches
from birdfast.sessions.session import Arrays

WINDOWS = np.random.default_rng(1).normal(0, 0.1, (4, 50)).astype(np.float32)


def alone(windows: Float32) -> Arrays:
    return {"logits": windows[:, :3] * 2}


def refused(windows: Float32) -> Arrays:
    raise ModelError("gives float32 [1, 3] for 4 windows")


def fewer(windows: Float32) -> Arrays:
    return {"logits": alone(windows)["logits"][:1]}


def mixed(windows: Float32) -> Arrays:
    return {"logits": alone(windows)["logits"] - windows.max()}


@pytest.mark.parametrize(
    ("together", "words"),
    [
        (refused, r"4 windows at once are refused \(gives float32 \[1, 3\] for 4 windows\): run one by one"),
        (fewer, "4 windows at once give other scores: run one by one"),
        (mixed, "4 windows at once give other scores: run one by one"),
    ],
)
def test_a_network_that_takes_no_batch_runs_one_by_one(
    together: Callable[[Float32], Arrays], words: str
) -> None:
    batches = Batches()
    with pytest.warns(RuntimeWarning, match=words):
        found = batches.run(WINDOWS, together, alone)
    np.testing.assert_array_equal(found["logits"], alone(WINDOWS)["logits"])
    np.testing.assert_array_equal(batches.run(WINDOWS[:2], together, alone)["logits"], WINDOWS[:2, :3] * 2)


@pytest.mark.parametrize("kind", [ModelMemoryError, ModelRuntimeError])
def test_what_says_nothing_about_the_network_is_an_error(kind: type[ModelError]) -> None:
    def lacking(windows: Float32) -> Arrays:
        raise kind("no room")

    batches = Batches()
    with pytest.raises(kind, match="no room"):
        batches.run(WINDOWS, lacking, alone)
    assert not batches.mix


def test_a_network_that_fails_alone_too_fails() -> None:
    with pytest.raises(ModelError, match="for 4 windows"):
        Batches().run(WINDOWS, refused, refused)
