"""Ranked: what an evaluation takes of all classes' scores, in one pass through them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..arrays import Array, Bools, Float32, Floats, Int64
from ..metrics import ranking
from ..spool import chunks
from .alignment import Aligned


class Ranked(NamedTuple):
    """What is taken of all classes.

    Attributes
    ----------
    scores : float32 [n, n_labels]
        Of the classes that occur.
    rank : int64 [n]
        Of the best label that is true (`ranking.ranks`); background that scores more comes before it.
    other, other_place : float32, int64 [n]
        The highest score of a class that never occurs, and which it is; -inf where all occur.
    other_found : float32 [n]
        The highest of those that count as found; -inf where none does.
    top : float32 [n]
        The highest score of any class, or of background.
    is_right : bool [n]
        Whether that is of a label that is true; of background, whether none is.
    certain : int64 [n_others]
        For each class that never occurs, how many windows score 1 or more.
    """

    scores: Float32
    rank: Array
    other: Floats
    other_place: Int64
    other_found: Floats
    top: Floats
    is_right: Bools
    certain: Array

    @property
    def are_confidences(self) -> bool:
        """Whether scores lie from 0 to 1, as those of logits do not."""
        return float(self.scores.min(initial=0)) >= 0 and float(self.top.max(initial=0)) <= 1


def scores_of(aligned: Aligned) -> Float32:
    """Return the scores of the classes that occur: float32 [n, n_labels]."""
    found = np.zeros((len(aligned.values), len(aligned.labels)), np.float32)
    for part in chunks(aligned.values):
        found[part] = np.asarray(aligned.values[part])[:, aligned.column]
    return found


def of(aligned: Aligned, least: Float32) -> Ranked:
    """Go through all scores.

    Parameters
    ----------
    aligned : Aligned
    least : float32 [n_species]
        From where on each class counts as found.
    """
    n, n_classes = aligned.values.shape
    background = aligned.background
    others = np.setdiff1d(np.arange(n_classes), np.concatenate([aligned.column, background]))
    scores = np.zeros((n, len(aligned.labels)), np.float32)
    rank, place, certain = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(len(others), np.int64)
    (other, found, top), is_right = np.full((3, n), -np.inf), np.zeros(n, bool)
    for part in chunks(aligned.values):
        values = np.asarray(aligned.values[part])
        true = np.zeros(values.shape, bool)
        true[:, aligned.column] = aligned.truth[part]
        scores[part], rank[part] = values[:, aligned.column], ranking.ranks(values, true)
        top[part] = values.max(axis=1, initial=-np.inf)
        true[:, background] = ~aligned.truth[part].any(axis=1, keepdims=True)
        is_right[part] = ranking.ranks(values, true) == 1
        if len(others):
            rest = values[:, others]
            other[part], place[part] = rest.max(axis=1), others[rest.argmax(axis=1)]
            found[part] = np.where(rest >= least[others], rest, -np.inf).max(axis=1)
            certain += (rest >= 1).sum(axis=0)
    return Ranked(scores, rank, other, place, found, top, is_right, certain)
