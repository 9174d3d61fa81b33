"""Where a network's files lie, if elsewhere than its facts say."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from . import kinds
from .model import Model


def with_files(model: Model, path: Path, labels_path: Path) -> Model:
    """Return a network whose files lie elsewhere; what is in the file says of what kind it is."""
    told: dict[str, Any] = {"kind": model.kind if model.kind in ("stsg", "head") else kinds.found(path)}
    if model.labels_format == "onnx" and labels_path != path:
        told["labels_format"] = "lines"
    return dataclasses.replace(model, path=path, labels_path=labels_path, **told)
