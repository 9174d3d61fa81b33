"""How good a model is on recordings that it has not seen."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Bools, Float32
from ..classifier import Classifier
from ..stsg.pooling import Pooler, Pooling, averaged
from ..tables.files import CsvFile, harmless, write_json
from .examples import Examples
from .learning import Heard

CONFUSION, PICTURE = "confusion.csv", "confusion.png"
NAMES = ("evaluation.json", "evaluation.csv", CONFUSION, PICTURE)
COLUMNS = ("fold", "class", "n", "roc_auc", "recall")
NOBODY = "(none)"  # what a clip without labels is, where a table wants a class
MOST_MISSED = 20

Confusion = Counter[tuple[int, int]]  # how many clips, by their class's number and its that scores most


class Missed(NamedTuple):
    """A clip, by its number, with a class that another one outdid, and their confidences."""

    clip: int
    label: int
    score: float
    taken_for: int
    its_score: float


def logits(
    examples: Examples, pooling: Pooling, arrays: Mapping[str, Float32], *, exclusive: bool
) -> Float32:
    """Return a model's logits for windows of sound [n_windows, n_classes]; arguments as `scores`.

    Those of classes that exclude each other are the logarithms of a softmax's probabilities.
    """
    pooler, classifier = Pooler(pooling, arrays), Classifier.of(arrays)

    def logits_of(counts: Float32, statistics: Float32) -> Float32:
        return classifier.logits(averaged(pooler(counts, statistics), examples.n_variants))

    found = examples.each(logits_of)
    return found - np.logaddexp.reduce(found, axis=1, keepdims=True) if exclusive else found


def of_clips(examples: Heard, logits: Float32) -> tuple[Float32, Bools]:
    """Return the means of windows' logits by clip, and the clips' labels: [n_clips, n_classes] each."""
    n = examples.n_variants
    _, first, number = np.unique(examples.clip[::n], return_index=True, return_inverse=True)
    means = np.zeros((len(first), logits.shape[1]), np.float32)
    np.add.at(means, number, logits / np.bincount(number)[number, np.newaxis].astype(np.float32))
    return means, examples.targets[::n][first]


def confidences(logits: Float32, *, exclusive: bool) -> Float32:
    """Return logits as confidences, in 0..1."""
    if exclusive:
        found: Float32 = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
        return found
    return np.exp(-np.logaddexp(np.float32(0), -logits))


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
    return of_clips(examples, logits(examples, pooling, arrays, exclusive=exclusive))


def confusion(scores: Float32, truth: Bools) -> Confusion:
    """Count clips by their class and by the class that scores most; one without a class is of number -1.

    A clip of several classes counts for each, as right where one of them scores most.

    Parameters
    ----------
    scores, truth : [n, n_classes]
    """
    top = scores.argmax(axis=1)
    clip, label = np.nonzero(truth)
    found = np.where(truth[clip, top[clip]], label, top[clip])
    counts = Counter(zip(label.tolist(), found.tolist(), strict=True))
    counts.update((-1, one) for one in top[~truth.any(axis=1)].tolist())
    return counts


def missed(confidences: Float32, truth: Bools) -> list[Missed]:
    """Return the clips in which another class outdid one that is there, the worst first, not all.

    Parameters
    ----------
    confidences, truth : [n, n_classes]
    """
    right = np.where(truth, confidences, np.inf)
    wrong = np.where(truth, -np.inf, confidences)
    label, other = right.argmin(axis=1), wrong.argmax(axis=1)
    clips = np.arange(len(truth))
    score, its = right[clips, label], wrong[clips, other]
    worst = heapq.nsmallest(MOST_MISSED, np.flatnonzero(its > score).tolist(), key=lambda clip: score[clip])
    return [
        Missed(clip, int(label[clip]), float(score[clip]), int(other[clip]), float(its[clip]))
        for clip in worst
    ]


def write(folder: Path, told: Mapping[str, Any], *, csv_safe: bool = False) -> None:
    """Write what was judged: evaluation.json, and evaluation.csv with a row for each fold and class.

    Parameters
    ----------
    folder : path
    told : dict
        "folds": a list of what `metrics.judge` returns, each with its "fold"; "mean": their means; "worst":
        a list of the clips that were missed worst.
    csv_safe : bool
        Put an apostrophe before names in the CSV that a spreadsheet would run.

    Raises
    ------
    ConfigError, OSError
        The folder takes no file.
    """
    write_json(folder / NAMES[0], told)
    with CsvFile(folder / NAMES[1], COLUMNS, csv_safe=csv_safe) as table:
        for fold in told["folds"]:
            for row in fold["classes"]:
                table.write_row((fold["fold"], *row.values()))


def write_confusion(
    folder: Path, counts: Confusion, classes: Sequence[str], *, csv_safe: bool = False
) -> None:
    """Write confusion.csv: a row for each class, and one for clips without; columns as `classes`.

    A cell is how many of the row's clips score most in the column's class. Arguments and errors as `write`.
    """
    shown: Iterable[object] = map(harmless, classes) if csv_safe else classes
    with CsvFile(folder / CONFUSION, ("class", *map(str, shown)), csv_safe=csv_safe) as table:
        for number, name in (*enumerate(classes), (-1, NOBODY)):
            table.write_row((name, *(counts[number, other] for other in range(len(classes)))))
