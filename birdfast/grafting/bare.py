"""A network without what usually runs it, for another runtime to run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..arrays import Array, Float32
from ..frontends import compiled
from ..frontends.tables import FrontEnd

Feed = Callable[[Float32], Array]


class Bare(NamedTuple):
    """A network, and what is put in and taken out.

    Attributes
    ----------
    data : bytes or path
        A model that is safe to hand to a runtime, or the file that holds it.
    feeder : callable
        Returns a function that makes of windows what its input is given; each thread needs its own.
    places : dict of str to int
        Which of its outputs are shown, by role.
    room : int
        Windows that its input always holds; 0: as many as come.
    shapes : sequence of shapes
        Of its input, as a session gives it: for a trial.
    """

    data: bytes | Path
    feeder: Callable[[], Feed]
    places: Mapping[str, int]
    room: int
    shapes: Sequence[Sequence[int]]


def as_it_is(shape: tuple[int, ...]) -> Feed:
    """Return what gives windows to a network without a front end of ours, in its input's shape."""
    return lambda windows: windows.reshape(shape)


def feed(front_end: FrontEnd, shape: tuple[int, ...] | None = None) -> Feed:
    """Return what makes of windows the input of a body, of a shape that it has for so many; None: its own."""
    kernel = compiled.kernel(front_end)
    return lambda windows: kernel(
        windows, np.empty(front_end.batched(len(windows)) if shape is None else shape, np.float32)
    )
