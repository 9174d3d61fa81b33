"""TFLite bytes <-> the object tree of their schema, with hostile files in mind.

What is handed to the runtime is always written anew from the tree, never the file's own bytes: the C++
reader trusts every offset, and a file can be made on which Python's reader and the C++ reader disagree.
"""

from __future__ import annotations

from typing import Any

import flatbuffers
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers, number_types

from ..errors import ModelError, ModelMemoryError

__all__ = ["read", "schema", "texts", "write"]  # the schema lives here: others take it from here

IDENTIFIER = b"TFL3"
LARGEST_BYTES = 2**31 - 1  # a flatbuffer's offsets are signed 32-bit numbers
ALIGNMENT = 16  # of buffers: `force_align: 16` in the schema, which Python's writer does not know


class _AlignedBuffer(schema.BufferT):  # type: ignore[misc]
    """A buffer that packs its bytes on a boundary which vector loads can use."""

    def Pack(self, builder: Any) -> Any:
        vector = None
        if self.data is not None:
            data = bytes(memoryview(self.data))
            builder.StartVector(1, len(data), ALIGNMENT)
            builder.head -= len(data)
            builder.Bytes[builder.head : builder.head + len(data)] = data
            vector = builder.EndVector()
        schema.BufferStart(builder)
        if vector is not None:
            schema.BufferAddData(builder, vector)
        return schema.BufferEnd(builder)


def read(data: bytes) -> Any:
    """Read a model's bytes into a tree of its objects.

    Parameters
    ----------
    data : bytes
        The content of a .tflite file.

    Returns
    -------
    ModelT
        Vectors of numbers are NumPy views into `data`.

    Raises
    ------
    ModelError
        The bytes are no TFLite flatbuffer, or one that is cut, damaged, or refers to the same bytes again
        and again in order to grow without bound when read.
    """
    if len(data) < 16 or data[4:8] != IDENTIFIER:
        raise ModelError("not a TFLite model: the identifier TFL3 is missing")
    if len(data) > LARGEST_BYTES:
        raise ModelError(f"a TFLite model of {len(data)} bytes: more than 2 GiB cannot be addressed")
    try:
        root = schema.Model.GetRootAsModel(data, 0)
        _Budget(len(data)).model(root)
        model = schema.ModelT.InitFromObj(root)
        _bound(model, 2 * len(data) + 65536)
    except ModelError:
        raise
    except MemoryError as error:
        raise ModelMemoryError("the model cannot be read: too little memory") from error
    # struct.error, IndexError, ValueError, TypeError, UnicodeError, ...: the reader has no error of its own
    except Exception as error:
        raise ModelError(f"a damaged TFLite model: {type(error).__name__}: {error}") from error
    return model


def write(model: Any) -> bytes:
    """Write a tree as the bytes of a .tflite file, with buffers aligned to 16 bytes.

    Parameters
    ----------
    model : ModelT
        Its buffers are replaced by aligned ones.

    Raises
    ------
    ModelError
        The schema has no place for what is in the tree.
    """
    for i, buffer in enumerate(model.buffers):
        if type(buffer) is not _AlignedBuffer:
            model.buffers[i] = aligned = _AlignedBuffer()
            aligned.data = buffer.data
    size = sum(len(buffer.data) for buffer in model.buffers if buffer.data is not None)
    try:
        builder = flatbuffers.Builder(size + size // 64 + 65536)
        builder.Finish(model.Pack(builder), IDENTIFIER)
        return bytes(builder.Output())
    except MemoryError as error:
        raise ModelMemoryError("the model cannot be written: too little memory") from error
    except Exception as error:
        raise ModelError(f"the model cannot be written: {type(error).__name__}: {error}") from error


def texts(data: bytes) -> list[bytes]:
    """Return the strings of a flexbuffer that is a list of two, as a Flex operator's options are.

    Raises
    ------
    Exception
        Of any kind: it is something else, or damaged.
    """
    vector = flexbuffers.GetRoot(data).AsVector  # nothing is followed but these two: a tree could have loops
    if len(vector) != 2:
        raise ValueError(f"options of {len(vector)} parts, expected 2")
    return [bytes(vector[i].AsStringBytes) for i in range(2)]


class _Budget:
    """Counts what reading would create, before reading: an honest file never holds more items than bytes."""

    def __init__(self, n_bytes: int) -> None:
        self.left = n_bytes

    def spend(self, n: int) -> int:
        self.left -= n
        if self.left < 0:
            raise ModelError("a damaged TFLite model: more items than bytes")
        return n

    def length(self, table: Any, slot: int) -> int:
        """Return the length of what is in a table's vtable slot, 0 if absent, and charge it to the budget."""
        tab = table._tab
        offset = number_types.UOffsetTFlags.py_type(tab.Offset(slot))
        return self.spend(tab.VectorLen(offset)) if offset else 0

    def model(self, root: Any) -> None:
        self.spend(root.MetadataBufferLength())
        for i in range(self.spend(root.OperatorCodesLength())):
            self.length(root.OperatorCodes(i), 6)  # the name of a custom operator
        for i in range(self.spend(root.BuffersLength())):
            self.spend(root.Buffers(i).DataLength())
        for i in range(self.spend(root.MetadataLength())):
            self.length(root.Metadata(i), 4)
        for i in range(self.spend(root.SignatureDefsLength())):
            signature = root.SignatureDefs(i)
            self.length(signature, 8)
            for k in range(self.spend(signature.InputsLength())):
                self.length(signature.Inputs(k), 4)
            for k in range(self.spend(signature.OutputsLength())):
                self.length(signature.Outputs(k), 4)
        for i in range(self.spend(root.SubgraphsLength())):
            self.subgraph(root.Subgraphs(i))

    def subgraph(self, graph: Any) -> None:
        self.spend(graph.InputsLength() + graph.OutputsLength())
        self.length(graph, 12)
        for i in range(self.spend(graph.TensorsLength())):
            tensor = graph.Tensors(i)
            self.length(tensor, 10)
            self.spend(tensor.ShapeLength() + tensor.ShapeSignatureLength() + tensor.VariantTensorsLength())
            if (sparsity := tensor.Sparsity()) is not None:
                self.spend(sparsity.DimMetadataLength())
        for i in range(self.spend(graph.OperatorsLength())):
            operator = graph.Operators(i)
            self.spend(operator.InputsLength() + operator.OutputsLength() + operator.CustomOptionsLength())


def _bound(tree: Any, limit: int) -> None:
    """Raise ModelError if writing the tree would take more than about `limit` bytes."""
    stack, size = [tree], 0
    while stack:
        node = stack.pop()
        if isinstance(node, list | tuple):
            stack.extend(node)
            size += 4 * len(node)
        elif isinstance(node, bytes | str):
            size += len(node)
        elif hasattr(node, "nbytes"):
            size += int(node.nbytes)
        elif hasattr(node, "__dict__"):
            stack.extend(vars(node).values())
        if size > limit:
            raise ModelError("a damaged TFLite model: it would grow when written again")
