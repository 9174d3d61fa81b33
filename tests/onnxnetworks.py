"""Tiny ONNX networks: from samples, or a picture, to an embedding and logits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

RATE_HZ = 8_000
WINDOW_SAMPLES, DIM, N_CLASSES = 4_000, 8, 3
LABELS = ("Avis prima_First Bird", "Avis secunda_Second Bird", "Noise")
PICTURE = "front_end = { n_fft = 256, hop_samples = 100, n_mels = 20 }\n"
PICTURE_SHAPE = ("batch", 1, 20, 41)
FLOAT = onnx.TensorProto.FLOAT


def matrices(n_values: int = WINDOW_SAMPLES) -> tuple[np.ndarray, np.ndarray]:
    """Return what makes an embedding and logits: float32 [n_values, 8] and [8, 3]."""
    random = np.random.default_rng(3)
    first = random.standard_normal((n_values, DIM)) / np.sqrt(n_values)
    return first.astype(np.float32), random.standard_normal((DIM, N_CLASSES)).astype(np.float32)


def meaning(sound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the embedding and the logits of float32 [n, values]."""
    first, second = matrices(sound.shape[1])
    embedding = np.maximum(sound.astype(np.float64) @ first, 0)
    return embedding, embedding @ second


def network(
    shape: Sequence[int | str | None] = ("batch", WINDOW_SAMPLES),
    *,
    n_values: int = WINDOW_SAMPLES,
    end: str | None = None,
    mixes_windows: bool = False,
    dtype: int = FLOAT,
) -> onnx.ModelProto:
    """Return a network whose input has a shape; `end`: an operator behind its logits."""
    first, second = matrices(n_values)
    nodes = [
        helper.make_node("Reshape", ["sound", "flat"], ["samples"]),
        helper.make_node("MatMul", ["samples", "first"], ["product"]),
        helper.make_node("Relu", ["product"], ["hidden"]),
        helper.make_node("Gemm", ["hidden", "second"], ["linear"]),
    ]
    last = "linear"
    if mixes_windows:
        nodes.append(helper.make_node("ReduceSum", ["linear", "axis"], ["sum"], keepdims=1))
        nodes.append(helper.make_node("Add", ["linear", "sum"], ["mixed"]))
        last = "mixed"
    nodes.append(helper.make_node(end or "Identity", [last], ["scores"]))
    constants = {"first": first, "second": second, "flat": np.array([-1, n_values]), "axis": np.array([0])}
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("sound", dtype, list(shape))],
        [helper.make_tensor_value_info("scores", FLOAT, [None, N_CLASSES])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return model(graph)


def network_of_nodes(
    *nodes: tuple[str, Sequence[str], str], constants: dict[str, np.ndarray]
) -> onnx.ModelProto:
    """Return a network from `sound` to `scores` of operators: their kinds, what they take, what they make."""
    graph = helper.make_graph(
        [helper.make_node(kind, list(taken), [made]) for kind, taken, made in nodes],
        "tiny",
        [helper.make_tensor_value_info("sound", FLOAT, ["batch", WINDOW_SAMPLES])],
        [helper.make_tensor_value_info("scores", FLOAT, [None, None])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    return model(graph)


def model(graph: onnx.GraphProto, *domains: str) -> onnx.ModelProto:
    """Return a graph as a model that older runtimes take, too."""
    opsets = [helper.make_opsetid("", 17), *(helper.make_opsetid(domain, 1) for domain in domains)]
    made: Any = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return made


def told(made: onnx.ModelProto, **words: str) -> onnx.ModelProto:
    """Write words into a model."""
    for key, value in words.items():
        entry = made.metadata_props.add()
        entry.key, entry.value = key, value
    return made


def told_all(made: onnx.ModelProto) -> onnx.ModelProto:
    """Write into a model what OpenSoundscape looks for."""
    return told(
        made,
        sample_rate=str(RATE_HZ),
        sample_duration=str(WINDOW_SAMPLES / RATE_HZ),
        classes=json.dumps(LABELS),
        class_outputs_key="scores",
    )


def with_weights_beside(made: onnx.ModelProto, folder: Path, name: str = "weights.bin") -> onnx.ModelProto:
    """Put a model's largest weights into a file of a folder."""
    weights = max(made.graph.initializer, key=lambda one: len(one.raw_data))
    (folder / name).write_bytes(weights.raw_data)
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    entry = weights.external_data.add()
    entry.key, entry.value = "location", name
    return made


def write_folder(folder: Path, made: onnx.ModelProto, manifest: str = "") -> Path:
    """Write a model folder: the network, its labels, and what it wants."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tiny.onnx").write_bytes(made.SerializeToString())
    (folder / "labels.txt").write_text("\n".join(LABELS) + "\n")
    facts = f"rate_hz = {RATE_HZ}\nwindow_samples = {WINDOW_SAMPLES}\n"
    (folder / "model.toml").write_text(facts + manifest)
    return folder
