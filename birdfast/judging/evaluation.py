"""Evaluation: the figures of scores beside truth, as values that JSON has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Array, Bools, Float32, Floats, Int64
from ..errors import ConfigError
from ..metrics import calibration, ranking, thresholds
from ..metrics.bootstrap import N_DRAWS, Bootstrap, interval
from ..spool import chunks
from . import confusion, groups, worst
from .alignment import Aligned

TOP = (1, 3, 5)
PRECISION = 0.9
N_BINS = 15


class Choices(NamedTuple):
    """What is to be known.

    Attributes
    ----------
    threshold : float or None
        From which score on a class counts as found; None: 0.5, or all that was detected.
    precision : float
        For which a threshold is suggested.
    n_draws : int
        Of the bootstrap; 0 leaves intervals out.
    seed : int
    place_of : callable
        Tells the site and the hour of a recording by its name, "" where it does not.
    """

    threshold: float | None = None
    precision: float = PRECISION
    n_draws: int = N_DRAWS
    seed: int = 0
    place_of: Callable[[str, float], dict[str, str]] = lambda name, start_s: {}


@dataclass(frozen=True)
class Evaluation:
    """What came out.

    Attributes
    ----------
    told : dict
        All figures, as evaluation.json has them.
    curves : dict of str to Curve
        Precision and recall of each class.
    confusion : Confusion
    """

    told: dict[str, Any]
    curves: dict[str, thresholds.Curve]
    confusion: confusion.Confusion


class Ranked(NamedTuple):
    """What is taken of all classes, in one pass through the scores.

    Attributes
    ----------
    scores : float32 [n, n_labels]
        Of the classes that occur.
    rank : int64 [n]
        Of the best label that is true (`ranking.ranks`); background that scores more comes before it.
    other, other_place : float32, int64 [n]
        The highest score of a class that never occurs, and which it is; -inf where all occur.
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
    top: Floats
    is_right: Bools
    certain: Array


def evaluate(aligned: Aligned, choices: Choices | None = None) -> Evaluation:
    """Judge scores.

    Raises
    ------
    ConfigError
        scikit-learn is missing, or the threshold is none of confidences.
    """
    choices = choices or Choices()
    ranked = _ranked(aligned)
    scores, truth, labels = ranked.scores, aligned.truth, aligned.labels
    if _are_confidences(ranked) and not 0 <= (choices.threshold or 0) <= 1:
        raise ConfigError(f"threshold: {choices.threshold:g} does not fit; scores from 0 to 1 take 0 to 1")
    threshold = _threshold(aligned, scores) if choices.threshold is None else choices.threshold
    figures, counts = ranking.per_class(scores, truth), thresholds.counts(scores, truth, threshold)
    curves = {label: thresholds.curve(scores[:, i], truth[:, i]) for i, label in enumerate(labels)}
    draws = Bootstrap(aligned.windows.file, choices.n_draws, choices.seed)
    of_classes = draws.of_classes(scores, truth) if choices.n_draws else []
    least = 0.0 if aligned.is_partial else -np.inf
    told = {
        **_about(aligned, threshold, choices),
        "overall": _overall(ranked, truth, figures, counts),
        "intervals": _intervals(draws, of_classes, ranked, truth, threshold) if choices.n_draws else {},
        "classes": groups.by_class(aligned, figures, counts, curves, of_classes, choices.precision, least),
        **_confidences(ranked, truth),
        **groups.by_place(aligned, scores, choices.place_of),
        "worst": worst.of(aligned, scores, ranked.other, ranked.other_place),
    }
    return Evaluation(told, curves, confusion.of(scores, truth, ranked.other, labels, threshold))


def _threshold(aligned: Aligned, scores: Float32) -> float:
    """Return from where on a class counts as found, where nobody says it: all that was detected."""
    return float(scores[scores > 0].min(initial=1.0)) if aligned.is_partial else 0.5


def _confidences(ranked: Ranked, truth: Bools) -> dict[str, Any]:
    """Return what only confidences tell; nothing of other scores, as of logits."""
    scores = ranked.scores
    if not scores.size or not _are_confidences(ranked):
        return {}
    pairs = calibration.reliability(scores.ravel(), truth.ravel(), N_BINS)
    top = calibration.calibration_error(np.maximum(ranked.top, 0), ranked.is_right, N_BINS)
    errors = {"error": calibration.error_of([pairs]), "error_of_top_class": top, "reliability": pairs}
    return {"calibration": errors, "by_threshold": groups.by_threshold(scores, truth)}


def _are_confidences(ranked: Ranked) -> bool:
    """Whether scores lie from 0 to 1, as those of logits do not."""
    return float(ranked.scores.min(initial=0)) >= 0 and float(ranked.top.max(initial=0)) <= 1


def _ranked(aligned: Aligned) -> Ranked:
    n, n_classes = aligned.values.shape
    background = aligned.background
    others = np.setdiff1d(np.arange(n_classes), np.concatenate([aligned.column, background]))
    scores = np.zeros((n, len(aligned.labels)), np.float32)
    rank, place, certain = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(len(others), np.int64)
    (other, top), is_right = np.full((2, n), -np.inf), np.zeros(n, bool)
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
            certain += (rest >= 1).sum(axis=0)
    return Ranked(scores, rank, other, place, top, is_right, certain)


def _overall(
    ranked: Ranked, truth: Bools, figures: dict[str, Any], counts: thresholds.Counts
) -> dict[str, float]:
    """Return the figures of all classes together; macro: the mean over the classes that occur."""
    sums = thresholds.Counts(*(some.sum() for some in counts))
    absent = ranking.PADDING / (ranking.PADDING + ranked.certain)  # padding alone is so, and comes with those
    return {
        "macro_roc_auc": ranking.mean_of(figures["roc_auc"]),
        "micro_roc_auc": ranking.roc_auc(ranked.scores.ravel(), truth.ravel()),
        "macro_average_precision": ranking.mean_of(figures["average_precision"]),
        "micro_average_precision": ranking.average_precision(ranked.scores.ravel(), truth.ravel()),
        "padded_cmap_of_occurring": ranking.mean_of(figures["padded_average_precision"]),
        "padded_cmap": ranking.mean_of(np.append(figures["padded_average_precision"], absent)),
        **{f"top_{k}": ranking.top_k(ranked.rank, k) for k in TOP},
        "macro_f1": ranking.mean_of(counts.f1),
        "micro_f1": float(sums.f1),
        "precision": float(sums.precision),
        "recall": float(sums.recall),
    }


def _intervals(
    draws: Bootstrap,
    of_classes: Sequence[tuple[Floats, Floats]],
    ranked: Ranked,
    truth: Bools,
    threshold: float,
) -> dict[str, list[float]]:
    """Return between what and what figures lie in 95 of 100 draws of recordings."""
    told = ranked.scores >= threshold
    counts = draws.counts(told & truth, told & ~truth, ~told & truth)
    labelled = ranked.rank > 0
    found = {
        "macro_roc_auc": _means([area for area, _ in of_classes]),
        "macro_average_precision": _means([precision for _, precision in of_classes]),
        "macro_f1": _means(list(counts.f1.T)),
        "micro_f1": thresholds.Counts(*(some.sum(axis=1) for some in counts)).f1,
        "top_1": draws.mean(np.where(labelled, ranked.rank == 1, np.nan)),
    }
    return {name: list(interval(some)) for name, some in found.items()}


def _means(draws: Sequence[Floats]) -> Floats:
    """Return the mean over classes in each draw, of those that occur in it."""
    table = np.array(draws)
    if not len(table):
        return np.zeros(0)
    there = ~np.isnan(table)
    n = there.sum(axis=0)
    means: Floats = np.divide(
        np.where(there, table, 0).sum(axis=0), n, out=np.full(n.shape, np.nan), where=n > 0
    )
    return means


def _about(aligned: Aligned, threshold: float, choices: Choices) -> dict[str, Any]:
    """Return what was judged, and what was not."""
    windows = aligned.windows
    return {
        "n_files": len(np.unique(windows.file)),
        "n_windows": len(windows.file),
        "n_windows_with_label": int(aligned.truth.any(axis=1).sum()),
        "n_classes": len(aligned.species) - len(aligned.background),
        "n_classes_that_occur": len(aligned.labels),
        "scores": "detections: what was not detected scores 0" if aligned.is_partial else "of all classes",
        "windows": aligned.whose,
        "threshold": threshold,
        "precision_wanted": choices.precision,
        "n_draws": choices.n_draws,
        "seed": choices.seed,
        "missing": {
            "n_windows": len(aligned.missing.file),
            "files": sorted({aligned.missing.files[i] for i in aligned.missing.file.tolist()}),
        },
        "n_rows_without_numbers": aligned.n_void,
        "unlisted_files": aligned.unlisted,
        "unknown_labels": aligned.unknown,
        "n_calls_in_no_window": aligned.n_unheld,
    }
