"""A network with the inside of a Perch: its front end, with Flex operators or without, and its outputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers

from birdfast.arrays import Array

from .graphs import Builder

RATE_HZ, SAMPLES = 32_000, 160_000
HOP, FRAME, N_FFT, FRAMES, BANDS, BINS = 320, 640, 1_024, 500, 128, 513
DIM, PLACES = 1_536, (16, 4)
CHANNELS = (1, 4, 4, 8, 8, 8)
FLOOR, SCALE = 1e-5, 0.1
DT_FLOAT, DT_INT32, DT_COMPLEX64 = 1, 3, 8


@dataclass(frozen=True)
class Perch:
    """How it is made: `flex` as a converter with SELECT_TF_OPS writes its front end."""

    flex: bool = False
    power: bool = False
    classes: int = 50
    shown: tuple[str, ...] = ("label", "embedding", "spatial_embedding", "spectrogram")


def window() -> Array:
    """Hann, periodic: float64 [FRAME]."""
    return np.hanning(FRAME + 1)[:-1]


def mel() -> Array:
    """Triangles on HTK's scale, 60 Hz to 16 kHz: float64 [BANDS, BINS]."""
    edges = np.linspace(*(1_127 * np.log1p(np.array([60, 16_000]) / 700)), BANDS + 2)
    low, middle, high = (edges[i : i + BANDS, None] for i in range(3))
    at = 1_127 * np.log1p(np.arange(BINS) * RATE_HZ / N_FFT / 700)
    return np.maximum(0, np.minimum((at - low) / (middle - low), (high - at) / (high - middle)))


def weights(perch: Perch) -> dict[str, Array]:
    """Of the body, by name: float32."""
    random = np.random.default_rng(8)
    found = {}
    for i, (taken, made) in enumerate(pairwise(CHANNELS)):
        found[f"filters{i}"] = random.normal(0, (2 / 9 / taken) ** 0.5, (made, 3, 3, taken))
    found["places"] = random.normal(0, (2 / CHANNELS[-1]) ** 0.5, (DIM, 1, 1, CHANNELS[-1]))
    found["label"] = random.normal(0, 1, (perch.classes, DIM))
    return {name: values.astype(np.float32) for name, values in found.items()}


def network(
    perch: Perch,
    body: Callable[[Builder, int], int] | None = None,
    edit: Callable[[Builder], None] | None = None,
) -> bytes:
    """The network; `body`: another one, from the picture to the spatial embedding, of any random weights."""
    b = Builder()
    samples = b.input((1, SAMPLES), (-1, SAMPLES))
    b.graph.tensors[samples].name = b"inputs"
    picture = _picture(b, samples, perch)
    made = {"spectrogram": picture}
    image = b("EXPAND_DIMS", [picture, b.constant(3, np.int32)], (1, FRAMES, BANDS, 1))
    made["spatial_embedding"] = spatial = _convolved(b, image, perch) if body is None else body(b, image)
    axes = b.constant([1, 2], np.int32)
    made["embedding"] = embedding = b("MEAN", [spatial, axes], (1, DIM), schema.ReducerOptionsT())
    matrix, bias = b.constant(weights(perch)["label"]), b.constant(np.zeros(perch.classes))
    product = schema.FullyConnectedOptionsT()
    made["label"] = b("FULLY_CONNECTED", [embedding, matrix, bias], (1, perch.classes), product)
    for place, name in enumerate(perch.shown):
        b.graph.tensors[made[name]].name = f"StatefulPartitionedCall:{place}".encode()
    if edit is not None:
        edit(b)
    b.graph.model.signatureDefs = [_signature(samples, {name: made[name] for name in perch.shown})]
    return b.finish(*(made[name] for name in perch.shown))


def meaning(windows: Array, perch: Perch) -> dict[str, Array]:
    """What it says of windows [n, SAMPLES], by name, in float64."""
    padded = np.pad(windows.astype(np.float64), [(0, 0), (HOP // 2, HOP // 2)])
    at = HOP * np.arange(FRAMES)[:, None] + np.arange(FRAME)
    bins = np.abs(np.fft.rfft(padded[:, at] * window().astype(np.float32), N_FFT))
    bands = (bins**2 if perch.power else bins) @ mel().astype(np.float32).T
    values = picture = SCALE * np.log(np.maximum(bands, FLOOR))
    values = values[..., None]
    held = weights(perch)
    for i in range(len(CHANNELS) - 1):
        values = np.maximum(_conv(values, held[f"filters{i}"].astype(np.float64)), 0)
    spatial = np.maximum(values @ held["places"][:, 0, 0].astype(np.float64).T, 0)
    embedding = spatial.mean((1, 2))
    label = embedding @ held["label"].T.astype(np.float64)
    return {"label": label, "embedding": embedding, "spatial_embedding": spatial, "spectrogram": picture}


def flex(
    b: Builder, name: str, inputs: list[int], shape: Any, attributes: dict[str, bytes], dtype: Any
) -> int:
    """Append a Flex operator as TensorFlow's converter writes it."""
    out = b.graph.new_tensor(f"flex/{name}", shape, dtype)
    op = schema.OperatorT()
    op.opcodeIndex = _custom_code(b, f"Flex{name}".encode())
    op.inputs, op.outputs = np.array(inputs, np.int32), np.array([out], np.int32)
    op.customOptions = np.frombuffer(options(name, len(inputs), attributes), np.uint8)
    b.graph.operators.append(op)
    return out


def options(name: str, n_inputs: int, attributes: dict[str, bytes]) -> bytes:
    """What a converter writes beside a Flex operator: its name, and the node of TensorFlow's graph."""
    node = field(2, name.encode()) + n_inputs * field(3, b"")
    for key, value in attributes.items():
        node += field(5, field(1, key.encode()) + field(2, value))
    builder = flexbuffers.Builder()
    with builder.Vector():
        builder.String(name)
        builder._WriteBlob(node, append_zero=True, type_=flexbuffers.Type.STRING)
    return bytes(builder.Finish())


def field(number: int, value: int | bytes) -> bytes:
    """A field of a protobuf message."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value % 2**64)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def kind(number: int) -> bytes:
    """An attribute that is a type."""
    return field(6, number)


def shaped(*lengths: int) -> bytes:
    """An attribute that is a shape."""
    return field(7, b"".join(field(2, field(1, length)) for length in lengths))


def _varint(value: int) -> bytes:
    found = b""
    while value > 127:
        found, value = found + bytes([value & 127 | 128]), value >> 7
    return found + bytes([value])


def _custom_code(b: Builder, name: bytes) -> int:
    codes = b.graph.model.operatorCodes
    for place, code in enumerate(codes):
        if code.customCode == name:
            return place
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode, code.version = name, 1
    codes.append(code)
    return len(codes) - 1


def _picture(b: Builder, samples: int, perch: Perch) -> int:
    """[1, FRAMES, BANDS]."""
    if perch.flex:
        samples = _checked(b, samples, (1, SAMPLES))
    frames = _strided(b, samples) if perch.flex else _gathered(b, samples)
    frames = b("MUL", [frames, b.constant(window())], (1, FRAMES, FRAME))
    frames = _padded(b, frames, (1, FRAMES, N_FFT), [[0, 0], [0, 0], [0, N_FFT - FRAME]])
    lines = b("EXPAND_DIMS", [frames, b.constant(2, np.int32)], (1, FRAMES, 1, N_FFT))
    length = b.constant([1, N_FFT], np.int32)
    spectrum = b("RFFT2D", [lines, length], (1, FRAMES, 1, BINS), schema.Rfft2dOptionsT(), np.complex64)
    squeezed = schema.SqueezeOptionsT()
    squeezed.squeezeDims = np.array([2], np.int32)
    spectrum = b("SQUEEZE", [spectrum], (1, FRAMES, BINS), squeezed, np.complex64)
    if perch.flex:  # as a short-time transform of JAX gives it, and as what takes it wants it
        spectrum = _swapped(b, spectrum, (1, BINS, FRAMES))
        scale = b.constant(1, np.complex64)
        spectrum = b("MUL", [spectrum, scale], (1, BINS, FRAMES), None, np.complex64)
        spectrum = _swapped(b, spectrum, (1, FRAMES, BINS))
    bins = b("COMPLEX_ABS", [spectrum], (1, FRAMES, BINS))
    if perch.power:
        bins = b("MUL", [bins, bins], (1, FRAMES, BINS))
    kept = schema.FullyConnectedOptionsT()
    kept.keepNumDims = True
    bands = b("FULLY_CONNECTED", [bins, b.constant(mel()), -1], (1, FRAMES, BANDS), kept)
    bands = b("LOG", [b("MAXIMUM", [bands, b.constant(FLOOR)], (1, FRAMES, BANDS))], (1, FRAMES, BANDS))
    picture = b("MUL", [bands, b.constant(SCALE)], (1, FRAMES, BANDS))
    return _checked(b, picture, (-1, FRAMES, BANDS)) if perch.flex else picture


def _padded(b: Builder, tensor: int, shape: tuple[int, ...], before_after: list[list[int]]) -> int:
    return b("PAD", [tensor, b.constant(before_after, np.int32)], shape, schema.PadOptionsT())


def _gathered(b: Builder, samples: int) -> int:
    padded = _padded(b, samples, (1, SAMPLES + HOP), [[0, 0], [HOP // 2, HOP // 2]])
    index = HOP * np.arange(FRAMES)[:, None] + np.arange(FRAME)
    along = schema.GatherOptionsT()
    along.axis = 1
    return b("GATHER", [padded, b.constant(index, np.int32)], (1, FRAMES, FRAME), along)


def _strided(b: Builder, samples: int) -> int:
    """Frames of two hops each: those that begin with each hop, and the next."""
    padded = _padded(b, samples, (1, SAMPLES + HOP), [[0, 0], [HOP // 2, HOP // 2]])
    hops = b.reshape(padded, (-1, FRAMES + 1, HOP))
    b.graph.set_shape(hops, (1, FRAMES + 1, HOP))
    masks = {"begin_mask": 5, "end_mask": 5, "ellipsis_mask": 0, "new_axis_mask": 0, "shrink_axis_mask": 0}
    attributes = {name: field(3, mask) for name, mask in masks.items()}
    attributes |= {"T": kind(DT_FLOAT), "Index": kind(DT_INT32)}
    halves = []
    for first in (0, 1):
        limits = [b.constant(v, np.int32) for v in ([0, first, 0], [0, first + FRAMES, 0], [1, 1, 1])]
        halves.append(flex(b, "StridedSlice", [hops, *limits], (1, FRAMES, HOP), attributes, np.float32))
    along = schema.ConcatenationOptionsT()
    along.axis = 2
    return b("CONCATENATION", halves, (1, FRAMES, FRAME), along)


def _swapped(b: Builder, tensor: int, shape: tuple[int, ...]) -> int:
    attributes = {"T": kind(DT_COMPLEX64), "Tperm": kind(DT_INT32)}
    axes = b.constant([0, 2, 1], np.int32)
    return flex(b, "Transpose", [tensor, axes], shape, attributes, np.complex64)


def _checked(b: Builder, tensor: int, shape: tuple[int, ...]) -> int:
    attributes = {"T": kind(DT_FLOAT), "shape": shaped(*shape)}
    return flex(b, "EnsureShape", [tensor], (1, *shape[1:]), attributes, np.float32)


def _convolved(b: Builder, image: int, perch: Perch) -> int:
    """[1, *PLACES, DIM]."""
    held, height, width = weights(perch), FRAMES, BANDS
    for i, channels in enumerate(CHANNELS[1:]):
        height, width = (height + 1) // 2, (width + 1) // 2
        image = conv(b, image, held[f"filters{i}"], (1, height, width, channels), 2)
    return conv(b, image, held["places"], (1, *PLACES, DIM))


def conv(b: Builder, image: int, filters: Array, shape: tuple[int, ...], stride: int = 1) -> int:
    """A convolution, and nothing below 0."""
    how = schema.Conv2DOptionsT()
    how.strideW = how.strideH = stride
    how.fusedActivationFunction = schema.ActivationFunctionType.RELU
    return b("CONV_2D", [image, b.constant(filters), b.constant(np.zeros(shape[-1]))], shape, how)


def _conv(values: Array, filters: Array) -> Array:
    """A convolution of 3 x 3, each second place, padded as TensorFlow does: [n, rows, columns, channels]."""
    sizes = [(n + 1) // 2 for n in values.shape[1:3]]
    around = [(n % 2, 2 - n % 2) for n in values.shape[1:3]]
    padded = np.pad(values, [(0, 0), *around, (0, 0)])
    rows, columns = sizes
    return sum(
        padded[:, i : i + 2 * rows : 2, j : j + 2 * columns : 2][:, :rows, :columns] @ filters[:, i, j].T
        for i in range(3)
        for j in range(3)
    )


def _signature(samples: int, outputs: dict[str, int]) -> Any:
    made = schema.SignatureDefT()
    made.signatureKey, made.subgraphIndex = b"serving_default", 0
    made.inputs, made.outputs = [_entry("inputs", samples)], [_entry(*item) for item in outputs.items()]
    return made


def _entry(name: str, tensor: int) -> Any:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name.encode(), tensor
    return entry
