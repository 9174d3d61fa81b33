"""Tensors: their types as NumPy has them, and the values of those that are constant."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arrays import Array
from .flatbuffer import schema

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


def shape(tensor: Any) -> tuple[int, ...]:
    """Return the shape of a tensor (TensorT); that of a number is ()."""
    return () if tensor.shape is None else tuple(int(d) for d in tensor.shape)


def is_quantised(tensor: Any) -> bool:
    """Return whether a tensor's (TensorT) numbers stand for others, by a scale and a zero point."""
    q = tensor.quantization
    return q is not None and q.scale is not None and len(q.scale) > 0


def steps(tensor: Any) -> tuple[float, int]:
    """Return the scale and the zero point of a tensor's (TensorT) numbers; 0, 0 without one of each."""
    q = tensor.quantization
    if not is_quantised(tensor) or len(q.scale) > 1:
        return 0.0, 0
    return float(q.scale[0]), 0 if q.zeroPoint is None or not len(q.zeroPoint) else int(q.zeroPoint[0])


def value(tensor: Any, data: Any) -> Array | None:
    """Return the value of a constant.

    Parameters
    ----------
    tensor : TensorT
    data : buffer of bytes
        What the model holds for it.

    Returns
    -------
    array or None
        Of the tensor's shape and type; float32 if its numbers are quantised, in which case they are turned
        back. None for a tensor that is sparse, or of a type that NumPy has none for.
    """
    if tensor.type not in DTYPES or tensor.sparsity is not None:
        return None
    raw: Array = np.frombuffer(bytes(memoryview(data)), DTYPES[tensor.type]).reshape(shape(tensor))
    return _dequantised(raw, tensor.quantization) if is_quantised(tensor) else raw


def _dequantised(raw: Array, q: Any) -> Array:
    zero = np.zeros(len(q.scale)) if q.zeroPoint is None or not len(q.zeroPoint) else q.zeroPoint
    axes = [1] * raw.ndim
    if len(q.scale) > 1:
        axes[q.quantizedDimension] = -1
    scale = np.asarray(q.scale, np.float32).reshape(axes)
    dequantised: Array = (raw.astype(np.float32) - np.asarray(zero, np.float32).reshape(axes)) * scale
    return dequantised.astype(np.float32)
