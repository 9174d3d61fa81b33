"""Evaluation: the figures of scores beside truth, as values that JSON has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Bools, Float32, Floats
from ..metrics import calibration, ranking, thresholds
from ..metrics.bootstrap import N_DRAWS, Bootstrap, interval
from . import confusion, groups, ranked, worst
from .alignment import Aligned
from .deciding import Decision, check
from .ranked import Ranked

TOP = (1, 3, 5)
PRECISION = 0.9
N_BINS = 15


class Choices(NamedTuple):
    """What is to be known.

    Attributes
    ----------
    threshold : float, float32 [n_species] or None
        From which score on a class counts as found, all of them or each column; None: 0.5, or all that was
        detected.
    precision : float
        For which a threshold is suggested.
    n_draws : int
        Of the bootstrap; 0 leaves intervals out.
    seed : int
    place_of : callable
        Tells the site and the hour of a recording by its name, "" where it does not.
    whose : str
        What counts as found and who says so, in words; "": the threshold alone.
    """

    threshold: float | Float32 | None = None
    precision: float = PRECISION
    n_draws: int = N_DRAWS
    seed: int = 0
    place_of: Callable[[str, float], dict[str, str]] = lambda name, start_s: {}
    whose: str = ""


class Evaluation(NamedTuple):
    """What came out.

    Attributes
    ----------
    told : dict
        All figures, as evaluation.json has them.
    curves : dict of str to Curve
        Precision and recall of each class.
    confusion : Confusion
    tables : tuple of path
        The files that were written of it.
    """

    told: dict[str, Any]
    curves: dict[str, thresholds.Curve]
    confusion: confusion.Confusion
    tables: tuple[Path, ...] = ()


def evaluate(aligned: Aligned, choices: Choices | None = None) -> Evaluation:
    """Judge scores.

    Raises
    ------
    ConfigError
        scikit-learn is missing, or the threshold is none of confidences.
    """
    choices = choices or Choices()
    least = Decision(choices.threshold).of(aligned)
    seen, own = ranked.of(aligned, least), least[aligned.column]
    check(choices.threshold, seen)
    scores, truth, labels = seen.scores, aligned.truth, aligned.labels
    figures, counts = ranking.per_class(scores, truth), thresholds.counts(scores, truth, own)
    curves = {label: thresholds.curve(scores[:, i], truth[:, i]) for i, label in enumerate(labels)}
    n_files = len(np.unique(aligned.windows.file))
    is_drawn = choices.n_draws > 0 and n_files > 1  # of one recording all draws are alike
    draws = Bootstrap(aligned.windows.file, choices.n_draws, choices.seed)
    of_classes = draws.of_classes(scores, truth) if is_drawn else []
    lowest = 0.0 if aligned.is_partial else -np.inf
    classes = groups.by_class(aligned, figures, counts, curves, of_classes, choices.precision, lowest)
    told = {
        **_about(aligned, least, choices),
        "overall": _overall(seen, truth, figures, counts),
        "intervals": _intervals(draws, of_classes, seen, truth, own) if is_drawn else {},
        "classes": [row | {"threshold": float(one)} for row, one in zip(classes, own, strict=True)],
        **_confidences(seen, truth),
        **groups.by_place(aligned, scores, choices.place_of),
        "worst": worst.of(aligned, scores, seen.other, seen.other_place),
    }
    table = confusion.of(scores, truth, seen.other_found, labels, own)
    return Evaluation(told, curves, table)


def _confidences(ranked: Ranked, truth: Bools) -> dict[str, Any]:
    """Return what only confidences tell; nothing of other scores, as of logits."""
    scores = ranked.scores
    if not scores.size or not ranked.are_confidences:
        return {}
    pairs = calibration.reliability(scores.ravel(), truth.ravel(), N_BINS)
    top = calibration.calibration_error(np.maximum(ranked.top, 0), ranked.is_right, N_BINS)
    errors = {"error": calibration.error_of([pairs]), "error_of_top_class": top, "reliability": pairs}
    return {"calibration": errors, "by_threshold": groups.by_threshold(scores, truth)}


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
    least: Float32,
) -> dict[str, list[float]]:
    """Return between what and what figures lie in 95 of 100 draws of recordings."""
    told = ranked.scores >= least
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


def _about(aligned: Aligned, least: Float32, choices: Choices) -> dict[str, Any]:
    """Return what was judged, and what was not."""
    windows, one = aligned.windows, {*least.tolist()}
    return {
        "n_files": len(np.unique(windows.file)),
        "n_windows": len(windows.file),
        "n_windows_with_label": int(aligned.truth.any(axis=1).sum()),
        "n_classes": len(aligned.species) - len(aligned.background),
        "n_classes_that_occur": len(aligned.labels),
        "scores": "detections: what was not detected scores 0" if aligned.is_partial else "of all classes",
        "windows": aligned.whose,
        "threshold": one.pop() if len(one) == 1 else None,
        "threshold_of": choices.whose,
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
