"""Parts of complex numbers: taken before the numbers are moved and scaled, wherever a network does it after.

A short-time transform as JAX writes it turns its spectrum about, scales it, and perhaps turns it back; what
is looked for behind an FFT is the part that is kept of it.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from .flatbuffer import schema
from .graph import Graph
from .operators import RESHAPES, is_activated, reads

PARTS = frozenset({"COMPLEX_ABS", "REAL", "IMAG", "CAST"})
SQUARES = frozenset({"MUL", "SQUARE"})
MOVED = RESHAPES | {"TRANSPOSE", "STRIDED_SLICE"}  # as far as the runtime moves complex numbers


def take_first(graph: Graph) -> None:
    """Take parts, and square them, first, where what is before that does more than change the shape.

    Parameters
    ----------
    graph : Graph
        Static; edited in place. The numbers that come of it are the same, but for a scale's last bit.
    """
    makers: dict[int, Any] = {}
    operators: list[Any] = []
    for op in graph.operators:
        between = _between(graph, op, makers)
        only_shapes = all(graph.name(one) in RESHAPES for one in between)
        instead = [op] if only_shapes else _exchanged(graph, op, between)
        operators += instead
        makers.update((int(t), one) for one in instead for t in one.outputs)
    graph.main.operators = operators


def _between(graph: Graph, op: Any, makers: dict[int, Any]) -> list[Any]:
    """Return what complex numbers, or their sizes, have been through before an operator; the last first."""
    name, taken, found = graph.name(op), reads(op), list[Any]()
    squares = name in SQUARES and len({*taken}) == 1
    if not squares and (name not in PARTS or not _is_complex(graph, taken[0])):
        return found
    tensor = taken[0]
    while (maker := makers.get(tensor)) is not None and (
        graph.name(maker) in MOVED
        or ((squares or name == "COMPLEX_ABS") and _scale(graph, maker) is not None)
    ):
        found.append(maker)
        tensor = _source(graph, maker)
    behind = "" if maker is None else graph.name(maker)
    return found if not squares or behind in PARTS else []


def _exchanged(graph: Graph, part: Any, between: list[Any]) -> list[Any]:
    tensor = _source(graph, between[-1])
    made, is_size = graph.new_tensor("part", graph.shape(tensor)), graph.name(part) == "COMPLEX_ABS"
    operators = [_again(part, [tensor for _ in reads(part)], made)]
    for op in reversed(between):
        taken = [made, *reads(op)[1:]]
        if (scale := _scale(graph, op)) is not None:
            factor = np.abs(scale) if is_size else np.square(scale)
            taken = [made, graph.new_constant("scale", factor.astype(np.float32))]
        made = graph.new_tensor("part", graph.shape(int(op.outputs[0])))
        operators.append(_again(op, taken, made))
    operators[-1].outputs = part.outputs
    return operators


def _again(op: Any, inputs: list[int], output: int) -> Any:
    made = copy.copy(op)
    made.inputs, made.outputs = np.array(inputs, np.int32), np.array([output], np.int32)
    return made


def _is_complex(graph: Graph, tensor: int) -> bool:
    return bool(graph.tensors[tensor].type == schema.TensorType.COMPLEX64)


def _source(graph: Graph, op: Any) -> int:
    """Return the tensor that an operator moves or scales."""
    return next(t for t in reads(op) if not graph.is_constant(t))


def _scale(graph: Graph, op: Any) -> Any:
    """Return the constant number that an operator multiplies by; None if it does something else."""
    if graph.name(op) != "MUL" or is_activated(op):
        return None
    constants = [value for t in reads(op) if (value := graph.constant(t)) is not None]
    return constants[0] if len(constants) == 1 and constants[0].size == 1 else None
