"""What a graph takes, and whether that is sound on which a rewrite can be proved."""

from __future__ import annotations

from . import tensors
from .graph import Graph
from .signature import Input


def inputs(graph: Graph) -> list[Input]:
    """Return what a graph takes, in its order.

    Parameters
    ----------
    graph : Graph
        A checked one (see `validate`).
    """
    return [_input(graph, tensor) for tensor in graph.inputs]


def unfit(graph: Graph) -> str:
    """Return why a graph is run as it is, without a try at rewriting it; "" where it is tried.

    Whoever rewrites has one input in mind: float32 [batch, samples], with or without axes of 1.
    """
    found = inputs(graph)
    shape = found[0].shape if len(found) == 1 else ()
    lengths = shape[1:] or shape
    long = [length for length in lengths if length != 1]
    if len(long) == 1 and None not in long and len(shape) <= 3 and found[0].dtype == "float32":
        return ""
    return f"takes {', '.join(map(str, found))}; only float32 sound of one length is rewritten"


def _input(graph: Graph, tensor: int) -> Input:
    found, held = graph.tensors[tensor], graph.shape(tensor)
    opened = held if found.shapeSignature is None or not len(found.shapeSignature) else found.shapeSignature
    shape = tuple(int(length) if length >= 0 else None for length in opened)
    name = (found.name or b"").decode(errors="replace")
    return Input(tensor, name, graph.dtype(tensor).name, shape, held, *tensors.steps(found))
