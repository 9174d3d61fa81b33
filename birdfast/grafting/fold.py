"""Static shapes, and constants for whatever does not depend on the input.

Shape arithmetic (SHAPE, STRIDED_SLICE, PACK, ...) is what keeps XNNPACK from taking a whole graph.
"""

from __future__ import annotations

import numpy as np

from ..errors import ModelError
from ..runtimes import litert
from . import parts, surgery
from .graph import Graph
from .tensors import DTYPES, is_quantised


def input_shape(graph: Graph, batch: int) -> tuple[int, ...]:
    """Return the shape of a model's one input at a batch.

    Parameters
    ----------
    graph : Graph
    batch : int
        Windows at a time; 1 for a model without an axis of windows.

    Returns
    -------
    tuple of int
        [batch, samples], or [samples] of a model without an axis of windows.

    Raises
    ------
    ModelError
        More than one input, or none; a length that the model leaves open; or a batch that it does not take.
    """
    if len(graph.inputs) != 1:
        raise ModelError(f"a model with {len(graph.inputs)} inputs: expected one, the samples")
    tensor = graph.tensors[graph.inputs[0]]
    signature = graph.shape(graph.inputs[0]) if tensor.shapeSignature is None else tensor.shapeSignature
    shape = [int(d) for d in signature]
    if len(shape) < 2:
        if batch != 1:
            raise ModelError(f"this model takes one window at a time, not a batch of {batch}")
        return tuple(d if d > 0 else int(s) for d, s in zip(shape, graph.shape(graph.inputs[0]), strict=True))
    if any(d <= 0 for d in shape[1:]):
        raise ModelError(f"the model's input {shape} leaves its length open")
    return (batch, *shape[1:])


def takes_batches(graph: Graph) -> bool:
    """Return whether a model's input has an axis of windows beside that of samples."""
    return len(graph.shape(graph.inputs[0])) > 1


def freeze(graph: Graph, batch: int = 1) -> Graph:
    """Return the same graph for one batch size only: true shapes, constants folded, dead operators gone.

    One run of the original, by the runtime itself, tells all shapes and all values that do not depend on the
    samples: no second meaning of any operator is written down here that could differ. (Asking for those
    values as outputs is 30 times faster than the runtime's switch for keeping every tensor.)

    Parameters
    ----------
    graph : Graph
        A checked one (see `validate`); not changed.
    batch : int
        Windows at a time.

    Raises
    ------
    ModelError
        See `input_shape`; or the runtime cannot run the graph at this batch.
    """
    source, shape = graph.inputs[0], input_shape(graph, batch)
    made = [int(t) for op in graph.operators for t in op.outputs]
    dependent = graph.dependent([source])
    foldable = [t for t in made if t not in dependent and graph.tensors[t].type in DTYPES]
    foldable = [t for t in foldable if not is_quantised(graph.tensors[t])]
    runner = litert.start(surgery.with_outputs(graph, foldable), delegate=False, shapes={source: shape})
    samples = np.random.default_rng(0).uniform(-1, 1, shape).astype(graph.dtype(source))
    values = litert.run(runner, {source: samples}, foldable)
    shapes = {int(d["index"]): d["shape"] for d in runner.get_tensor_details()}
    frozen = graph.copy()
    for t, value in zip(foldable, values, strict=True):
        frozen.add_constant(t, value)
    for t in [source, *made]:
        if t in dependent:
            frozen.set_shape(t, shapes[t])
    parts.take_first(frozen)
    drop_dead(frozen)
    return frozen


def drop_dead(graph: Graph) -> None:
    """Leave of a graph only the operators that its outputs need and whose results are not constant."""
    surgery.prune(graph, given=[t for t in range(len(graph.tensors)) if graph.is_constant(t)])
