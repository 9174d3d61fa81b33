"""Roles of a network's outputs: the scores of its label spaces, an embedding, a spatial one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from ..config import GraphEnd
from ..errors import ModelError
from .signature import Output, chosen, scores_output

LOGITS: Final = "logits"
EMBEDDING: Final = "embedding"
SPATIAL_EMBEDDING: Final = "spatial_embedding"


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
        As `scores_output`, for any of them; two label spaces have one output; or one cannot be computed.
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
    for place in found.values():
        if outputs[place].lacks:
            raise ModelError(f"{outputs[place].names[0]}: not supported: {outputs[place].lacks}")
    return found


def _vectors(outputs: Sequence[Output], role: str, which: str) -> int:
    """Return the place of an embedding, which has to be one."""
    place = chosen(outputs, which, role)
    found, is_spatial = outputs[place], role == SPATIAL_EMBEDDING
    if not found.is_numbers or not (found.is_spatial if is_spatial else found.n_classes):
        takes = "[1, places ..., values]" if is_spatial else "[1, values]"
        raise ModelError(f"its {role} is {found}; birdfast takes float32 {takes}")
    return place
