"""Static shapes, and constants for whatever does not depend on the input.

Shape arithmetic (SHAPE, STRIDED_SLICE, PACK, ...) is what keeps XNNPACK from taking a whole graph.
"""

import numpy as np

from ..errors import ModelError
from ..runtimes import litert
from .graph import DTYPES, Graph


def input_shape(graph: Graph, batch: int) -> tuple[int, ...]:
    """The shape of the model's one input at a batch; a model without a batch axis takes one window.

    Raises
    ------
    ModelError
        More than one input, or none, or a length that the model leaves open.
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
    """Whether the model's input has an axis of windows beside that of samples."""
    return len(graph.shape(graph.inputs[0])) > 1


def freeze(graph: Graph, batch: int = 1) -> Graph:
    """The same graph for one batch size only: true shapes, constants folded, dead operators gone.

    One run of the original, by the runtime itself, tells all shapes and all values that do not depend on the
    samples: no second meaning of any operator is written down here that could differ. (Asking for those
    values as outputs is 30 times faster than the runtime's switch for keeping every tensor.)

    Parameters
    ----------
    graph
        A checked graph (see `validate`).
    batch
        Windows at a time.
    """
    source, shape = graph.inputs[0], input_shape(graph, batch)
    made = [int(t) for op in graph.operators for t in op.outputs]
    dependent = graph.dependent([source])
    foldable = [t for t in made if t not in dependent and graph.tensors[t].type in DTYPES]
    foldable = [t for t in foldable if not quantised(graph, t)]
    asking = graph.copy()
    asking.main.outputs = np.asarray([*dict.fromkeys([*graph.outputs, *foldable])], np.int32)
    asking.model.signatureDefs = None
    runner = litert.start(asking.write(), delegate=False, shapes={source: shape})
    samples = np.random.default_rng(0).uniform(-1, 1, shape).astype(graph.dtype(source))
    values = litert.run(runner, {source: samples}, foldable)
    shapes = {int(d["index"]): d["shape"] for d in runner.get_tensor_details()}
    frozen = graph.copy()
    for t, value in zip(foldable, values, strict=True):
        frozen.add_constant(t, value)
    for t in [source, *made]:
        if t in dependent:
            frozen.set_shape(t, shapes[t])
    drop_dead(frozen)
    return frozen


def quantised(graph: Graph, tensor: int) -> bool:
    """Whether a tensor's numbers stand for others, by a scale and a zero point."""
    q = graph.tensors[tensor].quantization
    return q is not None and q.scale is not None and len(q.scale) > 0


def drop_dead(graph: Graph) -> None:
    """Leave only the operators that the outputs need and whose results are not constant."""
    known = [t for t in range(len(graph.tensors)) if graph.is_constant(t)]
    graph.main.operators = [graph.operators[i] for i in graph.needed(graph.outputs, given=known)]
    graph.sweep()
