"""How good a model is on recordings that it has not seen."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import metrics
from ..arrays import Bools, Float32
from ..atomicfile import AtomicFile
from ..classifier import Classifier
from ..stsg.pooling import Pooler, Pooling, averaged
from ..tables.files import CsvFile
from . import calibration
from .examples import Examples

NAMES = ("evaluation.json", "evaluation.csv")
COLUMNS = ("fold", "class", "n", "roc_auc", "recall")


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
    logits, n = of_windows(examples, pooling, arrays), examples.n_variants
    logits = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True) if exclusive else logits
    there, first, number = np.unique(examples.clip[::n], return_index=True, return_inverse=True)
    means = np.zeros((len(there), logits.shape[1]), np.float32)
    np.add.at(means, number, logits / np.bincount(number)[number, np.newaxis].astype(np.float32))
    return means, examples.targets[::n][first]


def of_windows(examples: Examples, pooling: Pooling, arrays: Mapping[str, Float32]) -> Float32:
    """Return a model's logits for windows: [n_windows, n_classes]; arguments as `scores`."""
    pooler, classifier = Pooler(pooling, arrays), Classifier.of(arrays)

    def logits_of(counts: Float32, statistics: Float32) -> Float32:
        return classifier.logits(averaged(pooler(counts, statistics), examples.n_variants))

    return examples.each(logits_of)


def judged(
    examples: Examples,
    pooling: Pooling,
    arrays: Mapping[str, Float32],
    classes: Sequence[str],
    *,
    exclusive: bool,
) -> dict[str, Any]:
    """Return how good a model is on clips (`metrics.judge`), and how calibrated on their windows.

    See `calibration.judged`; arguments as `scores`.
    """
    means, truth = scores(examples, pooling, arrays, exclusive=exclusive)
    logits, targets = of_windows(examples, pooling, arrays), examples.targets[:: examples.n_variants]
    calibrated = calibration.judged(logits, targets, arrays, exclusive)
    return metrics.judge(means, truth, classes) | calibrated


def write(folder: Path, told: Mapping[str, Any], *, csv_safe: bool = False) -> None:
    """Write what was judged: evaluation.json, and evaluation.csv with a row for each fold and class.

    Parameters
    ----------
    folder : path
    told : dict
        "folds": a list of what `metrics.judge` returns, each with its "fold"; "mean": their means.
    csv_safe : bool
        Put an apostrophe before names in the CSV that a spreadsheet would run.

    Raises
    ------
    ConfigError, OSError
        The folder takes no file.
    """
    with AtomicFile(folder / NAMES[0], mode="w", encoding="utf-8") as file:
        file.stream.write(json.dumps(_plain(told), indent=1) + "\n")
    with CsvFile(folder / NAMES[1], COLUMNS, csv_safe=csv_safe) as table:
        for fold in told["folds"]:
            for row in fold["classes"]:
                table.write_row((fold["fold"], *row.values()))


def _plain(value: Any) -> Any:
    """Put null in the place of NaN, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _plain(below) for key, below in value.items()}
    if isinstance(value, list):
        return [_plain(below) for below in value]
    return None if isinstance(value, float) and value != value else value
