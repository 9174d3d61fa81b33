"""TensorFlow's own operators in a TFLite graph ("Flex"), written as builtin ones that say the same.

A converter that is allowed to (SELECT_TF_OPS) writes what TFLite has no name for as custom operators, each
with the node of TensorFlow's graph that it was (a NodeDef: a protobuf, in a flexbuffer). The TFLite runtime
has none of them. Those that only check or move numbers have builtin twins; of the others it is known which
outputs need them.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..errors import ModelError
from ..sources import protobuf
from . import flatbuffer
from .flatbuffer import schema
from .graph import Graph
from .operators import reads
from .validate import damage

LARGEST_RANK = 16
MOST = 1_000  # custom operators
MOST_STANDING_IN = 2**22  # numbers, of all outputs that cannot be computed
LISTED, MOST_LETTERS = 3, 100
INT32 = (-(2**31), 2**31 - 1)
ADVICE = "convert it with TFLITE_BUILTINS alone, or bring the network as ONNX"

Attributes = dict[bytes, dict[int, Any]]


def rewrite(graph: Graph, partial: bool = False) -> bool:
    """Write the Flex operators that outputs need as builtin ones; leave out those that none needs.

    Parameters
    ----------
    graph : Graph
        Just parsed, and alone in its model (see `subgraphs`); edited in place.
    partial : bool
        Whether to take it although some of its outputs, but not all, need operators that there are not: those
        become zeros, and `Graph.lacks` says why.

    Returns
    -------
    bool
        Whether there is now what nothing refers to: `surgery.sweep` it once the graph is checked.

    Raises
    ------
    ModelError
        The model is damaged; or outputs need operators that there are not: which, and where they are.
    """
    with damage():
        custom = {id(op): i for i, op in enumerate(graph.operators or []) if graph.name(op) == "CUSTOM"}
        if not custom:
            return False
        if len(custom) > MOST:
            raise ModelError(f"not supported: {len(custom)} custom operators")
        reasons: dict[int, str] = {}
        needed = [graph.operators[i] for i in graph.needed(graph.outputs)]
        renamed: dict[int, int] = {}
        graph.main.operators = []
        for op in needed:
            if op.inputs is not None:
                op.inputs = np.array([renamed.get(int(t), int(t)) for t in op.inputs], np.int32)
            if id(op) not in custom:
                graph.operators.append(op)
                continue
            try:
                graph.operators.extend(_builtin(graph, op, renamed))
                graph.renamed.add(_name(graph, op))
            except Exception as error:  # whatever a stranger's options hold
                reasons[id(op)] = _reason(graph, op, custom[id(op)], error)
                graph.operators.append(op)
        _lose(graph, reasons, partial)
        return True


def _reason(graph: Graph, op: Any, number: int, error: Exception) -> str:
    made = (graph.tensors[int(op.outputs[0])].name or b"").decode(errors="replace")[:MOST_LETTERS]
    why = f": cannot be understood ({str(error)[:MOST_LETTERS] or type(error).__name__})"
    name = _name(graph, op)[:MOST_LETTERS]
    where = f"custom operator {name} (operator {number}, which makes {made!r})"
    return where if isinstance(error, _Absent) else where + why


def _lose(graph: Graph, reasons: dict[int, str], partial: bool) -> None:
    """Take away operators that there are not, and all that needs them."""
    lost: dict[int, str] = {}
    kept = []
    for op in graph.operators:
        reason = reasons.get(id(op)) or next((lost[t] for t in reads(op) if t in lost), "")
        if reason:
            lost.update((int(t), reason) for t in op.outputs)
        else:
            kept.append(op)
    lacking = [t for t in graph.outputs if t in lost]
    if lacking and (not partial or len(lacking) == len(graph.outputs)):
        every = [*reasons.values()]
        more = f", and {len(every) - LISTED} more" if len(every) > LISTED else ""
        raise ModelError(_refusal(", ".join(every[:LISTED]) + more))
    graph.main.operators = kept
    left = MOST_STANDING_IN
    for t in dict.fromkeys(lacking):
        graph.lacks[t] = _refusal(lost[t])
        shape = [max(1, d) for d in graph.shape(t)]
        shape = shape if math.prod(shape) <= left else [1]
        left -= math.prod(shape)
        graph.add_constant(t, np.zeros(shape, np.float32))


def _refusal(what: str) -> str:
    return f"{what}: the TFLite runtime has none such; {ADVICE}"


class _Absent(Exception):
    """There is no builtin operator that says the same."""


def _name(graph: Graph, op: Any) -> str:
    return (graph.model.operatorCodes[op.opcodeIndex].customCode or b"").decode(errors="replace")


def _builtin(graph: Graph, op: Any, renamed: dict[int, int]) -> list[Any]:
    """Return builtin operators in place of a Flex one, which may instead rename its output to its input.

    Raises
    ------
    Exception
        Of any kind: it is another operator, or is not written as converters write it.
    """
    name = _name(graph, op)
    if name not in MEANINGS:
        raise _Absent
    called, node = flatbuffer.texts(bytes(memoryview(op.customOptions)))
    fields = list(_fields(node))
    if {called.decode(), *(value.decode() for field, value in fields if field == 2)} != {name[4:]}:
        raise ValueError("its node is another's")
    entries = [dict(_fields(value)) for field, value in fields if field == 5]
    attributes = {entry[1]: dict(_fields(entry[2])) for entry in entries}
    n_inputs, meaning = MEANINGS[name]
    (out,) = map(int, op.outputs)
    if len(inputs := reads(op)) != n_inputs:
        raise ValueError(f"{len(inputs)} inputs, needs {n_inputs}")
    return meaning(graph, inputs, out, attributes, renamed)


def _ensure_shape(
    graph: Graph, inputs: list[int], out: int, attributes: Attributes, renamed: dict[int, int]
) -> list[Any]:
    """Nothing: shapes are known before anything runs."""
    (source,), told = inputs, list(_fields(attributes[b"shape"][7]))
    lengths = [dict(_fields(value)).get(1, 0) for field, value in told if field == 2]
    signature = graph.tensors[source].shapeSignature
    known = graph.shape(source) if signature is None or not len(signature) else tuple(map(int, signature))
    anything = dict(told).get(3) or not (known or graph.tensors[source].hasRank)
    pairs = () if anything else zip(lengths, known, strict=True)
    if any(-1 not in pair and pair[0] != pair[1] for pair in pairs):
        raise ValueError(f"shape {list(known)}, and it allows {lengths}")
    if out not in graph.outputs:
        renamed[out] = source
        return []
    shape = graph.new_tensor("shape", (len(known),), np.int32)
    options = schema.ShapeOptionsT()
    options.outType = schema.TensorType.INT32
    return [
        graph.new_operator("SHAPE", [source], [shape], options),
        graph.new_operator("RESHAPE", [source, shape], [out], schema.ReshapeOptionsT()),
    ]


def _transpose(graph: Graph, inputs: list[int], out: int, *_: Any) -> list[Any]:
    casts, (axes,) = _int32(graph, inputs[1:])
    return [*casts, graph.new_operator("TRANSPOSE", [inputs[0], axes], [out], schema.TransposeOptionsT())]


def _strided_slice(graph: Graph, inputs: list[int], out: int, attributes: Attributes, _: Any) -> list[Any]:
    casts, limits = _int32(graph, inputs[1:])
    options = schema.StridedSliceOptionsT()
    shrunk = attributes.get(b"shrink_axis_mask", {}).get(3, 0)
    for mask, field in MASKS.items():
        value = attributes.get(mask, {}).get(3, 0)
        if not 0 <= value < 2**LARGEST_RANK:
            raise ValueError(f"{mask.decode()} {value}")
        if mask in (b"begin_mask", b"end_mask"):  # where an axis is shrunk, TensorFlow does not ask them
            value &= ~shrunk
        setattr(options, field, value)
    n_axes = graph.shape(limits[0])[0] - options.newAxisMask.bit_count() - 1
    if options.ellipsisMask and n_axes >= len(graph.shape(inputs[0])):  # the builtin one takes one for it
        raise ValueError("its ellipsis stands for no axis")
    return [*casts, graph.new_operator("STRIDED_SLICE", [inputs[0], *limits], [out], options)]


MASKS = {
    b"begin_mask": "beginMask",
    b"end_mask": "endMask",
    b"ellipsis_mask": "ellipsisMask",
    b"new_axis_mask": "newAxisMask",
    b"shrink_axis_mask": "shrinkAxisMask",
}
MEANINGS: dict[str, tuple[int, Callable[..., list[Any]]]] = {
    "FlexEnsureShape": (1, _ensure_shape),
    "FlexTranspose": (2, _transpose),
    "FlexStridedSlice": (4, _strided_slice),
}


def _int32(graph: Graph, tensors: list[int]) -> tuple[list[Any], list[int]]:
    """Return lists of whole numbers as builtin operators take them, and the operators that make them so."""
    casts, found = [], []
    for t in tensors:
        if graph.dtype(t) == np.int64:
            value = graph.constant(t)
            if value is not None and value.size > LARGEST_RANK:
                raise ValueError(f"{value.size} indices")
            if value is not None:
                t = graph.new_constant("narrowed", np.clip(value, *INT32).astype(np.int32))
            else:
                options = schema.CastOptionsT()
                options.inDataType, options.outDataType = schema.TensorType.INT64, schema.TensorType.INT32
                narrowed = graph.new_tensor("narrowed", graph.shape(t), np.int32)
                casts.append(graph.new_operator("CAST", [t], [narrowed], options))
                t = narrowed
        elif graph.dtype(t) != np.int32:
            raise ValueError(f"indices of type {graph.dtype(t)}")
        found.append(t)
    return casts, found


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    """Yield the number and the value of each field of a protobuf message: int, or the bytes of the others."""
    file = io.BytesIO(message)
    for field in protobuf.fields(file, 0, len(message)):
        if message[field.first] & 7 != protobuf.VARINT:
            yield field.number, message[field.start : field.end]
            continue
        file.seek(field.first)
        _, value = protobuf.varint(file), protobuf.varint(file) & 2**64 - 1
        yield field.number, value - 2**64 if value >= 2**63 else value
