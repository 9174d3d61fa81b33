"""A faster plain .tflite for everyone else's tools: the same input, outputs, and tensor numbers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..arrays import Array, Float32
from ..errors import ModelError
from . import beginning, fold, original, signing, surgery, trial, verification
from .convolution import Convolver
from .ending import find_embedding
from .grafted import Proof
from .graph import Graph
from .operators import reads
from .recognise import Found, recognise


def build(
    network: Graph, found: Found | None, *, batch: int | None = 1, embedding: int | None = None
) -> bytes:
    """Write a model for other tools.

    Parameters
    ----------
    network : Graph
        Checked; not changed.
    found : Found or None
        Its front end, to be replaced by convolutions; None keeps the FFTs as they are.
    batch : int or None
        Windows at a time, None for any number.
    embedding : int or None
        A tensor to become the second output, None for none.

    Returns
    -------
    bytes
        The content of a .tflite file.

    Raises
    ------
    ModelError
        The runtime cannot run the network at this batch.
    """
    graph = fold.freeze(network, batch or 1)
    if batch is None:
        graph = _any_batch(network, graph)
    if found is not None:
        convolver = Convolver(graph, found.signal)
        for branch, bands in zip(found.front_end.branches, found.bands, strict=True):
            convolver.replace(bands, branch)
    if embedding is not None and embedding not in graph.outputs:
        graph.main.outputs = np.asarray([*graph.outputs, embedding], np.int32)
    _sign(graph, embedding)
    surgery.prune(graph)
    return graph.write()


def _any_batch(network: Graph, one: Graph) -> Graph:
    """Fold a graph only where no batch size shows: what differs between batches of 1 and 2 stays open."""
    two, graph = fold.freeze(network, 2), network.copy()
    dependent = network.dependent(network.inputs)
    for t in dict.fromkeys([*network.inputs, *(int(o) for op in network.operators for o in op.outputs)]):
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
    """Return a tensor's value for any batch: -1 in the one place where a RESHAPE's target depends on it."""
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
    signatures = graph.model.signatureDefs or [
        signing.signature({signing.INPUTS: graph.inputs[0]}, {signing.PREDICTIONS: graph.outputs[0]})
    ]
    for signature in signatures:
        names = {entry.name for entry in signature.outputs}
        named = {entry.tensorIndex for entry in signature.outputs}
        if embedding is not None and signing.EMBEDDINGS.encode() not in names and embedding not in named:
            signature.outputs.append(signing.entry(signing.EMBEDDINGS, embedding))
    graph.model.signatureDefs = signatures


def verified(
    model: bytes | str | Path,
    *,
    batch: int | None = 1,
    tolerance: float,
    windows: Mapping[str, Float32] | None = None,
) -> tuple[bytes, Proof]:
    """Return the fastest portable form that says what the original says.

    Parameters
    ----------
    model : bytes, str or path
        The content of a .tflite file, or its path.
    batch : int or None
        Windows at a time; None for any number, or for one where the network takes no more.
    tolerance : float
        The largest difference of a logit.
    windows : dict of str to float32 [samples], or None
        More windows to try, by name.

    Returns
    -------
    data : bytes
        The new file's content.
    proof : Proof
        It also has the differences on pure tones, which are not judged: see `convolution`.

    Raises
    ------
    ModelError
        No form agrees, or the model is damaged.
    """
    network = original.read(model)
    if reason := beginning.unfit(network):
        raise ModelError(reason)
    trial.run(network.write())
    tensor, embedding = verification.find_logits(network), find_embedding(network)
    single, shape = fold.freeze(network, 1), fold.input_shape(network, 1)
    if not fold.takes_batches(network):
        batch = 1 if batch is None else batch
    samples = int(np.prod(shape))
    judged = {**verification.signals(samples, recorded=True), **(windows or {})}
    pure = {f"{name}, pure": w for name, w in verification.signals(samples).items() if "tone" in name}
    trials = {**judged, **pure}
    expected = verification.logits(network, tensor, trials, shape)
    bounded = verification.are_confidences(network, tensor)
    reasons = []
    for found in dict.fromkeys((recognise(single), None)):
        data = build(network, found, batch=batch, embedding=embedding)
        graph = Graph.parse(data)
        logits = verification.logits(graph, tensor, trials, fold.input_shape(network, batch or 2))
        gaps = verification.differences(trials, expected, logits, confidences=bounded)
        not_judged = {name: gaps.pop(name) for name in pure}
        worst = max(gaps.values())
        words = "" if found is None else f"as convolutions: {found.front_end.words()}"
        if worst <= tolerance:
            return data, Proof(len(network.operators), len(graph.operators), words, worst, gaps, not_judged)
        reasons.append(f"logits differ by {worst:.1e}")
    raise ModelError(f"{', '.join(reasons)}; tolerance {tolerance:.1e}: nothing was written")
