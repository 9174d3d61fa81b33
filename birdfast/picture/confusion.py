"""Which class is taken for which, as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from .. import canvas
from ..errors import ConfigError
from .names import plain

MOST_CLASSES = 1000  # more are less than a dot each
MOST_NUMBERS = 30  # classes up to which cells have numbers in them
MOST_NAMES = 120


def draw_confusion(
    counts: Mapping[tuple[int, int], int], classes: Sequence[str], to: Path, nobody: str = "(none)"
) -> None:
    """Write a PNG of a confusion matrix: a row for each class, dark where many are taken for one.

    Parameters
    ----------
    counts : dict of (int, int) to int
        How many clips, by the number of their class and of the one that they are taken for. Those without a
        class have the number -1.
    classes : sequence of str
    to : path
    nobody : str
        What the row of those without a class is called; there is none if there are none.

    Raises
    ------
    ConfigError
        matplotlib is missing, `to` is a file that is no picture, or there are too many classes.
    """
    canvas.check(to)
    n = len(classes)
    if n > MOST_CLASSES:
        raise ConfigError(f"{n:,} classes: a picture holds {MOST_CLASSES:,}; see the table")
    rows = [*classes, nobody] if any(label < 0 for label, _ in counts) else [*classes]
    cells = np.zeros((len(rows), n), np.int64)
    for (label, other), count in counts.items():
        cells[label if label >= 0 else n, other] = count
    shares = cells / np.maximum(cells.sum(axis=1, keepdims=True), 1)
    size_in = min(30, 3 + 0.3 * n)
    figure = canvas.figure(size_in + 1, size_in)
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, label="share of the row", shrink=0.6)
    axes.set(xlabel="taken for", ylabel="is")
    font = 9 if n <= MOST_NUMBERS else 6
    if n <= MOST_NAMES:
        axes.set_xticks(range(n), map(plain, classes), rotation=90, fontsize=font, parse_math=False)
        axes.set_yticks(range(len(rows)), map(plain, rows), fontsize=font, parse_math=False)
    if n <= MOST_NUMBERS:
        for row, column in np.argwhere(cells):
            text = f"{cells[row, column]:,}"
            ink = "white" if shares[row, column] > 0.6 else "black"
            axes.text(column, row, text, ha="center", va="center", fontsize=7, color=ink)
    canvas.write(figure, to)
