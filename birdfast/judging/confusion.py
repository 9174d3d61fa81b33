"""Confusion: what is taken for what, also where several are true and several are said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..arrays import Array, Bools, Floats

NOTHING = "nothing"
OTHER = "another class"


class Confusion(NamedTuple):
    """Numbers of windows: rows are what is true, columns what was said.

    A window counts once for each of its labels: in the label's own column where its score reaches the
    threshold, else in that of the highest false class that does, or in "nothing". What else is said and false
    is counted in the row "nothing"; a window in which nothing is true and nothing said as well. "another
    class" is one that is never true. Background is no class: where it alone reaches the threshold, nothing is
    said.

    Attributes
    ----------
    rows, columns : list of str
    n : int64 [n_rows, n_columns]
    """

    rows: list[str]
    columns: list[str]
    n: Array


def of(
    scores: Floats, truth: Bools, other: Floats, labels: Sequence[str], least: float | Floats
) -> Confusion:
    """Count.

    Parameters
    ----------
    scores, truth : [n, n_labels]
    other : float [n]
        The highest score of a class that never occurs, of those that count as found; -inf where none does.
    labels : sequence of str
    least : float or float [n_labels]
        From where on a label counts as found.
    """
    n_labels = len(labels)
    scores = np.concatenate([scores, other[:, np.newaxis]], axis=1)
    truth = np.concatenate([truth, np.zeros((len(truth), 1), bool)], axis=1)
    said = scores >= np.append(np.broadcast_to(least, n_labels), np.finfo(np.float64).min)
    false = said & ~truth
    worst = np.where(false, scores, -np.inf).argmax(axis=1)
    worst = np.where(false.any(axis=1), worst, n_labels + 1)
    n = np.zeros((n_labels + 1, n_labels + 2), np.int64)
    window, label = np.nonzero(truth & said)
    np.add.at(n, (label, label), 1)
    window, label = np.nonzero(truth & ~said)
    np.add.at(n, (label, worst[window]), 1)
    charged = np.unique(window[worst[window] <= n_labels])
    false[charged, worst[charged]] = False
    window, label = np.nonzero(false)
    np.add.at(n, (np.full(len(label), n_labels), label), 1)
    n[n_labels, n_labels + 1] = np.count_nonzero(~truth.any(axis=1) & ~said.any(axis=1))
    return Confusion([*labels, NOTHING], [*labels, OTHER, NOTHING], n)
