"""A head put onto its network: one TFLite graph from sound to scores, for programs that know of no heads.

The network stays as its author's file has it up to its embedding; behind that come the head's layers in the
place of its own. Programs that take BirdNET 2.4's classifiers put a sigmoid behind their scores. For them the
confidences of a softmax are written as the numbers of which a sigmoid makes those confidences again: the
logarithm of a class's share of the powers over that of all others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from ..arrays import Float32
from ..classifier import Classifier
from ..errors import ModelError
from . import ending, signing, surgery
from .flatbuffer import schema
from .graph import Graph
from .operators import ARITHMETIC
from .roles import EMBEDDING, LOGITS, Wanted, roles

Kind = Literal["sigmoid", "softmax"]
OF_PORTABLE = b"graft/"  # what begins the names of tensors that `convolution` made
# What the others' powers come to at least, of the largest power: a confidence nearer to 1 is 1 in float32.
LEAST = float(np.finfo(np.float32).eps) / 2


def is_rewritten(graph: Graph) -> bool:
    """Whether birdfast wrote a network anew for speed: what its author wrote is another file."""
    return any((tensor.name or b"").startswith(OF_PORTABLE) for tensor in graph.tensors)


def embedding_of(graph: Graph, wanted: Wanted) -> int:
    """Return the tensor that a head on a network takes: the one that a session shows as its embedding.

    Raises
    ------
    ModelError
        There is none, or nothing tells which of the outputs has the scores.
    """
    places = roles(ending.outputs(graph), wanted)
    if EMBEDDING in places:
        return graph.outputs[places[EMBEDDING]]
    found = ending.find_embedding(graph, graph.outputs[places[LOGITS]])
    if found is None:
        raise ModelError("has no embedding to show")
    return found


def whole(
    network: Graph, embedding: int, classifier: Classifier, kind: Kind, *, logits: bool, about: str = ""
) -> bytes:
    """Write a network with a head in the place of its own last layers.

    Parameters
    ----------
    network : Graph
        Checked; not changed.
    embedding : int
        Its tensor that the head takes: float32, of `classifier.n_values` numbers a window.
    classifier : Classifier
    kind : "sigmoid" or "softmax"
        What makes confidences of the head's logits.
    logits : bool
        Whether whoever runs it puts a sigmoid behind its scores. If not, they are confidences.
    about : str
        The description that is written into the file.

    Returns
    -------
    bytes
        The content of a .tflite file: the network's input, and one output; signature `serving_default`,
        with the output `predictions`.

    Raises
    ------
    ModelError
        The embedding is none of float32, or of another length.
    """
    graph = network.copy()
    shape = graph.shape(embedding)
    if graph.dtype(embedding) != np.float32 or math.prod(shape) != classifier.n_values:
        raise ModelError(
            f"its embedding is {graph.dtype(embedding)} {list(shape)}; the head takes float32 numbers,"
            f" {classifier.n_values} a window"
        )
    layers = _Layers(graph, embedding)
    scores = layers.classifier(embedding, classifier)
    if not logits:
        scores = layers.activation(scores, kind)
    elif kind == "softmax":
        scores = layers.for_sigmoid(scores)
    graph.tensors[scores].name = signing.PREDICTIONS.encode()
    graph.operators.extend(layers.added)
    graph.main.outputs = np.array([scores], np.int32)
    graph.model.signatureDefs = [
        signing.signature({_input_name(network): graph.inputs[0]}, {signing.PREDICTIONS: scores})
    ]
    if about:
        graph.model.description = about.encode()
    surgery.prune(graph)
    graph.tell_apart()
    return graph.write()


def _input_name(network: Graph) -> str:
    """Return what signatures call the input: as the network's own do."""
    own = (entry for one in network.model.signatureDefs or [] for entry in one.inputs or [])
    names = [entry.name.decode(errors="replace") for entry in own if entry.tensorIndex == network.inputs[0]]
    return names[0] if names else signing.INPUTS


class _Layers:
    """Operators that are put behind a tensor: a row of numbers for each window.

    Parameters
    ----------
    graph : Graph
        Its tensors grow; the operators are for the caller to place.
    behind : int
        The tensor that tells whether there may be any number of windows.
    """

    def __init__(self, graph: Graph, behind: int) -> None:
        self._graph, self.added = graph, list[Any]()
        signature = graph.tensors[behind].shapeSignature
        self._is_open = signature is not None and len(signature) > 1 and signature[0] < 0

    def classifier(self, values: int, classifier: Classifier) -> int:
        """Add a head's layers, with ReLU between them."""
        last = len(classifier.layers) - 1
        for number, layer in enumerate(classifier.layers):
            options = schema.FullyConnectedOptionsT()
            if number < last:
                options.fusedActivationFunction = schema.ActivationFunctionType.RELU
            inputs = [
                values,
                self._constant(f"layer{number}/weight", layer.weight),
                self._constant(f"layer{number}/bias", layer.bias),
            ]
            values = self._make("FULLY_CONNECTED", inputs, len(layer.bias), options)
        return values

    def activation(self, logits: int, kind: Kind) -> int:
        """Add what makes confidences of logits."""
        if kind == "sigmoid":
            return self._make("LOGISTIC", [logits], self._length(logits))
        options = schema.SoftmaxOptionsT()
        options.beta = 1.0
        return self._make("SOFTMAX", [logits], self._length(logits), options)

    def for_sigmoid(self, logits: int) -> int:
        """Add what makes of logits those numbers of which a sigmoid makes their softmax."""
        n_classes, options = self._length(logits), schema.ReducerOptionsT()
        options.keepDims = True
        axis = self._constant("axis", np.array([1], np.int32))
        largest = self._make("REDUCE_MAX", [logits, axis], 1, options)
        below = self._make("SUB", [logits, largest], n_classes)
        powers = self._make("EXP", [below], n_classes)
        every = self._make("SUM", [powers, axis], 1, options)
        others = self._make("SUB", [every, powers], n_classes)
        least = self._constant("least", np.array([LEAST], np.float32))
        held = self._make("MAXIMUM", [others, least], n_classes)
        return self._make("SUB", [below, self._make("LOG", [held], n_classes)], n_classes)

    def _make(self, name: str, inputs: Sequence[int], length: int, options: Any = None) -> int:
        if options is None and name in ARITHMETIC:
            options = getattr(schema, f"{name.capitalize()}OptionsT")()
        made = self._graph.new_tensor(f"head/{name.lower()}", (1, length))
        if self._is_open:
            self._graph.tensors[made].shapeSignature = np.array([-1, length], np.int32)
        self.added.append(self._graph.new_operator(name, inputs, [made], options))
        return made

    def _constant(self, name: str, value: Float32 | Any) -> int:
        return self._graph.new_constant(f"head/{name}", value)

    def _length(self, tensor: int) -> int:
        return self._graph.shape(tensor)[-1]
