"""Hearing: what was said of each window that is judged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arrays import Array, Bools, Float32, Floats, Int64
from ..spool import chunks, zeros
from .said import Heard
from .spans import Enough, Index, Spans, half, same


def of_scores(
    values: Float32, own: Spans, judged: Spans, merged: Sequence[int], n_classes: int, enough: Enough
) -> tuple[Float32, Bools]:
    """Return the scores of judged windows, and whether nothing was said of them: then they are 0.

    What is said of a window itself is of it, and else what is said of rows that share enough with it. Where
    several rows are of one window, or several classes become one, the highest score stands.

    Parameters
    ----------
    values : float32 [n_rows, n]
    own : Spans [n_rows]
    judged : Spans [n_windows]
    merged : sequence of int [n]
        Which class each column becomes.
    n_classes : int
    enough : callable
        Whether a row is of a window that has none of its own: see `Index.within`.

    Returns
    -------
    values : float32 [n_windows, n_classes]
    is_missing : bool [n_windows]
    """
    rows, first = _rows(own, judged, enough)
    n_rows = np.diff(first)
    found = zeros(len(judged.file), n_classes)
    least = min([0.0, *(float(values[part].min(initial=0)) for part in chunks(values))])
    for part in chunks(found):
        there = np.flatnonzero(n_rows[part]) + part.start
        if len(there):
            some = values[rows[first[part.start] : first[part.stop]]]
            tops = np.maximum.reduceat(some, first[there] - first[part.start], axis=0)
            found[there] = _joined(tops, merged, n_classes)
        if least < 0:  # of logits: nothing is less than all that was said
            found[np.flatnonzero(n_rows[part] == 0) + part.start] = least
    return found, n_rows == 0


def of_detections(
    heard: Heard, own: Spans, judged: Spans, merged: Sequence[int], n_classes: int, is_heard: Bools
) -> Float32:
    """Return the highest confidence of each class among the detections of each window, 0 where there is none.

    One that is of no window, as those are that a tool has joined, is of those that it shares half with, but
    of none that was listened to by itself.

    Parameters
    ----------
    heard : Heard
    own, judged, merged, n_classes
        As `of_scores`.
    is_heard : bool [n_windows]
        Whether a window that detections of others share half with was listened to itself.
    """
    found, index = zeros(len(judged.file), n_classes), Index(judged)
    rows = zip(*own[1:], heard.which, heard.confidence, strict=True)
    for file, start_s, end_s, which, confidence in rows:
        there, place = index.within(file, start_s, end_s, same), merged[which]
        if not len(there):
            there = index.within(file, start_s, end_s, half)
            there = there[~is_heard[there]]
        found[there, place] = np.maximum(found[there, place], confidence)
    return found


def _rows(own: Spans, judged: Spans, enough: Enough) -> tuple[Int64, Int64]:
    """Return the rows that are of each window, window by window, and where each one's begin."""
    index = Index(own)
    windows = list(zip(*judged[1:], strict=True))
    every = [index.within(*window, same) for window in windows]
    every = [
        some if len(some) else index.within(*window, enough)
        for some, window in zip(every, windows, strict=True)
    ]
    first = np.concatenate([[0], np.cumsum([len(some) for some in every], dtype=np.int64)])
    return np.concatenate([np.zeros(0, np.int64), *every]), first


def _joined(values: Floats, merged: Sequence[int], n_classes: int) -> Array:
    """Join columns that are one class."""
    if n_classes == len(merged):
        return values
    order = np.argsort(merged, kind="stable")
    first = np.searchsorted(np.asarray(merged)[order], np.arange(n_classes))
    joined: Array = np.maximum.reduceat(values[:, order], first, axis=1)
    return joined
