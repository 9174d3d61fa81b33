"""What a model says of windows that it has not heard, as tables: its scores, and what is true.

Both are what `birdfast evaluate` takes: scores and --truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Literal, Self

import numpy as np

from ..annotations import IS_WINDOW
from ..arrays import Float32, Int64, Rows
from ..outcomes import MIX, row
from ..tables import About, AboutModel, Names, Result, Table
from ..tables.dense import DenseTable
from ..tables.files import CsvFile, harmless
from .recordings import Clip

Kind = Literal["csv", "parquet"]
SCORES: dict[Kind, str] = {"csv": "held_out.csv", "parquet": "held_out.parquet"}
TRUTH = "held_out_truth.csv"
NAMES = (*SCORES.values(), TRUTH)
SPAN = ("file", "start_s", "end_s")


class HeldOut:
    """Tables with a row for each window that was held out, fold after fold; a context manager.

    Scores are wide: file, start_s, end_s, and a column for each class; as Parquet they are the table that
    `infer --rtype scores` writes. A class `background` has its column, too, of which `birdfast evaluate`
    knows that it is no class, but says that nothing is heard. The truth has the same rows: file, start_s,
    end_s, label (several joined by ";", none for background), fold, is_window (1), which says that each row
    is a window of its own.

    Parameters
    ----------
    folder : Path
    classes : sequence of str
    kind : "csv" or "parquet"
        What the scores are written as.
    csv_safe : bool
        Put an apostrophe before text in CSVs that a spreadsheet would run.
    """

    def __init__(
        self, folder: Path, classes: Sequence[str], kind: Kind = "csv", *, csv_safe: bool = False
    ) -> None:
        with ExitStack() as stack:
            truth = CsvFile(folder / TRUTH, (*SPAN, "label", "fold", IS_WINDOW), csv_safe=csv_safe)
            self._truth = stack.enter_context(truth)
            wide = kind == "csv"
            scores = _Wide(folder, classes, csv_safe=csv_safe) if wide else _dense(folder, classes)
            self._scores: Table = stack.enter_context(scores)
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *what: object) -> None:
        self._stack.__exit__(*what)  # type: ignore[arg-type]

    def write(
        self,
        fold: str,
        clips: Sequence[Clip],
        numbers: Int64,
        scores: Float32,
        window_s: float,
        step_s: float | None = None,
    ) -> None:
        """Append the windows of a fold.

        Parameters
        ----------
        fold : str
        clips : sequence of Clip
        numbers : int64 [n_windows]
            Of the clip that each window is of, in order; a clip's windows lie one behind the other.
        scores : float32 [n_windows, n_classes], in 0..1
        window_s : float
        step_s : float, optional
            From one window to the next; `window_s`.
        """
        step_s = window_s if step_s is None else step_s
        for first, last in _runs(numbers):
            clip = clips[numbers[first]]
            starts = clip.start_s + step_s * np.arange(last - first)
            ends = np.minimum(starts + window_s, np.inf if clip.end_s is None else clip.end_s)
            rows = np.empty(last - first, row(scores.shape[1]))
            rows["start_s"], rows["end_s"], rows["channel"] = starts, ends, MIX
            rows["values"] = scores[first:last]
            self._scores.begin(Result(clip.path, ()))
            self._scores.dense(rows)
            for start_s, end_s in zip(starts, ends, strict=True):
                self._truth.write_row((clip.path, _s(start_s), _s(end_s), ";".join(clip.labels), fold, 1))


class _Wide(CsvFile, Table):
    """A row a window, a column a class."""

    def __init__(self, folder: Path, classes: Sequence[str], *, csv_safe: bool) -> None:
        shown = map(harmless, classes) if csv_safe else classes
        super().__init__(folder / SCORES["csv"], (*SPAN, *map(str, shown)), csv_safe=csv_safe)

    def begin(self, result: Result) -> None:
        """Take the name of the next file."""
        self._path = result.path

    def dense(self, rows: Rows) -> None:
        """Append rows of the file: [n] of `outcomes.row`."""
        for one in rows:
            span = (self._path, _s(one["start_s"]), _s(one["end_s"]))
            self.write_row((*span, *(f"{value:.6g}" for value in one["values"].tolist())))


def _dense(folder: Path, classes: Sequence[str]) -> DenseTable:
    names = Names(tuple(classes), tuple(classes))
    about = About({}, (AboutModel("held out", (names,), {"scores": len(classes)}),))
    return DenseTable(folder, "scores", about, called=SCORES["parquet"])


def _runs(numbers: Int64) -> list[tuple[int, int]]:
    """Return where each run of the same number begins and ends."""
    ends = np.flatnonzero(np.diff(numbers)) + 1
    bounds = [0, *ends.tolist(), len(numbers)]
    return [(first, last) for first, last in pairwise(bounds) if last > first]


def _s(seconds: float) -> str:
    return f"{seconds:.10g}"
