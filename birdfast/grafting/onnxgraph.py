"""ONNX graphs: read with hostile files in mind, asked what they take and give, and given one more output."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import sources
from ..arrays import Array
from ..errors import ModelError
from ..runtimes.onnx import Tensor
from ..sources import onnxfile
from ..words import extra_hint
from . import onnxending, onnxmessages, onnxshown
from .signature import OPEN, Output

DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")
ENDLESS = ("Loop", "Scan")  # a network that hears a window needs none, and a hostile one never ends
# TensorProto's numbers of types; what a session gives is made float32, whatever floats they were, and so
# are those of which the runtime alone knows the type (0).
FLOATS = (0, 1, 10, 11)
TYPES = {1: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 11: "float64"}
GRAPHS = (5, 10)  # AttributeProto's numbers of types: what runs inside of an operator may hear the sound
MATRICES = ("Gemm", "MatMul")
PASSES = (*onnxending.ACTIVATIONS, "Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Cast", "Add")


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
        _check_operators(self.model)
        onnxmessages.bring_weights(onnx, self.model, path)
        graph = self.model.graph
        self._constants = _constants(graph)
        self._weights = {one.name: one for one in graph.initializer} | {
            name: one.t
            for node in graph.node
            if node.op_type == "Constant"
            for name, one in zip(node.output, node.attribute, strict=False)
            if one.name == "value"
        }
        self._makers = {
            name: node for node in graph.node for name in node.output if name not in self._constants
        }

    @property
    def inputs(self) -> list[Tensor]:
        """What it takes; older files list their constants there, too."""
        return [_taken(one) for one in self.model.graph.input if one.name not in self._constants]

    @property
    def outputs(self) -> list[Output]:
        """What it gives, in its order."""
        return [
            Output((one.name,), _dtype(one), _shape(one), self._end(one.name))
            for one in self.model.graph.output
        ]

    def before_matrix(self, output: str) -> str | None:
        """Return the tensor that the last matrix before an output is multiplied with: its embedding.

        None: there is no such matrix, or it is the sound itself, or a constant.
        """
        name, seen = output, set[str]()
        while (node := self._makers.get(name)) is not None and name not in seen:
            seen.add(name)
            if node.op_type in MATRICES:
                return next((str(one) for one in node.input[:1] if not self._is_given(one)), None)
            if node.op_type not in PASSES:
                return None
            name = next((one for one in node.input if one not in self._constants), "")
        return None

    def _is_given(self, name: str) -> bool:
        """Whether a tensor is what the graph takes, or a constant: in another shape, or type, at most."""
        seen = set[str]()
        while (node := self._makers.get(name)) is not None and node.op_type in onnxending.KEEPING:
            if name in seen or not node.input:
                break
            seen.add(name)
            name = node.input[0]
        return name not in self._makers

    def with_outputs(self, names: Sequence[str]) -> bytes:
        """Return the model with these tensors as its outputs, and nothing that only others need."""
        onnxshown.leave(self.model.graph, names)
        try:
            return bytes(self.model.SerializeToString())
        except Exception as error:  # protobuf's: more than a message may have
            raise ModelError(f"has more than {onnxfile.MOST_BYTES} bytes with its weights") from error

    def _end(self, output: str) -> Any:
        return onnxending.of(self._makers, self._constants, output, self._values)

    def _values(self, name: str) -> Any:
        """Return a constant's numbers, or None."""
        tensor = self._weights.get(name)
        try:
            return None if tensor is None else _library().numpy_helper.to_array(tensor)
        except Exception:  # a damaged one, which the runtime will refuse
            return None


def parsed(data: bytes) -> Any:
    """Return a model (ModelProto) that `OnnxGraph` has written."""
    model = _library().ModelProto()
    model.ParseFromString(data)
    return model


def tensor(name: str, values: Array) -> Any:
    """Return an array as a tensor (TensorProto)."""
    return _library().numpy_helper.from_array(np.ascontiguousarray(values), name)


def _constants(graph: Any) -> set[str]:
    """Return the tensors that are the same whatever is heard: weights, and what is made of them alone."""
    found = {one.name for one in graph.initializer} | {""}
    for node in graph.node:
        fed = bool(node.input) and not any(one.type in GRAPHS for one in node.attribute)
        if node.op_type == "Constant" or (
            fed and found.issuperset(node.input) and "Random" not in node.op_type
        ):
            found.update(node.output)
    return found


def _taken(told: Any) -> Tensor:
    kind = told.type.tensor_type.elem_type
    shape = (None if length == OPEN else length for length in _shape(told))
    return Tensor(told.name, TYPES.get(kind, f"type {kind}"), tuple(shape))


def _dtype(told: Any) -> np.dtype[Any]:
    return np.dtype(np.float32 if told.type.tensor_type.elem_type in FLOATS else object)


def _shape(told: Any) -> tuple[int, ...]:
    if not told.type.tensor_type.HasField("shape"):
        return (OPEN,)
    lengths = told.type.tensor_type.shape.dim
    return tuple(
        one.dim_value if one.HasField("dim_value") and one.dim_value > 0 else OPEN for one in lengths
    )


def _parsed(onnx: Any, path: Path) -> Any:
    data = sources.read(path, ModelError, onnxfile.MOST_BYTES)
    if data[4:8] == b"TFL3":
        raise ModelError("is a TFLite network, not an ONNX one")
    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except Exception as error:  # protobuf's, of whichever of its implementations
        raise ModelError("is no ONNX model, or a damaged one") from error
    if not model.graph.node or not model.graph.output:
        raise ModelError("is no ONNX model, or a damaged one: it has no graph")
    model.ClearField("training_info")
    return model


def _check_operators(model: Any) -> None:
    """Refuse operators that ONNX Runtime has not itself, nor the model, and those that may never end."""
    own = {(function.domain, function.name) for function in model.functions}
    for kind, node in onnxmessages.within(model):
        if kind != "NodeProto":
            continue
        if node.domain not in DOMAINS and (node.domain, node.op_type) not in own:
            raise ModelError(f"has an operator of others: {node.domain}.{node.op_type}")
        if node.op_type in ENDLESS:
            raise ModelError(f"has a {node.op_type}, which may never end")


def _library() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise ModelError(f"ONNX files need the package onnx: {extra_hint('onnx')}") from error
    return onnx
