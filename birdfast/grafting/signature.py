"""What a network takes and gives: which input is the sound, and which output holds the scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..config import GraphEnd
from ..errors import ModelError

OPEN = -1


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
        lengths = ", ".join("any" if length is None else str(length) for length in self.shape)
        return f"{self.name} {self.dtype} [{lengths}]"


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
    """

    names: tuple[str, ...]
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    ends_in: GraphEnd = ""
    scale: float = 0.0

    def __str__(self) -> str:
        return f"{' = '.join(self.names)} {self.dtype} {list(self.shape)}"

    @property
    def n_classes(self) -> int:
        """How many classes it scores in a window; 0 if it is no row of numbers, OPEN if nobody knows yet."""
        if OPEN in self.shape[1:] or self.shape == (OPEN,):
            return OPEN
        size = abs(math.prod(self.shape))  # an open number of windows is one
        return size if self.shape and size == max(self.shape) else 0


def the_input(inputs: Sequence[Input]) -> Input:
    """Return a network's one input; raise ModelError where it has none or several."""
    if len(inputs) != 1:
        raise ModelError(
            f"has {len(inputs)} inputs ({_listed(inputs)}); birdfast has one to give: sound, or its picture"
        )
    return inputs[0]


def scores_output(outputs: Sequence[Output], name: str, n_classes: int) -> int:
    """Return the place of the output that holds the scores.

    Parameters
    ----------
    outputs : sequence of Output
    name : str
        Its name; a part of it will do, if no other has that part; or "".
    n_classes : int
        Its length, or 0; it decides where there is no name.

    Raises
    ------
    ModelError
        The name fits none or several; there is no name, and several outputs of that length; or what is
        found is no row of numbers.
    """
    place = named(outputs, name) if name else _fitting(outputs, n_classes)
    found = outputs[place]
    if not (found.dtype == np.float32 or found.scale) or not found.n_classes:
        raise ModelError(
            f"its scores are {found}; birdfast takes a number a class, float32 [1, classes], or int8 or uint8"
            " with a scale"
        )
    return place


def named(outputs: Sequence[Output], name: str, key: str = "output") -> int:
    """Return the place of the output of a name, or of the only one that has it in its own; else ModelError.

    `key` is the manifest's word for what is looked for.
    """
    exact = [place for place, output in enumerate(outputs) if name in output.names]
    parts = [place for place, output in enumerate(outputs) if any(name in known for known in output.names)]
    for choice in (exact, parts):
        if len(choice) == 1:
            return choice[0]
    fits = "several outputs" if parts else "no output"
    raise ModelError(f"{key} = {name!r} fits {fits}; there are: {_listed(outputs)}")


def _fitting(outputs: Sequence[Output], n_classes: int) -> int:
    fitting = [place for place, output in enumerate(outputs) if n_classes and output.n_classes == n_classes]
    for choice in (fitting, list(range(len(outputs)))):
        if len(choice) == 1:
            return choice[0]
    raise ModelError(f"which output holds the scores? There are: {_listed(outputs)}")


def _listed(outputs: Sequence[Input | Output]) -> str:
    return ", ".join(map(str, outputs)) or "none"
