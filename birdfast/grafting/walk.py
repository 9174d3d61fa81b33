"""A walk through a graph, from tensor to tensor, along what is done to one and the same spectrum."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..frontends.tables import Step
from .flatbuffer import schema
from .graph import Graph
from .operators import MATRICES, MOVES, RESHAPES, is_activated, reads

PLAIN = {"SQUARE": "square", "LOG": "log", "SQRT": "sqrt", "ABS": "abs", "RELU": "maximum"}
WITH_NUMBER = {"ADD": "add", "MUL": "multiply", "MAXIMUM": "maximum"}


class Walk:
    """Goes from tensor to tensor while each has one reader.

    Parameters
    ----------
    graph : Graph
        Static and folded; not changed.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._consumers = graph.consumers()

    def readers(self, tensor: int) -> list[Any]:
        """Return the operators (OperatorT) that read a tensor."""
        return [self.graph.operators[i] for i in self._consumers.get(tensor, [])]

    def skip(self, tensor: int) -> int:
        """Return the tensor behind everything that only renames the shape."""
        while (read := self._next(tensor)) is not None and read[1] in RESHAPES:
            tensor = int(read[0].outputs[0])
        return tensor

    def affine(self, tensor: int) -> int:
        """Return the end of the matrix product that follows, the tensor itself if none does.

        Slices and scales before the product and a bias after it belong to it.
        """
        start, product = tensor, False
        while (read := self._next(tensor)) is not None:
            op, name = read
            constants = [self.graph.constant(t) for t in reads(op)]
            bias = name in {"ADD", "SUB"} and any(c is not None and c.size > 1 for c in constants)
            scale = name == "MUL" and any(c is not None and c.size == 1 for c in constants)
            matrix = name in MATRICES and not self._rounds(tensor) and not is_activated(op)
            if matrix and len([c for c in constants if c is None]) > 1:
                break
            before = not product and (name in MOVES or (scale and not is_activated(op)))
            if not (matrix or name in RESHAPES or (bias and product) or before):
                break
            product, tensor = product or matrix, int(op.outputs[0])
        return tensor if product else start

    def square(self, tensor: int) -> tuple[int, bool]:
        """Return the tensor behind a squaring, if the next operator is one, and whether it is."""
        read = self._next(tensor)
        if read is None:
            return tensor, False
        squared = self._step(*read, tensor) in (("square", 0.0), ("power", 2.0))
        return (int(read[0].outputs[0]) if squared else tensor), squared

    def steps(self, tensor: int) -> tuple[tuple[Step, ...], int]:
        """Return everything that is then done to each number by itself, and the tensor that it ends with."""
        found: list[Step] = []
        while (read := self._next(tensor)) is not None:
            op, name = read
            if name not in RESHAPES:
                step = self._step(op, name, tensor)
                if step is None:
                    break
                found.append(step)
            tensor = int(op.outputs[0])
        return tuple(found), tensor

    def _next(self, tensor: int) -> tuple[Any, str] | None:
        """Return the one operator that reads a tensor and makes one, and its name; None at a fork or end."""
        readers = self.readers(tensor)
        if len(readers) != 1 or tensor in self.graph.outputs or len(readers[0].outputs) != 1:
            return None
        return readers[0], self.graph.name(readers[0])

    def _rounds(self, tensor: int) -> bool:
        """Return whether the next operator rounds this tensor to 8 bits: float in, quantised weights."""
        read = self._next(self.skip(tensor))
        if read is None or read[1] not in MATRICES | {"CONV_2D"}:
            return False
        weights = reads(read[0])[1]
        return self.graph.tensors[weights].type in (schema.TensorType.INT8, schema.TensorType.INT4)

    def _step(self, op: Any, name: str, tensor: int) -> Step | None:
        inputs = reads(op)
        if is_activated(op):
            return None
        if name == "MUL" and inputs == [tensor, tensor]:
            return "square", 0.0
        if len(inputs) == 1:
            return (PLAIN[name], 0.0) if name in PLAIN else None
        return self._with_number(name, inputs, tensor)

    def _with_number(self, name: str, inputs: list[int], tensor: int) -> Step | None:
        if len(inputs) != 2 or inputs.count(tensor) != 1:
            return None
        first = inputs[0] == tensor
        constant = self.graph.constant(inputs[1] if first else inputs[0])
        if constant is None or constant.size != 1 or constant.dtype != np.float32:
            return None
        value = float(constant.reshape(-1)[0])
        if name in WITH_NUMBER:
            return WITH_NUMBER[name], value
        if not first or name not in {"POW", "SUB", "DIV"}:
            return None
        return {"POW": ("power", value), "SUB": ("add", -value), "DIV": ("multiply", 1 / (value or np.nan))}[
            name
        ]
