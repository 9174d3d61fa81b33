"""A network with its front end taken off and birdfast's kernels grafted on.

optimize(model) -> Grafted (front end as tables, body as a static .tflite) -> verify -> session
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..arrays import Float32
from ..errors import ModelError, ModelMemoryError
from ..frontends.tables import FrontEnd
from . import beginning, ending, fold, original, surgery, verification
from .grafted import Grafted, GraftedSession, Proof, warn_original
from .graph import Graph
from .networkfile import content
from .operators import RESHAPES, reads
from .places import TOLERANCE
from .recognise import recognise
from .signature import scores_output, the_input

# Behind them a number stands for the same.
KEEPING = RESHAPES | {"TRANSPOSE", "QUANTIZE", "DEQUANTIZE", "CAST"}


def optimize(model: bytes | str | Path, *, batch: int = 1, kernels: bool = True) -> Grafted:
    """Rewrite a TFLite model for speed.

    The input of its last FULLY_CONNECTED becomes an output too, at no extra cost.

    Parameters
    ----------
    model : bytes, str or path
        The content of a .tflite file, or its path.
    batch : int
        Windows at a time: the rewritten graph takes exactly so many.
    kernels : bool
        Look for a front end, for our kernels to compute; without, shapes are made static and constants
        folded.

    Returns
    -------
    Grafted
        Not verified yet: see `verify`.

    Raises
    ------
    ModelError
        The model is damaged, or the runtime cannot run it at this batch.
    """
    graph = original.read(model)
    try:
        return _rewrite(graph, batch, find_embedding(graph), kernels)
    except MemoryError as error:
        raise ModelMemoryError("cannot be rewritten: too little memory") from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # a graph that is odd in a way that nobody thought of; it may still run as it is
        raise ModelError(f"cannot be rewritten: {type(error).__name__}: {error}") from error


def _rewrite(graph: Graph, batch: int, embedding: int | None, kernels: bool) -> Grafted:
    single = fold.freeze(graph, 1)
    found = recognise(single) if kernels else None
    frozen = single if batch == 1 else fold.freeze(graph, batch)
    front_end, cut = (None, frozen.inputs[0]) if found is None else (found.front_end, found.cut)
    outputs = list(frozen.outputs)
    if embedding is not None and embedding not in outputs:
        outputs.append(embedding)
    body = surgery.extract(frozen, [cut], outputs)
    _as_asked(body, front_end, batch)
    words = "" if front_end is None else front_end.words()
    proof = Proof(len(graph.operators), len(body.operators), words)
    ends_in = ending.of(graph, graph.outputs[0])
    return Grafted(body.write(), front_end, batch, cut, outputs[0], embedding, ends_in, proof)


def _as_asked(body: Graph, front_end: FrontEnd | None, batch: int) -> None:
    """Raise ModelError unless the body's input holds the front end's output for the whole batch."""
    if front_end is None:
        return
    shape = body.shape(body.inputs[0])
    if int(np.prod(shape)) != int(np.prod(front_end.batched(batch))):
        raise ModelError(f"the body's input {shape} does not hold {batch} times {front_end.shape}")


def find_embedding(graph: Graph, scores: int | None = None) -> int | None:
    """Return the tensor that the last FULLY_CONNECTED before the scores reads, None if there is none.

    Parameters
    ----------
    graph : Graph
    scores : int or None
        A tensor; None: the first output.
    """
    for i in reversed(graph.needed(graph.outputs[:1] if scores is None else [scores])):
        op = graph.operators[i]
        if graph.name(op) == "FULLY_CONNECTED":
            tensor = reads(op)[0]
            return None if _is_given(graph, tensor) else tensor
    return None


def _is_given(graph: Graph, tensor: int) -> bool:
    """Return whether a tensor holds the graph's input, or a constant: in another shape, or type, at most."""
    makers = graph.producer()
    while tensor in makers and graph.name(graph.operators[makers[tensor]]) in KEEPING:
        tensor = reads(graph.operators[makers[tensor]])[0]
    return graph.is_constant(tensor) or tensor in graph.inputs


def verify(
    model: bytes | str | Path, grafted: Grafted, windows: Mapping[str, Float32] | None = None
) -> Grafted:
    """Run original and rewritten model on the same windows and compare their logits.

    Parameters
    ----------
    model : bytes, str or path
        The original.
    grafted : Grafted
        What `optimize` made of it.
    windows : dict of str to float32 [samples], or None
        More windows by name, such as real audio, beside `verification.signals`.

    Returns
    -------
    Grafted
        The same with a proof that holds the largest differences. The original is run as the runtime runs
        it by default, one window at a time.

    Raises
    ------
    ModelError
        The runtime cannot run one of the two.
    """
    graph = original.read(model)
    body = Graph.parse(content(grafted.body))
    tensor = verification.find_logits(graph)
    shape = fold.input_shape(graph, 1)
    trials = {**verification.signals(int(np.prod(shape))), **(windows or {})}
    expected = verification.logits(graph, tensor, trials, shape)
    session = GraftedSession(replace(grafted, body=surgery.with_outputs(body, [tensor]), scores=tensor))
    found = [
        session.run(stack)["logits"][: len(names)]
        for names, stack in verification.batches(trials, grafted.batch)
    ]
    bounded = verification.are_confidences(graph, tensor)
    differences = verification.differences(trials, expected, np.concatenate(found), confidences=bounded)
    proof = replace(grafted.proof, largest_difference=max(differences.values()), differences=differences)
    return replace(grafted, proof=proof)


def verified(model: bytes | str | Path, *, batch: int = 1, tolerance: float = TOLERANCE) -> Grafted | None:
    """Return the fastest rewrite of a model that says what the original says.

    First with the front end grafted, then with static shapes and folded constants alone.

    Parameters
    ----------
    model, batch
        As `optimize`.
    tolerance : float
        The largest difference of a logit.

    Returns
    -------
    Grafted or None
        None if there is none; a RuntimeWarning says why.

    Raises
    ------
    ModelError
        The model is damaged, hostile, or one that the runtime cannot run.
    ModelMemoryError
        There may be one, but there was too little memory.
    """
    if reason := beginning.unfit(original.read(model)):
        warn_original(reason)
        return None
    original.check(model)
    worst, lacked = [], False
    for kernels in (True, False):
        try:
            found = verify(model, optimize(model, batch=batch, kernels=kernels))
        except (ModelError, MemoryError) as error:
            worst.append(str(error) or "too little memory")
            lacked |= isinstance(error, ModelMemoryError | MemoryError)
            continue
        difference = found.proof.largest_difference
        if difference is not None and difference <= tolerance:
            return found
        worst.append(f"logits differ by {difference:.1e}, tolerance {tolerance:.1e}")
        if found.front_end is None:
            break
    if lacked:
        raise ModelMemoryError("; ".join(worst))
    warn_original("; ".join(worst))
    return None


def scores_alone(data: bytes, output: str, n_classes: int) -> tuple[bytes, bool]:
    """Return a model with no output but the scores, and whether it had several: they cost time.

    Parameters
    ----------
    data : bytes
        The content of a .tflite file.
    output : str
        The name of the output with the scores, or "".
    n_classes : int
        Its length, or 0; see `signature.scores_output`.

    Raises
    ------
    ModelError
        The model is damaged, has several inputs, or nothing tells which output holds the scores.
    """
    graph = original.read(data)
    the_input(beginning.inputs(graph))
    scores = graph.outputs[scores_output(ending.outputs(graph), output, n_classes)]
    if len(graph.outputs) == 1:
        return data, False
    return surgery.extract(graph, graph.inputs, [scores]).write(), True
