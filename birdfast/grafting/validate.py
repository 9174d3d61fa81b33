"""Whether a parsed TFLite graph is safe to hand to the runtime.

The runtime checks much by itself, but not everything, and some of what it misses ends the process. Refused
here: indices that point nowhere, tensors whose bytes do not fit their shape, operators in an order in which
their inputs do not exist yet (a cycle has no other order), strides of 0, and sizes that no recording needs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..errors import ModelError
from .contracts import FEWEST_INPUTS, FIRST_INPUTS, OPTIONAL_INPUTS, OPTIONS_READ
from .flatbuffer import schema
from .graph import Graph
from .operators import CALLS, OPERATOR_NAMES, STATES, reads
from .tensors import DTYPES

LARGEST_TENSOR = 2**30  # bytes
LARGEST_RANK = 8
KINDS = {number: name.lower() for name, number in vars(schema.TensorType).items() if name[0] != "_"}
STRIDES = ("strideW", "strideH", "dilationWFactor", "dilationHFactor", "filterWidth", "filterHeight")


def check(graph: Graph) -> None:
    """Refuse, with a reason, a graph that is not one that can be run.

    Parameters
    ----------
    graph : Graph
        Just parsed, and alone in its model: see `subgraphs`. Operator codes that it does not use are not
        looked at.

    Raises
    ------
    ModelError
        It is damaged or hostile, or has what is not supported.
    """
    with damage():
        _model(graph.model)
        _main(graph)
        _alone(graph)
        for i, op in enumerate(graph.operators):
            _operator(graph, i, op)
        _order(graph)
        _signatures(graph)


@contextmanager
def damage() -> Iterator[None]:
    """Turn whatever goes wrong while a parsed model is looked at into a ModelError."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:  # a field of a kind that only a damaged file has
        raise ModelError(f"a damaged TFLite model: {type(error).__name__}: {error}") from error


def _refuse(condition: Any, reason: str) -> None:
    if condition:
        raise ModelError(f"a damaged TFLite model: {reason}")


def _unsupported(condition: Any, what: str) -> None:
    if condition:
        raise ModelError(f"not supported: {what}")


def _model(model: Any) -> None:
    _refuse(model.version != 3, f"schema version {model.version}, expected 3")
    _refuse(not model.subgraphs or not model.buffers, "no graph in it")
    _unsupported(len(model.subgraphs) > 1, f"{len(model.subgraphs)} subgraphs")
    _refuse(model.buffers[0].data is not None and len(model.buffers[0].data), "bytes in the empty buffer 0")
    for buffer in model.buffers:
        _unsupported(buffer.offset > 1 or buffer.size > 1, "weights outside of the flatbuffer")
    for meta in model.metadata or []:
        _refuse(not 0 <= meta.buffer < len(model.buffers), f"metadata in buffer {meta.buffer}")


def _code(code: Any) -> None:
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    _refuse(number not in OPERATOR_NAMES or code.version < 1, f"operator code {number} is unknown")
    if OPERATOR_NAMES[number] == "CUSTOM":
        raise ModelError(f"custom operator {_text(code.customCode)}: the TFLite runtime has none such")


def _text(name: bytes | None) -> str:
    return "" if name is None else name.decode("utf-8", "replace")


def _main(graph: Graph) -> None:
    main, n = graph.main, len(graph.main.tensors or [])
    _refuse(not n or not main.operators, "no operators in it")
    _refuse(main.inputs is None or main.outputs is None, "no inputs or no outputs")
    for t in (*graph.inputs, *graph.outputs):
        _refuse(not 0 <= t < n, f"input or output {t}, but there are {n} tensors")
    _refuse(len(set(graph.inputs)) != len(graph.inputs) or not graph.outputs, "inputs twice, or no outputs")
    for i in range(n):
        _tensor(graph, i)
    for t in graph.inputs:
        _refuse(graph.is_constant(t), f"input {t} is a constant")
        kind = graph.tensors[t].type
        _unsupported(
            kind not in DTYPES, f"it takes {KINDS[kind]} values; birdfast gives sound, or its picture"
        )


def _alone(graph: Graph) -> None:
    names = {
        graph.name(op) for op in graph.operators if op.opcodeIndex < len(graph.model.operatorCodes or [])
    }
    beyond = ", ".join(sorted(names & (CALLS | STATES)))
    _unsupported(beyond, f"{beyond}, which the network needs: it runs other graphs, or keeps a state")


def _tensor(graph: Graph, i: int) -> None:
    t = graph.tensors[i]
    shape, signature = graph.shape(i), t.shapeSignature
    _refuse(not 0 <= t.buffer < len(graph.model.buffers), f"tensor {i} in buffer {t.buffer}")
    _unsupported(t.externalBuffer, f"tensor {i} is kept outside of the file")
    _refuse(len(shape) > LARGEST_RANK or any(d < 0 for d in shape), f"tensor {i} of shape {list(shape)}")
    _unsupported(t.isVariable or t.variantTensors, f"tensor {i} keeps a state")
    if signature is not None and len(signature):
        _refuse(
            len(signature) != len(shape) or min(signature) < -1, f"tensor {i}: shape signature {signature}"
        )
    _quantisation(i, t, shape)
    if t.type not in DTYPES:
        _refuse(t.type not in KINDS, f"tensor {i} of unknown type {t.type}")
        return
    size = int(np.dtype(DTYPES[t.type]).itemsize)
    for d in shape:
        size *= d
    _refuse(size > LARGEST_TENSOR, f"tensor {i} of shape {list(shape)}: {size} bytes")
    if graph.is_constant(i) and t.sparsity is None:
        held = len(graph.model.buffers[t.buffer].data)
        _refuse(held != size, f"constant {i} of shape {list(shape)} has {held} bytes, needs {size}")


def _quantisation(i: int, t: Any, shape: tuple[int, ...]) -> None:
    q = t.quantization
    _unsupported(t.sparsity is not None, f"tensor {i} is sparse")
    if q is None:
        return
    _refuse(q.detailsType or q.details is not None, f"tensor {i} has a quantisation of another kind")
    n = 0 if q.scale is None else len(q.scale)
    zeros = 0 if q.zeroPoint is None else len(q.zeroPoint)
    _refuse(n == 0 and zeros > 0, f"tensor {i} has zero points without scales")
    _refuse(zeros not in (0, 1, n), f"tensor {i} has {n} scales and {zeros} zero points")
    if n:
        _refuse(not np.isfinite(q.scale).all() or (np.asarray(q.scale) < 0).any(), f"scales of tensor {i}")
    if n > 1:
        axis = q.quantizedDimension
        _refuse(
            not 0 <= axis < len(shape) or shape[axis] != n, f"tensor {i} has {n} scales along axis {axis}"
        )


def _operator(graph: Graph, i: int, op: Any) -> None:
    codes, n = graph.model.operatorCodes or [], len(graph.tensors)
    _refuse(not 0 <= op.opcodeIndex < len(codes), f"operator {i} has code {op.opcodeIndex} of {len(codes)}")
    _code(codes[op.opcodeIndex])
    name = graph.name(op)
    inputs = [] if op.inputs is None else [int(t) for t in op.inputs]
    outputs = [] if op.outputs is None else [int(t) for t in op.outputs]
    _refuse(any(not -1 <= t < n for t in inputs), f"{name} {i} reads {inputs}, but there are {n} tensors")
    _refuse(any(not 0 <= t < n for t in outputs), f"{name} {i} makes {outputs}, but there are {n} tensors")
    _refuse(not outputs or len(inputs) < FEWEST_INPUTS.get(name, 1), f"{name} {i} lacks inputs or outputs")
    left_out = inputs[:FIRST_INPUTS] if name in OPTIONAL_INPUTS else inputs
    _refuse(-1 in left_out, f"{name} {i} lacks an input")
    _unsupported(op.intermediates is not None and len(op.intermediates), f"{name} {i} keeps a state")
    _refuse(
        op.largeCustomOptionsOffset or op.largeCustomOptionsSize, f"{name} {i}: options outside of the file"
    )
    kind = op.builtinOptionsType
    _refuse(bool(kind) != (op.builtinOptions is not None), f"{name} {i} has options of kind {kind}")
    _options(name, i, op)


def _options(name: str, i: int, op: Any) -> None:
    options = op.builtinOptions
    if options is None:
        return
    held = type(options).__name__.removesuffix("OptionsT").lower()
    if name in OPTIONS_READ:
        _refuse(held != OPTIONS_READ[name], f"{name} {i} has the options of {held}")
    for field in STRIDES:
        value = getattr(options, field, 1)
        _refuse(not 0 < value < 2**20, f"{name} {i}: {field} {value}")
    for field in ("axis", "batchDims", "seqDim", "batchDim"):
        _refuse(abs(getattr(options, field, 0)) > LARGEST_RANK, f"{name} {i}: {field}")
    _refuse(getattr(options, "depthMultiplier", 1) < 0, f"{name} {i}: depthMultiplier")
    _refuse(not 0 <= getattr(options, "fusedActivationFunction", 0) <= 5, f"{name} {i}: activation")
    _refuse(not 0 <= getattr(options, "padding", 0) <= 1, f"{name} {i}: padding")
    for field, least in (("numSplits", 1), ("valuesCount", 1), ("num", 0)):
        listed = op.inputs if field == "valuesCount" else op.outputs
        value = getattr(options, field, None)
        _refuse(value is not None and (value < least or value != len(listed)), f"{name} {i}: {field} {value}")


def _order(graph: Graph) -> None:
    """Refuse an operator that reads what does not exist by then, or makes what is made."""
    known = {*graph.inputs, *(t for t in range(len(graph.tensors)) if graph.is_constant(t))}
    # a constant without elements has no bytes: nothing makes it, and nothing can be read from it
    made = {int(t) for op in graph.operators for t in op.outputs}
    known |= {t for t in range(len(graph.tensors)) if t not in made and 0 in graph.shape(t)}
    for i, op in enumerate(graph.operators):
        missing = [t for t in reads(op) if t not in known]
        _refuse(missing, f"{graph.name(op)} {i} reads {missing}, which nothing has made by then")
        again = [int(t) for t in op.outputs if int(t) in known]
        _refuse(again or len(set(op.outputs)) < len(op.outputs), f"{graph.name(op)} {i} makes {again} again")
        known.update(int(t) for t in op.outputs)
    missing = [t for t in graph.outputs if t not in known]
    _refuse(missing, f"nothing makes the outputs {missing}")


def _signatures(graph: Graph) -> None:
    for signature in graph.model.signatureDefs or []:
        _refuse(signature.subgraphIndex != 0, f"a signature for subgraph {signature.subgraphIndex}")
        for maps, known in ((signature.inputs, graph.inputs), (signature.outputs, graph.outputs)):
            for entry in maps or []:
                _refuse(entry.tensorIndex not in known, f"a signature for tensor {entry.tensorIndex}")
                _refuse(entry.name is None, "a signature without a name")
