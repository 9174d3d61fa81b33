"""Parts of a whole, weights of a mean: numbers that hang together, of which each one's range says too little.

A sigmoid spelled out is e / (1 + e), a softmax e / sum(e), and what pools over time are sums of weights times
values: McFee, Salamon, Bello, "Adaptive Pooling Operators for Weakly Labeled Sound Event Detection", 2018.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from .graph import Graph
from .interval import UNIT, Interval
from .operators import RESHAPES, is_activated, reads
from .signature import OPEN

DEPTH = 6  # steps back that are looked at: each may go several ways
ROUNDED = frozenset({"QUANTIZE", "DEQUANTIZE", "CAST"})
AVERAGES = frozenset({"SUM", "MEAN"})
Axes = frozenset[int]  # counted from the last one, -1, as broadcasting does


class Shares:
    """What the tensors of a graph are of each other.

    Parameters
    ----------
    graph : Graph
        A checked one; see `validate`.
    known : callable
        Gives the interval of a tensor.
    """

    def __init__(self, graph: Graph, known: Callable[[int], Interval]) -> None:
        self._graph, self._known, self._makers = graph, known, graph.producer()

    def quotient(self, part: int, whole: int, depth: int = DEPTH) -> Interval:
        """Return in which interval one tensor divided by another lies, number by number."""
        if not depth or self._known(whole).low < 0:
            return Interval()
        if part == whole:
            return Interval(1, 1)
        (name, inputs), (other, terms) = self._made(part), self._made(whole)
        found = Interval()
        if name in AVERAGES and name == other and self._alike(part, whole):
            found &= self.quotient(inputs[0], terms[0], depth - 1)  # a mean of those quotients
        if name == "MUL":
            for one, factor in (inputs, inputs[::-1]):
                found &= self.quotient(one, whole, depth - 1) * self._known(factor)
        for term in self._parts(whole):
            found &= self.quotient(part, term, depth - 1) * UNIT
        return found

    def total(self, tensor: int, axes: Axes, depth: int = DEPTH) -> Interval:
        """Return in which interval the sums of a tensor along axes lie; these must be its own."""
        shape, (name, inputs) = self.shape(tensor), self._made(tensor)
        found = self._known(tensor) * _counted(shape, axes)
        if not depth or -min(axes) > len(shape):
            return found
        if name == "SOFTMAX" and -1 in axes:
            return _counted(shape, axes - {-1})
        if name == "DIV" and self._known(inputs[0]).low >= 0 and self._covers(inputs[1], inputs[0], axes):
            return found & UNIT
        if name == "MUL":
            for one, factor in (inputs, inputs[::-1]):
                if self._known(one).low >= 0 and self.shape(one) == shape:
                    found &= self.total(one, axes, depth - 1) * self._known(factor)
        before = self._before(tensor, axes)
        return found & self.total(inputs[0], before, depth - 1) if before else found

    def shape(self, tensor: int) -> tuple[float, ...]:
        """Return a tensor's shape, with infinity for a length that the file leaves open."""
        signature = self._graph.tensors[tensor].shapeSignature
        shape = self._graph.shape(tensor)
        if signature is None or not len(signature):
            return shape
        return tuple(math.inf if n == OPEN else n for n in signature.tolist())

    def axes(self, tensor: int) -> Axes:
        """Return the axes of its input that a tensor is the sum, or so, over; none if they are not known."""
        source, reduced = reads(self._graph.operators[self._makers[tensor]])[:2]
        rank, axes = len(self.shape(source)), self._whole(reduced)
        known = all(-rank <= axis < rank for axis in axes)
        return frozenset(axis % rank - rank for axis in axes) if known else frozenset()

    def _whole(self, tensor: int) -> list[int]:
        """Return the whole numbers of a constant; none of any other tensor."""
        found = self._graph.constant(tensor)
        return [] if found is None or found.dtype.kind not in "iu" else [int(n) for n in found.flat]

    def _made(self, tensor: int) -> tuple[str, list[int]]:
        """Return the name of the operator that makes a tensor, "" where one is fused into it; its inputs."""
        if tensor not in self._makers:
            return "", []
        operator = self._graph.operators[self._makers[tensor]]
        return "" if is_activated(operator) else self._graph.name(operator), reads(operator)

    def _alike(self, one: int, two: int) -> bool:
        """Return whether two tensors are averages over the same axes of tensors of one shape."""
        sources = (self._made(tensor)[1][0] for tensor in (one, two))
        same = len({self.shape(source) for source in sources}) == 1 and self.shape(one) == self.shape(two)
        return same and bool(self.axes(one)) and self.axes(one) == self.axes(two)

    def _parts(self, whole: int) -> list[int]:
        """Return the tensors that a whole is nowhere less than."""
        name, terms = self._made(whole)
        if name == "ADD":
            return [one for one, rest in (terms, terms[::-1]) if self._known(rest).low >= 0]
        return terms if name == "MAXIMUM" else [source for source, _ in self._sums(whole)]

    def _sums(self, tensor: int) -> list[tuple[int, Axes]]:
        """Return what was summed to a tensor that still lies over it, and along which axes; or nothing."""
        shape = self.shape(tensor)
        while self._made(tensor)[0] in RESHAPES:
            tensor = self._made(tensor)[1][0]
        name, inputs = self._made(tensor)
        axes = self.axes(tensor) if name == "SUM" else frozenset()
        if not axes or self._known(inputs[0]).low < 0:
            return []
        lengths = self.shape(inputs[0])
        kept = tuple(1 if place - len(lengths) in axes else n for place, n in enumerate(lengths))
        return [(inputs[0], axes)] if (1,) * (len(kept) - len(shape)) + shape == kept else []

    def _covers(self, whole: int, part: int, axes: Axes, depth: int = DEPTH) -> bool:
        """Return whether a whole is nowhere less than the sums of a part along axes."""
        if (part, axes) in self._sums(whole):
            return True
        name = self._made(whole)[0]
        terms = self._parts(whole) if depth and name in ("ADD", "MAXIMUM") else []
        return any(self._covers(term, part, axes, depth - 1) for term in terms)

    def _before(self, tensor: int, axes: Axes) -> Axes:
        """Return where axes lie in the input of what only moves or rounds numbers; none if it does more."""
        name, inputs = self._made(tensor)
        if name in ROUNDED:
            return axes
        if name == "TRANSPOSE":
            order = self._whole(inputs[1])
            known = sorted(order) == [*range(len(self.shape(tensor)))]
            return frozenset(order[axis] - len(order) for axis in axes) if known else frozenset()
        return _reshaped(self.shape(tensor), self.shape(inputs[0]), axes) if name in RESHAPES else frozenset()


def _counted(shape: tuple[float, ...], axes: Axes) -> Interval:
    """Return how many numbers lie along axes; any number along those that a file leaves open."""
    count = math.prod(shape[axis] if -axis <= len(shape) else math.inf for axis in axes)
    return Interval(0 if math.isinf(count) else count, count)


def _reshaped(shape: tuple[float, ...], before: tuple[float, ...], axes: Axes) -> Axes:
    """Return where axes lay before a reshape; none if one of them was no axis then."""
    old = {(n, math.prod(before[place + 1 :])): place - len(before) for place, n in enumerate(before)}
    found = [old.get((shape[a], math.prod(shape[len(shape) + a + 1 :]))) for a in axes if shape[a] != 1]
    return frozenset() if None in found else frozenset(place for place in found if place is not None)
