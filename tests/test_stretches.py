"""Stretches share a recording out: every window of every model is in one, where the leading model's start."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from birdfast.pipeline import stretches
from birdfast.pipeline.stretches import MAX_SLOW_STRETCHES, MAX_STRETCHES, STRETCH_S, Share
from birdfast.windows import Grid


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    """Windows of a second to a minute, at rates that have little in common."""
    rate_hz = draw(st.sampled_from([7, 10, 16, 24]))
    window = draw(st.integers(rate_hz, 60 * rate_hz))
    step = draw(st.integers(max(1, window // 4), window))
    return Grid(rate_hz, window, step, draw(st.sampled_from(["pad", "drop", "min-1s"])))


def recording(duration_s: float | None, *, slow: bool = False) -> SimpleNamespace:
    def n_samples_at(rate_hz: int) -> int | None:
        return None if duration_s is None else int(duration_s * rate_hz)

    return SimpleNamespace(n_samples_at=n_samples_at, seeks_slowly=slow)


@given(st.lists(grids(), min_size=1, max_size=3), st.integers(0, 400_000), st.booleans())
def test_every_window_is_in_the_one_stretch_in_which_it_starts(
    every: list[Grid], duration_s: int, slow: bool
) -> None:
    sound, leading = recording(duration_s, slow=slow), every[0]
    n_stretches, _ = stretches.share(sound, every, 0)
    assert 1 <= n_stretches <= (MAX_SLOW_STRETCHES if slow else MAX_STRETCHES)
    shares = [stretches.share(sound, every, stretch) for stretch in range(n_stretches)]
    assert {number for number, _ in shares} == {n_stretches}
    starts_s = [share[0].first * leading.step_samples / leading.rate_hz for _, share in shares]
    for place, grid in enumerate(every):
        own = [share[place] for _, share in shares]
        assert own[0].first == 0
        assert [one.first for one in own[1:]] == [one.first + one.n_windows for one in own[:-1]]
        assert own[-1].first + own[-1].n_windows == grid.count(sound.n_samples_at(grid.rate_hz))
        for one, start_s, end_s in zip(own, starts_s, [*starts_s[1:], float("inf")], strict=True):
            for window in (one.first, one.first + one.n_windows - 1) if one.n_windows else ():
                assert start_s <= window * grid.step_samples / grid.rate_hz < end_s


@given(grids(), st.integers(0, 20_000))
def test_stretches_are_of_one_size_of_about_a_minute(grid: Grid, duration_s: int) -> None:
    n_stretches, ((first, size),) = stretches.share(recording(duration_s), [grid], 0)
    step_s = grid.step_samples / grid.rate_hz
    assert first == 0
    if 1 < n_stretches < MAX_STRETCHES // 2:
        assert abs(size * step_s - STRETCH_S) <= step_s / 2 + 1e-9 or size == 1
    for stretch in range(1, n_stretches - 1):
        assert stretches.share(recording(duration_s), [grid], stretch) == (
            n_stretches,
            [(stretch * size, size)],
        )


def test_a_recording_that_does_not_say_how_long_it_is_is_one_stretch() -> None:
    every = [Grid(10, 30, 30), Grid(7, 20, 10)]
    assert stretches.share(recording(None), every, 0) == (1, [Share(0, None)] * 2)
