"""What a graph gives, and how it ends: scores that have been through a sigmoid take no second one."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..config import GraphEnd
from ..scores import SLACK
from . import ranges, tensors
from .graph import Graph
from .interval import UNIT
from .operators import RESHAPES, reads
from .ranges import JOINS, PASSING
from .signature import OPEN, Output
from .tensors import DTYPES

ACTIVATIONS: dict[str, GraphEnd] = {"LOGISTIC": "sigmoid", "SOFTMAX": "softmax", "LOG_SOFTMAX": "log-softmax"}
CONFIDENT: frozenset[GraphEnd] = frozenset({"sigmoid", "softmax", "bounded"})
# Behind them a number stands for the same.
KEEPING = RESHAPES | {"TRANSPOSE", "QUANTIZE", "DEQUANTIZE", "CAST"}


def outputs(graph: Graph) -> list[Output]:
    """Return what a graph gives, in its order."""
    return [output(graph, t) for t in graph.outputs]


def output(graph: Graph, tensor: int) -> Output:
    """Return a tensor as one that a graph gives."""
    dtype, shape = _dtype(graph, tensor), _shape(graph, tensor)
    scale, _ = tensors.steps(graph.tensors[tensor])
    return Output(_names(graph, tensor), dtype, shape, of(graph, tensor), scale, graph.lacks.get(tensor, ""))


def of(graph: Graph, tensor: int) -> GraphEnd:
    """Return the activation that a tensor's numbers have been through, "none" where none is seen.

    Numbers that can only lie between 0 and 1, however that was done, are "bounded": nobody saw an
    activation, so who knows the network may say otherwise. One number whatever sounds tells nothing.

    Parameters
    ----------
    graph : Graph
        A checked one (see `validate`).
    tensor : int
    """
    found, numbers = _last(graph, tensor), ranges.of(graph, tensor)
    bounded = numbers.low < numbers.high and numbers.within(UNIT, SLACK)
    if found in CONFIDENT:
        return found if bounded else "none"
    if found == "log-softmax" and _maker(graph, _unmoved(graph, tensor)) != "LOG_SOFTMAX":
        found = "none"  # fewer of its numbers, or others beside them, add up to no 1
    return "bounded" if bounded else found


def _last(graph: Graph, tensor: int) -> GraphEnd:
    """Return the activation whose very numbers a tensor has, perhaps moved, rounded or averaged."""
    makers, waiting, seen, found = graph.producer(), [tensor], set[int](), set[GraphEnd]()
    while waiting:
        t = waiting.pop()
        operator = graph.operators[makers[t]] if t in makers else None
        name = "" if operator is None else graph.name(operator)
        if name in JOINS:
            waiting += {*reads(operator)} - seen
        elif name in PASSING:
            waiting.append(ranges.source(name, operator))
        else:
            found.add(ACTIVATIONS.get(name, "none"))
        seen.add(t)
    return found.pop() if len(found) == 1 else "none"


def find_embedding(graph: Graph, scores: int | None = None) -> int | None:
    """Return the tensor that the last FULLY_CONNECTED before the scores reads, None if there is none.

    Parameters
    ----------
    graph : Graph
    scores : int or None
        Their tensor; None is the first output.
    """
    for i in reversed(graph.needed(graph.outputs[:1] if scores is None else [scores])):
        op = graph.operators[i]
        if graph.name(op) == "FULLY_CONNECTED":
            tensor = reads(op)[0]
            return None if _is_given(graph, tensor) else tensor
    return None


def _is_given(graph: Graph, tensor: int) -> bool:
    """Return whether a tensor holds the graph's input, or a constant: in another shape, or type, at most."""
    tensor = _unmoved(graph, tensor)
    return graph.is_constant(tensor) or tensor in graph.inputs


def _unmoved(graph: Graph, tensor: int) -> int:
    """Return the tensor whose numbers one has, all of them and no others: in another shape, or type."""
    makers = graph.producer()
    while tensor in makers and graph.name(graph.operators[makers[tensor]]) in KEEPING:
        tensor = reads(graph.operators[makers[tensor]])[0]
    return tensor


def _maker(graph: Graph, tensor: int) -> str:
    """Return the name of the operator that makes a tensor, "" where none does."""
    makers = graph.producer()
    return graph.name(graph.operators[makers[tensor]]) if tensor in makers else ""


def _names(graph: Graph, tensor: int) -> tuple[str, ...]:
    signed = [
        entry.name
        for signature in graph.model.signatureDefs or []
        for entry in signature.outputs or []
        if entry.tensorIndex == tensor
    ]
    names = (name.decode(errors="replace") for name in (graph.tensors[tensor].name or b"", *signed))
    return tuple(dict.fromkeys(names))


def _dtype(graph: Graph, tensor: int) -> np.dtype[Any]:
    return np.dtype(DTYPES.get(graph.tensors[tensor].type, object))


def _shape(graph: Graph, tensor: int) -> tuple[int, ...]:
    """Return a tensor's shape with what the file leaves open."""
    shape, signature = graph.shape(tensor), graph.tensors[tensor].shapeSignature
    if not shape and not graph.tensors[tensor].hasRank:
        return (OPEN,)
    return shape if signature is None or not len(signature) else tuple(map(int, signature))
