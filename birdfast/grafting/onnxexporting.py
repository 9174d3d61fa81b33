"""A head put onto its network: one ONNX graph from sound to confidences, as `exporting` makes of TFLite."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Array
from ..classifier import Classifier
from ..errors import ModelError
from . import onnxgraph, onnxmessages, onnxshown, signing
from .exporting import Kind
from .onnxgraph import OnnxGraph
from .onnxwriting import reads
from .roles import EMBEDDING, LOGITS, Wanted, roles

FLOAT = 1  # TensorProto's number of float32
ACTIVATIONS = {"sigmoid": "Sigmoid", "softmax": "Softmax"}
LEAST_VERSION = 4  # of ONNX's format: before, weights had to stand among the inputs, too


def whole(path: Path, wanted: Wanted, classifier: Classifier, kind: Kind) -> tuple[bytes, str, str]:
    """Write a network with a head in the place of its own last layers.

    Parameters
    ----------
    path : path
        The network's file.
    wanted : Wanted
        Which of its outputs are which.
    classifier : Classifier
    kind : "sigmoid" or "softmax"
        What makes confidences of the head's logits; it becomes the last operator.

    Returns
    -------
    data : bytes
        The content of an .onnx file, with all weights in it: the network's input, and two outputs, first the
        confidences, float32 [windows, classes], and then the embedding, float32 [windows, values].
    predictions, embeddings : str
        What these are called.

    Raises
    ------
    ModelError
        The file is no ONNX model, or the network has no embedding to show.
    """
    graph = OnnxGraph(path)
    inner = _embedding(graph, wanted)
    layers = _Layers(graph.model)
    inner = layers.freed(inner)
    rows = layers.rows(inner, classifier.n_values)
    scores = layers.classifier(rows, classifier, ACTIVATIONS[kind])
    for name, length in ((scores, classifier.n_classes), (rows, classifier.n_values)):
        layers.show(name, length)
    onnxshown.leave(graph.model.graph, [scores, rows])
    _drop_unread(graph.model.graph)
    return graph.with_outputs([scores, rows]), scores, rows


def _embedding(graph: OnnxGraph, wanted: Wanted) -> str:
    """Return the tensor that a session shows as its embedding."""
    outputs = graph.outputs
    places = roles(outputs, wanted)
    if EMBEDDING in places:
        return outputs[places[EMBEDDING]].names[0]
    found = graph.before_matrix(outputs[places[LOGITS]].names[0])
    if found is None:
        raise ModelError("has no embedding to show")
    return found


def _drop_unread(graph: Any) -> None:
    """Take away weights that nothing reads any more: they were the network's own last layers."""
    read = {name for node in graph.node for name in reads(node)} | {one.name for one in graph.output}
    weights = {one.name for one in graph.initializer}
    for rows, unread in ((graph.initializer, weights - read), (graph.input, weights - read)):
        for place in reversed(range(len(rows))):
            if rows[place].name in unread:
                del rows[place]


class _Layers:
    """Nodes that are put behind all others of a model (ModelProto), under names of their own."""

    def __init__(self, model: Any) -> None:
        model.ir_version = max(model.ir_version, LEAST_VERSION)
        self._model, self._graph = model, model.graph
        graph = model.graph
        made = (name for node in graph.node for name in (*node.input, *node.output))
        self._known = {*made, *(one.name for one in (*graph.input, *graph.output, *graph.initializer))}

    def freed(self, name: str) -> str:
        """Take from the network's own tensors the names of our outputs; return a tensor's name after that."""
        fixed = {one.name for one in (*self._graph.input, *self._graph.initializer)}
        others = {
            own: self._fresh(f"network/{own}")
            for own in (signing.PREDICTIONS, signing.EMBEDDINGS)
            if own in self._known - fixed
        }
        for kind, message in onnxmessages.within(self._model):
            if kind == "NodeProto":
                message.input[:] = [others.get(one, one) for one in message.input]
                message.output[:] = [others.get(one, one) for one in message.output]
            elif kind == "ValueInfoProto":
                message.name = others.get(message.name, message.name)
        self._known -= {*others}
        return others.get(name, name)

    def rows(self, name: str, length: int) -> str:
        """Add what makes float32 rows of a length, one a window, of a tensor of whatever floats and shape."""
        floats = self._make("Cast", [name], "head/floats", to=FLOAT)
        shape = self._constant("head/shape", np.array([-1, length]))
        return self._make("Reshape", [floats, shape], signing.EMBEDDINGS)

    def classifier(self, values: str, classifier: Classifier, activation: str) -> str:
        """Add a head's layers, with ReLU between them and an activation behind."""
        last = len(classifier.layers) - 1
        for number, layer in enumerate(classifier.layers):
            weight = self._constant(f"head/layer{number}/weight", layer.weight)
            bias = self._constant(f"head/layer{number}/bias", layer.bias)
            values = self._make("Gemm", [values, weight, bias], f"head/layer{number}", transB=1)
            if number < last:
                values = self._make("Relu", [values], f"head/relu{number}")
        return self._make(activation, [values], signing.PREDICTIONS)

    def show(self, name: str, length: int) -> None:
        """Make a tensor an output: float32 [windows, length]."""
        told = self._graph.output.add()
        told.name, told.type.tensor_type.elem_type = name, FLOAT
        lengths = told.type.tensor_type.shape
        lengths.dim.add().dim_param = "windows"
        lengths.dim.add().dim_value = length

    def _make(self, kind: str, inputs: Sequence[str], name: str, **whole_numbers: int) -> str:
        node = self._graph.node.add()
        node.op_type, node.input[:] = kind, inputs
        for key, value in whole_numbers.items():
            attribute = node.attribute.add()
            attribute.name, attribute.type, attribute.i = key, attribute.INT, value
        node.output[:] = [self._fresh(name)]
        return str(node.output[0])

    def _constant(self, name: str, value: Array) -> str:
        name = self._fresh(name)
        self._graph.initializer.append(onnxgraph.tensor(name, value))
        return name

    def _fresh(self, name: str) -> str:
        """Return a name that no tensor has yet."""
        number, found = 1, name
        while found in self._known:
            number, found = number + 1, f"{name} {number + 1}"
        self._known.add(found)
        return found
