"""What a graph gives, and how it ends: scores that have been through a sigmoid take no second one."""

from __future__ import annotations

import numpy as np

from ..config import GraphEnd
from .graph import Graph
from .operators import MOVES, reads
from .signature import Output
from .tensors import DTYPES

ACTIVATIONS: dict[str, GraphEnd] = {"LOGISTIC": "sigmoid", "SOFTMAX": "softmax", "LOG_SOFTMAX": "log-softmax"}
JOINS = frozenset({"CONCATENATION", "PACK"})
# What is between 0 and 1 stays there: numbers are put elsewhere, rounded, averaged or chosen from.
PASSING = (MOVES - JOINS) | frozenset(
    ["QUANTIZE", "DEQUANTIZE", "CAST", "MEAN", "REDUCE_MAX", "REDUCE_MIN", "MAX_POOL_2D", "AVERAGE_POOL_2D"]
)


def outputs(graph: Graph) -> list[Output]:
    """Return what a graph gives, in its order."""
    return [
        Output(
            _names(graph, t),
            np.dtype(DTYPES.get(graph.tensors[t].type, object)),
            graph.shape(t),
            of(graph, t),
        )
        for t in graph.outputs
    ]


def of(graph: Graph, tensor: int) -> GraphEnd:
    """Return the activation that a tensor's numbers have been through, "none" where none is seen.

    Parameters
    ----------
    graph : Graph
        A checked one (see `validate`).
    tensor : int
    """
    makers, waiting, seen, found = graph.producer(), [tensor], set[int](), set[GraphEnd]()
    while waiting:
        t = waiting.pop()
        operator = graph.operators[makers[t]] if t in makers else None
        name = "" if operator is None else graph.name(operator)
        if name in JOINS:
            waiting += {*reads(operator)} - seen
        elif name in PASSING:
            waiting.append(reads(operator)[1 if name == "SPLIT" else 0])  # whose first input is the axis
        else:
            found.add(ACTIVATIONS.get(name, "none"))
        seen.add(t)
    return found.pop() if len(found) == 1 else "none"


def _names(graph: Graph, tensor: int) -> tuple[str, ...]:
    signed = [
        entry.name
        for signature in graph.model.signatureDefs or []
        for entry in signature.outputs or []
        if entry.tensorIndex == tensor
    ]
    names = (name.decode(errors="replace") for name in (graph.tensors[tensor].name or b"", *signed))
    return tuple(dict.fromkeys(names))
