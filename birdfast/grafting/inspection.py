"""What a network's file says of itself, before anybody runs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .. import sources
from ..errors import ModelError
from . import ending, original
from .onnxgraph import OnnxGraph
from .signature import OPEN, Output

# What ONNX calls types; whoever runs a network says which of them can be given.
TYPES = {1: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int64", 10: "float16", 11: "float64"}


class Taken(NamedTuple):
    """One of the inputs of a network: NumPy's word for its type, and its shape (None: of any length)."""

    dtype: str
    shape: tuple[int | None, ...]

    @property
    def window_samples(self) -> int | None:
        """How long a window of sound it takes: 0 of any length, None where it takes no row of samples."""
        lengths = self.shape[1:] if len(self.shape) > 1 else self.shape
        long = [length for length in lengths if length != 1]
        return (long[0] or 0) if len(long) == 1 and len(lengths) <= 2 else None

    def __str__(self) -> str:
        lengths = ", ".join("any" if length is None else str(length) for length in self.shape)
        return f"{self.dtype} [{lengths}]"


class Inspected(NamedTuple):
    """A network by its file.

    Attributes
    ----------
    inputs : tuple of Taken
    outputs : tuple of Output
    metadata : dict of str to str
        What its author wrote into it.
    beside : tuple of str
        The files in its folder that its weights lie in.
    """

    inputs: tuple[Taken, ...]
    outputs: tuple[Output, ...]
    metadata: Mapping[str, str] = {}
    beside: tuple[str, ...] = ()


def of_tflite(path: Path) -> Inspected:
    """Inspect a .tflite file; errors as `original.read`."""
    graph = original.read(path)
    inputs = []
    for tensor in graph.inputs:
        stated = graph.tensors[tensor].shapeSignature
        shape = graph.shape(tensor) if stated is None or not len(stated) else tuple(map(int, stated))
        inputs.append(Taken(graph.dtype(tensor).name, _lengths(shape)))
    return Inspected(tuple(inputs), tuple(ending.outputs(graph)))


def of_onnx(path: Path) -> Inspected:
    """Inspect an .onnx file; errors as `OnnxGraph`."""
    read = OnnxGraph(path)
    graph = read.model.graph
    constants = {one.name for one in graph.initializer}
    inputs = tuple(_taken(one.type.tensor_type) for one in graph.input if one.name not in constants)
    metadata = {one.key: one.value for one in read.model.metadata_props}
    as_it_lies = type(read.model).FromString(sources.read(path, ModelError))  # `read` has the weights in it
    beside = tuple(sorted({*_locations(as_it_lies.graph)}))
    return Inspected(inputs, tuple(read.outputs), metadata, beside)


def _taken(told: Any) -> Taken:
    lengths = tuple(one.dim_value if one.HasField("dim_value") else OPEN for one in told.shape.dim)
    return Taken(TYPES.get(told.elem_type, f"type {told.elem_type}"), _lengths(lengths))


def _lengths(shape: tuple[int, ...]) -> tuple[int | None, ...]:
    return tuple(None if length < 1 else length for length in shape)


def _locations(message: Any) -> Iterator[str]:
    """Yield the files that tensors within a message say that they lie in."""
    for field, value in message.ListFields():
        if field.name == "external_data":
            yield from (one.value for one in value if one.key == "location")
        elif field.message_type is not None:
            many = value if hasattr(value, "__len__") and not hasattr(value, "ListFields") else [value]
            for one in many:
                yield from _locations(one)
