"""Batches: several windows at once, which have to say what each says alone before they are believed."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np

from ..arrays import Array, Float32
from ..errors import ModelError
from .session import Arrays

TOLERANCE = 1e-3  # of a batch's outputs, to those of its windows alone; of the largest, where that is above 1
LEVELS = (1, 1e-5, 0, 0.1)  # further apart than the 80 dB to which spectrograms are often cut


class Batches:
    """What is known of batches, by all sessions of one network.

    Before so many windows are run at once for the first time, sounds that would tell are run both ways: loud
    ones beside faint ones and silence. Where the two say other things, all windows are run one by one from
    then on. So it is the network alone that decides, not what is heard first.

    Parameters
    ----------
    *proved : int
        Lengths of batches that are known to give what their windows give alone.
    tolerance : float
        See `TOLERANCE`.

    Attributes
    ----------
    proved : set of int
    mix : bool
        A batch did not.
    """

    def __init__(self, *proved: int, tolerance: float = TOLERANCE) -> None:
        self.proved, self.mix, self._tolerance = {1, *proved}, False, tolerance

    def run(
        self, windows: Float32, together: Callable[[Float32], Arrays], alone: Callable[[Float32], Arrays]
    ) -> Arrays:
        """Return what is said of float32 [n, samples]; `alone` takes one window at a time."""
        n = len(windows)
        if n not in self.proved and not self.mix:
            sounds = telling(*windows.shape)
            found, apart = together(sounds), one_by_one(sounds, alone)
            if all(agree(found[role], apart[role], self._tolerance) for role in found):
                self.proved.add(n)
            else:
                self.mix = True
                warnings.warn(f"{n} windows at once give other scores: run one by one", RuntimeWarning, 3)
        return one_by_one(windows, alone) if self.mix else together(windows)


def telling(n: int, samples: int) -> Float32:
    """Return float32 [n, samples] that show whether a network lets its windows hear each other."""
    noise = np.random.default_rng(21).uniform(-1, 1, (n, samples))
    return np.asarray(noise * np.resize(LEVELS, n)[:, None], np.float32)


def one_by_one(windows: Float32, alone: Callable[[Float32], Arrays]) -> Arrays:
    """Return what is said of each window by itself."""
    parts = [alone(window) for window in windows[:, None]]
    return {role: np.concatenate([part[role] for part in parts]) for role in parts[0]}


def filled(windows: Float32, room: int) -> Float32:
    """Return at least so many windows, the last ones silent: some networks take so many, no more, no less."""
    if len(windows) >= room:
        return windows
    return np.concatenate([windows, np.zeros((room - len(windows), *windows.shape[1:]), np.float32)])


def rows(values: Array, n: int) -> Float32:
    """Return what an output gives as one row for each of n windows.

    Raises
    ------
    ModelError
        It gives something else.
    """
    if values.size % n or values.size == 0 or values.dtype.kind not in "fiu":
        raise ModelError(f"gives {values.dtype} {list(values.shape)} for {n} windows")
    return np.asarray(values, np.float32).reshape(n, -1)


def agree(some: Float32, others: Float32, tolerance: float = TOLERANCE) -> bool:
    """Whether numbers are nearly the same; those that are none at the same places."""
    return apart(some, others) <= tolerance


def apart(some: Float32, others: Float32) -> float:
    """Return how far numbers are from others at most; of the largest of these, where that is above 1.

    It is infinite where they are not as many, or only one of two is a number.
    """
    if some.shape != others.shape:
        return math.inf
    known = np.isfinite(others)
    if not np.array_equal(known, np.isfinite(some)):
        return math.inf
    most = float(np.abs(others[known]).max(initial=1))
    return float(np.abs(some[known] - others[known]).max(initial=0)) / most
