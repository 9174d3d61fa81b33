"""Post-processing: what a file's other windows say of a window, by steps that are named.

Each step is a pure function of one file's scores, float [n_windows, n_classes] in time, to the same shape; a
column's result hangs on that column alone. The sources are what BirdCLEF's winners published of 2023 to 2026.
`apply` leaves out what is no score: where nobody heard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .arrays import Bools, Floats, Int64
from .config import check, number, several
from .errors import ConfigError

FIVE_TAPS = (0.1, 0.2, 0.4, 0.2, 0.1)
MOST_POWER = 10.0


def smoothed(values: Floats, taps: Sequence[float]) -> Floats:
    """Return each window as a weighted mean of it and its neighbours.

    Parameters
    ----------
    values : float [n_windows, n_classes]
    taps : sequence of float
        An odd number of weights of sum 1. A neighbour beyond the file's end is its last window: of three taps
        (w, 1 - 2 w, w) the first window is (1 - w) x[0] + w x[1], as the BirdCLEF 2024 solutions have it.

    Returns
    -------
    float [n_windows, n_classes]
    """
    reach, n = len(taps) // 2, len(values)
    places = np.arange(n)
    found = np.zeros_like(values)
    for offset, tap in zip(range(-reach, reach + 1), taps, strict=True):
        found += values.dtype.type(tap) * values[np.clip(places + offset, 0, max(0, n - 1))]
    return found


def smooth(values: Floats, weight: float = 0.15) -> Floats:
    """Return `smoothed` with (weight, 1 - 2 weight, weight)."""
    return smoothed(values, (weight, 1 - 2 * weight, weight))


def smooth5(values: Floats) -> Floats:
    """Return `smoothed` with (0.1, 0.2, 0.4, 0.2, 0.1), as the BirdCLEF+ 2025 solutions have it."""
    return smoothed(values, FIVE_TAPS)


def top2(values: Floats) -> Floats:
    """Return values times the mean of the file's two highest of their class: x * (m1 + m2) / 2.

    A species that sounds in one window is likelier in the others; two, as one may be an error (BirdCLEF+
    2025). Of a file with one window it is that window's own.
    """
    if not len(values):
        return values.copy()
    highest = np.partition(values, -min(2, len(values)), axis=0)[-2:]
    found: Floats = values * highest.mean(axis=0)
    return found


def power(values: Floats, exponent: float = 0.4) -> Floats:
    """Return values times a power of the file's highest of their class: x * max(x) ** exponent (BirdCLEF)."""
    if not len(values):
        return values.copy()
    found: Floats = values * np.maximum(values.max(axis=0), 0) ** values.dtype.type(exponent)
    return found


class Kind(NamedTuple):
    """What a step's name stands for.

    Attributes
    ----------
    work : callable
        Takes float [n_windows, n_classes], and a number if there is one.
    least, most : float or None
        What its number may be, if it takes one.
    of_neighbours : bool
        A window hangs on those beside it in time; else on all of its file.
    """

    work: Callable[..., Floats]
    least: float | None = None
    most: float = 0.0
    of_neighbours: bool = False


KINDS = {
    "smooth": Kind(smooth, 0, 0.5, of_neighbours=True),
    "smooth5": Kind(smooth5, of_neighbours=True),
    "top2": Kind(top2),
    "power": Kind(power, 0, MOST_POWER),
}
FITTING = ", ".join(name if kind.least is None else f"{name}[:NUMBER]" for name, kind in KINDS.items())


class Step(NamedTuple):
    """A step of post-processing, and its number, if one was told."""

    name: str
    number: float | None = None

    def __str__(self) -> str:
        return self.name if self.number is None else f"{self.name}:{self.number:g}"

    def __call__(self, values: Floats) -> Floats:
        """Do it to the scores of one file: float [n_windows, n_classes] to the same shape."""
        return KINDS[self.name].work(values, *(() if self.number is None else (self.number,)))


def parsed(words: Any) -> tuple[Step, ...]:
    """Read steps as "smooth:0.15", in the order in which they are done.

    Raises
    ------
    ConfigError
        No list of words, no such step, or a number that does not fit.
    """
    return tuple(_step(word) for word in several("post", words, f"a list of {FITTING}"))


def apply(steps: Iterable[Step], values: Floats, heard: Bools | None = None) -> Floats:
    """Do steps, one after the other, to the scores of one file.

    Parameters
    ----------
    steps : iterable of Step
    values : float [n_windows, n_classes]
        Windows in time, without gaps between them.
    heard : bool [n_windows, n_classes] or None
        Which values are scores; None: all. The others stay as they are and count for nothing: a window beside
        one of them has no neighbour there, as at the file's end, and the highest of a file are of its scores.

    Returns
    -------
    float [n_windows, n_classes]
    """
    steps = tuple(steps)
    if heard is None or heard.all():
        return _done(steps, values, [np.arange(len(values))])
    found = values.copy()
    for classes in _alike(heard):
        places = np.flatnonzero(heard[:, classes[0]])
        block = np.ix_(places, classes)
        stretches = np.split(np.arange(len(places)), np.flatnonzero(np.diff(places) > 1) + 1)
        found[block] = _done(steps, values[block], stretches)
    return found


def _done(steps: Sequence[Step], values: Floats, stretches: Sequence[Int64]) -> Floats:
    """Do steps to windows, of which those of a stretch lie side by side: places of each."""
    for step in steps:
        if KINDS[step.name].of_neighbours:
            values = np.concatenate([step(values[places]) for places in stretches])
        else:
            values = step(values)
    return values


def _alike(heard: Bools) -> list[Int64]:
    """Return the classes that are heard in the same windows, together: bool [n_windows, n_classes]."""
    found: dict[bytes, list[int]] = {}
    for place, windows in enumerate(np.packbits(heard, axis=0).T):
        found.setdefault(windows.tobytes(), []).append(place)
    return [np.array(classes, np.int64) for classes in found.values()]


def _step(word: object) -> Step:
    check(isinstance(word, str), "post", word, FITTING)
    name, colon, told = str(word).partition(":")
    check(name in KINDS, "post", word, FITTING)
    kind = KINDS[name]
    if not colon:
        return Step(name)
    check(kind.least is not None, "post", word, f"{name} without a number")
    try:
        value = float(told)
    except ValueError as error:
        raise ConfigError(f"post: {word!r} does not fit; {name} takes a number") from error
    return Step(name, number(f"post: {name}", value, kind.least or 0, kind.most))
