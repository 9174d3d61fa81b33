"""Between which numbers the tensors of an ONNX graph lie, as far as few rules tell."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import reduce
from operator import add, mul, or_, sub, truediv
from typing import Any

from ..arrays import Array
from .interval import UNIT, Interval, of_array, spanning

Values = Callable[[str], Array | None]
DOMAINS = ("", "ai.onnx")
UNITS = frozenset({"Sigmoid", "Softmax", "HardSigmoid"})
ARITHMETIC = {"Add": add, "Sub": sub, "Mul": mul, "Div": truediv}
# Numbers are put elsewhere, rounded, averaged or chosen from: what they lie between stays.
PASSING = frozenset({
    *("Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Cast", "Dropout"),
    *("Slice", "Gather", "Split", "Expand", "Tile", "QuantizeLinear", "DequantizeLinear"),
    *("ReduceMean", "ReduceMax", "ReduceMin", "MaxPool", "AveragePool"),
    *("GlobalMaxPool", "GlobalAveragePool"),
})  # fmt: skip


def of(makers: Mapping[str, Any], constants: Collection[str], values: Values, output: str) -> Interval:
    """Return between which numbers a tensor's lie; where that cannot be told, everything.

    Parameters
    ----------
    makers, constants, output
        As `onnxending.of`.
    values : function of str
        A constant's numbers, or None.
    """
    known: dict[str, Interval] = {}
    for name in _before(makers, output):
        node = makers.get(name)
        if name in constants:
            known[name] = of_array(values(name))
        elif node is not None and node.domain in DOMAINS:
            known[name] = _ruled(node, [known.get(one, Interval()) for one in node.input])
    return known.get(output, Interval())


def _before(makers: Mapping[str, Any], output: str) -> list[str]:
    """Return a tensor and what it is made of by rules, each behind what it is made of."""
    found, open_, waiting = list[str](), set[str](), [(output, False)]
    while waiting:
        name, left = waiting.pop()
        if left:
            found.append(name)
        elif name not in open_:
            open_.add(name)
            waiting.append((name, True))
            node = makers.get(name)
            inputs = node.input if node is not None and node.op_type not in UNITS and _has_rule(node) else ()
            waiting += [(one, False) for one in inputs]
    return found


def _has_rule(node: Any) -> bool:
    return node.op_type in PASSING or node.op_type in ARITHMETIC or node.op_type in RULES


def _ruled(node: Any, inputs: list[Interval]) -> Interval:
    """Return where an operator's results lie."""
    kind = node.op_type
    if kind in UNITS:
        return UNIT
    if kind in PASSING:
        return inputs[0] if inputs else Interval()
    if kind in ARITHMETIC and len(inputs) == 2:
        found: Interval = ARITHMETIC[kind](*inputs)
        return found
    return RULES[kind](node, inputs) if kind in RULES and inputs else Interval()


def _clipped(node: Any, inputs: list[Interval]) -> Interval:
    """Return what limits leave: inputs, or in older files attributes; those that nobody knows are none."""
    told = {one.name: Interval(one.f, one.f) for one in node.attribute}
    given = dict(zip(("min", "max"), inputs[1:], strict=False))
    low, high = (given.get(name, told.get(name, Interval())) for name in ("min", "max"))
    return inputs[0].clipped(low.low, high.high)


def _least(node: Any, inputs: list[Interval]) -> Interval:
    return spanning(min(one.low for one in inputs), min(one.high for one in inputs))


def _most(node: Any, inputs: list[Interval]) -> Interval:
    return spanning(max(one.low for one in inputs), max(one.high for one in inputs))


RULES: dict[str, Callable[[Any, list[Interval]], Interval]] = {
    "Clip": _clipped,
    "Min": _least,
    "Max": _most,
    "Relu": lambda node, inputs: inputs[0].clipped(0),
    "Concat": lambda node, inputs: reduce(or_, inputs),
}
