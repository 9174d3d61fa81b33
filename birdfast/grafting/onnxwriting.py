"""What ONNX nodes read, and what is written before them: inputs, and lengths that depend on the batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..arrays import Array
from . import onnxgraph


def reads(node: Any) -> Iterator[str]:
    """Yield what a node reads, also within it."""
    yield from (name for name in node.input if name)
    for attribute in node.attribute:
        for graph in (*([attribute.g] if attribute.HasField("g") else ()), *attribute.graphs):
            for inner in graph.node:
                yield from reads(inner)
            yield from (one.name for one in graph.output)


def declare(made: Any, name: str, example: Array, *, open_batch: bool = False) -> None:
    """Make a tensor an input of a model, in the type and shape of an example."""
    told = made.graph.input.add()
    told.name = name
    told.type.tensor_type.elem_type = onnxgraph.tensor(name, example[:0]).data_type
    lengths = told.type.tensor_type.shape
    for axis, length in enumerate(example.shape):
        if axis or not open_batch:
            lengths.dim.add().dim_value = length
        else:
            lengths.dim.add().dim_param = "windows"


def put_lengths_first(made: Any, cut: str, rows: int, lengths: Mapping[str, tuple[Array, Array]]) -> None:
    """Put nodes before all others that make lengths: slope * (batch - 1) + value, of the batch at hand."""
    if not lengths:
        return
    name = f"{cut} windows"
    nodes = [
        ("Shape", [cut], f"{name}: shape"),
        ("Gather", [f"{name}: shape", f"{name}: 0"], f"{name}: rows"),
    ]
    nodes += [("Div", [f"{name}: rows", f"{name}: per window"], f"{name}: n")]
    nodes += [("Sub", [f"{name}: n", f"{name}: 1"], name)]
    known = {"0": np.array([0]), "1": np.array([1]), "per window": np.array([rows])}
    for made_name, (slope, value) in lengths.items():
        known |= {f"{made_name} slope": slope, f"{made_name} value": value}
        nodes += [("Mul", [f"{name}: {made_name} slope", name], f"{made_name} more")]
        nodes += [("Add", [f"{name}: {made_name} value", f"{made_name} more"], made_name)]
    made.graph.initializer.extend(onnxgraph.tensor(f"{name}: {key}", value) for key, value in known.items())
    others = list(made.graph.node)
    del made.graph.node[:]
    for kind, reads, output in nodes:
        node = made.graph.node.add()
        node.op_type, node.input[:], node.output[:] = kind, reads, [output]
    made.graph.node.extend(others)
