"""Wide tables: a row for every window, a column for each class, as OpenSoundscape has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from .. import sources
from ..arrays import Array, Float32, Rows
from ..errors import ConfigError
from .cells import both, csv_cell, seconds
from .files import CsvFile, harmless
from .table import About, Names, Result, Table

KIND = "wide"
CELLS_AT_ONCE = 1 << 20
THOUSANDTHS = np.array([b",%d.%03d" % divmod(n, 1000) for n in range(1001)])
MILLIONTHS = np.array([b"%03d" % n for n in range(1000)])
TITLES = ("file", "start_time", "end_time")


class WideTable(CsvFile, Table):
    """OpenSoundscape's shape: file, start_time, end_time, and a column a class, confidences to the millionth.

    What could not be heard is one row without numbers, as OpenSoundscape's are: of a file that failed, or of
    the rest of one. `pandas.read_csv(..., index_col=[0, 1, 2])` makes the data frame of `predict`. The kind
    "scores" is the same as Parquet, with full precision, and a tenth of the bytes.

    Parameters
    ----------
    folder : path
    about : About
    model : int
        Whose classes they are, by its place among the run's models.
    csv_safe : bool
    called : str
    """

    of_file: ClassVar = ".wide.csv"

    def __init__(
        self, folder: Path, about: About, model: int = 0, *, csv_safe: bool = False, called: str = ""
    ) -> None:
        whose = about.models[model]
        self.takes = (model, "scores")
        self._model, self._has_channels = whose.name, about.has_channels
        self._n_classes = whose.widths.get("scores", 0)
        self._cell = csv_cell(safe=csv_safe)
        classes = _classes(whose.label_spaces, self._n_classes)
        titles = (*TITLES, *(("channel",) if about.has_channels else ()))
        super().__init__(
            folder / (called or name(about, model)),
            (*titles, *(map(harmless, classes) if csv_safe else classes)),
            csv_safe=csv_safe,
        )

    def begin(self, result: Result) -> None:
        """Take what is known of the next file."""
        self._file, self._heard_s, self._n_rows = self._cell(result.path), 0.0, 0
        of_us = [failure for failure in result.failures if failure.model in ("", self._model)]
        self._has_failed = bool(of_us)
        self._lasts_s = max(result.duration_s, *(failure.duration_s or 0.0 for failure in of_us), 0.0)

    def dense(self, rows: Rows) -> None:
        """Append rows of the file: [n] of `outcomes.row`."""
        at_once = max(1, CELLS_AT_ONCE // max(1, self._n_classes))
        for first in range(0, len(rows), at_once):
            self._write(rows[first : first + at_once])

    def _write(self, rows: Rows) -> None:
        channels = rows["channel"].tolist() if self._has_channels else [None] * len(rows)
        times = zip(rows["start_s"].tolist(), rows["end_s"].tolist(), channels, strict=True)
        for (start_s, end_s, channel), cells in zip(times, _cells(rows["values"]), strict=True):
            self.stream.write(f"{self._span(start_s, end_s, channel)}{cells}\n")
        self._n_rows += len(rows)
        self._heard_s = float(rows["end_s"].max(initial=self._heard_s))

    def end(self) -> None:
        """Append a row for what was not heard."""
        if self._has_failed:
            begin_s = self._heard_s if self._heard_s < self._lasts_s else 0.0
            if not self._n_rows or begin_s:
                channel = 0 if self._has_channels else None
                self.stream.write(f"{self._span(begin_s, self._lasts_s, channel)}{',' * self._n_classes}\n")

    def _span(self, start_s: float, end_s: float, channel: int | None) -> str:
        apart = "" if channel is None else f",{channel}"
        return f"{self._file},{seconds(start_s)},{seconds(end_s)}{apart}"


def is_one(path: Path) -> bool:
    """Whether a file begins as such a table does."""
    begin = ",".join(TITLES).encode()
    return sources.head(path, 2 * len(begin), ConfigError).replace(b'"', b"").startswith(begin)


def name(about: About, model: int) -> str:
    """Return what a wide table's file is called: one for each model, as each has its own classes."""
    return f"{KIND}-{about.models[model].name}.csv" if about.has_several else f"{KIND}.csv"


def _cells(values: Float32) -> Iterator[str]:
    """Yield each window's cells, a comma before each: ",0.012345,0.900000".

    All of them are looked up as three digits and three more: written one by one, 6,522 classes take longer
    than the network. What is no confidence is written as it is.
    """
    millionths = np.rint(values.astype(np.float64) * 1e6)  # exact: 24 bits by 14
    fits = np.all((millionths >= 0) & (millionths <= 1e6), axis=1)
    whole = np.where(fits[:, None], millionths, 0).astype(np.int32)
    first, rest = np.divmod(whole, 1000)
    text = _joined(first, rest)
    for number, is_usual in enumerate(fits.tolist()):
        if is_usual:
            yield text[number].tobytes().decode("ascii")
        else:
            yield "".join(f",{value!r}" if value == value else "," for value in values[number].tolist())


def _joined(first: Array, rest: Array) -> Array:
    """Return the digits of numbers [n, width] behind commas: uint8 [n, width, 9]."""
    joined = np.empty((*first.shape, 9), np.uint8)
    joined[..., :6] = THOUSANDTHS.view(np.uint8).reshape(-1, 6)[first]
    joined[..., 6:] = MILLIONTHS.view(np.uint8).reshape(-1, 3)[rest]
    return joined


def _classes(spaces: Sequence[Names], n_classes: int) -> list[str]:
    """Return what the columns of classes are called, each once: as BirdNET's labels have them."""
    named = [
        both(*pair) if len(spaces) == 1 else f"{space.space}: {both(*pair)}"
        for space in spaces
        for pair in zip(space.scientific, space.common, strict=True)
    ]
    named += [f"class {number}" for number in range(len(named), n_classes)]  # none has a name before a run
    seen = Counter[str]()
    told = []
    for one in named[:n_classes]:
        seen[one] += 1
        told.append(one if seen[one] == 1 else f"{one}.{seen[one] - 1}")  # as pandas tells them apart
    return told
