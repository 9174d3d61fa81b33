"""Windows start where the rules say, and hold the samples that lie there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from birdfast import windows
from birdfast.errors import AudioError, ConfigError
from birdfast.windows import Grid

TAILS = st.sampled_from(["pad", "drop", "min-1s"])


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    window = draw(st.integers(1, 40))
    return Grid(draw(st.integers(1, 30)), window, draw(st.integers(1, window)), draw(TAILS))


def starts_by_the_rule(grid: Grid, n_samples: int) -> list[int]:
    """The rules of the module's docstring, read aloud."""
    kept = []
    for start in range(0, n_samples, grid.step_samples):
        held = min(n_samples - start, grid.window_samples)
        whole = held == grid.window_samples
        if grid.tail == "pad" or whole or (grid.tail == "min-1s" and (held >= grid.rate_hz or start == 0)):
            kept.append(start)
    return kept


def in_blocks(samples: np.ndarray, sizes: list[int]) -> Iterator[np.ndarray]:
    for size in sizes:
        yield samples[:size]
        samples = samples[size:]
    yield samples


@given(grids(), st.integers(0, 200))
def test_count_follows_the_tail_rule(grid: Grid, n_samples: int) -> None:
    assert grid.count(n_samples) == len(starts_by_the_rule(grid, n_samples))


@given(grids(), st.integers(0, 200), st.lists(st.integers(0, 50)), st.integers(1, 5), st.booleans())
def test_windows_hold_the_sound_at_their_start(
    grid: Grid, n_samples: int, sizes: list[int], batch: int, count_is_known: bool
) -> None:
    samples = np.arange(1, n_samples + 1, dtype=np.float32)
    count = grid.count(n_samples) if count_is_known else None
    found = [window.copy() for window in windows.cut(in_blocks(samples, sizes), grid, count, batch)]
    assert all(1 <= len(part) <= batch for part in found)
    starts = starts_by_the_rule(grid, n_samples)
    padded = np.concatenate([samples, np.zeros(grid.window_samples, np.float32)])
    expected = [padded[start : start + grid.window_samples] for start in starts]
    rows = np.concatenate([np.zeros((0, grid.window_samples), np.float32), *found])
    np.testing.assert_array_equal(rows, np.reshape(expected, rows.shape))


@given(grids(), st.integers(0, 200), st.lists(st.integers(0, 50)), st.integers(1, 5), st.data())
def test_no_more_windows_are_cut_than_were_asked_for(
    grid: Grid, n_samples: int, sizes: list[int], batch: int, data: st.DataObject
) -> None:
    samples = np.arange(1, n_samples + 1, dtype=np.float32)
    every = [window.copy() for part in windows.cut(iter([samples]), grid, None, batch) for window in part]
    n_windows, whole = data.draw(st.integers(0, len(every))), data.draw(st.booleans())
    cutter, found = windows.Cutter(grid, n_windows, batch), []
    for block in in_blocks(samples, sizes):
        found += [window.copy() for part in cutter.push(block) for window in part]
    found += [window.copy() for part in cutter.end(whole=whole) for window in part]
    expected = every[:n_windows]
    if whole:
        expected = [window for window in expected if window.all()]  # what is padded has zeros
    assert [window.tolist() for window in found] == [window.tolist() for window in expected]


@given(grids(), st.integers(0, 200), st.lists(st.integers(0, 50)), st.integers(1, 5))
def test_it_is_known_how_much_of_each_window_is_sound(
    grid: Grid, n_samples: int, sizes: list[int], batch: int
) -> None:
    """Samples are ones, so that a window's sum is what of it is sound."""
    cutter, found, meant = windows.Cutter(grid, None, batch), [], []
    for block in [*in_blocks(np.ones(n_samples, np.float32), sizes), None]:
        for part in cutter.end() if block is None else cutter.push(block):
            found += cutter.sound_samples()
            meant += part.sum(axis=1).tolist()
    assert found == meant


@pytest.mark.parametrize("count", [None, 10])
def test_whole_windows_before_a_failure_are_kept(count: int | None) -> None:
    def broken() -> Iterator[np.ndarray]:
        yield np.ones(25, np.float32)
        raise AudioError("the disk is gone")

    found = []
    with pytest.raises(AudioError, match="disk"):
        for batch in windows.cut(broken(), Grid(8, 10, 10), count, batch=4):
            found.append(len(batch))
    assert sum(found) == 2


@pytest.mark.parametrize("step", [0, -1, 11])
def test_a_step_that_leaves_gaps_or_stands_still_is_refused(step: int) -> None:
    with pytest.raises(ConfigError, match="step"):
        Grid(10, 10, step)


def test_normalizations() -> None:
    sound = np.array([[0.5, -1.0, 0.5, 1.0], [0, 0, 0, 0]], np.float32)
    assert windows.normalize(sound, "none") is sound
    np.testing.assert_allclose(windows.normalize(sound, "zoo"), sound / 4)
    centred = windows.normalize(sound, "hoplite")
    np.testing.assert_allclose(centred.mean(axis=1), 0, atol=1e-7)
    np.testing.assert_allclose(np.abs(centred).max(axis=1), [0.25, 0])
