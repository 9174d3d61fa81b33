"""Ranking: whether what is so scores more than what is not, whatever the scores are.

All take float scores and bool truth [n, n_classes], or [n] for one class, and skip classes without a
positive. They are scikit-learn's.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np

from .. import memory
from ..arrays import Array, Bools, Float64, Floats
from ..errors import ConfigError
from ..words import extra_hint

PADDING = 5  # rows that BirdCLEF 2023 added, with which every class has some positives


def roc_auc(scores: Floats, truth: Bools) -> float:
    """Return the chance that one that is so scores more than one that is not; a tie counts half.

    Parameters
    ----------
    scores : float [n]
    truth : bool [n]

    Returns
    -------
    float
        NaN when there are none of either.

    Raises
    ------
    ConfigError
        scikit-learn is missing.
    """
    if truth.all() or not truth.any():
        return float("nan")
    return float(_sklearn().roc_auc_score(truth, scores))


def average_precision(scores: Floats, truth: Bools) -> float:
    """Return the mean of the precision at each recall that comes about as the threshold falls.

    Not interpolated: sum over thresholds of (R_k - R_(k-1)) P_k. Parameters and errors as `roc_auc`.

    Returns
    -------
    float
        NaN when none is so.
    """
    if not truth.any():
        return float("nan")
    return float(_sklearn().average_precision_score(truth, scores))


def padded_average_precision(scores: Floats, truth: Bools, n_padding: int = PADDING) -> float:
    """Return the average precision with rows added that are so and score 1, which tames rare classes.

    Parameters
    ----------
    scores, truth : [n]
    n_padding : int
    """
    ones = np.ones(n_padding)
    return average_precision(np.append(scores, ones), np.append(truth, ones > 0))


def per_class(scores: Floats, truth: Bools) -> dict[str, Float64]:
    """Return roc_auc, average_precision and padded_average_precision of each class: float64 [n_classes]."""
    measures = (roc_auc, average_precision, padded_average_precision)
    columns = range(scores.shape[1])
    return {
        measure.__name__: np.array([measure(scores[:, one], truth[:, one]) for one in columns], np.float64)
        for measure in measures
    }


def padded_cmap(scores: Floats, truth: Bools, n_padding: int = PADDING) -> float:
    """Return BirdCLEF 2023's padded cmAP: the mean over all classes, also those that never occur.

    Of those the padding alone is so, and what scores 1 or more is all that comes before it.

    Parameters
    ----------
    scores, truth : [n, n_classes]
    n_padding : int
    """
    columns = range(scores.shape[1])
    found = [padded_average_precision(scores[:, one], truth[:, one], n_padding) for one in columns]
    return mean_of(np.array(found))


def ranks(scores: Floats, truth: Bools) -> Array:
    """Return the rank of the best class that is so in each row, from 1; 0 for rows where none is.

    What scores the same comes before it, so that a row of zeros finds nothing.

    Parameters
    ----------
    scores, truth : [n, n_classes]

    Returns
    -------
    int64 [n]
    """
    best = np.where(truth, scores, -np.inf).max(axis=1, initial=-np.inf)
    before = (~truth & (scores >= best[:, np.newaxis])).sum(axis=1)
    return np.where(truth.any(axis=1), before + 1, 0)


def top_k(rank: Array, k: int) -> float:
    """Return the share of rows with a label in which one is among the k first; `rank` as of `ranks`."""
    labelled = rank > 0
    return float((rank[labelled] <= k).mean()) if labelled.any() else float("nan")


def mean_of(values: Floats) -> float:
    """Return the mean of what is a number; NaN when nothing is."""
    there = values[~np.isnan(values)]
    return float(there.mean()) if len(there) else float("nan")


def available() -> None:
    """Refuse at the start what needs scikit-learn, where it is missing.

    Raises
    ------
    ConfigError
        It is missing.
    """
    if find_spec("sklearn") is None:
        raise _missing()


def _sklearn() -> Any:
    try:
        memory.load_algebra()
        from sklearn import metrics
    except ImportError as error:
        raise _missing() from error
    return metrics


def _missing() -> ConfigError:
    return ConfigError(f"ROC-AUC and average precision need scikit-learn: {extra_hint('train')}")
