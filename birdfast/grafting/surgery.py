"""Cutting a piece out of a graph, taking away what it then has no use for, showing what is inside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..errors import ModelError
from .graph import Graph
from .operators import reads


def with_outputs(graph: Graph, tensors: Iterable[int]) -> bytes:
    """Return the bytes of the same model with tensors as more outputs, last, and no signatures."""
    shown = graph.copy()
    shown.main.outputs = np.asarray([*dict.fromkeys([*graph.outputs, *tensors])], np.int32)
    shown.model.signatureDefs = None
    return shown.write()


def extract(graph: Graph, inputs: Sequence[int], outputs: Sequence[int]) -> Graph:
    """Return a graph of its own with only what leads from some tensors to others.

    Parameters
    ----------
    graph : Graph
        Not changed.
    inputs, outputs : sequence of int
        Tensors; all keep their places.

    Returns
    -------
    Graph
        Without signatures.

    Raises
    ------
    ModelError
        The outputs need more of the graph's inputs than these.
    """
    piece = graph.copy()
    keep = graph.needed(outputs, given=inputs)
    made = {int(t) for i in keep for t in graph.operators[i].outputs}
    for i in keep:
        for t in reads(graph.operators[i]):
            if t not in made and t not in inputs and t in graph.inputs:
                raise ModelError(f"tensor {t} is needed as well")
    piece.main.operators = [piece.main.operators[i] for i in keep]
    piece.main.inputs = np.asarray(inputs, np.int32)
    piece.main.outputs = np.asarray(outputs, np.int32)
    piece.model.signatureDefs = None
    for t in inputs:
        piece.tensors[t].buffer = 0
    sweep(piece)
    return piece


def prune(graph: Graph, given: Iterable[int] = ()) -> None:
    """Leave of a graph only the operators that its outputs need when the tensors `given` are known."""
    graph.main.operators = [graph.operators[i] for i in graph.needed(graph.outputs, given=given)]
    sweep(graph)


def sweep(graph: Graph) -> None:
    """Empty what no operator of a graph uses.

    Tensors keep their places in the table (other programs know some by number); buffers lose their bytes;
    operator codes and metadata that refer to nothing go.
    """
    used = {*graph.inputs, *graph.outputs}
    for op in graph.operators:
        used.update(reads(op), (int(t) for t in op.outputs))
    for i, t in enumerate(graph.tensors):
        if i not in used:
            t.buffer, t.quantization, t.sparsity, t.isVariable = 0, None, None, False
    _sweep_buffers(graph)
    codes = sorted({op.opcodeIndex for part in graph.model.subgraphs for op in part.operators})
    for part in graph.model.subgraphs:
        for op in part.operators:
            op.opcodeIndex = codes.index(op.opcodeIndex)
    graph.model.operatorCodes = [graph.model.operatorCodes[i] for i in codes]


def _sweep_buffers(graph: Graph) -> None:
    order = {0: 0}
    owners = [t for part in graph.model.subgraphs for t in part.tensors] + (graph.model.metadata or [])
    for owner in owners:
        owner.buffer = order.setdefault(owner.buffer, len(order))
    graph.model.buffers = [graph.model.buffers[i] for i in order]
    graph.model.metadataBuffer = None
