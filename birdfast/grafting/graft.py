"""A network with its front end taken off and birdfast's kernels grafted on.

optimize(model) -> Grafted (front end as tables, body as a static .tflite)  -> verify -> session
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import ModelError
from ..frontends.tables import Array, FrontEnd
from . import fold, trial, validate, verification
from .grafted import TOLERANCE, Grafted, GraftedSession, Proof, warn_original
from .graph import Graph, reads
from .original import checked, content
from .recognise import recognise
from .signature import check_inputs, scores_output


def optimize(
    model: bytes | str | Path, *, batch: int = 1, embedding: bool = True, graft: bool = True
) -> Grafted:
    """Rewrite a TFLite model for speed.

    Parameters
    ----------
    model
        The content of a .tflite file, or its path.
    batch
        Windows at a time: the rewritten graph takes exactly so many.
    embedding
        Make the input of the last FULLY_CONNECTED an output too, at no extra cost.
    graft
        Whether to look for a front end; without, shapes are made static and constants folded.

    Returns
    -------
    Grafted
        Not verified yet: see `verify`.

    Raises
    ------
    ModelError
        The model is damaged, or the runtime cannot run it at this batch.
    """
    original = Graph.parse(content(model))
    validate.check(original)
    try:
        return _rewrite(original, batch, find_embedding(original) if embedding else None, graft)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # a graph that is odd in a way that nobody thought of; it may still run as it is
        raise ModelError(f"cannot be rewritten: {type(error).__name__}: {error}") from error


def _rewrite(original: Graph, batch: int, embedding: int | None, graft: bool) -> Grafted:
    single = fold.freeze(original, 1)
    found = recognise(single) if graft else None
    frozen = single if batch == 1 else fold.freeze(original, batch)
    front_end, cut = (None, frozen.inputs[0]) if found is None else (found.front_end, found.cut)
    outputs = list(frozen.outputs)
    if embedding is not None and embedding not in outputs:
        outputs.append(embedding)
    body = frozen.extract([cut], outputs)
    _as_asked(body, front_end, batch)
    words = "" if front_end is None else front_end.words()
    proof = Proof(len(original.operators), len(body.operators), words)
    return Grafted(body.write(), front_end, batch, cut, outputs[0], embedding, proof)


def _as_asked(body: Graph, front_end: FrontEnd | None, batch: int) -> None:
    """Raise ModelError unless the body's input holds the front end's output for the whole batch."""
    if front_end is None:
        return
    shape = body.shape(body.inputs[0])
    if int(np.prod(shape)) != int(np.prod(front_end.batched(batch))):
        raise ModelError(f"the body's input {shape} does not hold {batch} times {front_end.shape}")


def find_embedding(graph: Graph) -> int | None:
    """The input of the last FULLY_CONNECTED that the first output comes from, None if there is none."""
    for i in reversed(graph.needed(graph.outputs[:1])):
        op = graph.operators[i]
        if graph.name(op) == "FULLY_CONNECTED":
            tensor = reads(op)[0]
            return None if graph.is_constant(tensor) or tensor in graph.inputs else tensor
    return None


def verify(
    model: bytes | str | Path, grafted: Grafted, windows: Mapping[str, Array] | None = None
) -> Grafted:
    """Run original and rewritten model on the same windows and compare their logits.

    Parameters
    ----------
    model
        The original.
    grafted
        What `optimize` made of it.
    windows
        More windows, float32 ``[samples]`` by name, such as real audio, beside `verification.signals`.

    Returns
    -------
    Grafted
        The same with a proof that holds the largest differences. The original is run as the runtime runs
        it by default, one window at a time.
    """
    original = Graph.parse(content(model))
    validate.check(original)
    body = Graph.parse(content(grafted.body))
    tensor = verification.find_logits(original)
    shape = fold.input_shape(original, 1)
    trials = {**verification.signals(int(np.prod(shape))), **(windows or {})}
    expected = verification.logits(original, tensor, trials, shape)
    session = GraftedSession(replace(grafted, body=verification.with_output(body, tensor), scores=tensor))
    found = [
        session.run(stack)["logits"][: len(names)]
        for names, stack in verification.batches(trials, grafted.batch)
    ]
    differences = verification.differences(trials, expected, np.concatenate(found))
    proof = replace(grafted.proof, largest_difference=max(differences.values()), differences=differences)
    return replace(grafted, proof=proof)


def verified(
    model: bytes | str | Path, *, batch: int = 1, embedding: bool = True, tolerance: float = TOLERANCE
) -> Grafted | None:
    """The fastest rewrite of a model that differs by no more than `tolerance`, None if there is none.

    First with the front end grafted, then with static shapes and folded constants alone.
    """
    trial.run(checked(content(model)))
    worst = []
    for graft in (True, False):
        try:
            found = verify(model, optimize(model, batch=batch, embedding=embedding, graft=graft))
        except ModelError as error:
            worst.append(str(error))
            continue
        difference = found.proof.largest_difference
        if difference is not None and difference <= tolerance:
            return found
        worst.append(f"logits differ by {difference:.1e}, tolerance {tolerance:.1e}")
        if found.front_end is None:
            break
    warn_original("; ".join(worst))
    return None


def scores_alone(data: bytes, output: str, n_classes: int) -> tuple[bytes, bool]:
    """A model with no output but the scores, and whether it had several: the rest is not worth its time."""
    graph = Graph.parse(data)
    validate.check(graph)
    check_inputs([(graph.dtype(t), graph.shape(t)) for t in graph.inputs])
    if len(graph.outputs) == 1:
        return data, False
    known = [((graph.tensors[t].name or b"").decode(errors="replace"), graph.shape(t)) for t in graph.outputs]
    scores = graph.outputs[scores_output(known, output, n_classes)]
    return graph.extract(graph.inputs, [scores]).write(), True
