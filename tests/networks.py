"""Tiny TFLite networks, built without TensorFlow: one matrix product from samples to logits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

RATE_HZ = 8_000
WINDOW_SAMPLES = 4_000
LABELS = ("Avis prima_First Bird", "Avis secunda_Second Bird", "Noise")


def weights(n_classes: int = len(LABELS), window_samples: int = WINDOW_SAMPLES) -> np.ndarray:
    """Return the network's matrix: float32 [n_classes, window_samples]."""
    random = np.random.default_rng(1)
    return random.standard_normal((n_classes, window_samples)).astype(np.float32) / 10


def tflite(matrix: np.ndarray, input_type: int = schema.TensorType.FLOAT32) -> bytes:
    """Return a network whose logits are `matrix @ samples`."""
    n_classes, window_samples = matrix.shape
    graph = schema.SubGraphT()
    graph.tensors = [
        _tensor("samples", [1, window_samples], 0, input_type),
        _tensor("matrix", [n_classes, window_samples], 1),
        _tensor("logits", [1, n_classes], 0),
    ]
    product = schema.OperatorT()
    product.opcodeIndex, product.inputs, product.outputs = 0, [0, 1, -1], [2]
    product.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    product.builtinOptions = schema.FullyConnectedOptionsT()
    graph.operators, graph.inputs, graph.outputs = [product], [0], [2]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
    model.buffers = [schema.BufferT(), schema.BufferT()]
    model.buffers[1].data = np.frombuffer(matrix.tobytes(), np.uint8)
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def write_folder(folder: Path, matrix: np.ndarray | None = None) -> Path:
    """Write a model folder: the network, its labels, and what it wants."""
    (folder / "tiny.tflite").write_bytes(tflite(weights() if matrix is None else matrix))
    (folder / "labels.txt").write_text("\n".join(LABELS) + "\n")
    (folder / "model.toml").write_text(f"rate_hz = {RATE_HZ}\nwindow_samples = {WINDOW_SAMPLES}\n")
    return folder


def _tensor(name: str, shape: list[int], buffer: int, kind: int = schema.TensorType.FLOAT32) -> Any:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name, shape, kind, buffer
    return tensor
