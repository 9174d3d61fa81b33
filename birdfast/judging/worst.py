"""The worst windows: where the surest is false, and the true is least sure."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Floats, Int64
from .alignment import Aligned

N_WORST = 10  # of each kind


def of(aligned: Aligned, scores: Floats, other: Floats, other_place: Int64) -> list[dict[str, Any]]:
    """Return the false ones with the highest scores, and the true ones with the lowest, worst first.

    Parameters
    ----------
    aligned : Aligned
    scores : float [n, n_labels]
    other, other_place : [n]
        The highest score of a class that never occurs, and which one it is.

    Returns
    -------
    list of dict
        file, start_s, end_s, class, score, what is true, a list, and why: "false", "missed", or "never true"
        of a class that occurs nowhere.
    """
    kinds = {
        "false": -np.where(aligned.truth, -np.inf, scores),
        "missed": np.where(aligned.truth, scores, np.inf),
        "never true": -other[:, np.newaxis],
    }
    found = []
    for why, values in kinds.items():
        for window, place in _first(values):
            score = float(values[window, place]) * (1 if why == "missed" else -1)
            never = aligned.species[int(other_place[window])].scientific
            label = never if why == "never true" else aligned.labels[place]
            if score > 0 or why == "missed":
                found.append(_told(aligned, window, why, label, score))
    return found


def _first(values: Floats) -> list[tuple[int, int]]:
    """Return the places of the lowest finite values, in order; of equal ones the first in time."""
    flat = values.ravel()
    n = min(N_WORST, int(np.isfinite(flat).sum()))
    if not n:
        return []
    limit = np.partition(flat, n - 1)[n - 1]
    there = np.flatnonzero(flat <= limit)
    there = there[np.argsort(flat[there], kind="stable")][:n]
    return [(int(place) // values.shape[1], int(place) % values.shape[1]) for place in there]


def _told(aligned: Aligned, window: int, why: str, label: str, score: float) -> dict[str, Any]:
    windows = aligned.windows
    true = [aligned.labels[i] for i in np.flatnonzero(aligned.truth[window])]
    return {
        "file": windows.files[int(windows.file[window])],
        "start_s": float(windows.start_s[window]),
        "end_s": float(windows.end_s[window]),
        "why": why,
        "class": label,
        "score": score,
        "true": true,
    }
