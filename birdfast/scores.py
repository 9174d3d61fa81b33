"""From a network's logits to confidences, and from those to detections."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .arrays import Float32, Float64, Int64
from .config import Activation

LOGIT_LIMIT = 15.0  # BirdNET clips its logits to -15..15 before the sigmoid
SLACK = 1e-2  # of 0 and 1, for what looks like confidences: those of 8 or 16 bits are rounded
MARGIN = 1e-6  # of a confidence: wider than any rounding between the two ways to compare with the threshold

Picked = tuple[Int64, Int64, Float32]


@dataclass(frozen=True)
class ScoreRule:
    """What makes a score a detection: a least confidence of all classes, or float32 [n_classes] of each."""

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
        if self.activation == "sigmoid":
            return self._sigmoid(logits)
        if self.activation == "softmax":
            powers = np.exp(logits - logits.max(axis=1, keepdims=True))
            confidences: Float32 = powers / powers.sum(axis=1, keepdims=True)
            return confidences
        return logits

    def pick(self, logits: Float32) -> Picked:
        """Return the detections in a batch of windows.

        Parameters
        ----------
        logits : float32 [n, n_classes]

        Returns
        -------
        window, class : int64 [m]
        confidence : float32 [m]
            Window by window, the most confident first, lower classes first on ties. The sigmoid is
            monotone, so it is computed only for logits that may pass.
        """
        if self.activation == "sigmoid":
            window, label = np.nonzero(logits >= self._lowest_logits())
            confidence = self._sigmoid(logits[window, label])
        else:
            scores = self.confidences(logits)
            window, label = np.nonzero(scores >= self.min_confidence)
            confidence = scores[window, label]
        least = self.min_confidence
        kept = confidence >= (least if isinstance(least, float | int) else least[label])
        window, label, confidence = window[kept], label[kept], confidence[kept]
        order = np.lexsort((label, -logits[window, label], window))
        if self.top_k is not None:
            order = order[_rank_within(window[order]) < self.top_k]
        return window[order], label[order], confidence[order]

    def _sigmoid(self, logits: Float32) -> Float32:
        shifted = np.clip(logits + np.float32((self.sensitivity - 1) * 10), -LOGIT_LIMIT, LOGIT_LIMIT)
        confidences: Float32 = 1 / (1 + np.exp(-shifted))
        return confidences

    def _lowest_logits(self) -> Float64:
        """Return a logit below which no score reaches the least confidence: float64 [1] or [n_classes]."""
        least = np.atleast_1d(self.min_confidence).astype(np.float64) - MARGIN
        lowest = np.where(least < 1, -np.inf, np.inf)
        bounded = (least > 1 / (1 + math.exp(LOGIT_LIMIT))) & (least < 1)
        lowest[bounded] = np.log(least[bounded] / (1 - least[bounded])) - (self.sensitivity - 1) * 10
        return lowest


def _rank_within(groups: Int64) -> Int64:
    """Return each entry's place among its equals, for entries that stand together."""
    index = np.arange(len(groups))
    first = np.ones(len(groups), bool)
    first[1:] = groups[1:] != groups[:-1]
    return index - np.maximum.accumulate(np.where(first, index, 0))
