"""A faster plain .tflite for everyone else's tools: the same input, outputs, and tensor numbers."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from birdfast.sessions import fold
from birdfast.sessions.convolution import Convolver
from birdfast.sessions.frontend import Array
from birdfast.sessions.graph import Graph, reads
from birdfast.sessions.recognise import Found


def build(
    original: Graph, found: Found | None, *, batch: int | None = 1, embedding: int | None = None, split: bool = True
) -> bytes:
    """Write a model for other tools.

    Parameters
    ----------
    original
        The checked graph.
    found
        Its front end, to be replaced by convolutions; None keeps the FFTs as they are.
    batch
        Windows at a time, None for any number.
    embedding
        A tensor to become the second output, None for none.
    split
        See `convolution`: exact where bands hold nothing but rounding noise, for more time.
    """
    graph = fold.freeze(original, batch or 1)
    if batch is None:
        graph = _any_batch(original, graph)
    if found is not None:
        convolver = Convolver(graph, found.signal, split=split)
        for branch, bands in zip(found.front_end.branches, found.bands, strict=True):
            convolver.replace(bands, branch)
    if embedding is not None and embedding not in graph.outputs:
        graph.main.outputs = np.asarray([*graph.outputs, embedding], np.int32)
    _sign(graph, embedding)
    graph.main.operators = [graph.operators[i] for i in graph.needed(graph.outputs)]
    graph.sweep()
    return graph.write()


def _any_batch(original: Graph, one: Graph) -> Graph:
    """A graph folded only where no batch size shows: what differs between batches of 1 and 2 stays open."""
    two, graph = fold.freeze(original, 2), original.copy()
    dependent = original.dependent(original.inputs)
    for t in dict.fromkeys([*original.inputs, *(int(o) for op in original.operators for o in op.outputs)]):
        if t in dependent:
            shape = one.shape(t)
            graph.set_shape(t, shape)
            if shape != two.shape(t):
                signature = [a if a == b else -1 for a, b in zip(shape, two.shape(t), strict=True)]
                graph.tensors[t].shapeSignature = np.asarray(signature, np.int32)
        elif one.is_constant(t) and (value := _common(graph, t, one.constant(t), two.constant(t))) is not None:
            graph.add_constant(t, value)
    fold.drop_dead(graph)
    return graph


def _common(graph: Graph, t: int, one: Array | None, two: Array | None) -> Array | None:
    """The value of a tensor for any batch: -1 in the one place where a RESHAPE's target depends on it."""
    if one is None or two is None or one.shape != two.shape:
        return None
    differs = one != two
    if not differs.any():
        return one
    readers = [op for op in graph.operators if t in reads(op)]
    only_shapes = all(graph.name(op) == "RESHAPE" and reads(op)[1:] == [t] for op in readers)
    if not only_shapes or differs.sum() != 1 or (one < 0).any():
        return None
    return np.where(differs, np.asarray(-1, one.dtype), one)


def _sign(graph: Graph, embedding: int | None) -> None:
    """Name the outputs as birdnet looks for them, beside whatever names the model has."""
    signatures = graph.model.signatureDefs or []
    if not signatures:
        signature = schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = b"serving_default", 0
        signature.inputs = [_named("inputs", graph.inputs[0])]
        signature.outputs = [_named("predictions", graph.outputs[0])]
        signatures = [signature]
    for signature in signatures:
        names = {entry.name for entry in signature.outputs}
        if embedding is not None and b"embeddings" not in names:
            if all(entry.tensorIndex != embedding for entry in signature.outputs):
                signature.outputs.append(_named("embeddings", embedding))
    graph.model.signatureDefs = signatures


def _named(name: str, tensor: int) -> object:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name.encode(), tensor
    return entry
