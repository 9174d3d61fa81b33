"""Metrics: how good scores are, beside what is true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays import Bools, Floats
from .calibration import calibration_error, error_of, reliability
from .ranking import roc_auc

__all__ = ["accuracy", "calibration_error", "error_of", "judge", "mean", "reliability", "roc_auc"]


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
    """Return the means of accuracy and macro_roc_auc over folds; calibration errors are of all their windows.

    Those of few windows are mostly chance, and their mean would be, too.
    """
    found = {name: float(np.mean([fold[name] for fold in folds])) for name in ("accuracy", "macro_roc_auc")}
    for name, table in (("ece", "reliability"), ("ece_before", "reliability_before")):
        if all(table in fold for fold in folds):
            found[name] = error_of([fold[table] for fold in folds])
    return found
