"""Between which numbers the tensors of a graph lie, whatever it hears: one table, a rule an operator."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import reduce
from operator import add, or_
from typing import Any

import numpy as np

from .graph import Graph
from .interval import NOTHING, POSITIVE, UNIT, Interval, of_array, spanning
from .operators import MOVES, reads
from .shares import ROUNDED, Shares

JOINS = frozenset({"CONCATENATION", "PACK"})
# Numbers are put elsewhere, rounded, averaged or chosen from: what they lie between stays.
PASSING = (MOVES - JOINS) | ROUNDED | {"MEAN", "REDUCE_MAX", "REDUCE_MIN", "MAX_POOL_2D", "AVERAGE_POOL_2D"}


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

    shares = Shares(graph, looked_up)
    for i in _ruled(graph, tensor):
        step = Step(graph, graph.operators[i], looked_up, shares)
        known.update(dict.fromkeys(map(int, step.operator.outputs), step.interval()))
    return looked_up(tensor)


def _ruled(graph: Graph, tensor: int) -> list[int]:
    """Return the operators that lead to a tensor, in their order, back to those that have no rule."""
    wanted, chosen = {tensor}, []
    for i in reversed(graph.needed([tensor])):
        operator = graph.operators[i]
        if wanted.intersection(map(int, operator.outputs)):
            chosen.append(i)
            wanted.update(reads(operator) if graph.name(operator) in RULES else ())
    return chosen[::-1]


class Step:
    """One operator, and what is known of the numbers that it reads."""

    def __init__(self, graph: Graph, operator: Any, known: Callable[[int], Interval], shares: Shares) -> None:
        self.graph, self.operator, self.shares = graph, operator, shares
        self.name, self.inputs, self.known = graph.name(operator), reads(operator), known

    def __getitem__(self, place: int) -> Interval:
        return self.known(self.inputs[place])

    def all(self) -> list[Interval]:
        """Return the intervals of all inputs."""
        return [self.known(tensor) for tensor in self.inputs]

    def interval(self) -> Interval:
        """Return where the results lie, after the activation that is fused into the operator."""
        found = RULES[self.name](self) if self.name in RULES else Interval()
        return FUSED[getattr(self.operator.builtinOptions, "fusedActivationFunction", 0)](found)


Rule = Callable[[Step], Interval]


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
        return Interval()
    with np.errstate(all="ignore"):
        ends = np.power.outer([step[0].low, step[0].high], [step[1].low, step[1].high])
    return spanning(*map(float, ends.flat))


def _sum(step: Step) -> Interval:
    axes = step.shares.axes(int(step.operator.outputs[0]))
    return step.shares.total(step.inputs[0], axes) if axes else step[0] * POSITIVE


def _largest(step: Step) -> Interval:
    return Interval(max(one.low for one in step.all()), max(one.high for one in step.all()))


def _least(step: Step) -> Interval:
    return Interval(min(one.low for one in step.all()), min(one.high for one in step.all()))


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


RULES: dict[str, Rule] = {
    **dict.fromkeys(PASSING, _passed),
    **dict.fromkeys(JOINS, lambda step: reduce(or_, step.all())),
    **dict.fromkeys(("PAD", "PADV2"), _padded),
    "LOGISTIC": lambda step: UNIT,
    "SOFTMAX": lambda step: UNIT,
    "LOG_SOFTMAX": lambda step: -POSITIVE,
    "TANH": lambda step: step[0].through(np.tanh),
    "EXP": lambda step: step[0].through(np.exp),
    "LOG": lambda step: step[0].clipped(0).through(np.log),
    "SQRT": lambda step: step[0].clipped(0).through(np.sqrt),
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
    "MAXIMUM": _largest,
    "MINIMUM": _least,
    "SELECT": lambda step: step[1] | step[2],
    "SELECT_V2": lambda step: step[1] | step[2],
    "SUM": _sum,
    "FULLY_CONNECTED": _dense,
    "BATCH_MATMUL": _matrices,
}
# By the schema's ActivationFunctionType: none, RELU, RELU_N1_TO_1, RELU6, TANH, SIGN_BIT.
FUSED: tuple[Callable[[Interval], Interval], ...] = (
    lambda found: found,
    lambda found: found.clipped(0),
    lambda found: found.clipped(-1, 1),
    lambda found: found.clipped(0, 6),
    lambda found: found.through(np.tanh),
    lambda found: Interval(),
)
