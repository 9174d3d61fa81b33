"""Stretches: how a long recording is shared out, the same for any number of workers and models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..audio import Recording
from ..windows import Grid

STRETCH_S = 60.0  # of sound, or of a very long recording so many whole minutes that
MAX_STRETCHES = 256  # are enough: never by the number of workers
MAX_SLOW_STRETCHES = 8  # of a file where each has to go through all before it, as an MP3


class Share(NamedTuple):
    """A stretch for one model: its first window, and how many they are (None: to an end not known)."""

    first: int
    n_windows: int | None


def share(recording: Recording, grids: Sequence[Grid], stretch: int) -> tuple[int, list[Share]]:
    """Return how many stretches a recording has, and each grid's share of one of them.

    The first grid's windows decide: a stretch has so many whole ones of it that they are about
    `STRETCH_S`. Those of the other grids are its that start in it.

    Parameters
    ----------
    recording : Recording
    grids : sequence of Grid
    stretch : int
        The first is 0.
    """
    totals = [count(recording, grid) for grid in grids]
    size, n_stretches = _size(recording, grids[0], totals[0])
    if size is None:
        return 1, [Share(0, None) for _ in grids]
    shares = []
    for grid, total in zip(grids, totals, strict=True):
        assert total is not None
        first = min(total, _first(grid, grids[0], stretch * size))
        end = total if stretch + 1 >= n_stretches else _first(grid, grids[0], (stretch + 1) * size)
        shares.append(Share(first, max(0, min(end, total) - first)))
    return n_stretches, shares


def count(recording: Recording, grid: Grid) -> int | None:
    """Return how many windows a recording has; None where it does not say how long it is."""
    n_samples = recording.n_samples_at(grid.rate_hz)
    return None if n_samples is None else grid.count(n_samples)


def _size(recording: Recording, grid: Grid, total: int | None) -> tuple[int | None, int]:
    """Return how many windows a stretch has, and how many stretches there are."""
    if total is None:
        return None, 1
    minute = max(1, round(STRETCH_S * grid.rate_hz / grid.step_samples))
    most = MAX_SLOW_STRETCHES if recording.seeks_slowly else MAX_STRETCHES
    size = minute * max(1, -(-total // (minute * most)))
    return size, max(1, -(-total // size))


def _first(grid: Grid, leading: Grid, window: int) -> int:
    """Return the first window of a grid that does not start before the leading grid's window does."""
    start = window * leading.step_samples * grid.rate_hz
    return -(-start // (leading.rate_hz * grid.step_samples))
