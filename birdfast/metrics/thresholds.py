"""Thresholds: what is found and what is false where scores become decisions."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..arrays import Array, Bools, Float64, Floats


class Curve(NamedTuple):
    """Precision and recall of a class at each score that occurs, from the highest down: float64 [n_scores].

    A score that is the threshold counts as found. Precision is of all that is found, recall of all that is.
    """

    threshold: Float64
    precision: Float64
    recall: Float64

    @property
    def f1(self) -> Float64:
        """The harmonic mean of the two; 0 where both are."""
        both = self.precision + self.recall
        return np.divide(2 * self.precision * self.recall, both, out=np.zeros_like(both), where=both > 0)


class Choice(NamedTuple):
    """A threshold, and what it does."""

    threshold: float
    precision: float
    recall: float
    f1: float


class Counts(NamedTuple):
    """Numbers at one threshold, by class: int64 [n_classes]."""

    found: Array
    false: Array
    missed: Array

    @property
    def precision(self) -> Float64:
        """NaN where nothing is found."""
        return _share(self.found, self.found + self.false)

    @property
    def recall(self) -> Float64:
        """NaN where none is so."""
        return _share(self.found, self.found + self.missed)

    @property
    def f1(self) -> Float64:
        """2 found / (2 found + false + missed); NaN where there are none of all three."""
        return _share(2 * self.found, 2 * self.found + self.false + self.missed)


def curve(scores: Floats, truth: Bools) -> Curve:
    """Return precision and recall of one class by threshold.

    Parameters
    ----------
    scores : float [n]
    truth : bool [n]
    """
    order = np.argsort(-scores, kind="stable")
    falling, so = scores[order], np.cumsum(truth[order])
    last = np.append(np.flatnonzero(np.diff(falling)), len(falling) - 1) if len(falling) else np.zeros(0, int)
    found, n_over = so[last].astype(np.float64), last + 1.0
    n_so = max(1.0, float(truth.sum()))
    return Curve(falling[last].astype(np.float64), found / n_over, found / n_so)


def best_f1(curve: Curve, above: float = -np.inf) -> Choice | None:
    """Return the threshold of the highest F1, the highest of several; None where no class member is found.

    Parameters
    ----------
    curve : Curve
    above : float
        Scores up to it are no thresholds: 0 where a table lacks what scored less.
    """
    kept = curve.threshold > above
    if not (kept.any() and curve.f1[kept].any()):
        return None
    return _at(curve, int(np.argmax(np.where(kept, curve.f1, -1))))


def for_precision(curve: Curve, wanted: float, above: float = -np.inf) -> Choice | None:
    """Return the lowest threshold whose precision is as wanted, which finds most; None where none is so.

    Parameters as `best_f1`.
    """
    fits = np.flatnonzero((curve.precision >= wanted) & (curve.threshold > above) & (curve.recall > 0))
    return _at(curve, int(fits[-1])) if len(fits) else None


def counts(scores: Floats, truth: Bools, threshold: float | Floats) -> Counts:
    """Count by class what is found, false and missed, where a score of `threshold` is a find.

    Parameters
    ----------
    scores, truth : [n, n_classes]
    threshold : float or float [n_classes]
    """
    told = scores >= threshold
    return Counts((told & truth).sum(axis=0), (told & ~truth).sum(axis=0), (~told & truth).sum(axis=0))


def _at(curve: Curve, place: int) -> Choice:
    values = (curve.threshold, curve.precision, curve.recall, curve.f1)
    return Choice(*(float(value[place]) for value in values))


def _share(part: Array, whole: Array) -> Float64:
    share: Float64 = np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)
    return share
