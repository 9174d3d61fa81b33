"""Where a network's files lie, if elsewhere than its facts say."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from .. import labels
from ..errors import ModelError
from . import kinds
from .model import Model


def format_of(labels_path: Path) -> str:
    """Return how labels are read where nothing tells it.

    Raises
    ------
    ModelError
        They are a CSV, whose column nobody knows; or they are no JSON.
    """
    kind = _kind(labels_path)
    if kind == "csv":
        raise ModelError(f'{labels_path}: a CSV needs labels_format = "csv:COLUMN" in a model.toml')
    return labels.of_json(labels_path) if kind == "json" else kind


def with_files(model: Model, path: Path, labels_path: Path) -> Model:
    """Return a network whose files lie elsewhere; what is in the file says of what kind it is."""
    told: dict[str, Any] = {"kind": model.kind if model.kind in ("stsg", "head") else kinds.found(path)}
    if labels_path != path and model.labels_format.partition(":")[0] != _kind(labels_path):
        told["labels_format"] = format_of(labels_path)
    return dataclasses.replace(model, path=path, labels_path=labels_path, **told)


def _kind(labels_path: Path) -> str:
    return {".csv": "csv", ".json": "json"}.get(labels_path.suffix.lower(), "lines")
