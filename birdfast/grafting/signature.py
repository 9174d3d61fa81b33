"""What a network takes and gives: which input is the sound, and which output has which role."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from ..config import GraphEnd
from ..errors import ModelError

LOGITS: Final = "logits"  # roles of outputs
EMBEDDING: Final = "embedding"
SPATIAL_EMBEDDING: Final = "spatial_embedding"
OPEN = -1
SHAPE = re.compile(r"\[ *(?:[0-9]+|\?|-1)(?: *, *[0-9]+)* *\]")


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
    """

    names: tuple[str, ...]
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    ends_in: GraphEnd = ""

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
    def is_spatial(self) -> bool:
        """Whether it has, or may have, a vector for each place of a window's picture."""
        return len(self.shape) > 2 or self.shape == (OPEN,)


class Space(NamedTuple):
    """The scores of a further label space: its name, which output has them, and how many they are, or 0."""

    name: str
    output: str
    n_classes: int


class Wanted(NamedTuple):
    """Which of a network's outputs are to be shown, and in which roles.

    Each is told by its name, a part of it that no other has, its place ("#1", from 0) or its shape
    ("[1, 521]").

    Attributes
    ----------
    output, n_classes : str, int
        The scores, and how many they are; "" and 0: not told.
    embedding, spatial_embedding : str
        "": the one that the network shows by itself, and none.
    more : tuple of Space
        Further label spaces.
    """

    output: str = ""
    n_classes: int = 0
    embedding: str = ""
    spatial_embedding: str = ""
    more: tuple[Space, ...] = ()


NOT_TOLD = Wanted()


def logits_of(name: str) -> str:
    """Return the role of a further label space's scores."""
    return f"{LOGITS}:{name}"


def is_logits(role: str) -> bool:
    """Whether it is the role of a label space's scores."""
    return role.partition(":")[0] == LOGITS


def further_ends(shown: Mapping[str, Output]) -> Mapping[str, GraphEnd]:
    """Return what graphs end in that score further label spaces, by role."""
    return {role: output.ends_in for role, output in shown.items() if is_logits(role) and role != LOGITS}


def of_a_window(shape: Sequence[int], batch: int = 1) -> tuple[int, ...]:
    """Return the shape of what is said of one window, of that of a batch."""
    return tuple(map(int, shape[1:] if len(shape) > 1 and shape[0] == batch else shape))


def check_inputs(inputs: Sequence[tuple[np.dtype[Any], Sequence[int]]]) -> None:
    """Raise ModelError unless a network's inputs are one window of sound: float32 [1, n] or [n]."""
    if len(inputs) != 1:
        raise ModelError(f"has {len(inputs)} inputs; a network for sound has one")
    dtype, shape = inputs[0]
    if dtype != np.float32 or len(shape) not in (1, 2) or list(shape[:-1]) not in ([], [1]) or shape[-1] < 2:
        raise ModelError(
            f"takes {dtype} {list(shape)}; a network for sound takes float32 [1, samples] or [samples]"
        )


def roles(outputs: Sequence[Output], wanted: Wanted) -> dict[str, int]:
    """Return the places of the outputs that are to be shown, by role.

    Parameters
    ----------
    outputs : sequence of Output
    wanted : Wanted

    Returns
    -------
    dict of str to int
        "logits"; "logits:NAME" for each further label space; "embedding" and "spatial_embedding" where
        they are told.

    Raises
    ------
    ModelError
        As `scores_output`, for any of them; or two label spaces have one output.
    """
    found = {LOGITS: scores_output(outputs, wanted.output, wanted.n_classes)}
    for space in wanted.more:
        try:
            place = scores_output(outputs, space.output, space.n_classes)
        except ModelError as error:
            raise ModelError(f"label space {space.name}: {error}") from error
        if place in found.values():
            raise ModelError(f"label space {space.name}: its scores are another's, {outputs[place]}")
        found[logits_of(space.name)] = place
    for role in (EMBEDDING, SPATIAL_EMBEDDING):
        if which := getattr(wanted, role):
            found[role] = _vectors(outputs, role, which)
    return found


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
        float32.
    """
    place = chosen(outputs, which) if which else _fitting(outputs, n_classes)
    found = outputs[place]
    if found.dtype != np.float32 or not found.n_classes:
        raise ModelError(f"its scores are {found}; birdfast takes a number a class, float32 [1, classes]")
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


def _vectors(outputs: Sequence[Output], role: str, which: str) -> int:
    """Return the place of an embedding, which has to be one."""
    place = chosen(outputs, which, role)
    found, is_spatial = outputs[place], role == SPATIAL_EMBEDDING
    if found.dtype != np.float32 or not (found.is_spatial if is_spatial else found.n_classes):
        takes = "[1, places ..., values]" if is_spatial else "[1, values]"
        raise ModelError(f"its {role} is {found}; birdfast takes float32 {takes}")
    return place


def _fitting(outputs: Sequence[Output], n_classes: int) -> int:
    fitting = [place for place, output in enumerate(outputs) if n_classes and output.n_classes == n_classes]
    for choice in (fitting, list(range(len(outputs)))):
        if len(choice) == 1:
            return choice[0]
    raise ModelError(f"which output holds the scores? There are: {_listed(outputs)}")


def _listed(outputs: Sequence[Output]) -> str:
    return ", ".join(f"#{place} {output}" for place, output in enumerate(outputs)) or "none"
