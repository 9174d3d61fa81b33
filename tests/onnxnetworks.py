"""Tiny ONNX networks: from samples, or a picture, to an embedding and logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

WINDOW_SAMPLES, DIM, N_CLASSES = 4_000, 8, 3
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


def model(graph: onnx.GraphProto, *domains: str) -> onnx.ModelProto:
    """Return a graph as a model that older runtimes take, too."""
    opsets = [helper.make_opsetid("", 17), *(helper.make_opsetid(domain, 1) for domain in domains)]
    made: Any = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    return made
