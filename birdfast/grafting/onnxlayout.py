"""How a window's picture lies in a tensor: its frames and the values of each, in either order."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import Array, Bools
from .probe import Runs

MOST_VALUES = 2**26  # of one tensor or table: hostile files have large numbers


@dataclass(frozen=True)
class Layout:
    """Frames and values of each, and which comes first; axes of one beside them say nothing."""

    frames: int
    values: int
    frames_first: bool

    def rows(self, picture: Array) -> Array:
        """Return [frames, values] of a tensor."""
        if self.frames_first:
            return picture.reshape(self.frames, self.values)
        return picture.reshape(self.values, self.frames).T

    def picture(self, rows: Array) -> Array:
        """Return a tensor's numbers, in its order, of [frames, values]."""
        rows = np.reshape(rows, (self.frames, self.values))
        return np.ascontiguousarray(rows if self.frames_first else rows.T)

    @property
    def strides(self) -> tuple[int, int]:
        """How far frames lie apart in the tensor, and values."""
        return (self.values, 1) if self.frames_first else (1, self.frames)


def of_frames(shape: Sequence[int], frames: int) -> list[Layout]:
    """Return the layouts that a picture of so many frames can have: both, where it has as many values."""
    lengths = [length for length in shape if length != 1]
    rest, odd = divmod(math.prod(lengths), frames)
    if odd or len(lengths) > 2 or (len(lengths) == 2 and frames not in lengths):
        return []
    orders = (True,) if len(lengths) < 2 else (True, False)
    return [
        Layout(frames, rest, first) for first in orders if len(lengths) < 2 or lengths[not first] == frames
    ]


def of_click(changed: Bools) -> Layout | None:
    """Return the layout of a spectrum, in which a click changes all bins of some frames; None if it is none.

    Parameters
    ----------
    changed : bool, of the spectrum's shape
    """
    lengths = [length for length in changed.shape if length != 1]
    if len(lengths) == 1:
        return Layout(1, lengths[0], True)
    if len(lengths) != 2:
        return None
    picture = changed.reshape(lengths)
    for first, grid in ((True, picture), (False, picture.T)):
        heard = grid.any(axis=1)
        if not heard.all() and grid[heard].mean() > 0.9 and heard.any():
            return Layout(len(grid), grid.shape[1], first)
    return None


class Laid:
    """A piece whose tensors are given, and given back, as [frames, values]; see `probe.Runs`.

    Parameters
    ----------
    piece : Runs
    inputs : dict of str to Layout
    output : Layout or None
        None: as the piece gives it.
    """

    def __init__(self, piece: Runs[str], inputs: Mapping[str, Layout], output: Layout | None = None) -> None:
        self._piece, self._inputs, self._output = piece, inputs, output
        self.shapes = {name: (layout.frames, layout.values) for name, layout in inputs.items()}

    def __call__(self, feeds: Mapping[str, Array]) -> Array:
        """Return what the piece gives."""
        found = self._piece({name: self._inputs[name].picture(rows) for name, rows in feeds.items()})
        return found if self._output is None else self._output.rows(found)
