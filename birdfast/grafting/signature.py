"""What a network takes and gives: which input is the sound, and which output is meant."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ..config import GraphEnd
from ..errors import ModelError
from ..words import typed

T = TypeVar("T")
OPEN = -1
SHAPE = re.compile(r"\[ *(?:[0-9]+|\?|-1)(?: *, *[0-9]+)* *\]")


class Input(NamedTuple):
    """One of the inputs of a network.

    Attributes
    ----------
    tensor, name : int, str
    dtype : str
        NumPy's word.
    shape : tuple of int or None
        None is a length that whoever runs it chooses.
    held : tuple of int
        The shape that the file has for it.
    scale, zero_point : float, int
        A number q stands for ``scale * (q - zero_point)``; scale 0: for itself.
    """

    tensor: int
    name: str
    dtype: str
    shape: tuple[int | None, ...]
    held: tuple[int, ...]
    scale: float = 0.0
    zero_point: int = 0

    def __str__(self) -> str:
        return f"{self.name} {typed(self.dtype, self.shape)}"


class Output(NamedTuple):
    """One of the outputs of a network.

    Attributes
    ----------
    names : tuple of str
        Its tensor's, and those that the network's signatures give it.
    dtype, shape
        -1 is a length that shows when the network runs; all of the shape is (-1,).
    ends_in : GraphEnd
        What the graph has done to it last.
    scale : float
        Of numbers that are quantised; 0: they are not.
    lacks : str
        Why it cannot be computed; "": it can.
    """

    names: tuple[str, ...]
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    ends_in: GraphEnd = ""
    scale: float = 0.0
    lacks: str = ""

    def __str__(self) -> str:
        return f"{' = '.join(self.names)} {self.dtype} {list(self.shape)}"

    @property
    def n_classes(self) -> int:
        """How many classes it scores in a window; 0 if it is no row of numbers, OPEN if nobody knows yet."""
        if OPEN in self.shape[1:] or self.shape == (OPEN,):
            return OPEN
        size = abs(math.prod(self.shape))  # an open number of windows is one
        return size if self.shape and size == max(self.shape) else 0

    @property
    def is_numbers(self) -> bool:
        """Whether what it gives are numbers with a meaning: float32, or quantised with a scale."""
        return self.dtype == np.float32 or bool(self.scale)

    @property
    def is_spatial(self) -> bool:
        """Whether it has, or may have, a vector for each place of a window's picture."""
        return len(self.shape) > 2 or self.shape == (OPEN,)


def the_input(inputs: Sequence[T]) -> T:
    """Return a network's one input; raise ModelError where it has none or several."""
    if len(inputs) != 1:
        found = ", ".join(map(str, inputs)) or "none"
        raise ModelError(
            f"has {len(inputs)} inputs ({found}); birdfast has one to give: sound, or its picture"
        )
    return inputs[0]


def scores_output(outputs: Sequence[Output], which: str, n_classes: int) -> int:
    """Return the place of the output that holds the scores.

    Parameters
    ----------
    outputs : sequence of Output
    which : str
        See `chosen`; or "".
    n_classes : int
        Its length, or 0; it decides where nothing else is told.

    Raises
    ------
    ModelError
        As `chosen`; nothing is told, and several outputs have that length; or what is found is no row of
        numbers.
    """
    place = chosen(outputs, which) if which else _fitting(outputs, n_classes)
    found = outputs[place]
    if not found.is_numbers or not found.n_classes:
        raise ModelError(
            f"its scores are {found}; birdfast takes a number a class, float32 [1, classes], or int8 or uint8"
            " with a scale"
        )
    return place


def chosen(outputs: Sequence[Output], which: str, key: str = "output") -> int:
    """Return the place of an output that is told by its name, its place or its shape.

    Parameters
    ----------
    outputs : sequence of Output
    which : str
        Its name; or its place in the file's order, "#0" the first; or its shape, "[1, 521]" or
        "[16, 4, 1536]", whatever the batch is; or a part of a name, if no other has that part.
    key : str
        Under which it was told.

    Raises
    ------
    ModelError
        It fits none or several; the message lists what there is.
    """
    ways = (
        [place for place, output in enumerate(outputs) if which in output.names],
        [place for place in range(len(outputs)) if which == f"#{place}"],
        [place for place, output in enumerate(outputs) if _has_shape(output.shape, which)],
        [place for place, output in enumerate(outputs) if any(which in known for known in output.names)],
    )
    for way in ways:
        if len(way) == 1:
            return way[0]
    fits = "several outputs" if any(ways) else "no output"
    raise ModelError(f"{key} = {which!r} fits {fits}; there are: {_listed(outputs)}")


def _has_shape(shape: tuple[int, ...], which: str) -> bool:
    """Whether an output's shape is the one that is told, with a batch axis or without."""
    if not SHAPE.fullmatch(which):
        return False
    told = tuple(OPEN if length.strip() == "?" else int(length) for length in which[1:-1].split(","))
    tails = [told, told[1:]] if len(told) > 1 and told[0] in (1, OPEN) else [told]
    return shape == told or (len(shape) > 1 and any(_alike(shape[1:], tail) for tail in tails))


def _alike(shape: tuple[int, ...], told: tuple[int, ...]) -> bool:
    return len(shape) == len(told) and all(a in (b, OPEN) for a, b in zip(shape, told, strict=True))


def _fitting(outputs: Sequence[Output], n_classes: int) -> int:
    fitting = [place for place, output in enumerate(outputs) if n_classes and output.n_classes == n_classes]
    for choice in (fitting, list(range(len(outputs)))):
        if len(choice) == 1:
            return choice[0]
    raise ModelError(f"which output holds the scores? There are: {_listed(outputs)}")


def _listed(outputs: Sequence[Output]) -> str:
    return ", ".join(f"#{place} {output}" for place, output in enumerate(outputs)) or "none"
