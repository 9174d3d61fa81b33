"""From a network's logits to confidences, and from those to detections."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..arrays import Bools, Float32, Float64, Int64
from ..config import MIN_CONFIDENCE, Activation

LOGIT_LIMIT = 15.0  # BirdNET clips its logits to -15..15 before the sigmoid
SLACK = 1e-2  # of 0 and 1, for what looks like confidences: those of 8 or 16 bits are rounded
MARGIN = 1e-6  # of a confidence: wider than any rounding between the two ways to compare with the threshold

T = TypeVar("T", bound=np.generic)
Picked = tuple[Int64, Int64, Float32]


@dataclass(frozen=True)
class ScoreRule:
    """What makes a score a detection: a least confidence of all classes, or float32 [n_classes] of each.

    A score is the logit where the activation is a sigmoid, so that any sensitivity can be asked of it; else
    it is the confidence.
    """

    activation: Activation
    min_confidence: float | Float32
    top_k: int | None = None
    sensitivity: float = 1.0

    def confidences(self, logits: Float32) -> Float32:
        """Turn logits into confidences.

        Parameters
        ----------
        logits : float32 [n, n_classes]

        Returns
        -------
        float32 [n, n_classes], in 0..1
            "sigmoid": 1 / (1 + exp(-clip(x + (s - 1) * 10, -15, 15))), s the sensitivity, as
            birdnet 1.x and BirdNET-Analyzer >= 2.0; "softmax": exp(x) / sum exp(x) over the classes;
            "none": the scores themselves.
        """
        return self.of_scores(self.scores(logits))

    def scores(self, logits: Float32) -> Float32:
        """Return the scores of windows, of which each says its confidence by itself: [n, n_classes]."""
        if self.activation == "softmax":
            powers = np.exp(logits - logits.max(axis=1, keepdims=True))
            confidences: Float32 = powers / powers.sum(axis=1, keepdims=True)
            return confidences
        return logits

    def of_scores(self, scores: Float32) -> Float32:
        """Return the confidences of scores, of any shape."""
        if self.activation != "sigmoid":
            return scores
        shifted = np.clip(scores + np.float32((self.sensitivity - 1) * 10), -LOGIT_LIMIT, LOGIT_LIMIT)
        confidences: Float32 = 1 / (1 + np.exp(-shifted))
        return confidences

    def pick(self, logits: Float32) -> Picked:
        """Return the detections in a batch of windows.

        Parameters
        ----------
        logits : float32 [n, n_classes]

        Returns
        -------
        window, class : int64 [m]
        confidence : float32 [m]
            As `picked`.
        """
        scores = self.scores(logits)
        window, label = np.nonzero(scores >= self.lowest())
        return self.picked(window, label, scores[window, label])

    def picked(self, window: Int64, label: Int64, score: Float32) -> Picked:
        """Return the detections among some scores of windows; who leaves out others changes nothing.

        Parameters
        ----------
        window, label : int64 [n]
        score : float32 [n]
            All that are at least `lowest`, or of each window `top_k`, the highest; lower classes on ties.

        Returns
        -------
        window, class : int64 [m]
        confidence : float32 [m]
            Window by window, the highest score first, lower classes first on ties.
        """
        confidence, least = self.of_scores(score), self.min_confidence
        passes = confidence >= (least if isinstance(least, float | int) else least[label])
        window, label, score, confidence = window[passes], label[passes], score[passes], confidence[passes]
        order = np.lexsort((label, -score, window))
        if self.top_k is not None:
            order = order[_rank_within(window[order]) < self.top_k]
        return window[order], label[order], confidence[order]

    def lowest(self) -> Float64:
        """Return a score below which none reaches the least confidence: float64 [1] or [n_classes]."""
        least = np.atleast_1d(self.min_confidence).astype(np.float64) - MARGIN
        if self.activation != "sigmoid":
            return least
        lowest = np.where(least < 1, -np.inf, np.inf)
        bounded = (least > 1 / (1 + math.exp(LOGIT_LIMIT))) & (least < 1)
        lowest[bounded] = np.log(least[bounded] / (1 - least[bounded])) - (self.sensitivity - 1) * 10
        return lowest


class Rules:
    """The rules of a model's label spaces, whose classes are counted through, side by side.

    Parameters
    ----------
    rules : sequence of ScoreRule
    sizes : sequence of int
        How many classes each space has.
    """

    def __init__(self, rules: Sequence[ScoreRule], sizes: Sequence[int]) -> None:
        self.rules, self.sizes = tuple(rules), tuple(sizes)
        self._ends = [*itertools.accumulate(self.sizes)]

    def picked(self, window: Int64, label: Int64, score: Float32) -> tuple[Int64, Int64, Int64, Float32]:
        """Return the detections among some scores of windows: see `ScoreRule.picked`.

        Parameters
        ----------
        window, label : int64 [n]
            Window by window; classes are counted through.
        score : float32 [n]

        Returns
        -------
        window, space, class : int64 [m]
            The class is counted in its label space.
        confidence : float32 [m]
            Window by window, space by space; within both the highest score first.
        """
        if len(self.rules) == 1:
            window, label, confidence = self.rules[0].picked(window, label, score)
            return window, np.zeros_like(window), label, confidence
        whose = np.searchsorted(self._ends, label, side="right")
        found = []
        for number, (rule, end, size) in enumerate(zip(self.rules, self._ends, self.sizes, strict=True)):
            its = whose == number
            found.append(rule.picked(window[its], label[its] - (end - size), score[its]))
        window, label, confidence = (np.concatenate(columns) for columns in zip(*found, strict=True))
        space = np.repeat(np.arange(len(found)), [len(picked[0]) for picked in found])
        order = np.argsort(window, kind="stable")
        return window[order], space[order], label[order], confidence[order]

    def of_kept(self, label: Int64, score: Float32) -> Float32:
        """Return the confidences of scores of these classes, which are counted through: float32 [n]."""
        whose, found = np.searchsorted(self._ends, label, side="right"), score.copy()
        for number, rule in enumerate(self.rules):
            found[whose == number] = rule.of_scores(score[whose == number])
        return found

    def with_thresholds(self, thresholds: Mapping[int, float]) -> Rules:
        """Return rules with least confidences of single classes of the first space, but not of background."""
        first, *others = self.rules
        least = np.array(np.broadcast_to(np.float32(first.min_confidence), self.sizes[0]))
        never = np.isinf(least)
        least[[*thresholds]] = [*thresholds.values()]
        least[never] = np.inf
        return Rules([replace(first, min_confidence=least), *others], self.sizes)

    def of_scores(self, scores: Float32) -> Float32:
        """Return the confidences of all classes, of windows with all their scores: [n, n_classes]."""
        parts = np.split(scores, self._ends[:-1], axis=1)
        return side_by_side([rule.of_scores(part) for rule, part in zip(self.rules, parts, strict=True)])


def rules(
    activations: Sequence[Activation],
    sizes: Sequence[int],
    min_confidence: float | None = None,
    top_k: int | None = None,
    sensitivity: float = 1.0,
    thresholds: Sequence[float] = (),
    background: int = -1,
) -> Rules:
    """Return what makes a model's scores detections, by what is asked and what the model brings along.

    Parameters
    ----------
    activations : sequence of str
        Of each label space.
    sizes : sequence of int
        How many classes each has.
    min_confidence, top_k, sensitivity : as `config.Options`
    thresholds : sequence of float
        The model's own, for each class of its first space: they decide where no least confidence is asked.
    background : int
        The class of the first space that is never detected; -1 is none.
    """
    of_all = MIN_CONFIDENCE if min_confidence is None else min_confidence
    first: float | Float32 = of_all
    own = min_confidence is None and len(thresholds)
    if own or background >= 0:
        first = np.array(thresholds if own else [of_all] * sizes[0], np.float32)
        if background >= 0:
            first[background] = np.inf  # no confidence reaches it
    every = [first, *[of_all] * (len(sizes) - 1)]
    how = (top_k, sensitivity)
    return Rules([ScoreRule(one, least, *how) for one, least in zip(activations, every, strict=True)], sizes)


def side_by_side(rows: Sequence[NDArray[T]]) -> NDArray[T]:
    """Return the columns of several arrays in one: [n, all of them]."""
    return rows[0] if len(rows) == 1 else np.concatenate(rows, axis=1)


def highest(scores: Float32, n: int) -> Bools:
    """Say which scores of each window are its `n` highest, lower classes on ties: [n_windows, n_classes].

    Of windows whose scores are no numbers none is.
    """
    if n >= scores.shape[1]:
        return np.logical_not(np.isnan(scores))
    if n < 1:
        return np.zeros(scores.shape, bool)
    last = np.partition(scores, -n, axis=1)[:, -n, np.newaxis]
    found: Bools = scores >= last
    for row in np.flatnonzero(np.count_nonzero(found, axis=1) > n):
        ties = np.flatnonzero(scores[row] == last[row])
        found[row, ties[n - np.count_nonzero(scores[row] > last[row]) :]] = False
    return found


def _rank_within(groups: Int64) -> Int64:
    """Return each entry's place among its equals, for entries that stand together."""
    index = np.arange(len(groups))
    first = np.ones(len(groups), bool)
    first[1:] = groups[1:] != groups[:-1]
    return index - np.maximum.accumulate(np.where(first, index, 0))
