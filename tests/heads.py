"""Heads on a network's embedding, of every kind; whole networks made of one; and what plain libraries say."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from onnx import TensorProto, helper, numpy_helper

from birdfast import modelfolder
from birdfast.arrays import Float32
from birdfast.grafting import graft
from birdfast.grafting.graph import Graph
from birdfast.models import Model
from birdfast.sessions import open_session

from . import graphs, onnxnetworks

LABELS = ("Myotis myotis_Greater Mouse-eared Bat", "Nyctalus noctula_Common Noctule")
N = len(LABELS)


def matrix(n_values: int, seed: int = 7, n_classes: int = N) -> Float32:
    """Return what a head multiplies an embedding with: float32 [n_classes, n_values]."""
    random = np.random.default_rng(seed)
    return (random.standard_normal((n_classes, n_values)) / np.sqrt(n_values)).astype(np.float32)


def tflite(weights: Float32, end: str | None = None) -> bytes:
    """Return a head as BirdNET-Analyzer and BattyBirdNET write it: float32 [any, n_values] to logits."""
    n_classes, n_values = weights.shape
    b = graphs.Builder()
    embedding = b.input((1, n_values), (-1, n_values))
    inputs = [embedding, b.constant(weights), b.constant(np.ones(n_classes))]
    logits = b("FULLY_CONNECTED", inputs, (1, n_classes), schema.FullyConnectedOptionsT())
    return b.finish(logits if end is None else b(end, [logits], (1, n_classes)))


def onnx(weights: Float32, end: str = "Identity") -> bytes:
    """Return a head as an ONNX model."""
    n_classes, n_values = weights.shape
    nodes = [
        helper.make_node("Gemm", ["embedding", "weights", "bias"], ["linear"], transB=1),
        helper.make_node(end, ["linear"], ["scores"]),
    ]
    graph = helper.make_graph(
        nodes,
        "head",
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", n_values])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", n_classes])],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.ones(n_classes, np.float32), "bias"),
        ],
    )
    data: bytes = onnxnetworks.model(graph).SerializeToString()
    return data


def write(folder: Path, network: bytes, suffix: str, manifest: str) -> Path:
    """Write a head's folder: its network, its labels, and what it is on."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"head{suffix}").write_bytes(network)
    (folder / "labels.txt").write_text("\n".join(LABELS) + "\n")
    (folder / "model.toml").write_text(f'name = "{folder.name}"\n{manifest}')
    return folder


def write_own(folder: Path, weights: Float32, backbone: Path, on: object, **told: object) -> Path:
    """Write the folder of a head as birdfast's own training will."""
    facts = {"title": "bats", "licence": "none", "activation": "sigmoid", "classes": list(LABELS), "on": on,
             "on_sha256": hashlib.sha256(backbone.read_bytes()).hexdigest(), **told}  # fmt: skip
    arrays = {"layer0_weight": weights, "layer0_bias": np.ones(len(weights), np.float32)}
    modelfolder.write(folder, facts, arrays, modelfolder.HEAD)
    return folder


def write_joined(folder: Path, parts: Sequence[Model], **told: object) -> Path:
    """Write the folder of a head on several networks as birdfast's own training does."""
    sizes = [open_session(part, len(part.class_names()[0])).outputs["embedding"] for part in parts]
    weights = matrix(sum(sizes))
    on = [str(part.path.parent) for part in parts]
    return write_own(
        folder, weights, parts[0].path, **{"on": on, "on_sha256": [part.sha256() for part in parts], **told}
    )


def plain_embedding(path: Path, windows: Float32) -> tuple[Float32, Float32]:
    """Return the embedding and the logits of a .tflite file, by nothing but its runtime: [n, d], [n, k]."""
    plain = Interpreter(
        str(path),
        num_threads=1,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    plain.allocate_tensors()
    inner = graft.find_embedding(Graph.parse(path.read_bytes()))
    rows = [_asked(plain, window, [inner, plain.get_output_details()[0]["index"]]) for window in windows]
    return np.concatenate([row[0] for row in rows]), np.concatenate([row[1] for row in rows])


def plain_tflite(network: bytes, values: Float32) -> Float32:
    """Return what a head of TFLite says of embeddings, by nothing but its runtime."""
    plain = Interpreter(model_content=network, num_threads=1)
    plain.allocate_tensors()
    output = plain.get_output_details()[0]["index"]
    return np.concatenate([_asked(plain, row, [output])[0] for row in values])


def plain_onnx(network: bytes, values: Float32) -> Float32:
    """Return what a head of ONNX says of embeddings, by nothing but its runtime."""
    found: Float32 = onnxruntime.InferenceSession(network).run(None, {"embedding": values})[0]
    return found


def _asked(plain: Interpreter, row: Float32, tensors: list[int]) -> list[Float32]:
    plain.set_tensor(plain.get_input_details()[0]["index"], row[None])
    plain.invoke()
    return [plain.get_tensor(tensor).copy().reshape(1, -1) for tensor in tensors]


def whole(path: Path, weights: Float32, *, append: bool) -> bytes:
    """Return a custom network as BirdNET-Analyzer 2.4 writes it: its own classes for BirdNET's, or behind."""
    graph = Graph.parse(path.read_bytes())
    n_classes, logits = len(weights), int(graph.outputs[0])
    inputs = [graft.find_embedding(graph), graph.new_constant("own", weights), -1]
    own = graph.new_tensor("own_logits", (1, n_classes))
    _grow(graph, "FULLY_CONNECTED", inputs, own, schema.FullyConnectedOptionsT())
    if append:
        both = graph.new_tensor("both", (1, graph.shape(logits)[-1] + n_classes))
        options = schema.ConcatenationOptionsT()
        options.axis = 1
        _grow(graph, "CONCATENATION", [logits, own], both, options)
    graph.main.outputs = np.array([both if append else own], np.int32)
    graph.model.signatureDefs = None
    return graph.write()


def _grow(graph: Graph, name: str, inputs: list[int], output: int, options: object) -> None:
    graph.operators.append(graph.new_operator(name, inputs, [output], options))


Kind = Callable[[Path, Float32, Path], Path]


def tflite_folder(folder: Path, weights: Float32, backbone: Path) -> Path:
    return write(folder, tflite(weights), ".tflite", f'on = "{backbone.parent}"\n')


def onnx_folder(folder: Path, weights: Float32, backbone: Path) -> Path:
    return write(folder, onnx(weights), ".onnx", f'on = "{backbone.parent}"\n')


def own_folder(folder: Path, weights: Float32, backbone: Path) -> Path:
    return write_own(folder, weights, backbone, str(backbone.parent))


KINDS: dict[str, Kind] = {"tflite": tflite_folder, "onnx": onnx_folder, "own": own_folder}
