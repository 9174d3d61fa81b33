"""Label spaces: a network may say of one window the species, and beside it the genus and the family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from .. import labels
from ..config import Activation, made
from ..errors import ConfigError
from ..labels import Labels

OF_THE_FIRST = ("output", "labels", "labels_format", "activation")  # are the model's own


@dataclass(frozen=True, kw_only=True)
class LabelSpace:
    """Classes that a network scores in one of its outputs.

    Attributes
    ----------
    name : str
        What tables call it.
    output : str
        As `Model.output`; "": the one that has as many values as there are labels.
    labels : str
        The file with its labels, in the folder of the network.
    labels_format, activation : str
        As the model's own, which stand where these are "" (a format as long as it fits the file).
    """

    name: str = ""
    output: str = ""
    labels: str = ""
    labels_format: str = ""
    activation: Activation | Literal[""] = ""


def folded(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model's facts with its label spaces as values; what is told of the first is its own.

    Raises
    ------
    ConfigError
        They are no tables, or one has no name or that of another, a key that there is not, or, behind the
        first, no labels.
    """
    told = facts.get("label_spaces", ())
    if not isinstance(told, list | tuple):
        raise ConfigError(f"label_spaces = {told!r} does not fit; it takes tables")
    spaces = tuple(made(LabelSpace, "label_spaces", space) for space in told)
    for number, space in enumerate(spaces):
        _check(space, spaces[:number])
    own = {key: value for space in spaces[:1] for key in OF_THE_FIRST if (value := getattr(space, key))}
    return {**facts, **own, "label_spaces": spaces}


def _check(space: LabelSpace, before: tuple[LabelSpace, ...]) -> None:
    if not space.name.strip() or not space.name.isprintable() or space.name in {one.name for one in before}:
        raise ConfigError(f"label_spaces.name: {space.name!r} does not fit; each has a name of its own")
    if space.activation not in ("", *get_args(Activation)):
        fits = " or ".join(get_args(Activation))
        raise ConfigError(f"label_spaces.activation: {space.activation!r} does not fit; it takes {fits}")
    if space.labels_format and not labels.is_format(space.labels_format):
        raise ConfigError(
            f"label_spaces.labels_format: {space.labels_format!r} does not fit; it takes {labels.FORMATS}"
        )
    if before and not space.labels:
        raise ConfigError(f"label_spaces.labels: {space.name} has none")


def labels_of(
    spaces: Sequence[LabelSpace], own: Path, more: Sequence[Path], labels_format: str
) -> tuple[Labels, ...]:
    """Read what the classes of label spaces are called; errors as `labels.load`.

    Parameters
    ----------
    spaces : sequence of LabelSpace
        None is one without a name.
    own, more : path, sequence of path
        The labels of the first, and of the others.
    labels_format : str
        The first's, and that of others that tell none and can be read so (`labels.format_of`).
    """
    first, *others = spaces or (LabelSpace(),)
    found = [labels.load(own, labels_format, first.name)]
    for path, space in zip(more, others, strict=True):
        its = space.labels_format or labels.format_of(path, labels_format)
        found.append(labels.load(path, its, space.name))
    return tuple(found)
