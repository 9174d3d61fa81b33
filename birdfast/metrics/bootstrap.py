"""Bootstrap: how far a figure may be off, by drawing recordings anew (Efron 1979).

Windows of one recording are alike, so recordings are drawn, not windows. A draw is how often each recording
is in it; every figure of a class is a sum of products of such numbers and of counts that are found once, so
that a thousand draws are a few products of matrices.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..arrays import Array, Bools, Float64, Floats
from .thresholds import Counts

N_DRAWS = 1000
SHARE = 0.95
LEVELS = 256  # scores of positives at a time


class Interval(NamedTuple):
    """Between what and what a figure lies in 95 of 100 draws; NaN where no draw has it."""

    low: float
    high: float


class Bootstrap:
    """Draws of recordings, the same for every figure.

    Parameters
    ----------
    recording : int [n]
        Which recording each row is of.
    n_draws : int
    seed : int

    Attributes
    ----------
    weights : float64 [n_draws, n_recordings]
        How often each is drawn.
    """

    def __init__(self, recording: Array, n_draws: int = N_DRAWS, seed: int = 0) -> None:
        self._recording, self._n = recording, int(recording.max(initial=-1)) + 1
        dice = np.random.default_rng(seed)
        self.weights = np.ones((n_draws, 0))
        if self._n:
            self.weights = dice.multinomial(self._n, np.full(self._n, 1 / self._n), n_draws).astype(
                np.float64
            )

    def of_class(self, scores: Floats, truth: Bools) -> tuple[Float64, Float64]:
        """Return ROC-AUC and average precision of a class in each draw: float64 [n_draws] each.

        Parameters
        ----------
        scores : float [n]
        truth : bool [n]

        Returns
        -------
        roc_auc, average_precision
            As `ranking` has them; NaN in draws that lack what they need.
        """
        n_draws = len(self.weights)
        found, above, area, precision = np.zeros((4, n_draws))
        n_false = self._drawn(np.bincount(self._recording[~truth], minlength=self._n))
        for so, false in self._levels(scores, truth):
            now, below = self._drawn(so), above[:, np.newaxis] + np.cumsum(self._drawn(false), axis=1)
            before = np.concatenate([above[:, np.newaxis], below[:, :-1]], axis=1)
            there = found[:, np.newaxis] + np.cumsum(now, axis=1)
            area += (now * (n_false[:, np.newaxis] - (below + before) / 2)).sum(axis=1)
            told = there + below
            precision += np.divide(now * there, told, out=np.zeros_like(told), where=told > 0).sum(axis=1)
            found, above = there[:, -1], below[:, -1]
        n_so = self._drawn(np.bincount(self._recording[truth], minlength=self._n))
        return _share(area, n_so * n_false), _share(precision, n_so)

    def counts(self, found: Array, false: Array, missed: Array) -> Counts:
        """Return counts [n_draws, n_classes] in each draw, of those of each row: bool [n, n_classes]."""
        return Counts(*(self._drawn(self._summed(some)) for some in (found, false, missed)))

    def mean(self, values: Floats) -> Float64:
        """Return the mean of values [n] in each draw, over rows where they are numbers."""
        there = ~np.isnan(values)
        sums = self._summed(np.where(there, values, 0)[:, np.newaxis])
        return _share(self._drawn(sums)[:, 0], self._drawn(self._summed(there[:, np.newaxis]))[:, 0])

    def _drawn(self, of_recordings: Array) -> Float64:
        """Return sums over the recordings of each draw, of [n_recordings] or [n_recordings, m]."""
        drawn: Float64 = self.weights @ of_recordings.astype(np.float64)
        return drawn

    def _summed(self, values: Array) -> Array:
        sums = np.zeros((self._n, values.shape[1]))
        np.add.at(sums, self._recording, values)
        return sums

    def _levels(self, scores: Floats, truth: Bools) -> Iterator[tuple[Array, Array]]:
        """Yield counts of positives and negatives by recording and slot: [n_recordings, n_slots] each.

        From the highest score down: slot 2 i + 1 is the i-th score that a positive has, slot 2 i what lies
        between it and the one before, where only negatives are.
        """
        levels = np.unique(scores[truth])[::-1]
        place = len(levels) - np.searchsorted(levels[::-1], scores, side="right")
        slot = 2 * place + np.isin(scores, levels)
        for first in range(0, 2 * len(levels), 2 * LEVELS):
            n_slots = min(2 * LEVELS, 2 * len(levels) - first)
            yield tuple(self._table(slot, chosen, first, n_slots) for chosen in (truth, ~truth))  # type: ignore[misc]

    def _table(self, slot: Array, chosen: Bools, first: int, n_slots: int) -> Array:
        here = chosen & (slot >= first) & (slot < first + n_slots)
        cells = self._recording[here] * n_slots + slot[here] - first
        return np.bincount(cells, minlength=self._n * n_slots).reshape(self._n, n_slots)


def interval(draws: Floats, share: float = SHARE) -> Interval:
    """Return between what and what the middle `share` of draws lies."""
    there = draws[~np.isnan(draws)]
    if not len(there):
        return Interval(float("nan"), float("nan"))
    low, high = np.quantile(there, [(1 - share) / 2, (1 + share) / 2])
    return Interval(float(low), float(high))


def _share(part: Array, whole: Array) -> Float64:
    share: Float64 = np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)
    return share
