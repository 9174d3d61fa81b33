"""Groups: the figures of each class, of each site and of each hour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..arrays import Bools, Floats
from ..metrics import ranking, thresholds
from ..metrics.bootstrap import interval
from .alignment import Aligned

THRESHOLDS = [number / 20 for number in range(1, 20)]
PlaceOf = Callable[[str, float], dict[str, str]]


def by_class(
    aligned: Aligned,
    figures: dict[str, Any],
    counts: thresholds.Counts,
    curves: dict[str, thresholds.Curve],
    of_classes: Sequence[tuple[Floats, Floats]],
    precision: float,
    least: float,
) -> list[dict[str, Any]]:
    """Return the figures of each class, and the thresholds that are suggested.

    Parameters
    ----------
    aligned : Aligned
    figures : dict of str to float64 [n_classes]
        What `ranking.per_class` returned.
    counts : Counts
        At the one threshold of all classes.
    curves : dict of str to Curve
    of_classes : sequence of (float64 [n_draws], float64 [n_draws])
        What `Bootstrap.of_classes` returned; empty without it.
    precision : float
        For which a threshold is suggested.
    least : float
        Above which thresholds lie.
    """
    table = []
    for i, label in enumerate(aligned.labels):
        best = thresholds.best_f1(curves[label], least)
        sure = thresholds.for_precision(curves[label], precision, least)
        row: dict[str, Any] = {"class": label, "n": int(aligned.truth[:, i].sum())}
        row |= {name: float(some[i]) for name, some in figures.items()}
        if of_classes:
            low_high = dict(zip(("roc_auc", "average_precision"), of_classes[i], strict=True))
            row |= {f"{name}_interval": list(interval(some)) for name, some in low_high.items()}
        row |= {name: float(getattr(counts, name)[i]) for name in ("precision", "recall", "f1")}
        row["best_f1"] = best and best._asdict()
        row["for_precision"] = sure and sure._asdict()
        table.append(row)
    return table


def by_place(aligned: Aligned, scores: Floats, place_of: PlaceOf) -> dict[str, list[dict[str, Any]]]:
    """Return figures by site and by hour, `by_site` and `by_hour`, where names tell them.

    Parameters
    ----------
    aligned : Aligned
    scores : float [n, n_labels]
    place_of : callable
        Tells `site` and `hour` by a recording's name and the start of a window in seconds.
    """
    windows = aligned.windows
    spans = zip(windows.file, windows.start_s, strict=True)
    told = [place_of(windows.files[file], start_s) for file, start_s in spans]
    found: dict[str, list[dict[str, Any]]] = {}
    for kind in ("site", "hour"):
        of = np.array([place.get(kind, "") for place in told], dtype=object)
        groups = sorted({*of.tolist()} - {""})
        if groups:
            found[f"by_{kind}"] = [
                {kind: group, **_figures(scores[of == group], aligned.truth[of == group])} for group in groups
            ]
    return found


def by_threshold(scores: Floats, truth: Bools) -> list[dict[str, float]]:
    """Return what is found and what is right of all classes together, at each of `THRESHOLDS`.

    Parameters
    ----------
    scores, truth : [n, n_labels]
    """
    table = []
    for threshold in THRESHOLDS:
        counts = thresholds.counts(scores, truth, threshold)
        sums = thresholds.Counts(*(some.sum() for some in counts))
        macro = ranking.mean_of(counts.f1)
        micro = {name: float(getattr(sums, name)) for name in ("precision", "recall", "f1")}
        table.append({"threshold": threshold, **micro, "macro_f1": macro})
    return table


def _figures(scores: Floats, truth: Bools) -> dict[str, Any]:
    figures = ranking.per_class(scores, truth)
    return {
        "n_windows": len(scores),
        "n_classes": int(truth.any(axis=0).sum()),
        "macro_roc_auc": ranking.mean_of(figures["roc_auc"]),
        "macro_average_precision": ranking.mean_of(figures["average_precision"]),
    }
