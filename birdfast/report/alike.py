"""Alike: what of a run sounds like a detection, by the embeddings that it kept; all of them are looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ..arrays import Bools, Float32, Float64, Int64, Rows
from ..errors import ConfigError
from ..runs.nearness import cosines, unit
from ..runs.results import Results, Windows
from .gathered import Gathered

MOST = 10  # that are found
MOST_QUERIES = 1000  # at once
MOST_WINDOWS = 20  # of a detection, be it as long as it may
BLOCK = 1024  # windows that are compared at once
SLACK_S = 1e-6  # less than a sample
WANTED = (
    "This run kept no embeddings, by which what sounds alike is found: `birdfast infer --rtype embeddings`"
    " keeps them"
)


class Near(NamedTuple):
    """A window that sounds like a detection.

    Attributes
    ----------
    nearness : float
        The cosine of the angle between their embeddings, 1 at most.
    row : int
        The most confident row of that model that is of this window; -1: there is none.
    file : str
    start_s, end_s : float
    channel : int
    """

    nearness: float
    row: int
    file: str
    start_s: float
    end_s: float
    channel: int


def of_each(gathered: Gathered, rows: Sequence[int], n: int = MOST) -> dict[int, list[tuple[int, float]]]:
    """Return the rows that are nearest to each of some rows, and how near: each row once, the nearest first.

    Parameters
    ----------
    gathered : Gathered
    rows : sequence of int
        `MOST_QUERIES` at most. Those of a model whose embeddings were not kept are left out.
    n : int
    """
    found = dict[int, list[tuple[int, float]]]()
    for model, name in enumerate(gathered.models):
        mine = [row for row in rows if gathered.rows[row]["model"] == model]
        if mine and name in gathered.embedding:
            every = _nearest(gathered, mine, n, with_all=False)
            found |= {row: [(one.row, one.nearness) for one in some] for row, some in every.items()}
    return found


def of_row(gathered: Gathered, row: int, n: int = MOST) -> list[Near]:
    """Return the windows that are nearest to a row, the nearest first, also those in which nothing is shown.

    Of windows of one row there is the nearest one.

    Raises
    ------
    ConfigError
        The run kept no embeddings of that model.
    """
    if gathered.models[gathered.rows[row]["model"]] not in gathered.embedding:
        raise ConfigError(WANTED)
    return _nearest(gathered, [row], n, with_all=True).get(row, [])


def _nearest(gathered: Gathered, rows: Sequence[int], n: int, *, with_all: bool) -> dict[int, list[Near]]:
    """Return what is nearest to rows of one model, of all windows or of those of rows."""
    model = int(gathered.rows[rows[0]]["model"])
    asked, owners, queries = _queries(gathered, rows, model)
    best = [_Best(n) for _ in asked]
    for windows, file in _blocks(gathered, model) if asked else ():
        which = _rows_of(gathered, windows, file, model)
        if not with_all:
            windows, which = _part(windows, which >= 0), which[which >= 0]
        if not len(which):
            continue
        near = np.maximum.reduceat(cosines(queries, windows.values), owners, axis=0)
        near[_beside(gathered.rows[asked], windows, file)] = -np.inf
        for place in np.flatnonzero(near.max(axis=1) > [one.least for one in best]):
            best[place].add(near[place], which, windows)
    return {row: one.found for row, one in zip(asked, best, strict=True)}


def _queries(gathered: Gathered, rows: Sequence[int], model: int) -> tuple[list[int], Int64, Float64]:
    """Return the rows that have embeddings, where those of each begin, and these, of length 1."""
    of: dict[int, list[Float32]] = {row: [] for row in rows}
    files = {gathered.files[gathered.rows[row]["file"]].path for row in rows}
    for windows, file in _blocks(gathered, model, files):
        own = _own(gathered.rows[list(rows)], windows, file)
        for place in np.flatnonzero(own.any(axis=1)):
            some = of[rows[int(place)]]
            some += list(windows.values[own[place]][: MOST_WINDOWS - len(some)])
    asked = [row for row in rows if of[row]]
    starts = np.cumsum([0, *(len(of[row]) for row in asked)])[:-1].astype(np.int64)
    every = [one for row in asked for one in of[row]]
    return asked, starts, unit(np.stack(every)) if every else np.empty((0, 0))


def _blocks(gathered: Gathered, model: int, files: set[str] | None = None) -> Iterator[tuple[Windows, int]]:
    """Yield the windows of a model, a few at once, and the number of their file: -1 if it has no rows."""
    numbers = {file.path: number for number, file in enumerate(gathered.files)}
    for windows in Results(gathered.folder).embeddings(gathered.models[model], files):
        for first in range(0, len(windows.values), BLOCK):
            part = _part(windows, slice(first, first + BLOCK))
            yield part, numbers.get(windows.file, -1)


def _part(windows: Windows, which: slice | Bools) -> Windows:
    times = windows.start_s[which], windows.end_s[which], windows.channel[which]
    return Windows(windows.file, *times, windows.values[which])


def _own(rows: Rows, windows: Windows, file: int) -> Bools:
    """Return which windows of a file lie within each row, in its channel: bool [n_rows, n_windows]."""
    own = _within(rows, windows, file, SLACK_S)
    own &= rows["channel"][:, np.newaxis] == windows.channel
    return own


def _within(rows: Rows, windows: Windows, file: int, within_s: float) -> Bools:
    """Return which windows of a file lie within each row in any channel, but for so much."""
    own = np.zeros((len(rows), len(windows.values)), bool)
    there = np.flatnonzero(rows["file"] == file)
    some = rows[there][:, np.newaxis]
    begins = some["start_s"] - within_s <= windows.start_s
    own[there] = begins & (windows.end_s <= some["end_s"] + within_s)
    return own


def _beside(rows: Rows, windows: Windows, file: int) -> Bools:
    """Return which windows of a file share their time with each row: they sound like it anyway.

    Those of other channels too: microphones side by side hear the same bird at once.
    """
    longest_s = float((windows.end_s - windows.start_s).max(initial=0))
    return _within(rows, windows, file, longest_s - SLACK_S)


def _rows_of(gathered: Gathered, windows: Windows, file: int, model: int) -> Int64:
    """Return the most confident row of each window of a file; -1 where there is none."""
    found = np.full(len(windows.values), -1, np.int64)
    first, behind = np.searchsorted(gathered.rows["file"], [file, file + 1]) if file >= 0 else (0, 0)
    rows = gathered.rows[first:behind]
    is_near = (rows["end_s"] > windows.start_s.min()) & (rows["start_s"] <= windows.start_s.max() + SLACK_S)
    here = np.flatnonzero(is_near & (rows["model"] == model))
    for place in here[np.argsort(rows["confidence"][here], kind="stable")]:
        found[_own(rows[place : place + 1], windows, file)[0]] = first + place
    return found


class _Best:
    """The nearest of what came by; of what is equally near that which came first."""

    def __init__(self, n: int) -> None:
        self._n, self.found = n, list[Near]()

    @property
    def least(self) -> float:
        """What is no nearer than this is none of them."""
        return self.found[-1].nearness if len(self.found) == self._n else -np.inf

    def add(self, near: Float64, rows: Int64, windows: Windows) -> None:
        """Take in how near some windows are, and the row of each; there is one window of a row."""
        some = np.flatnonzero(near > self.least)
        for at in some[np.argsort(-near[some], kind="stable")]:
            if near[at] <= self.least:
                return
            row, times = int(rows[at]), (float(windows.start_s[at]), float(windows.end_s[at]))
            new = Near(float(near[at]), row, windows.file, *times, int(windows.channel[at]))
            before = next((one for one in self.found if one.row == row >= 0), None)
            if before is None or before.nearness < new.nearness:
                others = [one for one in self.found if one is not before]
                self.found = sorted([*others, new], key=lambda one: -one.nearness)[: self._n]
