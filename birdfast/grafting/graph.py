"""One TFLite graph: what its operators are, what hangs on what, and what is put into it."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import ModelError
from . import flatbuffer, tensors
from .flatbuffer import schema
from .operators import OPERATOR_NAMES, SHAPE_ONLY, STATEFUL, reads
from .tensors import DTYPES, TYPES


class Graph:
    """The main subgraph of a model, with the questions that rewriting asks of it.

    Tensors and operators are told by their places in the graph's lists.

    Parameters
    ----------
    model : ModelT
        The graph edits it in place; `copy` it to keep it.

    Raises
    ------
    ModelError
        There is no graph in the model.

    Attributes
    ----------
    lacks : dict of int to str
        Of outputs that cannot be computed: why (see `flex`).
    renamed : set of str
        Custom operators that are builtin ones now, which say the same (see `flex`).
    """

    def __init__(self, model: Any) -> None:
        if not model.subgraphs or model.subgraphs[0] is None:
            raise ModelError("a damaged TFLite model: no graph in it")
        self.model = model
        self.main = model.subgraphs[0]
        self.lacks: dict[int, str] = {}
        self.renamed: set[str] = set()

    @classmethod
    def parse(cls, data: bytes) -> Graph:
        """Return the graph in a .tflite file's bytes; errors as `flatbuffer.read`."""
        return cls(flatbuffer.read(data))

    def write(self) -> bytes:
        """Return the model as the bytes of a .tflite file; errors as `flatbuffer.write`."""
        return flatbuffer.write(self.model)

    def copy(self) -> Graph:
        """Return a copy whose structure may be edited.

        The bytes of the buffers are shared: replace them, never write in them.
        """
        memo: dict[int, Any] = {}
        for buffer in self.model.buffers:
            if buffer.data is not None:
                memo[id(buffer.data)] = buffer.data
        return Graph(copy.deepcopy(self.model, memo))

    @property
    def operators(self) -> list[Any]:
        """OperatorT of each operator, in the order in which they run."""
        operators: list[Any] = self.main.operators
        return operators

    @property
    def tensors(self) -> list[Any]:
        """TensorT of each tensor."""
        found: list[Any] = self.main.tensors
        return found

    @property
    def inputs(self) -> list[int]:
        """The tensors that the graph is given."""
        return [int(t) for t in self.main.inputs]

    @property
    def outputs(self) -> list[int]:
        """The tensors that the graph is asked for."""
        return [int(t) for t in self.main.outputs]

    def name(self, operator: Any) -> str:
        """Return the name of a builtin operator (OperatorT), such as CONV_2D."""
        code = self.model.operatorCodes[operator.opcodeIndex]
        # the old field is a byte: codes above 126 are in the new one; old converters knew only the old one
        return str(OPERATOR_NAMES.get(max(code.builtinCode, code.deprecatedBuiltinCode), "CUSTOM"))

    def opcode(self, name: str) -> int:
        """Return the place of an operator's code, which is added if the model has none yet."""
        number = getattr(schema.BuiltinOperator, name)
        for i, code in enumerate(self.model.operatorCodes):
            if max(code.builtinCode, code.deprecatedBuiltinCode) == number:
                return i
        code = schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), 1
        self.model.operatorCodes.append(code)
        return len(self.model.operatorCodes) - 1

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Return a tensor's shape; that of a number is ()."""
        return tensors.shape(self.tensors[tensor])

    def dtype(self, tensor: int) -> np.dtype[Any]:
        """Return a tensor's type.

        Raises
        ------
        ModelError
            NumPy has none such.
        """
        code = self.tensors[tensor].type
        if code not in DTYPES:
            raise ModelError(f"tensor {tensor} holds numbers of type {code}, which NumPy has none for")
        return np.dtype(DTYPES[code])

    def is_constant(self, tensor: int) -> bool:
        """Return whether the model holds a tensor's value."""
        data = self.model.buffers[self.tensors[tensor].buffer].data
        return data is not None and len(data) > 0

    def constant(self, tensor: int) -> Array | None:
        """Return a constant's value, as `tensors.value`; None if it is no constant."""
        if tensor < 0 or not self.is_constant(tensor):
            return None
        t = self.tensors[tensor]
        return tensors.value(t, self.model.buffers[t.buffer].data)

    def producer(self) -> dict[int, int]:
        """Return the operator that makes each tensor."""
        return {int(t): i for i, op in enumerate(self.operators) for t in op.outputs}

    def consumers(self) -> dict[int, list[int]]:
        """Return the operators that read each tensor which any reads."""
        readers: dict[int, list[int]] = {}
        for i, op in enumerate(self.operators):
            for t in dict.fromkeys(reads(op)):
                readers.setdefault(t, []).append(i)
        return readers

    def dependent(self, sources: Iterable[int], *, without: Iterable[int] = ()) -> set[int]:
        """Return the tensors whose values depend on those of `sources`, or need not be the same twice.

        Parameters
        ----------
        sources : tensors
        without : tensors
            These, and what depends on `sources` through them alone, are left out.
        """
        walls = set(without)
        found = set(sources) - walls
        for op in self.operators:
            name = self.name(op)
            depends = name not in SHAPE_ONLY and any(t in found for t in reads(op))
            if depends or name in STATEFUL:
                found.update(int(t) for t in op.outputs if int(t) not in walls)
        return found

    def needed(self, targets: Iterable[int], *, given: Iterable[int] = ()) -> list[int]:
        """Return the operators, in order, that `targets` need when the tensors `given` are known."""
        known, wanted, chosen = set(given), set(targets), []
        wanted -= known
        for i in reversed(range(len(self.operators))):
            op = self.operators[i]
            if any(int(t) in wanted for t in op.outputs):
                chosen.append(i)
                wanted.update(t for t in reads(op) if t not in known)
        return chosen[::-1]

    def tell_apart(self) -> None:
        """Give tensors that share a name one of their own: some runtimes go by names."""
        known: set[bytes] = set()
        for number, tensor in enumerate(self.tensors):
            if not tensor.name or tensor.name in known:
                tensor.name = f"{(tensor.name or b'').decode(errors='replace')} #{number}".encode()
            known.add(tensor.name)

    def add_constant(self, tensor: int, value: Array) -> None:
        """Turn a tensor into a constant of this value, in a buffer of its own."""
        value = np.ascontiguousarray(value)
        buffer = schema.BufferT()
        buffer.data = (
            value.view(np.uint8).reshape(-1) if value.ndim else np.frombuffer(value.tobytes(), np.uint8)
        )
        self.model.buffers.append(buffer)
        t = self.tensors[tensor]
        t.buffer, t.type, t.quantization = len(self.model.buffers) - 1, TYPES[value.dtype], None
        self.set_shape(tensor, value.shape)

    def set_shape(self, tensor: int, shape: Sequence[int]) -> None:
        """Give a tensor a static shape."""
        t = self.tensors[tensor]
        t.shape, t.shapeSignature, t.hasRank = np.asarray(shape, np.int32), None, True

    def new_tensor(self, name: str, shape: Sequence[int], dtype: Any = np.float32) -> int:
        """Append a tensor and return its place; those before stay where they were."""
        t = schema.TensorT()
        t.name, t.type, t.buffer = name.encode(), TYPES[np.dtype(dtype)], 0
        self.tensors.append(t)
        self.set_shape(len(self.tensors) - 1, shape)
        return len(self.tensors) - 1

    def new_constant(self, name: str, value: Array) -> int:
        """Append a constant and return its place."""
        tensor = self.new_tensor(name, value.shape, value.dtype)
        self.add_constant(tensor, value)
        return tensor

    def new_operator(
        self, name: str, inputs: Sequence[int], outputs: Sequence[int], options: Any = None
    ) -> Any:
        """Return an operator (OperatorT) for this graph, not yet placed in it.

        Parameters
        ----------
        name : str
            Such as CONV_2D.
        inputs, outputs : tensors
            An input of -1 is left out.
        options : object tree of the schema, or None
            Such as Conv2DOptionsT.
        """
        op = schema.OperatorT()
        op.opcodeIndex = self.opcode(name)
        op.inputs, op.outputs = np.asarray(inputs, np.int32), np.asarray(outputs, np.int32)
        if options is not None:
            op.builtinOptions = options
            op.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__[:-1])
        return op
