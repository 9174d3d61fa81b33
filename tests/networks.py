"""Tiny networks: of TFLite, built without TensorFlow, one matrix product from samples to logits; of STSG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from birdfast import modelfolder, models
from birdfast.models import Model
from birdfast.stsg.tokenizer import TokenFrontEnd

RATE_HZ = 8_000
WINDOW_SAMPLES = 4_000
LABELS = ("Avis prima_First Bird", "Avis secunda_Second Bird", "Noise")


def weights(n_classes: int = len(LABELS), window_samples: int = WINDOW_SAMPLES) -> np.ndarray:
    """Return the network's matrix: float32 [n_classes, window_samples]."""
    random = np.random.default_rng(1)
    return random.standard_normal((n_classes, window_samples)).astype(np.float32) / 10


def tflite(*matrices: np.ndarray, input_type: int = schema.TensorType.FLOAT32) -> bytes:
    """Return a network whose logits are `matrix @ samples`; of several matrices the first comes first."""
    graph = schema.SubGraphT()
    graph.tensors = [_tensor("samples", [1, matrices[0].shape[1]], 0, input_type)]
    graph.operators = []
    for number, matrix in enumerate(matrices, 1):
        graph.tensors.append(_tensor(f"matrix{number}", list(matrix.shape), number))
        graph.tensors.append(_tensor(f"product{number}", [1, len(matrix)], 0))
        product = schema.OperatorT()
        product.opcodeIndex = 0
        product.inputs, product.outputs = [2 * number - 2, 2 * number - 1, -1], [2 * number]
        product.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
        product.builtinOptions = schema.FullyConnectedOptionsT()
        graph.operators.append(product)
    graph.inputs, graph.outputs = [0], [2 * len(matrices)]
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
    model = schema.ModelT()
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
    model.buffers = [schema.BufferT() for _ in (None, *matrices)]
    for buffer, matrix in zip(model.buffers[1:], matrices, strict=True):
        buffer.data = np.frombuffer(matrix.tobytes(), np.uint8)
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def write_folder(folder: Path, *matrices: np.ndarray) -> Path:
    """Write a model folder: the network, its labels, and what it wants."""
    (folder / "tiny.tflite").write_bytes(tflite(*(matrices or (weights(),))))
    (folder / "labels.txt").write_text("\n".join(LABELS) + "\n")
    (folder / "model.toml").write_text(f"rate_hz = {RATE_HZ}\nwindow_samples = {WINDOW_SAMPLES}\n")
    return folder


def write_short(folder: Path, rate_hz: int = 16_000, window_samples: int = 1_600, seed: int = 3) -> Model:
    """Write a network of a tenth of a second at a higher rate, whose embedding has 4 values."""
    random = np.random.default_rng(seed)
    shapes = (4, window_samples), (len(LABELS), 4)
    folder.mkdir()
    write_folder(folder, *(random.standard_normal(shape).astype(np.float32) / 10 for shape in shapes))
    (folder / "model.toml").write_text(f"rate_hz = {rate_hz}\nwindow_samples = {window_samples}\n")
    return models.find(folder)


def write_stsg(folder: Path, n_tokens: int = 30, dim: int = 6, window_s: float = 0.5) -> Path:
    """Write a model folder as training does, with tokens, embeddings and a head that nobody learnt."""
    random, n_values = np.random.default_rng(2), TokenFrontEnd().n_bands
    shapes = {
        "centroids": (n_tokens, n_values),
        "embeddings": (n_tokens, dim),
        "layer0_weight": (len(LABELS), dim),
        "layer0_bias": (len(LABELS),),
    }
    arrays = {name: random.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    facts = {"title": "tokens", "licence": "none", "activation": "softmax", "window_s": window_s}
    tables = {"classes": list(LABELS), "frontend": {"rate_hz": TokenFrontEnd().rate_hz}, "pooling": {}}
    modelfolder.write(folder, {**facts, **tables}, arrays)
    return folder


def write_tokens(folder: Path) -> Path:
    """Write the folder of a model of spectrogram tokens, with windows of half a second."""
    frontend = {"rate_hz": RATE_HZ, "n_fft": 256, "frame_samples": 256, "hop_samples": 160, "n_mels": 16,
                "n_mfcc": 0, "fmax_hz": 4_000.0, "log": True, "offset": 1e-5}  # fmt: skip
    facts = {"title": "noise", "licence": "none", "activation": "softmax", "window_s": 0.5,
             "classes": list(LABELS), "frontend": frontend, "pooling": {"statistics": 1.0}}  # fmt: skip
    random = np.random.default_rng(2)
    shapes = {"centroids": (40, 16), "embeddings": (40, 6), "layer0_weight": (len(LABELS), 6 + 3 * 16),
              "layer0_bias": (len(LABELS),)}  # fmt: skip
    arrays = {name: random.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    modelfolder.write(folder, facts, arrays)
    return folder


def described(path: Path, **facts: Any) -> Model:
    """Return a network by its file, and what is told of it."""
    return Model(**{"name": path.stem, "title": path.stem, "path": path, **facts})


def _tensor(name: str, shape: list[int], buffer: int, kind: int = schema.TensorType.FLOAT32) -> Any:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name, shape, kind, buffer
    return tensor
