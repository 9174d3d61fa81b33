"""Post-processing: what a file's other windows say of a window, by steps that are named.

Each step is a pure function of one file's scores, float [n_windows, n_classes] in time, to the same shape; a
column's result hangs on that column alone. The sources are what BirdCLEF's winners published of 2023 to 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .arrays import Floats
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
    """What a step's name stands for, and the least and most that its number may be, if it takes one."""

    work: Callable[..., Floats]
    least: float | None = None
    most: float = 0.0


KINDS = {
    "smooth": Kind(smooth, 0, 0.5),
    "smooth5": Kind(smooth5),
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


def apply(steps: Iterable[Step], values: Floats) -> Floats:
    """Do steps, one after the other, to the scores of one file: float [n_windows, n_classes]."""
    for step in steps:
        values = step(values)
    return values


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
