"""Signatures of a TFLite model: what programs call its inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .flatbuffer import schema

SERVING = "serving_default"
INPUTS, PREDICTIONS, EMBEDDINGS = "inputs", "predictions", "embeddings"  # as birdnet looks for them


def signature(inputs: Mapping[str, int], outputs: Mapping[str, int], key: str = SERVING) -> Any:
    """Return a signature (SignatureDefT) of the main graph: tensors by their names."""
    made = schema.SignatureDefT()
    made.signatureKey, made.subgraphIndex = key.encode(), 0
    made.inputs = [entry(name, tensor) for name, tensor in inputs.items()]
    made.outputs = [entry(name, tensor) for name, tensor in outputs.items()]
    return made


def entry(name: str, tensor: int) -> Any:
    """Return one name of a signature (TensorMapT)."""
    made = schema.TensorMapT()
    made.name, made.tensorIndex = name.encode(), tensor
    return made
