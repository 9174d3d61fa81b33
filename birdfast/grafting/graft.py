"""A network with its front end taken off and birdfast's kernels grafted on.

optimize(model) -> Grafted (front end as tables, body as a static .tflite) -> verify -> session
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np

from ..arrays import Float32
from ..errors import ModelError, ModelMemoryError
from ..frontends import compiled
from ..frontends.tables import FrontEnd
from . import beginning, ending, fold, original, surgery, verification
from .ending import find_embedding
from .grafted import Grafted, GraftedSession, Proof, warn_original
from .graph import Graph
from .networkfile import content
from .places import TOLERANCE
from .recognise import recognise
from .roles import EMBEDDING, LOGITS, Wanted, is_logits, roles
from .signature import the_input


def optimize(
    model: bytes | str | Path,
    *,
    batch: int = 1,
    kernels: bool = True,
    shown: Mapping[str, int] = MappingProxyType({}),
) -> Grafted:
    """Rewrite a TFLite model for speed.

    The input of its last FULLY_CONNECTED becomes an output too, at no extra cost, unless it shows another
    embedding.

    Parameters
    ----------
    model : bytes, str or path
        The content of a .tflite file, or its path.
    batch : int
        Windows at a time: the rewritten graph takes exactly so many.
    kernels : bool
        Look for a front end, for our kernels to compute; without, shapes are made static and constants
        folded.
    shown : dict of str to int
        The tensors of its outputs by role, beside the first, which has the scores.

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
        return _rewrite(graph, batch, shown, kernels)
    except MemoryError as error:
        raise ModelMemoryError("cannot be rewritten: too little memory") from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # a graph that is odd in a way that nobody thought of; it may still run as it is
        raise ModelError(f"cannot be rewritten: {type(error).__name__}: {error}") from error


def _rewrite(graph: Graph, batch: int, shown: Mapping[str, int], kernels: bool) -> Grafted:
    single = fold.freeze(graph, 1)
    found = recognise(single) if kernels else None
    frozen = single if batch == 1 else fold.freeze(graph, batch)
    front_end, cut = (None, frozen.inputs[0]) if found is None else (found.front_end, found.cut)
    outputs, embedding = list(frozen.outputs), shown.get(EMBEDDING, find_embedding(graph))
    if embedding is not None and embedding not in outputs:
        outputs.append(embedding)
    body = surgery.extract(frozen, [cut], outputs)
    _as_asked(body, front_end, batch)
    body.tell_apart()
    words = "" if front_end is None else compiled.words(front_end)
    proof = Proof(len(graph.operators), len(body.operators), words)
    more = {role: tensor for role, tensor in shown.items() if role not in (LOGITS, EMBEDDING)}
    ends = {role: ending.of(graph, tensor) for role, tensor in more.items() if is_logits(role)}
    ends_in = ending.of(graph, graph.outputs[0])
    return Grafted(body.write(), front_end, batch, cut, outputs[0], embedding, ends_in, proof, more, ends)


def _as_asked(body: Graph, front_end: FrontEnd | None, batch: int) -> None:
    """Raise ModelError unless the body's input holds the front end's output for the whole batch."""
    if front_end is None:
        return
    shape = body.shape(body.inputs[0])
    if int(np.prod(shape)) != int(np.prod(front_end.batched(batch))):
        raise ModelError(f"the body's input {shape} does not hold {batch} times {front_end.shape}")


def verify(
    model: bytes | str | Path, grafted: Grafted, windows: Mapping[str, Float32] | None = None
) -> Grafted:
    """Run original and rewritten model on the same windows and compare their logits.

    So are other outputs that are shown, embeddings as parts of their largest value, as is all beyond -1..1.

    Parameters
    ----------
    model : bytes, str or path
        The original.
    grafted : Grafted
        What `optimize` made of it.
    windows : dict of str to float32 [samples], or None
        More windows by name, such as real audio, beside `verification.signals` and `loud`.

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
    samples = int(np.prod(fold.input_shape(graph, 1)))
    trials = {**verification.signals(samples), **verification.loud(samples), **(windows or {})}
    every = [
        _differences(graph, grafted, role, tensor, trials)
        for role, tensor in grafted.tensors.items()
        if tensor in graph.outputs
    ]
    differences = {name: max(gaps[name] for gaps in every) for name in trials}
    proof = replace(grafted.proof, largest_difference=max(differences.values()), differences=differences)
    return replace(grafted, proof=proof)


def _differences(
    graph: Graph, grafted: Grafted, role: str, tensor: int, trials: Mapping[str, Float32]
) -> dict[str, float]:
    """Return the largest difference of one output in each window."""
    body, tensor = Graph.parse(content(grafted.body)), verification.find_logits(graph, tensor)
    expected = verification.logits(graph, tensor, trials, fold.input_shape(graph, 1))
    data = surgery.with_outputs(body, [tensor])
    session = GraftedSession(replace(grafted, body=data, scores=tensor, embedding=None, more={}))
    found = np.concatenate(
        [
            session.run(stack)[LOGITS][: len(names)]
            for names, stack in verification.batches(trials, grafted.batch)
        ]
    )
    return verification.of_each(role, ending.of(graph, tensor), trials, expected, found)


def verified(
    model: bytes | str | Path,
    *,
    batch: int = 1,
    tolerance: float = TOLERANCE,
    shown: Mapping[str, int] = MappingProxyType({}),
    kept: Path | None = None,
    name: str = "the model",
) -> Grafted | None:
    """Return the fastest rewrite of a model that says what the original says.

    First with the front end grafted, then with static shapes and folded constants alone.

    Parameters
    ----------
    model, batch, shown
        As `optimize`.
    tolerance : float
        The largest difference of a logit.
    kept, name
        As `original.check`.

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
    original.check(model, kept, name)
    worst, lacked = [], False
    for kernels in (True, False):
        try:
            found = verify(model, optimize(model, batch=batch, kernels=kernels, shown=shown))
        except (ModelError, MemoryError) as error:
            worst.append(str(error) or "too little memory")
            lacked |= isinstance(error, ModelMemoryError | MemoryError)
            continue
        difference = found.proof.largest_difference
        if difference is not None and difference <= tolerance:
            own = f"the network's own; ours was refused: {worst[0]}" if worst else found.proof.front_end
            return replace(found, proof=replace(found.proof, front_end=own))
        worst.append(f"logits differ by {difference:.1e}, tolerance {tolerance:.1e}")
        if found.front_end is None:
            break
    if lacked:
        raise ModelMemoryError("; ".join(worst))
    warn_original("; ".join(worst))
    return None


def shown_alone(data: bytes, wanted: Wanted) -> tuple[bytes, dict[str, int], bool]:
    """Return a model without outputs that are not shown, which cost time.

    Parameters
    ----------
    data : bytes
        The content of a .tflite file.
    wanted : Wanted

    Returns
    -------
    data : bytes
    shown : dict of str to int
        The tensors of its outputs by role; the first has the scores.
    of_several : bool
        Whether the file had several outputs.

    Raises
    ------
    ModelError
        The model is damaged, has several inputs, or `roles.roles` finds not what is wanted.
    """
    graph = original.read(data, partial=True)
    the_input(beginning.inputs(graph))
    places = roles(ending.outputs(graph), wanted)
    shown = {role: graph.outputs[place] for role, place in places.items()}
    if len(graph.outputs) == 1:
        return data, shown, False
    return surgery.extract(graph, graph.inputs, [*dict.fromkeys(shown.values())]).write(), shown, True
