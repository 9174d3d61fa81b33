"""How good a model is on recordings that it has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..classifier import Classifier
from ..sessions.stsg import Pooler, Pooling
from .examples import Examples

Float32 = NDArray[np.float32]
Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]


def scores(
    examples: Examples, pooling: Pooling, arrays: Mapping[str, Float32], *, exclusive: bool
) -> tuple[Float32, Bools]:
    """Return a model's mean logits for the clips of windows, and their labels: [n_clips, n_classes] each.

    Parameters
    ----------
    examples : Examples
    pooling : Pooling
    arrays : dict of str to float32 array
        A model's, as `Training.model` returns them.
    exclusive : bool
        Means are of the logarithms of a softmax's probabilities.
    """
    pooler, classifier = Pooler(pooling, arrays), Classifier.of(arrays)
    logits = examples.each(lambda counts, statistics: classifier.logits(pooler(counts, statistics)))
    logits = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True) if exclusive else logits
    there, first, number = np.unique(examples.clip, return_index=True, return_inverse=True)
    means = np.zeros((len(there), logits.shape[1]), np.float32)
    np.add.at(means, number, logits / np.bincount(number)[number, np.newaxis].astype(np.float32))
    return means, examples.targets[first]


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
    """
    from sklearn.metrics import roc_auc_score

    if truth.all() or not truth.any():
        return float("nan")
    return float(roc_auc_score(truth, scores))


def accuracy(scores: Floats, truth: Bools) -> float:
    """Return the share of rows whose highest score [n, n_classes] is of a class that is there."""
    labelled = truth.any(axis=1)
    if not labelled.any():
        return float("nan")
    return float(truth[labelled, scores[labelled].argmax(axis=1)].mean())


def judge(scores: Floats, truth: Bools, classes: Sequence[str]) -> dict[str, Any]:
    """Return the figures of one test.

    Parameters
    ----------
    scores, truth : [n, n_classes]
    classes : sequence of str

    Returns
    -------
    dict
        accuracy; macro_roc_auc, the mean over the classes that occur (as BirdCLEF has it); n; classes:
        a list of {class, n, roc_auc, recall}.
    """
    table: list[dict[str, Any]] = []
    top = scores.argmax(axis=1)
    for index, name in enumerate(classes):
        there = truth[:, index]
        recall = float((top[there] == index).mean()) if there.any() else float("nan")
        area = roc_auc(scores[:, index], there)
        table.append({"class": name, "n": int(there.sum()), "roc_auc": area, "recall": recall})
    areas = [row["roc_auc"] for row in table if not np.isnan(row["roc_auc"])]
    return {
        "n": len(scores),
        "accuracy": accuracy(scores, truth),
        "macro_roc_auc": float(np.mean(areas)) if areas else float("nan"),
        "classes": table,
    }


def mean(folds: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return the means of accuracy and macro_roc_auc over folds."""
    return {name: float(np.mean([fold[name] for fold in folds])) for name in ("accuracy", "macro_roc_auc")}
