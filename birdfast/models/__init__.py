"""Pretrained networks: what each wants, and where its files lie on this machine.

The facts are data (models.toml); a network that is not listed there is a .tflite or .onnx file of the
user's with its labels, or a folder of both, with a `model.toml` of the same keys where the
network's input length does not already tell its kind.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

from .. import voice
from ..config import path as checked_path
from ..config import several
from ..errors import ModelError
from ..labels import format_of
from .activation import activation_after
from .kinds import Digests, Kind
from .known import catalogue
from .labelspace import LabelSpace
from .model import Model, described, listed
from .names import check_several, is_name, place_of
from .places import FOLDERS_VARIABLE, cache_folder, folders, is_file, is_folder
from .unchanged import check_unchanged
from .window import check_window

__all__ = [
    "FOLDERS_VARIABLE",
    "Digests",
    "Kind",
    "LabelSpace",
    "Labels",
    "Model",
    "activation_after",
    "cache_folder",
    "catalogue",
    "check_several",
    "check_unchanged",
    "check_window",
    "described",
    "find",
    "find_all",
    "folders",
    "found_own",
    "is_name",
    "own_names",
    "place_of",
]


Labels = str | os.PathLike[str] | None


def find(name_or_path: str | os.PathLike[str], labels: str | os.PathLike[str] | None = None) -> Model:
    """Return a network that is ready to open.

    Parameters
    ----------
    name_or_path : str or path
        A name of models.toml, a .tflite or .onnx file, a folder that holds one, or the name of such a folder
        in one of those where models lie (`folders`); of a file or such a folder and one there, the first is
        taken, which is said.
    labels : path or None
        Other labels than the model's own; those of a file are `<stem>_Labels.txt` beside it, or what an
        .onnx file tells itself.

    Raises
    ------
    ModelError
        No such model, or a file of it is missing; the message says how to get it.
    """
    name = checked_path("model", name_or_path)
    path = Path(name)
    labels = None if labels is None else checked_path("labels", labels)
    if name in listed():
        model = catalogue()[name]
        if not model.found:
            raise ModelError(model.how_to_get())
    else:
        from . import heads, own  # the listed ones need neither, nor do workers

        places, is_place = own.places() if os.sep not in name else {}, own.is_place(name)
        if is_place and name in places:
            voice.aside(f"{name}: {path.absolute()} is taken, not the model of that name in {places[name]}")
        if is_file(name):
            return heads.completed(own.alone(path, Path(labels) if labels else None))
        if not is_place and name in places:
            model = heads.completed(own.in_folder(places[name]))
        elif is_folder(name):
            model = heads.completed(own.in_folder(path))
        else:
            places = places or own.places()
            known = (*listed(), *places)
            meant = [f"did you mean {one}? " for one in known if one.casefold() == name.casefold()]
            raise ModelError(
                f"{path}: no such model; {''.join(meant)}it takes {', '.join(known)}, a .tflite or .onnx"
                " file, or a folder with one"
            )
    if not labels:
        return model
    if not is_file(labels):
        raise ModelError(f"{model.path}: its labels are missing ({os.fspath(labels)})")
    is_own = Path(labels) in (model.path, model.labels_path)
    its = model.labels_format if is_own else format_of(Path(labels), model.labels_format)
    return dataclasses.replace(model, labels_path=Path(labels), labels_format=its)


def find_all(
    named: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    labels: Labels | Sequence[Labels] = None,
) -> list[Model]:
    """Return one or several networks, as `find` does each.

    Parameters
    ----------
    named : str or path, or several of them
    labels : path or None, or several of them
        One for each model, in the same order; None is a model's own.

    Raises
    ------
    ModelError
        As `find`; or there are labels, but not one for each model.
    """
    if isinstance(named, str | bytes | os.PathLike):
        named = [named]
    named = several("model", named, "a name, a path, or several of them")
    if labels is None:
        labels = [None] * len(named)
    elif isinstance(labels, str | bytes | os.PathLike):
        labels = [labels]
    labels = several("labels", labels, "a path, or one for each model")
    if len(labels) != len(named):
        raise ModelError(
            f"labels: {len(labels)} for {len(named)} models; there is one for each, in the order of the"
            " models, or none at all"
        )
    return [find(one, its) for one, its in zip(named, labels, strict=True)]


def own_names() -> list[str]:
    """Return the names of the user's own models: folders where models lie, beside those of models.toml."""
    from . import own

    return list(own.places())


def found_own(name: str) -> Model:
    """Return one of the user's own models by its name; errors as `find`."""
    from . import heads, own

    return heads.completed(own.in_folder(own.places()[name]))
