"""Networks whose recipes agree share their pictures, and hear what each hears alone."""

from __future__ import annotations

import gc
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from birdfast import models
from birdfast.config import Options
from birdfast.frontends import recipe, share
from birdfast.frontends.pictures import Pictures
from birdfast.frontends.recipe import Recipe
from birdfast.frontends.share import RECENT, SharedPictures
from birdfast.pipeline import Pipeline
from birdfast.sessions import open_session

from .recordings import noise, write

RATE_HZ, WINDOW_SAMPLES = 16_000, 16_000
RECIPE = Recipe(n_fft=256, hop_samples=400, n_mels=20)
WINDOWS = np.random.default_rng(5).standard_normal((2 * RECENT, WINDOW_SAMPLES)).astype(np.float32) / 4
EVERYTHING = Options(min_confidence=0)


def shared(what: Recipe = RECIPE) -> SharedPictures:
    return SharedPictures(what, RATE_HZ, WINDOW_SAMPLES)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list that gets the number of windows of each call that draws."""
    counted: list[int] = []
    draw = Pictures.__call__

    def count(self: Pictures, samples: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        counted.append(len(samples))
        return draw(self, samples, out)

    monkeypatch.setattr(Pictures, "__call__", count)
    return counted


def test_a_window_is_drawn_once_however_many_are_taken_at_a_time(drawn: list[int]) -> None:
    first, second = shared(), shared(Recipe(n_fft=256, hop_samples=400, n_mels=20))
    alone = Pictures(RECIPE, RATE_HZ, WINDOW_SAMPLES)(WINDOWS)
    drawn.clear()
    for start in range(0, len(WINDOWS), 4):
        some = slice(start, start + 4)
        assert (first(WINDOWS[some]) == alone[some]).all()
        for place in range(start, start + 4):
            assert (second(WINDOWS[place : place + 1].copy()) == alone[place]).all()
    assert sum(drawn) == len(WINDOWS)


def test_pictures_are_their_takers_own(drawn: list[int]) -> None:
    first, second = shared(), shared()
    first(WINDOWS[:1])[:] = 7
    windows = WINDOWS[:1].copy()
    found = second(windows)
    windows[:] = 0
    assert sum(drawn) == 1
    assert (found != 7).all()
    assert (first(WINDOWS[:1]) == found).all()


def test_what_differs_in_one_sample_or_in_the_recipe_is_drawn(drawn: list[int]) -> None:
    first, second, other = shared(), shared(), shared(Recipe(n_fft=256, hop_samples=400, n_mels=21))
    changed = WINDOWS[:1].copy()
    changed[0, 3] += 1e-6
    first(WINDOWS[:1])
    second(changed)
    other(WINDOWS[:1])
    assert sum(drawn) == 3


def test_who_is_alone_keeps_nothing_and_nobody_keeps_more_than_the_last_windows(drawn: list[int]) -> None:
    gc.collect()
    before = len(share._SHARES)
    first = shared(Recipe(n_fft=256, hop_samples=128, n_mels=20))
    first(WINDOWS)
    assert len(first._share.recent()) == 0
    second = shared(Recipe(n_fft=256, hop_samples=128, n_mels=20))
    second(WINDOWS)
    assert len(second._share.recent()) == RECENT
    del first, second
    gc.collect()
    assert len(share._SHARES) == before


def test_who_is_left_alone_keeps_nothing_more(two: list[models.Model], drawn: list[int]) -> None:
    """A session of a network is one member, and none when it is closed."""
    session = open_session(two[0])
    drawing = session._intake._draw
    assert drawing._share.n_members == 1
    other = session.twin()
    assert drawing._share.n_members == 2
    del other
    gc.collect()
    assert drawing._share.n_members == 1
    drawn.clear()
    drawing(WINDOWS)
    assert drawn == [len(WINDOWS)], "at once, not window by window to be kept"


def test_threads_share_nothing_and_wait_for_nobody(drawn: list[int]) -> None:
    members = [shared(), shared()]
    found: list[np.ndarray] = []

    def work(one: SharedPictures) -> None:
        found.extend(one(WINDOWS[place : place + 1]) for place in range(len(WINDOWS)))

    threads = [Thread(target=work, args=[one]) for one in members]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(drawn) == 2 * len(WINDOWS)
    alone = Pictures(RECIPE, RATE_HZ, WINDOW_SAMPLES)(WINDOWS)
    assert sorted(row.tobytes() for row in found) == sorted(2 * [row.tobytes() for row in alone])


@pytest.fixture
def two(tmp_path: Path) -> list[models.Model]:
    """Two networks that take the same pictures."""
    pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: pip install '.[onnx]'")
    from .onnxnetworks import network

    made = []
    for name, end in (("one", None), ("two", "Sigmoid")):
        folder = tmp_path / name
        folder.mkdir()
        taken = network(("batch", 1, 20, 41), n_values=820, end=end)
        (folder / f"{name}.onnx").write_bytes(taken.SerializeToString())
        (folder / "labels.txt").write_text("A_B\nC_D\nNoise\n")
        facts = f"rate_hz = {RATE_HZ}\nwindow_samples = {WINDOW_SAMPLES}\n[front_end]\n"
        lines = (f"{key} = {value!r}\n" for key, value in recipe.plain(RECIPE).items())
        (folder / "model.toml").write_text(facts + "".join(lines))
        made.append(models.find(folder))
    return made


@pytest.mark.parametrize("in_memory", [True, False])
def test_models_of_one_recipe_draw_each_window_once_in_one_pass(
    two: list[models.Model], tmp_path: Path, drawn: list[int], in_memory: bool
) -> None:
    samples = noise(40 * WINDOW_SAMPLES)
    sound = samples[:, 0] if in_memory else write(tmp_path / "a.wav", samples, RATE_HZ)
    rate_hz = RATE_HZ if in_memory else None
    alone = [row for model in two for row in Pipeline(model, EVERYTHING).detect(sound, rate_hz)]
    pipeline = Pipeline(two, EVERYTHING)
    pipeline.detect(sound, rate_hz)  # batches are tried before they are believed
    drawn.clear()
    assert pipeline.detect(sound, rate_hz) == alone
    assert sum(drawn) == 40
