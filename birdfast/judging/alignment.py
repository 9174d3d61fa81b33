"""Alignment: which windows are judged, what is true in each, and what was said of each.

Of a truth whose rows are windows, those rows are judged: a row has the scores of the window that it is, and
where there is none, for each class the highest score of the windows that share half of it, or of themselves.
Of a truth of calls the windows of the scores are judged: a window has a label when a call lies in it
(`spans.Rule`). Detections do not tell all windows that were listened to: those of the run are taken, or a
grid as it seems, and what was not detected scores 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..annotations import Truth
from ..arrays import Bools, Float32, Int64
from ..errors import ConfigError
from ..tables import escaped
from . import files, hearing, names, windows
from .files import Files
from .given import Grid
from .names import Species
from .said import Heard, Scores
from .spans import ROUNDING_S, Enough, Index, Rule, Spans, half, same


class Options(NamedTuple):
    """How windows and truth are brought together.

    Attributes
    ----------
    rule : Rule
    classes : dict of str to str
        Other names for labels and classes, many to one.
    missing_is_zero : bool
        What is true where nothing was said counts, with scores of 0; else it is left out.
    unlisted_is_background : bool
        Nothing is heard in files that the truth does not name; else they are left out.
    """

    rule: Rule = Rule()
    classes: Mapping[str, str] = {}
    missing_is_zero: bool = True
    unlisted_is_background: bool = False


@dataclass(frozen=True)
class Aligned:
    """Windows with what is true and what was said.

    Attributes
    ----------
    windows : Spans
    species : list of Species
        All columns of the scores.
    background : int64 [n_backgrounds]
        Which of them says that nothing is heard: it is no class, and no label is it.
    values : float32 [n, n_species]
        May lie on the disk.
    labels : list of str
        Those that are true anywhere and are classes.
    column : int64 [n_labels]
        Which class each is.
    truth : bool [n, n_labels]
    missing : Spans
        Windows of which nothing was said.
    unknown : dict of str to int
        Labels that are none of the classes, with the number of windows that have them.
    unlisted : list of str
        Files that the truth does not name.
    n_unheld : int
        Calls that no window holds.
    is_partial : bool
        A score of 0 is what was not detected.
    whose : str
        In words, whose the windows are.
    n_void : int
        Rows of scores that are no numbers: as if they were not there.
    """

    windows: Spans
    species: list[Species]
    background: Int64
    values: Float32
    labels: list[str]
    column: Int64
    truth: Bools
    missing: Spans
    unknown: dict[str, int]
    unlisted: list[str]
    n_unheld: int
    is_partial: bool
    whose: str
    n_void: int


def align(
    said: Scores | Heard, truth: Truth, grid: Grid | None = None, options: Options | None = None
) -> Aligned:
    """Bring what was said and what is true together.

    Parameters
    ----------
    said : Scores or Heard
    truth : Truth
    grid : Grid, optional
        Where the windows of detections lie.
    options : Options

    Raises
    ------
    ConfigError
        They have no file in common, or a file may be any of several.
    """
    options = options or Options()
    truth = truth.mapped(options.classes)
    said = said if grid is None else said._replace(windows=_whole(said.windows, grid))
    every = files.of(said.windows.files, truth)
    _check(every)
    own, calls = every.said(said.windows), every.calls(truth)
    rows = own if isinstance(said, Heard) else every.said(said.every)
    judged = _judged(said, truth, rows, calls, every, grid, options)
    species, merged = names.merged(said.species, options.classes)
    enough = half if truth.are_windows else same
    if isinstance(said, Heard):
        species = _with_labels(species, truth.labels)
        is_heard = _are_of(grid, judged) & truth.are_windows
        values = hearing.of_detections(said, own, judged, merged, len(species), is_heard)
        is_missing = _unheard(judged, grid)
    else:
        values, is_missing = hearing.of_scores(said.values, own, judged, merged, len(species), enough)
    true, n_unheld = _true(truth, calls, judged, options.rule)
    missing = judged.chosen(is_missing)
    if not options.missing_is_zero and is_missing.any():
        kept = np.flatnonzero(~is_missing)
        values, true, judged = values[kept], true[kept], judged.chosen(kept)
    if not len(judged.file):
        raise ConfigError("no window to judge: nothing was said of any that the truth tells of")
    labels, column, true, unknown = _columns(truth.labels, species, true)
    unlisted = [] if options.unlisted_is_background else every.unlisted
    background = names.backgrounds(species)
    return Aligned(
        *(judged, species, background, values, labels, column, true, missing, unknown, unlisted, n_unheld),
        is_partial=isinstance(said, Heard),
        whose=_whose(truth, grid),
        n_void=0 if isinstance(said, Heard) else said.n_void,
    )


def _are_of(grid: Grid | None, judged: Spans) -> Bools:
    """Whether windows are such as were listened to: bool [n]."""
    if grid is None or not grid.window_s:
        return np.zeros(len(judged.file), bool)
    steps = judged.start_s / grid.step_s
    is_long = np.abs(judged.end_s - judged.start_s - grid.window_s) <= ROUNDING_S
    is_on: Bools = np.abs(steps - np.round(steps)) * grid.step_s <= ROUNDING_S
    return is_on & is_long


def _unheard(judged: Spans, grid: Grid | None) -> Bools:
    """Whether a run's journal tells that a window was not listened to: bool [n]."""
    if grid is None or not grid.is_told:
        return np.zeros(len(judged.file), bool)
    lasting_s = np.array([grid.lasting_s.get(name, 0.0) for name in judged.files] or [0.0])
    begins_behind: Bools = judged.start_s >= lasting_s[judged.file] - ROUNDING_S
    return begins_behind


def _whose(truth: Truth, grid: Grid | None) -> str:
    if truth.are_windows:
        return "the truth's rows"
    if grid is None:
        return "the scores'"
    how = "the run's" if grid.is_told else "guessed from the detections"
    return f"{how}: {grid.window_s:.4g} s, every {grid.step_s:.4g} s"


def _whole(windows: Spans, grid: Grid) -> Spans:
    """Add the files of a run in which nothing was detected."""
    return windows._replace(files=list(dict.fromkeys((*windows.files, *grid.lasting_s))))


def _check(every: Files) -> None:
    if every.unlisted and len(every.unsaid) == every.n_listed:
        one, other = (escaped(some[0]) for some in (every.names, every.unlisted))
        raise ConfigError(f"the truth has no file of the scores: it has {one!r}, they have {other!r}")


def _judged(
    said: Scores | Heard,
    truth: Truth,
    own: Spans,
    calls: Spans,
    every: Files,
    grid: Grid | None,
    options: Options,
) -> Spans:
    """Return the windows that are judged."""
    if truth.are_windows:
        return windows.of_rows(calls)
    listed = (np.arange(len(every.names)) < every.n_listed) | options.unlisted_is_background
    if isinstance(said, Scores):
        return windows.of_scores(own, calls, every, listed, said.broken, said.heard_s)
    if grid is None:
        raise ConfigError("detections: nothing tells which windows were listened to")
    return windows.of_grid(grid, own, calls, every, listed)


def _with_labels(species: list[Species], labels: Sequence[str]) -> list[Species]:
    """Add the labels that were never detected: their scores are 0."""
    wanted = [names.species(label) for label in labels]
    found = names.classes(species, wanted)
    return [*species, *(one for one, place in zip(wanted, found, strict=True) if place is None)]


def _true(truth: Truth, calls: Spans, judged: Spans, rule: Rule) -> tuple[Bools, int]:
    """Return which labels are true in each window, bool [n, n_labels], and how many calls no window holds."""
    number = {label: place for place, label in enumerate(truth.labels)}
    true, n_unheld, index = np.zeros((len(judged.file), len(number)), bool), 0, Index(judged)
    enough: Enough = same if truth.are_windows else rule.heard
    for row, file, start_s, end_s in zip(truth.rows, *calls[1:], strict=True):
        held = index.within(file, start_s, end_s, enough) if row.labels else ()
        n_unheld += bool(row.labels) and not len(held)
        for label in row.labels:
            true[held, number[label]] = True
    return true, n_unheld


def _columns(
    labels: Sequence[str], species: Sequence[Species], true: Bools
) -> tuple[list[str], Int64, Bools, dict[str, int]]:
    """Return the labels that are classes, which ones, their truth, and the windows of those that are none."""
    found = names.classes(species, [names.species(label) for label in labels])
    n = true.sum(axis=0)
    unknown = {label: int(n[i]) for i, label in enumerate(labels) if found[i] is None}
    columns = sorted({place for i, place in enumerate(found) if place is not None and n[i]})
    of = {place: [i for i, one in enumerate(found) if one == place] for place in columns}
    told = [labels[of[place][0]] for place in columns]
    joined = np.zeros((len(true), len(columns)), bool)
    for number, place in enumerate(columns):
        joined[:, number] = true[:, of[place]].any(axis=1)
    return told, np.array(columns, np.int64), joined, unknown
