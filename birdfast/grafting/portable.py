"""A faster plain .tflite for everyone else's tools: the same input, outputs, and tensor numbers."""

from collections.abc import Mapping

import numpy as np

from ..errors import ModelError
from ..frontends.tables import Array
from . import fold, trial, validate, verification
from .convolution import Convolver
from .flatbuffer import schema
from .graft import find_embedding
from .grafted import Proof
from .graph import Graph, reads
from .recognise import Found, recognise


def build(
    original: Graph, found: Found | None, *, batch: int | None = 1, embedding: int | None = None
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
    """
    graph = fold.freeze(original, batch or 1)
    if batch is None:
        graph = _any_batch(original, graph)
    if found is not None:
        convolver = Convolver(graph, found.signal)
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
        elif (
            one.is_constant(t) and (value := _common(graph, t, one.constant(t), two.constant(t))) is not None
        ):
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
        named = {entry.tensorIndex for entry in signature.outputs}
        if embedding is not None and b"embeddings" not in names and embedding not in named:
            signature.outputs.append(_named("embeddings", embedding))
    graph.model.signatureDefs = signatures


def _named(name: str, tensor: int) -> object:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name.encode(), tensor
    return entry


def verified(
    model: bytes, *, batch: int | None = 1, tolerance: float, windows: Mapping[str, Array] | None = None
) -> tuple[bytes, Proof]:
    """The fastest portable form whose logits differ by no more than `tolerance`.

    Parameters
    ----------
    model
        The content of a .tflite file.
    batch
        Windows at a time; None for any number, or for one where the network takes no more.
    windows
        More windows to try, float32 ``[samples]`` by name.

    Returns
    -------
    (bytes, report)
        The new file's content; the report also has the differences on pure tones, which are not judged: see
        `convolution`.

    Raises
    ------
    ModelError
        No form agrees, or the model is damaged.
    """
    original = Graph.parse(model)
    validate.check(original)
    trial.run(original.write())
    tensor, embedding = verification.find_logits(original), find_embedding(original)
    single, shape = fold.freeze(original, 1), fold.input_shape(original, 1)
    if not fold.takes_batches(original):
        batch = 1 if batch is None else batch
    samples = int(np.prod(shape))
    judged = {**verification.signals(samples, recorded=True), **(windows or {})}
    pure = {f"{name}, pure": w for name, w in verification.signals(samples).items() if "tone" in name}
    trials = {**judged, **pure}
    expected = verification.logits(original, tensor, trials, shape)
    reasons = []
    for found in dict.fromkeys((recognise(single), None)):
        data = build(original, found, batch=batch, embedding=embedding)
        graph = Graph.parse(data)
        logits = verification.logits(graph, tensor, trials, fold.input_shape(original, batch or 2))
        gaps = verification.differences(trials, expected, logits)
        not_judged = {name: gaps.pop(name) for name in pure}
        worst = max(gaps.values())
        words = "" if found is None else f"as convolutions: {found.front_end.words()}"
        if worst <= tolerance:
            return data, Proof(len(original.operators), len(graph.operators), words, worst, gaps, not_judged)
        reasons.append(f"logits differ by {worst:.1e}")
    raise ModelError(f"{', '.join(reasons)}; tolerance {tolerance:.1e}: nothing was written")
