"""What a network's file says of itself, before anybody runs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ..sources import onnxfile
from ..words import typed
from . import beginning, ending, original
from .onnxgraph import OnnxGraph
from .signature import Output


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
        return typed(self.dtype, self.shape)


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
    graph = original.read(path, partial=True)
    inputs = tuple(_taken(one.dtype, one.shape) for one in beginning.inputs(graph))
    return Inspected(inputs, tuple(ending.outputs(graph)))


def of_onnx(path: Path) -> Inspected:
    """Inspect an .onnx file; errors as `OnnxGraph`."""
    graph = OnnxGraph(path)
    inputs = tuple(_taken(one.dtype, one.shape) for one in graph.inputs)
    metadata, beside = onnxfile.metadata(path), onnxfile.beside(path)
    return Inspected(inputs, tuple(graph.outputs), metadata, tuple(beside))


def _taken(dtype: str, shape: Sequence[int | None]) -> Taken:
    return Taken(dtype, tuple(length or None for length in shape))
