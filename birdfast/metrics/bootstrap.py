"""Bootstrap: how far a figure may be off, by drawing recordings anew (Efron 1979).

Windows of one recording are alike, so recordings are drawn, not windows. A draw is how often each recording
is in it; every figure of a class is a sum of products of such numbers and of counts that are found once, so
that a thousand draws are a few products of matrices. These are sparse, and draws come some at a time, so that
tens of thousands of recordings take no more memory than their scores.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from .. import memory
from ..arrays import Array, Bools, Float64, Floats
from .thresholds import Counts

N_DRAWS = 1000
SHARE = 0.95
CELLS = 1 << 22  # numbers at a time: of draws and recordings, and of draws and scores


class Interval(NamedTuple):
    """Between what and what a figure lies in 95 of 100 draws; NaN where no draw has it."""

    low: float
    high: float


class Bootstrap:
    """Draws of recordings, the same for every figure.

    Parameters
    ----------
    recording : int [n]
        Which recording each row is of; those of no row are not drawn.
    n_draws : int
    seed : int
    """

    def __init__(self, recording: Array, n_draws: int = N_DRAWS, seed: int = 0) -> None:
        there, self._recording = np.unique(recording, return_inverse=True)
        self._n, self._n_draws, self._seed = len(there), n_draws, seed

    def weights(self) -> Iterator[Float64]:
        """Yield how often each recording is drawn, some draws at a time: float64 [n_recordings, n_some]."""
        if not self._n:
            yield np.ones((0, self._n_draws))
            return
        dice, step = np.random.default_rng(self._seed), max(1, CELLS // self._n)
        for first in range(0, self._n_draws, step):
            n_some = min(step, self._n_draws - first)
            drawn = dice.multinomial(self._n, np.full(self._n, 1 / self._n), n_some)
            yield np.ascontiguousarray(drawn.T, np.float64)

    def of_classes(self, scores: Floats, truth: Bools) -> list[tuple[Float64, Float64]]:
        """Return ROC-AUC and average precision of each class in each draw: float64 [n_draws] each.

        Parameters
        ----------
        scores : float [n, n_classes]
        truth : bool [n, n_classes]

        Returns
        -------
        list of (roc_auc, average_precision)
            As `ranking` has them; NaN in draws that lack what they need.
        """
        columns = range(scores.shape[1])
        parts = [
            [self._of_class(scores[:, one], truth[:, one], weights) for one in columns]
            for weights in self.weights()
        ]
        every = [[np.concatenate(some) for some in zip(*of, strict=True)] for of in zip(*parts, strict=True)]
        return [(area, precision) for area, precision in every]

    def _of_class(self, scores: Floats, truth: Bools, weights: Float64) -> tuple[Float64, Float64]:
        found, above, area, precision = np.zeros((4, weights.shape[1]))
        n_so, n_false = (self._rows(some) @ weights for some in (truth, ~truth))
        step = max(1, CELLS // max(1, weights.shape[1]))
        for so, false in self._levels(scores, truth, step):
            now, below = so @ weights, above + np.cumsum(false @ weights, axis=0)
            before = np.concatenate([above[np.newaxis], below[:-1]])
            there = found + np.cumsum(now, axis=0)
            area += (now * (n_false - (below + before) / 2)).sum(axis=0)
            told = there + below
            precision += np.divide(now * there, told, out=np.zeros_like(told), where=told > 0).sum(axis=0)
            found, above = there[-1], below[-1]
        return _share(area, n_so * n_false), _share(precision, n_so)

    def counts(self, found: Array, false: Array, missed: Array) -> Counts:
        """Return counts [n_draws, n_classes] in each draw, of those of each row: bool [n, n_classes]."""
        return Counts(*self._drawn(found, false, missed))

    def mean(self, values: Floats) -> Float64:
        """Return the mean of values [n] in each draw, over rows where they are numbers."""
        there = ~np.isnan(values)
        sums, n = self._drawn(np.where(there, values, 0)[:, np.newaxis], there[:, np.newaxis])
        return _share(sums[:, 0], n[:, 0])

    def _drawn(self, *values: Array) -> list[Float64]:
        """Return sums in each draw, [n_draws, m], of what each row has: [n, m]."""
        sums = [np.zeros((self._n, some.shape[1])) for some in values]
        for of_recordings, some in zip(sums, values, strict=True):
            np.add.at(of_recordings, self._recording, some)
        parts = [[weights.T @ some for some in sums] for weights in self.weights()]
        return [np.concatenate(some) for some in zip(*parts, strict=True)]

    def _rows(self, chosen: Bools) -> Array:
        return np.bincount(self._recording[chosen], minlength=self._n).astype(np.float64)

    def _levels(self, scores: Floats, truth: Bools, step: int) -> Iterator[tuple[Any, Any]]:
        """Yield counts of positives and negatives by slot and recording: sparse [n_slots, n_recordings] each.

        From the highest score down: slot 2 i + 1 is the i-th score that a positive has, slot 2 i what lies
        between it and the one before, where only negatives are. At most `step` slots at a time.
        """
        memory.load_algebra()
        from scipy import sparse  # which scikit-learn needs, and so do all figures

        levels = np.unique(scores[truth])[::-1]
        place = len(levels) - np.searchsorted(levels[::-1], scores, side="right")
        slot = 2 * place + np.isin(scores, levels)
        shape = (2 * len(levels) + 1, self._n)
        tables = [
            sparse.csr_matrix((np.ones(some.sum()), (slot[some], self._recording[some])), shape)
            for some in (truth, ~truth)
        ]
        for first in range(0, 2 * len(levels), step):
            yield tuple(table[first : min(first + step, 2 * len(levels))] for table in tables)


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
