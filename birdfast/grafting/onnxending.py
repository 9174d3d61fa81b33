"""How an ONNX graph ends: scores that have been through a sigmoid take no second one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..config import GraphEnd

ACTIVATIONS: dict[str, GraphEnd] = {"Sigmoid": "sigmoid", "Softmax": "softmax", "LogSoftmax": "log-softmax"}
DOMAINS = ("", "ai.onnx")
JOINS = frozenset({"Concat"})
# Behind them a number stands for the same.
KEEPING = frozenset({
    *("Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Cast", "Dropout"),
    *("QuantizeLinear", "DequantizeLinear"),
})  # fmt: skip
# What is between 0 and 1 stays there: numbers are put elsewhere, rounded, averaged or chosen from.
PASSING = frozenset({
    *("Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Cast", "Clip", "Dropout"),
    *("Slice", "Gather", "Split", "Expand", "Tile", "Pad", "QuantizeLinear", "DequantizeLinear"),
    *("ReduceMean", "ReduceMax", "ReduceMin", "MaxPool", "AveragePool"),
    *("GlobalMaxPool", "GlobalAveragePool"),
})  # fmt: skip


def of(makers: Mapping[str, Any], constants: Collection[str], output: str) -> GraphEnd:
    """Return the activation that an output's numbers have been through, "none" where none is seen.

    Parameters
    ----------
    makers : dict of str to NodeProto
        Which node makes a tensor.
    constants : collection of str
        Tensors that are known beforehand.
    output : str
    """
    waiting, seen, found = [output], set[str](), set[GraphEnd]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        node = makers.get(name)
        kind = node.op_type if node is not None and node.domain in DOMAINS else ""
        inputs = [] if node is None else [one for one in node.input if one not in constants]
        if kind in JOINS:
            waiting += inputs
        elif kind in PASSING and inputs:
            waiting.append(inputs[0])
        else:
            found.add(ACTIVATIONS.get(kind, "none"))
    return found.pop() if len(found) == 1 else "none"
