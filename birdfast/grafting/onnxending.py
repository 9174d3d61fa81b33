"""How an ONNX graph ends: scores that have been through a sigmoid take no second one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..config import GraphEnd
from ..scores import SLACK
from . import onnxranges
from .interval import UNIT
from .onnxranges import DOMAINS, Values

ACTIVATIONS: dict[str, GraphEnd] = {"Sigmoid": "sigmoid", "Softmax": "softmax", "LogSoftmax": "log-softmax"}
CONFIDENT: frozenset[GraphEnd] = frozenset({"sigmoid", "softmax"})
JOINS = frozenset({"Concat"})
# Behind them a number stands for the same.
KEEPING = frozenset({
    *("Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Cast", "Dropout"),
    *("QuantizeLinear", "DequantizeLinear"),
})  # fmt: skip
PASSING = onnxranges.PASSING | {"Clip"}


def of(
    makers: Mapping[str, Any], constants: Collection[str], output: str, values: Values = lambda name: None
) -> GraphEnd:
    """Return the activation that an output's numbers have been through, "none" where none is seen.

    Numbers that can only lie between 0 and 1, however that was done, are "bounded", as in `ending.of`.

    Parameters
    ----------
    makers : dict of str to NodeProto
        Which node makes a tensor.
    constants : collection of str
        Tensors that are known beforehand.
    output : str
    values : function of str
        A constant's numbers, or None.
    """
    found, numbers = _last(makers, constants, output), onnxranges.of(makers, constants, values, output)
    if numbers.low < numbers.high and numbers.within(UNIT, SLACK):
        return found if found in CONFIDENT else "bounded"
    if found == "log-softmax" and _is_whole(makers, output):
        return found
    return "none"


def _last(makers: Mapping[str, Any], constants: Collection[str], output: str) -> GraphEnd:
    """Return the activation whose very numbers a tensor has, perhaps moved, rounded or averaged."""
    waiting, seen, found = [output], set[str](), set[GraphEnd]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        node = makers.get(name)
        kind = "" if node is None else _kind(node)
        inputs = [] if node is None else [one for one in node.input if one not in constants]
        if kind in JOINS:
            waiting += inputs
        elif kind in PASSING and inputs:
            waiting.append(inputs[0])
        else:
            found.add(ACTIVATIONS.get(kind, "none"))
    return found.pop() if len(found) == 1 else "none"


def _is_whole(makers: Mapping[str, Any], name: str) -> bool:
    """Whether a tensor has all numbers of a log-softmax: fewer, or others beside them, add up to no 1."""
    seen = set[str]()
    while (node := makers.get(name)) is not None and name not in seen:
        seen.add(name)
        kind = _kind(node)
        if kind not in KEEPING or not node.input:
            return ACTIVATIONS.get(kind) == "log-softmax"
        name = node.input[0]
    return False


def _kind(node: Any) -> str:
    return str(node.op_type) if node.domain in DOMAINS else ""
