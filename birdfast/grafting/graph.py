"""One TFLite graph: what its operators are, what hangs on what, and cutting a piece out of it."""

import copy
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..errors import ModelError
from . import flatbuffer
from .flatbuffer import schema

OPERATOR_NAMES = {v: k for k, v in vars(schema.BuiltinOperator).items() if not k.startswith("_")}
DTYPES: dict[int, type] = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.FLOAT16: np.float16,
    schema.TensorType.FLOAT64: np.float64,
    schema.TensorType.INT8: np.int8,
    schema.TensorType.UINT8: np.uint8,
    schema.TensorType.INT16: np.int16,
    schema.TensorType.UINT16: np.uint16,
    schema.TensorType.INT32: np.int32,
    schema.TensorType.UINT32: np.uint32,
    schema.TensorType.INT64: np.int64,
    schema.TensorType.UINT64: np.uint64,
    schema.TensorType.BOOL: np.bool_,
    schema.TensorType.COMPLEX64: np.complex64,
    schema.TensorType.COMPLEX128: np.complex128,
}
TYPES = {np.dtype(dtype): code for code, dtype in DTYPES.items()}
# Their results need not be the same twice, or they act on something outside of the tensors.
STATEFUL = frozenset(
    [
        "RANDOM_UNIFORM",
        "RANDOM_STANDARD_NORMAL",
        "MULTINOMIAL",
        "CALL",
        "CALL_ONCE",
        "IF",
        "WHILE",
        "CUSTOM",
        "DELEGATE",
        "PLACEHOLDER_FOR_GREATER_OP_CODES",
        "VAR_HANDLE",
        "READ_VARIABLE",
        "ASSIGN_VARIABLE",
        "HASHTABLE",
        "HASHTABLE_FIND",
        "HASHTABLE_IMPORT",
        "HASHTABLE_SIZE",
        "LSTM",
        "RNN",
        "SVDF",
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        "UNIDIRECTIONAL_SEQUENCE_RNN",
        "BIDIRECTIONAL_SEQUENCE_LSTM",
        "BIDIRECTIONAL_SEQUENCE_RNN",
    ]
)
SHAPE_ONLY = frozenset(
    {"SHAPE", "RANK", "ZEROS_LIKE"}
)  # their results depend on the shape of the input alone


class Graph:
    """The main subgraph of a model, with the questions that rewriting asks of it.

    Parameters
    ----------
    model
        A ``ModelT`` tree; the graph edits it in place, `copy` it to keep it.
    """

    def __init__(self, model: Any) -> None:
        if not model.subgraphs or model.subgraphs[0] is None:
            raise ModelError("a damaged TFLite model: no graph in it")
        self.model = model
        self.main = model.subgraphs[0]

    @classmethod
    def parse(cls, data: bytes) -> "Graph":
        return cls(flatbuffer.read(data))

    def write(self) -> bytes:
        return flatbuffer.write(self.model)

    def copy(self) -> "Graph":
        """A copy whose structure may be edited; buffers' bytes are shared: replace, never write in them."""
        memo: dict[int, Any] = {}
        for buffer in self.model.buffers:
            if buffer.data is not None:
                memo[id(buffer.data)] = buffer.data
        return Graph(copy.deepcopy(self.model, memo))

    @property
    def operators(self) -> list[Any]:
        operators: list[Any] = self.main.operators
        return operators

    @property
    def tensors(self) -> list[Any]:
        tensors: list[Any] = self.main.tensors
        return tensors

    @property
    def inputs(self) -> list[int]:
        return [int(t) for t in self.main.inputs]

    @property
    def outputs(self) -> list[int]:
        return [int(t) for t in self.main.outputs]

    def name(self, operator: Any) -> str:
        """The builtin operator's name, such as ``CONV_2D``."""
        code = self.model.operatorCodes[operator.opcodeIndex]
        # the old field is a byte: codes above 126 are in the new one; old converters knew only the old one
        return str(OPERATOR_NAMES.get(max(code.builtinCode, code.deprecatedBuiltinCode), "CUSTOM"))

    def opcode(self, name: str) -> int:
        """Index of an operator code, added if the model has none yet."""
        number = getattr(schema.BuiltinOperator, name)
        for i, code in enumerate(self.model.operatorCodes):
            if max(code.builtinCode, code.deprecatedBuiltinCode) == number:
                return i
        code = schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode, code.version = number, min(number, 127), 1
        self.model.operatorCodes.append(code)
        return len(self.model.operatorCodes) - 1

    def shape(self, tensor: int) -> tuple[int, ...]:
        shape = self.tensors[tensor].shape
        return () if shape is None else tuple(int(d) for d in shape)

    def dtype(self, tensor: int) -> "np.dtype[Any]":
        code = self.tensors[tensor].type
        if code not in DTYPES:
            raise ModelError(f"tensor {tensor} holds numbers of type {code}, which NumPy has none for")
        return np.dtype(DTYPES[code])

    def is_constant(self, tensor: int) -> bool:
        data = self.model.buffers[self.tensors[tensor].buffer].data
        return data is not None and len(data) > 0

    def constant(self, tensor: int) -> "np.ndarray[Any, Any] | None":
        """A constant's value, dequantised if it is a quantised weight; None if it is no constant."""
        if tensor < 0 or not self.is_constant(tensor):
            return None
        t = self.tensors[tensor]
        if t.type not in DTYPES or t.sparsity is not None:
            return None
        raw: np.ndarray[Any, Any] = np.frombuffer(
            bytes(memoryview(self.model.buffers[t.buffer].data)), DTYPES[t.type]
        )
        value = raw.reshape(self.shape(tensor))
        q = t.quantization
        if q is None or q.scale is None or not len(q.scale):
            return value
        zero = np.zeros(len(q.scale)) if q.zeroPoint is None or not len(q.zeroPoint) else q.zeroPoint
        axes = [1] * value.ndim
        if len(q.scale) > 1:
            axes[q.quantizedDimension] = -1
        scale = np.asarray(q.scale, np.float32).reshape(axes)
        return ((value.astype(np.float32) - np.asarray(zero, np.float32).reshape(axes)) * scale).astype(
            np.float32
        )

    def producer(self) -> dict[int, int]:
        """Tensor -> index of the operator that makes it."""
        return {int(t): i for i, op in enumerate(self.operators) for t in op.outputs}

    def consumers(self) -> dict[int, list[int]]:
        """Tensor -> indices of the operators that read it."""
        readers: dict[int, list[int]] = {}
        for i, op in enumerate(self.operators):
            for t in dict.fromkeys(reads(op)):
                readers.setdefault(t, []).append(i)
        return readers

    def dependent(self, sources: Iterable[int], *, without: Iterable[int] = ()) -> set[int]:
        """Tensors whose values depend on the values of `sources`, leaving out all that passes `without`."""
        walls = set(without)
        found = set(sources) - walls
        for op in self.operators:
            name = self.name(op)
            depends = name not in SHAPE_ONLY and any(t in found for t in reads(op))
            if depends or name in STATEFUL:
                found.update(int(t) for t in op.outputs if int(t) not in walls)
        return found

    def needed(self, targets: Iterable[int], *, given: Iterable[int] = ()) -> list[int]:
        """Indices, in order, of the operators that `targets` need when the tensors `given` are known."""
        known, wanted, chosen = set(given), set(targets), []
        wanted -= known
        for i in reversed(range(len(self.operators))):
            op = self.operators[i]
            if any(int(t) in wanted for t in op.outputs):
                chosen.append(i)
                wanted.update(t for t in reads(op) if t not in known)
        return chosen[::-1]

    def add_constant(self, tensor: int, value: "np.ndarray[Any, Any]") -> None:
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
        """Append a tensor and return its index; the indices of those before stay what they were."""
        t = schema.TensorT()
        t.name, t.type, t.buffer = name.encode(), TYPES[np.dtype(dtype)], 0
        self.tensors.append(t)
        self.set_shape(len(self.tensors) - 1, shape)
        return len(self.tensors) - 1

    def new_constant(self, name: str, value: "np.ndarray[Any, Any]") -> int:
        tensor = self.new_tensor(name, value.shape, value.dtype)
        self.add_constant(tensor, value)
        return tensor

    def new_operator(
        self, name: str, inputs: Sequence[int], outputs: Sequence[int], options: Any = None
    ) -> Any:
        """An operator for this graph (not yet placed in it)."""
        op = schema.OperatorT()
        op.opcodeIndex = self.opcode(name)
        op.inputs, op.outputs = np.asarray(inputs, np.int32), np.asarray(outputs, np.int32)
        if options is not None:
            op.builtinOptions = options
            op.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__[:-1])
        return op

    def extract(self, inputs: Sequence[int], outputs: Sequence[int]) -> "Graph":
        """A graph of its own with only what leads from `inputs` to `outputs`; tensor indices stay.

        Raises
        ------
        ModelError
            The outputs need more than these inputs.
        """
        piece = self.copy()
        keep = self.needed(outputs, given=inputs)
        made = {int(t) for i in keep for t in self.operators[i].outputs}
        for i in keep:
            for t in reads(self.operators[i]):
                if t not in made and t not in inputs and t in self.inputs:
                    raise ModelError(f"tensor {t} is needed as well")
        piece.main.operators = [piece.main.operators[i] for i in keep]
        piece.main.inputs = np.asarray(inputs, np.int32)
        piece.main.outputs = np.asarray(outputs, np.int32)
        piece.model.signatureDefs = None
        for t in inputs:
            piece.tensors[t].buffer = 0
        piece.sweep()
        return piece

    def sweep(self) -> None:
        """Empty what no operator uses: tensors keep their place in the table (other programs know some by
        number), buffers lose their bytes, operator codes and metadata that refer to nothing go."""
        used = {*self.inputs, *self.outputs}
        for op in self.operators:
            used.update(reads(op), (int(t) for t in op.outputs))
        for i, t in enumerate(self.tensors):
            if i not in used:
                t.buffer, t.quantization, t.sparsity, t.isVariable = 0, None, None, False
        self._sweep_buffers()
        codes = sorted({op.opcodeIndex for graph in self.model.subgraphs for op in graph.operators})
        for graph in self.model.subgraphs:
            for op in graph.operators:
                op.opcodeIndex = codes.index(op.opcodeIndex)
        self.model.operatorCodes = [self.model.operatorCodes[i] for i in codes]

    def _sweep_buffers(self) -> None:
        order = {0: 0}
        owners = [t for graph in self.model.subgraphs for t in graph.tensors] + (self.model.metadata or [])
        for owner in owners:
            owner.buffer = order.setdefault(owner.buffer, len(order))
        self.model.buffers = [self.model.buffers[i] for i in order]
        self.model.metadataBuffer = None


def reads(operator: Any) -> list[int]:
    """The tensors that an operator reads; -1 marks an input that was left out and is not among them."""
    if operator.inputs is None:
        return []
    return [int(t) for t in operator.inputs if t >= 0]
