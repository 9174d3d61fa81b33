"""Kept scores: what a run keeps of each window, so that another question needs no hearing.

Of every window they are the scores from some floor on, of the best some more, or all. A question is answered
where none of the scores that it asks for can lie below the floor, and its answer is that of all scores.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, get_args

import numpy as np

from ..arrays import Bools, Float32, Float64, Int64, Rows
from ..config import Activation, KeptScores
from ..outcomes import DETECTION, PART_BYTES
from . import Rules, ScoreRule, highest, side_by_side

KIND = "kept"  # of an `outcomes.Part`
FLOOR = 0.001  # the least confidence of which scores are kept,
BEST = 20  # and so many of a window's are, however low
ALL = -math.inf

WINDOW = np.dtype([("start_s", "<f8"), ("end_s", "<f8"), ("channel", "<u2"), ("n", "<u4")])
COUNT = np.dtype("<u4")
SCORE = np.dtype("<f4")


@dataclass(frozen=True)
class Keeping:
    """Which scores of a label space are kept.

    Attributes
    ----------
    activation : str
        What makes scores confidences: see `scores.ScoreRule`.
    least : float
        The floor: all scores of at least it. `ALL`: all there are, also those that are no numbers.
    best : int
        So many of each window, the highest, wherever they lie.
    """

    activation: Activation
    least: float = ALL
    best: int = 0

    def which(self, scores: Float32) -> Bools:
        """Say which scores are kept: [n, n_classes], or a few more close to the floor."""
        if self.least == ALL:
            return np.ones(scores.shape, bool)
        kept: Bools = scores >= np.nextafter(np.float32(self.least), np.float32(-np.inf))
        few = np.flatnonzero(np.count_nonzero(kept, axis=1) < self.best)
        if len(few):
            kept[few] |= highest(scores[few], self.best)
        return kept

    def answers(self, rule: ScoreRule, n_classes: int, *, masked: bool = False) -> bool:
        """Whether what a rule makes of the scores kept is what it makes of all.

        `masked`: not all species are asked for, so the highest scores may be others'.
        """
        top = rule.top_k is not None and rule.top_k + n_hidden(rule) <= self.best and not masked
        is_whole = n_classes <= self.best  # no score is left out
        return top or is_whole or bool(rule.lowest().min() >= self.least)


def of(kind: KeptScores, rule: ScoreRule) -> Keeping:
    """Return what is kept of a label space in a run that asks for what a rule says.

    Parameters
    ----------
    kind : "scores", "low", "best", "asked" or ""
        All scores; those from `FLOOR` on or the `BEST`, and what answers the run's own question ("low": and
        all that reach its least confidence, whatever `top_k`); or that alone, also where nothing is kept.
    rule : ScoreRule
    """
    if kind == "scores":
        return Keeping(rule.activation)
    floor = float(ScoreRule(rule.activation, FLOOR).lowest()[0])
    least, best = float(rule.lowest().min()), 0
    if rule.top_k is not None and least < floor and kind != "low":
        least, best = math.inf, rule.top_k + n_hidden(rule)
    if kind in ("low", "best"):
        least, best = min(least, floor), max(best, BEST)
    return Keeping(rule.activation, least, best)


def told(keepings: Sequence[Keeping]) -> str:
    """Return what is kept of a model's scores as text, for a journal."""
    return json.dumps([[keep.activation, keep.least, keep.best] for keep in keepings])


def of_told(text: str) -> tuple[Keeping, ...]:
    """Return what `told` wrote; ValueError or TypeError for anything else."""
    every = tuple(Keeping(*one) for one in json.loads(text))
    if not all(one.activation in get_args(Activation) and isinstance(one.least, float) for one in every):
        raise ValueError("no way to keep scores")
    return every


def n_hidden(rule: ScoreRule) -> int:
    """Return how many classes may be a window's highest and yet be no detections: more is asked of them."""
    return int(np.count_nonzero(np.greater(rule.min_confidence, np.min(rule.min_confidence))))


class Kept(NamedTuple):
    """Some windows, one after the other, and the scores that are kept of them.

    Attributes
    ----------
    windows : [n] of `WINDOW`
        `n` says how many of each are kept.
    window, label : int64 [m]
        A score's window and class; by window, then by class, which are counted through all label spaces.
    score : float32 [m]
    """

    windows: Rows
    window: Int64
    label: Int64
    score: Float32


def kept(
    start_s: Float64,
    window_s: float,
    channel: int,
    scores: Sequence[Float32],
    keepings: Sequence[Keeping],
) -> Kept:
    """Return what is kept of a batch.

    Parameters
    ----------
    start_s : float64 [n]
    window_s : float
    channel : int
    scores : sequence of float32 [n, n_classes]
        Of each label space.
    keepings : sequence of Keeping
    """
    which = side_by_side([keep.which(some) for keep, some in zip(keepings, scores, strict=True)])
    windows = np.zeros(len(start_s), WINDOW)
    windows["start_s"], windows["end_s"] = start_s, start_s + window_s
    windows["channel"], windows["n"] = channel, np.count_nonzero(which, axis=1)
    window, label = np.nonzero(which)
    return Kept(windows, window, label, side_by_side(scores)[which])


def pack(some: Kept, n_classes: int) -> bytes:
    """Return kept scores as they lie in a journal: their windows, then scores, then classes.

    A window of which all scores are kept has no classes written down.
    """
    listed = some.windows["n"][some.window] < n_classes
    classes = some.label[listed].astype(_class_type(n_classes))
    return b"".join(
        (
            np.array(len(some.windows), COUNT).tobytes(),
            some.windows.tobytes(),
            some.score.astype(SCORE).tobytes(),
            classes.tobytes(),
        )
    )


def unpack(blob: bytes, n_classes: int) -> Kept:
    """Return what `pack` wrote; ValueError for what it cannot have written."""
    n_windows = int(np.frombuffer(blob, COUNT, 1)[0])
    windows = np.frombuffer(blob, WINDOW, n_windows, COUNT.itemsize)
    counts = windows["n"].astype(np.int64)
    place = COUNT.itemsize + windows.nbytes
    score = np.frombuffer(blob, SCORE, int(counts.sum()), place)
    classes = np.frombuffer(blob, _class_type(n_classes), offset=place + score.nbytes)
    window = np.repeat(np.arange(n_windows), counts)
    listed = counts[window] < n_classes
    label = np.empty(len(score), np.int64)
    if len(classes) != np.count_nonzero(listed):
        raise ValueError("as many classes as scores are wanted")
    label[listed] = classes
    label[~listed] = np.tile(np.arange(n_classes), np.count_nonzero(counts == n_classes))
    if label.size and not 0 <= label.min() <= label.max() < n_classes:
        raise ValueError("kept scores of classes that there are not")
    return Kept(windows, window, label, score.astype(np.float32, copy=False))


class Packing:
    """Kept scores of a stretch, packed in parts of at most `PART_BYTES`, or a batch's."""

    def __init__(self, n_classes: int) -> None:
        self._n_classes, self._class_bytes = n_classes, _class_type(n_classes).itemsize
        self._waiting, self._n_bytes = list[Kept](), 0

    def add(self, some: Kept) -> Iterator[bytes]:
        """Take a batch's, and yield a part when there is one."""
        n_bytes = some.windows.nbytes + len(some.score) * (SCORE.itemsize + self._class_bytes)
        if COUNT.itemsize + self._n_bytes + n_bytes > PART_BYTES:
            yield from self.rest()
        self._waiting.append(some)
        self._n_bytes += n_bytes

    def rest(self) -> Iterator[bytes]:
        """Yield what waits, if anything does."""
        if self._waiting:
            yield pack(_joined(self._waiting), self._n_classes)
        self._waiting, self._n_bytes = [], 0


def detections(some: Kept, rules: Rules, mask: Bools | None = None) -> Rows:
    """Return the detections among kept scores: [n] of `DETECTION`, window by window.

    Parameters
    ----------
    some : Kept
    rules : Rules
    mask : bool [n_classes] or None
        The classes that are asked for, counted through all label spaces.
    """
    window, label, score = some.window, some.label, some.score
    if mask is not None:
        asked = mask[label]
        window, label, score = window[asked], label[asked], score[asked]
    window, space, label, confidence = rules.picked(window, label, score)
    rows = np.zeros(len(window), DETECTION)
    for name in ("start_s", "end_s", "channel"):
        rows[name] = some.windows[name][window]
    rows["label_space"], rows["class_index"], rows["confidence"] = space, label, confidence
    return rows


def in_time(parts: Iterable[Rows]) -> Rows:
    """Return the detections of a stretch in time: those of all its channels."""
    every = np.concatenate([np.zeros(0, DETECTION), *parts])
    return every[np.argsort(every["start_s"], kind="stable")]


def _joined(every: Sequence[Kept]) -> Kept:
    firsts = np.cumsum([0, *(len(some.windows) for some in every[:-1])])
    window = np.concatenate([some.window + first for some, first in zip(every, firsts, strict=True)])
    windows, label, score = (
        np.concatenate([getattr(some, name) for some in every]) for name in ("windows", "label", "score")
    )
    return Kept(windows, window, label, score)


def _class_type(n_classes: int) -> np.dtype[np.unsignedinteger]:
    return np.dtype("<u2" if n_classes <= 1 << 16 else "<u4")
