"""Decisive: which facts of a network decide what it says of sound, as text that can be compared."""

from __future__ import annotations

import dataclasses
import json

from ..frontends import recipe
from .model import Model

OF_MODEL = (
    "rate_hz",
    "window_samples",
    "step_samples",
    "normalization",
    "activation",
    "background",
    "thresholds",
    "output",
    "embedding",
    "spatial_embedding",
    "label_spaces",
    "front_end",
    "labels_format",
    "post",
)


def decisive(model: Model) -> dict[str, str]:
    """Return the facts of a network that decide, by name, each as JSON; its files are not among them."""
    facts = {name: getattr(model, name) for name in OF_MODEL}
    facts["label_spaces"] = [dataclasses.asdict(space) | {"labels": ""} for space in model.label_spaces]
    if model.front_end is not None:
        facts["front_end"] = recipe.plain(model.front_end)
    return {name: json.dumps(value) for name, value in facts.items()}
