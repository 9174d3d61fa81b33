"""ONNX graphs: read with hostile files in mind, asked what they end in, and given one more output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..config import GraphEnd
from ..errors import ModelError
from ..runtimes.onnx import HINT
from .signature import OPEN, Output

MOST_BYTES = (1 << 31) - 1  # of one message: Protocol Buffers have no more
DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")
ENDLESS = ("Loop", "Scan")  # a network that hears a window needs none, and a hostile one never ends
FLOAT, UNTOLD = 1, 0  # TensorProto.FLOAT, and where the runtime infers the type
MATRICES = ("Gemm", "MatMul")
ACTIVATIONS: dict[str, GraphEnd] = {"Sigmoid": "sigmoid", "Softmax": "softmax"}
PASSES = ("Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Cast", "Add", "Dropout")


class OnnxGraph:
    """A model as ONNX writes it.

    Parameters
    ----------
    path : path
        Weights that lie outside of the file have to lie in its folder.

    Raises
    ------
    ModelError
        The file cannot be read, is no ONNX model, names files elsewhere, or has operators that are not run.
    """

    def __init__(self, path: Path) -> None:
        onnx = _library()
        self.model = _parsed(onnx, path)
        graph = self.model.graph
        for node in _nodes(graph):
            if node.domain not in DOMAINS:
                raise ModelError(f"has an operator of others: {node.domain}.{node.op_type}")
            if node.op_type in ENDLESS:
                raise ModelError(f"has a {node.op_type}, which may never end")
        _bring_weights(onnx, self.model, path.parent)
        self._makers = {name: node for node in graph.node for name in node.output}
        self._constants = {one.name for one in graph.initializer}

    @property
    def outputs(self) -> list[Output]:
        """What it gives, in its order."""
        return [
            Output((one.name,), _dtype(one), _shape(one), self.activation(one.name))
            for one in self.model.graph.output
        ]

    @property
    def metadata(self) -> Mapping[str, str]:
        """What its author wrote into it, by key."""
        return {one.key: one.value for one in self.model.metadata_props}

    def activation(self, output: str) -> GraphEnd:
        """Return what an output ends in: "sigmoid", "softmax", or "none" that can be seen."""
        for node in self._behind(output):
            if node.op_type in ACTIVATIONS:
                return ACTIVATIONS[node.op_type]
            if node.op_type == "Add":
                break
        return "none"

    def before_matrix(self, output: str) -> str | None:
        """Return the tensor that the last matrix before an output is multiplied with: its embedding."""
        for node in self._behind(output):
            if node.op_type in MATRICES:
                return str(node.input[0]) if node.input[0] not in self._constants else None
        return None

    def with_output(self, name: str) -> bytes:
        """Return the model with one more output, a tensor inside of it; in the order there is, it is last."""
        made = type(self.model)()
        made.CopyFrom(self.model)
        if name not in {one.name for one in made.graph.output}:
            made.graph.output.add().name = name
        return bytes(made.SerializeToString())

    def _behind(self, output: str) -> Iterator[Any]:
        """Yield the nodes from an output on towards the sound, up to the last matrix."""
        name = output
        while (node := self._makers.get(name)) is not None:
            yield node
            if node.op_type in MATRICES or node.op_type not in (*PASSES, *ACTIVATIONS):
                return
            name = next((one for one in node.input if one not in self._constants), "")


def _dtype(told: Any) -> np.dtype[Any]:
    return np.dtype({FLOAT: np.float32, UNTOLD: np.float32}.get(told.type.tensor_type.elem_type, object))


def _shape(told: Any) -> tuple[int, ...]:
    if not told.type.tensor_type.HasField("shape"):
        return (OPEN,)
    lengths = told.type.tensor_type.shape.dim
    return tuple(one.dim_value if one.HasField("dim_value") else OPEN for one in lengths)


def _parsed(onnx: Any, path: Path) -> Any:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ModelError(f"has {path.stat().st_size} bytes; an ONNX file has at most {MOST_BYTES}")
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror})") from error
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except Exception as error:  # protobuf's, of whichever of its implementations
        raise ModelError("is no ONNX model, or a damaged one") from error
    if not model.graph.node or not model.graph.output:
        raise ModelError("is no ONNX model, or a damaged one: it has no graph")
    return model


def _nodes(graph: Any) -> Iterator[Any]:
    """Yield all nodes of a graph, those of its branches too."""
    graphs = [graph]
    while graphs:
        for node in graphs.pop().node:
            yield node
            for attribute in node.attribute:
                graphs += [attribute.g, *attribute.graphs] if attribute.HasField("g") else attribute.graphs


def _tensors(model: Any) -> Iterator[Any]:
    """Yield every tensor of constants that a model holds."""
    graphs = [model.graph]
    while graphs:
        graph = graphs.pop()
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)
        for node in graph.node:
            for attribute in node.attribute:
                yield from (attribute.t, *attribute.tensors)
                graphs += [attribute.g, *attribute.graphs] if attribute.HasField("g") else attribute.graphs


def _bring_weights(onnx: Any, model: Any, folder: Path) -> None:
    """Take in the weights that lie in files beside the model, and refuse those that lie elsewhere."""
    for tensor in _tensors(model):
        if not tensor.external_data and tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        told = {one.key: one.value for one in tensor.external_data}
        place = folder / told.get("location", "")
        inside = place.resolve().is_relative_to(folder.resolve()) and place.is_file()
        if not inside or "location" not in told:
            raise ModelError(
                f"has weights in another file ({told.get('location', '?')}), which is not beside it"
            )
        try:
            first, n_bytes = int(told.get("offset", 0)), int(told.get("length", 0))
            size = place.stat().st_size
            if not 0 <= first <= first + n_bytes <= size:
                raise ValueError
            with place.open("rb") as file:
                file.seek(first)
                tensor.raw_data = file.read(n_bytes or size - first)
        except (OSError, ValueError) as error:
            raise ModelError(f"{place.name}: has not the weights that the model looks for there") from error
        del tensor.external_data[:]
        tensor.data_location = onnx.TensorProto.DEFAULT


def _library() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise ModelError(f"ONNX files need the package onnx: {HINT}") from error
    return onnx
