"""Between which numbers the tensors of a graph lie, whatever it hears: one table, a rule an operator."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import reduce
from operator import add, or_
from typing import Any

import numpy as np

from .flatbuffer import schema
from .graph import Graph
from .interval import NOTHING, POSITIVE, UNIT, Interval, of_array, spanning
from .operators import MOVES, reads
from .shares import ROUNDED, Shares
from .tensors import DTYPES, dequantised, is_quantised

JOINS = frozenset({"CONCATENATION", "PACK"})
PADS = frozenset({"PAD", "PADV2"})
CHOOSES = frozenset({"MEAN", "REDUCE_MAX", "REDUCE_MIN", "MAX_POOL_2D", "AVERAGE_POOL_2D"})
# Numbers are put elsewhere, rounded, averaged or chosen from: what they lie between stays, but for rounding.
PASSING = (MOVES - JOINS - PADS) | ROUNDED | CHOOSES


def source(name: str, operator: Any) -> int:
    """Return the tensor whose numbers an operator of `PASSING` passes on."""
    return reads(operator)[1 if name == "SPLIT" else 0]  # whose first input is the axis


def of(graph: Graph, tensor: int) -> Interval:
    """Return between which numbers a tensor's lie; where that cannot be told, everything.

    Parameters
    ----------
    graph : Graph
        A checked one; see `validate`.
    tensor : int
    """
    known: dict[int, Interval] = {}

    def looked_up(t: int) -> Interval:
        if t not in known:
            known[t] = of_array(graph.constant(t))
        return known[t]

    shares, varying = Shares(graph, looked_up), graph.dependent(graph.inputs)
    for i in _ruled(graph, tensor):
        step = Step(graph, graph.operators[i], looked_up, shares, varying)
        known.update(dict.fromkeys(map(int, step.operator.outputs), step.interval()))
    return looked_up(tensor)


def _ruled(graph: Graph, tensor: int) -> list[int]:
    """Return the operators that lead to a tensor, in their order, back to those that have no rule."""
    wanted, chosen = {tensor}, []
    for i in reversed(graph.needed([tensor])):
        operator = graph.operators[i]
        if wanted.intersection(map(int, operator.outputs)):
            chosen.append(i)
            name = graph.name(operator)
            wanted.update(reads(operator) if name in RULES and name not in HEEDLESS else ())
    return chosen[::-1]


class Step:
    """One operator, and what is known of the numbers that it reads."""

    def __init__(
        self, graph: Graph, operator: Any, known: Callable[[int], Interval], shares: Shares, varying: set[int]
    ) -> None:
        self.graph, self.operator, self.shares, self.varying = graph, operator, shares, varying
        self.name, self.inputs, self.known = graph.name(operator), reads(operator), known

    def __getitem__(self, place: int) -> Interval:
        return self.known(self.inputs[place])

    def all(self) -> list[Interval]:
        """Return the intervals of all inputs."""
        return [self.known(tensor) for tensor in self.inputs]

    def interval(self) -> Interval:
        """Return where the results lie, after the activation that is fused into the operator.

        Of an operator without a rule nothing is known, not even where that activation acts: an LSTM's is
        its cell's.
        """
        if self.name not in RULES:
            return Interval()
        fused = FUSED.get(getattr(self.operator.builtinOptions, "fusedActivationFunction", 0), _unknown)
        return self._stored(fused(RULES[self.name](self)))

    def _stored(self, found: Interval) -> Interval:
        """Return where results lie once they are of their tensor's type: whole numbers do not hold all."""
        tensor = self.graph.tensors[int(self.operator.outputs[0])]
        dtype = np.dtype(DTYPES.get(tensor.type, object))
        if dtype.kind == "f":
            return found
        if not is_quantised(tensor):
            return found if dtype.kind in "iub" and self.name in MOVES else Interval()
        if dtype.kind not in "iu" or len(tensor.quantization.scale) > 1 or self.name not in STEADY:
            return Interval()
        limits = np.array([np.iinfo(DTYPES[tensor.type]).min, np.iinfo(DTYPES[tensor.type]).max])
        low, high = dequantised(limits, tensor.quantization).tolist()
        half = float(tensor.quantization.scale[0]) / 2
        return (found + Interval(-half, half)).clipped(low, high)


Rule = Callable[[Step], Interval]


def _unknown(found: Interval) -> Interval:
    return Interval()


def _passed(step: Step) -> Interval:
    return step.known(source(step.name, step.operator))


def _padded(step: Step) -> Interval:
    return step[0] | (step[2] if step.name == "PADV2" else NOTHING)


def _product(step: Step) -> Interval:
    found = step[0] * step[1]
    return found & POSITIVE if step.inputs[0] == step.inputs[1] else found


def _quotient(step: Step) -> Interval:
    return step[0] / step[1] & step.shares.quotient(*step.inputs)


def _power(step: Step) -> Interval:
    if step[0].low < 0:
        return Interval()  # perhaps no number
    with np.errstate(all="ignore"):
        ends = np.power.outer([step[0].low, step[0].high], [step[1].low, step[1].high])
    return spanning(*map(float, ends.flat))


def _sum(step: Step) -> Interval:
    axes = step.shares.axes(int(step.operator.outputs[0]))
    return step.shares.total(step.inputs[0], axes) if axes else step[0] * POSITIVE


def _chosen(choice: Callable[[Iterable[float]], float]) -> Rule:
    """Return the rule of a maximum or minimum: of a number and none, the runtime may return the number."""

    def rule(step: Step) -> Interval:
        found = Interval(choice(one.low for one in step.all()), choice(one.high for one in step.all()))
        for place, tensor in enumerate(step.inputs):
            if tensor in step.varying:
                others = [one for other, one in enumerate(step.all()) if other != place]
                found = reduce(or_, others, found)
        return found

    return rule


def _root(function: Callable[[np.float64], float]) -> Rule:
    """Return the rule of a function that makes no number of one below 0."""
    return lambda step: step[0].through(function) if step[0].low >= 0 else Interval()


def _dense(step: Step) -> Interval:
    """Bound a product with a matrix of constants, [rows, columns], row by row."""
    weights = step.graph.constant(step.inputs[1]) if math.isfinite(step[0].low + step[0].high) else None
    if weights is None or weights.ndim != 2:
        return Interval()
    up, down = (np.maximum(sign * weights, 0).sum(axis=1, dtype=np.float64) for sign in (1, -1))
    low, high = (
        up * one - down * two for one, two in ((step[0].low, step[0].high), (step[0].high, step[0].low))
    )
    found = spanning(float(low.min()), float(high.max()))
    if step[0].low >= 0 and step.shares.shape(step.inputs[0])[-1:] == weights.shape[1:]:
        found &= step.shares.total(step.inputs[0], frozenset({-1})) * step[1]
    return found + (step[2] if len(step.inputs) > 2 else NOTHING)


def _matrices(step: Step) -> Interval:
    """Bound a product of matrices by the sums of the weights in it: rows of one, or columns of the other."""
    options, found = step.operator.builtinOptions, Interval()
    axes = (-2 if getattr(options, "adjX", False) else -1, -1 if getattr(options, "adjY", False) else -2)
    for place, axis in enumerate(axes):
        if step[place].low >= 0 and len(step.shares.shape(step.inputs[place])) > 1:
            found &= step.shares.total(step.inputs[place], frozenset({axis})) * step[1 - place]
    return found


# Whatever they read. Of convolutions it is known what their fused activation makes of their results.
HEEDLESS: dict[str, Rule] = {
    "LOGISTIC": lambda step: UNIT,
    "SOFTMAX": lambda step: UNIT,
    "LOG_SOFTMAX": lambda step: -POSITIVE,
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D"), lambda step: Interval()),
}
RULES: dict[str, Rule] = {
    **HEEDLESS,
    **dict.fromkeys(PASSING, _passed),
    **dict.fromkeys(JOINS, lambda step: reduce(or_, step.all())),
    **dict.fromkeys(PADS, _padded),
    "TANH": lambda step: step[0].through(np.tanh),
    "EXP": lambda step: step[0].through(np.exp) | NOTHING,  # which XNNPACK makes of what is no number
    "LOG": _root(np.log),
    "SQRT": _root(np.sqrt),
    "RELU": lambda step: step[0].clipped(0),
    "RELU6": lambda step: step[0].clipped(0, 6),
    "RELU_0_TO_1": lambda step: step[0].clipped(0, 1),
    "RELU_N1_TO_1": lambda step: step[0].clipped(-1, 1),
    "NEG": lambda step: -step[0],
    "ABS": lambda step: step[0].unsigned(),
    "SQUARE": lambda step: step[0].unsigned() * step[0].unsigned(),
    "ADD": lambda step: step[0] + step[1],
    "ADD_N": lambda step: reduce(add, step.all()),
    "SUB": lambda step: step[0] - step[1],
    "MUL": _product,
    "DIV": _quotient,
    "POW": _power,
    "MAXIMUM": _chosen(max),
    "MINIMUM": _chosen(min),
    "SELECT": lambda step: step[1] | step[2],
    "SELECT_V2": lambda step: step[1] | step[2],
    "SUM": _sum,
    "FULLY_CONNECTED": _dense,
    "BATCH_MATMUL": _matrices,
}
# Of whole numbers with a scale: those whose rounding is that of their own results alone.
STEADY = PASSING | JOINS | {"LOGISTIC", "SOFTMAX", "LOG_SOFTMAX", "TANH"}
# By the schema's ActivationFunctionType: those that the runtime applies. TANH and SIGN_BIT it passes over.
FUSED: dict[int, Callable[[Interval], Interval]] = {
    schema.ActivationFunctionType.NONE: lambda found: found,
    schema.ActivationFunctionType.RELU: lambda found: found.clipped(0),
    schema.ActivationFunctionType.RELU_N1_TO_1: lambda found: found.clipped(-1, 1),
    schema.ActivationFunctionType.RELU6: lambda found: found.clipped(0, 6),
}
