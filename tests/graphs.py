"""Small networks that make their own spectrogram, built without TensorFlow: what a Perch is like inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from birdfast.grafting import flatbuffer
from birdfast.grafting.graph import Graph


@dataclass(frozen=True)
class Kind:
    """How a network's front end is made."""

    part: str = "magnitude"  # or "power" or "real"
    framing: str = "gather"  # or "reshape", when frames do not overlap
    post: str = "log"  # or "root", "floor", "none"
    normalized: bool = False
    samples: int = 4_000
    n_fft: int = 256
    hop: int = 160
    bands: int = 20
    classes: int = 7

    @property
    def frames(self) -> int:
        return (
            self.samples // self.n_fft
            if self.framing == "reshape"
            else 1 + (self.samples - self.n_fft) // self.hop
        )


class Builder:
    """A graph that grows operator by operator; the methods return tensors."""

    def __init__(self) -> None:
        model = schema.ModelT()
        model.version, model.buffers, model.operatorCodes = 3, [schema.BufferT()], []
        subgraph = schema.SubGraphT()
        subgraph.tensors, subgraph.operators = [], []
        subgraph.inputs, subgraph.outputs = np.zeros(0, np.int32), np.zeros(0, np.int32)
        model.subgraphs = [subgraph]
        self.graph = Graph(model)

    def input(
        self, shape: tuple[int, ...], signature: tuple[int, ...] | None = None, dtype: type = np.float32
    ) -> int:
        tensor = self.graph.new_tensor("samples", shape, dtype)
        if signature is not None:
            self.graph.tensors[tensor].shapeSignature = np.array(signature, np.int32)
        self.graph.main.inputs = np.array([tensor], np.int32)
        return tensor

    def quantised(self, tensor: int, scale: float, zero_point: int = 0) -> int:
        """The same tensor, whose numbers now stand for ``scale * (q - zero_point)``."""
        told = schema.QuantizationParametersT()
        told.scale = np.array([scale], np.float32)
        told.zeroPoint = np.array([zero_point], np.int64)
        self.graph.tensors[tensor].quantization = told
        return tensor

    def constant(self, value: Any, dtype: type = np.float32) -> int:
        return self.graph.new_constant("constant", np.asarray(value, dtype))

    def __call__(
        self, name: str, inputs: list[int], shape: Any = (), options: Any = None, dtype: Any = np.float32
    ) -> int:
        out = self.graph.new_tensor(name.lower(), shape, dtype)
        if options is None and hasattr(schema, f"{name.capitalize()}OptionsT"):
            options = getattr(schema, f"{name.capitalize()}OptionsT")()
        self.graph.operators.append(self.graph.new_operator(name, inputs, [out], options))
        return out

    def reshape(self, tensor: int, shape: tuple[int, ...]) -> int:
        dtype = self.graph.dtype(tensor)
        return self("RESHAPE", [tensor, self.constant(shape, np.int32)], shape, dtype=dtype)

    def finish(self, *outputs: int) -> bytes:
        self.graph.main.outputs = np.array(outputs, np.int32)
        return flatbuffer.write(self.graph.model)


def tables(kind: Kind) -> tuple[np.ndarray, np.ndarray]:
    """Window and bands of the network: float32 [n_fft] and [bands, n_fft // 2 + 1]."""
    window = np.hanning(kind.n_fft + 1)[:-1].astype(np.float32)
    bins = np.arange(kind.n_fft // 2 + 1)
    centres = np.linspace(4, kind.n_fft // 2 - 4, kind.bands)[:, None]
    weights = np.maximum(0, 1 - np.abs(bins - centres) / 4).astype(np.float32)
    return window, weights


def network(kind: Kind) -> bytes:
    """A network of this kind: spectrogram, one convolution, mean, embedding, logits; any batch."""
    b = Builder()
    signal = b.input((1, kind.samples), (-1, kind.samples))
    if kind.normalized:
        signal = _normalized(b, signal, kind.samples)
    spectrum = _spectrum(b, _framed(b, signal, kind), kind)
    picture = _posted(b, _banded(b, _part(b, spectrum, kind), kind), kind)
    picture = b("REVERSE_V2", [picture, b.constant([2], np.int32)], (1, kind.frames, kind.bands))
    picture = b("TRANSPOSE", [picture, b.constant([0, 2, 1], np.int32)], (1, kind.bands, kind.frames))
    picture = b("EXPAND_DIMS", [picture, b.constant(3, np.int32)], (1, kind.bands, kind.frames, 1))
    picture = b("MUL", [picture, b.constant(0.5)], (1, kind.bands, kind.frames, 1))
    return _body(b, picture, kind)


def _normalized(b: Builder, signal: int, samples: int) -> int:
    peak = b("REDUCE_MAX", [b("ABS", [signal], (1, samples)), b.constant([1], np.int32)], (1, 1), _reducer())
    floored = b("ADD", [peak, b.constant(0.01)], (1, 1))
    return b("MUL", [b("DIV", [signal, floored], (1, samples)), b.constant(0.25)], (1, samples))


def _reducer() -> Any:
    options = schema.ReducerOptionsT()
    options.keepDims = True
    return options


def _framed(b: Builder, signal: int, kind: Kind) -> int:
    """[1, frames, n_fft], times the window."""
    if kind.framing == "reshape":
        length = kind.frames * kind.n_fft
        options = schema.StridedSliceOptionsT()
        options.beginMask = options.endMask = 1
        limits = [b.constant(v, np.int32) for v in ([0, 0], [0, length], [1, 1])]
        frames = b("STRIDED_SLICE", [signal, *limits], (1, length), options)
        # the batch's size by arithmetic on shapes, as converters write it
        options = schema.ShapeOptionsT()
        options.outType = schema.TensorType.INT32
        shape = b("SHAPE", [signal], (2,), options, np.int32)
        one = [b.constant([v], np.int32) for v in (0, 1, 1)]
        batch = b("STRIDED_SLICE", [shape, *one], (1,), schema.StridedSliceOptionsT(), np.int32)
        rest = b.constant([kind.frames, kind.n_fft], np.int32)
        target = b("CONCATENATION", [batch, rest], (3,), dtype=np.int32)
        frames = b("RESHAPE", [frames, target], (1, kind.frames, kind.n_fft), schema.ReshapeOptionsT())
    else:
        index = np.arange(kind.frames)[:, None] * kind.hop + np.arange(kind.n_fft)
        options = schema.GatherOptionsT()
        options.axis = 1
        shape3 = (1, kind.frames, kind.n_fft)
        frames = b("GATHER", [signal, b.constant(index, np.int32)], shape3, options)
    return b("MUL", [frames, b.constant(tables(kind)[0])], (1, kind.frames, kind.n_fft))


def _spectrum(b: Builder, frames: int, kind: Kind) -> int:
    bins = kind.n_fft // 2 + 1
    lines = b("EXPAND_DIMS", [frames, b.constant(2, np.int32)], (1, kind.frames, 1, kind.n_fft))
    length = b.constant([1, kind.n_fft], np.int32)
    shape = (1, kind.frames, 1, bins)
    spectrum = b("RFFT2D", [lines, length], shape, schema.Rfft2dOptionsT(), np.complex64)
    options = schema.SqueezeOptionsT()
    options.squeezeDims = np.array([2], np.int32)
    return b("SQUEEZE", [spectrum], (1, kind.frames, bins), options, np.complex64)


def _part(b: Builder, spectrum: int, kind: Kind) -> int:
    shape = (1, kind.frames, kind.n_fft // 2 + 1)
    if kind.part == "real":
        options = schema.CastOptionsT()
        options.inDataType, options.outDataType = schema.TensorType.COMPLEX64, schema.TensorType.FLOAT32
        return b("CAST", [spectrum], shape, options)
    magnitude = b("COMPLEX_ABS", [spectrum], shape)
    return magnitude if kind.part == "magnitude" else b("MUL", [magnitude, magnitude], shape)


def _banded(b: Builder, bins: int, kind: Kind) -> int:
    options = schema.FullyConnectedOptionsT()
    options.keepNumDims = True
    inputs = [bins, b.constant(tables(kind)[1]), -1]
    return b("FULLY_CONNECTED", inputs, (1, kind.frames, kind.bands), options)


def _posted(b: Builder, bands: int, kind: Kind) -> int:
    shape = (1, kind.frames, kind.bands)
    if kind.post == "log":
        return b("LOG", [b("ADD", [bands, b.constant(1e-3)], shape)], shape)
    if kind.post == "floor":
        return b("LOG", [b("MAXIMUM", [bands, b.constant(1e-5)], shape)], shape)
    if kind.post == "root":
        return b("POW", [b("MUL", [bands, bands], shape), b.constant(0.25)], shape)
    return bands


def _body(b: Builder, picture: int, kind: Kind) -> bytes:
    random = np.random.default_rng(3)
    options = schema.Conv2DOptionsT()
    options.strideW = options.strideH = 2
    options.fusedActivationFunction = schema.ActivationFunctionType.RELU
    filters = b.constant(random.normal(0, 0.2, (5, 3, 3, 1)))
    height, width = (kind.bands + 1) // 2, (kind.frames + 1) // 2
    picture = b("CONV_2D", [picture, filters, b.constant(np.zeros(5))], (1, height, width, 5), options)
    embedding = b("MEAN", [picture, b.constant([1, 2], np.int32)], (1, 5), schema.ReducerOptionsT())
    matrix = b.constant(random.normal(0, 1, (kind.classes, 5)))
    product = schema.FullyConnectedOptionsT()
    logits = b(
        "FULLY_CONNECTED", [embedding, matrix, b.constant(np.ones(kind.classes))], (1, kind.classes), product
    )
    return b.finish(logits)
