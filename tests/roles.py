"""Networks that say of a window the species, the genus, an embedding, and one for each place of a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from birdfast.arrays import Float32

from . import graphs, networks
from .networks import RATE_HZ, WINDOW_SAMPLES

PLACES, DIM = (3, 2), 4
SPATIAL = (*PLACES, DIM)
GENERA = ("Avis", "Corvus")
NAMES = ("spatial_embedding", "embedding", "genus", "label")  # in the order of the files: the scores are last
SHAPES = {"spatial_embedding": (1, *SPATIAL), "embedding": (1, DIM), "genus": (1, 2), "label": (1, 3)}
TOLD = f"""
rate_hz = {RATE_HZ}
window_samples = {WINDOW_SAMPLES}
output = "label"
embedding = "embedding"
spatial_embedding = "spatial_embedding"

[[label_spaces]]
name = "species"

[[label_spaces]]
name = "genus"
output = "genus"
labels = "genera.csv"
labels_format = "csv:genus"
activation = "softmax"
"""


def matrices() -> dict[str, Float32]:
    """Return what makes the spatial embedding, the genus and the label: float32 [outputs, inputs]."""
    random = np.random.default_rng(11)
    shapes = {"spatial_embedding": (24, WINDOW_SAMPLES), "genus": (2, DIM), "label": (3, DIM)}
    return {
        name: (random.standard_normal(shape) / np.sqrt(shape[1]) * 3).astype(np.float32)
        for name, shape in shapes.items()
    }


def meaning(windows: Float32) -> dict[str, Any]:
    """Return what a network says of windows, [n, ...] by the names of its outputs, in float64."""
    weights = {name: matrix.astype(np.float64) for name, matrix in matrices().items()}
    spatial = (windows @ weights["spatial_embedding"].T).reshape(-1, *SPATIAL)
    embedding = spatial.mean((1, 2))
    scores = {name: embedding @ weights[name].T for name in ("genus", "label")}
    return {"spatial_embedding": spatial, "embedding": embedding, **scores}


def tflite(names: tuple[str, ...] = NAMES, ends: dict[str, str] | None = None) -> bytes:
    """Return a TFLite network with outputs of these names, in this order; `ends`: operators behind them."""
    b = graphs.Builder()
    samples, weights = b.input((1, WINDOW_SAMPLES), (-1, WINDOW_SAMPLES)), matrices()

    def product(name: str, tensor: int) -> int:
        options, matrix = schema.FullyConnectedOptionsT(), weights[name]
        return b("FULLY_CONNECTED", [tensor, b.constant(matrix), -1], (1, len(matrix)), options)

    flat = product("spatial_embedding", samples)
    target = b.constant((-1, *SPATIAL), np.int32)
    spatial = b("RESHAPE", [flat, target], (1, *SPATIAL), schema.ReshapeOptionsT())
    embedding = b("MEAN", [spatial, b.constant([1, 2], np.int32)], (1, DIM), schema.ReducerOptionsT())
    made = {name: product(name, embedding) for name in ("genus", "label")}
    made |= {"spatial_embedding": spatial, "embedding": embedding}
    for name, operator in (ends or {}).items():
        made[name] = b(operator, [made[name]], SHAPES[name], graphs_options(operator))
    for name, tensor in made.items():
        b.graph.tensors[tensor].name = name.encode()
        signature = (-1, *SHAPES[name][1:])
        b.graph.tensors[tensor].shapeSignature = np.array(signature, np.int32)
    return b.finish(*(made[name] for name in names))


def graphs_options(operator: str) -> Any:
    """Return an activation's options."""
    if operator != "SOFTMAX":
        return None
    options = schema.SoftmaxOptionsT()
    options.beta = 1.0
    return options


def onnx(names: tuple[str, ...] = NAMES) -> bytes:
    """Return the same network as ONNX."""
    from onnx import TensorProto, helper, numpy_helper

    from .onnxnetworks import model

    constants = {f"{name} matrix": matrix.T.copy() for name, matrix in matrices().items()}
    constants["shape"] = np.array((-1, *SPATIAL))
    nodes = [
        helper.make_node("MatMul", ["sound", "spatial_embedding matrix"], ["flat"]),
        helper.make_node("Reshape", ["flat", "shape"], ["spatial_embedding"]),
        helper.make_node("ReduceMean", ["spatial_embedding"], ["embedding"], axes=[1, 2], keepdims=0),
        *(helper.make_node("MatMul", ["embedding", f"{name} matrix"], [name]) for name in ("genus", "label")),
    ]
    shapes = {name: ["batch", *SHAPES[name][1:]] for name in names}
    graph = helper.make_graph(
        nodes,
        "roles",
        [helper.make_tensor_value_info("sound", TensorProto.FLOAT, ["batch", WINDOW_SAMPLES])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return bytes(model(graph).SerializeToString())


def write_folder(folder: Path, kind: str = "tflite", told: str = TOLD, data: bytes | None = None) -> Path:
    """Write a model folder of two label spaces."""
    made = data or (tflite() if kind == "tflite" else onnx())
    (folder / f"roles.{kind}").write_bytes(made)
    (folder / "labels.txt").write_text("\n".join(networks.LABELS) + "\n")
    (folder / "genera.csv").write_text("\n".join(["genus", *GENERA]) + "\n")
    (folder / "model.toml").write_text(told)
    return folder
