"""ONNX networks with a front end inside, in many spellings, before a small convolutional body."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from birdfast.spectrogram import mel, window_values

from . import onnxnetworks
from .onnxnetworks import FLOAT

RATE_HZ, SAMPLES = 8_000, 4_000
N_FFT, HOP, LENGTH, N_MELS, N_CLASSES, DIM = 256, 80, 240, 20, 3, 8
BINS = N_FFT // 2 + 1
TRANSFORMS = ("stft", "dft", "matrix", "convolution")
FRAMINGS = ("gather", "convolution", "slices")
PRELUDES = ("peak", "mean", "scale")
LOGS = ("log", "db", "floor", "root", "none", "pcen", "cut", "capped", "rooted")
CLIPS = {"clipped": 0.1, "loud": 2.5}
BODIES = ("frames first", "recurrent", "windows second")


class Nodes:
    """Nodes of a graph as they are added, and the constants that they read."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}

    def add(self, kind: str, *inputs: Any, n: int = 1, **attributes: Any) -> Any:
        """Add an operator, of names and constants; return the names of its n outputs, or the one."""
        names = [one if isinstance(one, str) else self.constant(one) for one in inputs]
        outputs = [f"{kind}{len(self.nodes)}_{i}" for i in range(n)]
        self.nodes.append(helper.make_node(kind, names, outputs, **attributes))
        return outputs[0] if n == 1 else outputs

    def constant(self, value: Any) -> str:
        """Add a constant; numbers with a point are float32."""
        array = np.asarray(value)
        name = f"c{len(self.constants)}"
        self.constants[name] = array.astype(np.float32) if array.dtype == np.float64 else array
        return name

    def model(self, outputs: dict[str, list[Any]], shape: list[Any]) -> onnx.ModelProto:
        """Return the model from `sound` to outputs: their shapes by name."""
        graph = helper.make_graph(
            self.nodes,
            "front",
            [helper.make_tensor_value_info("sound", FLOAT, shape)],
            [helper.make_tensor_value_info(name, FLOAT, told) for name, told in outputs.items()],
            [numpy_helper.from_array(value, name) for name, value in self.constants.items()],
        )
        return onnxnetworks.model(graph)


def network(
    transform: str = "matrix",
    *,
    framing: str = "gather",
    part: str = "power",
    bands: str = "matrix",
    log: str = "log",
    prelude: str = "",
    pad: str = "",
    shape: tuple[Any, ...] = ("batch", SAMPLES),
    odd: str = "",
    strands: int = 1,
    body: str = "",
) -> onnx.ModelProto:
    """Return a network whose front end is spelled so.

    `strands`: how many spectrograms of the sound, of once, twice ... as many points; `odd`: what makes it
    none: "clipped" sound, clipped or made smaller only where it is "loud" or "whole" numbers, a "drifting"
    window, a "trained" matrix; `body`: one of BODIES, in which windows are not on the first axis.
    """
    graph = Nodes()
    row = graph.add("Reshape", "sound", np.array([-1, SAMPLES]))
    sound = _prelude(graph, row, prelude)
    if odd in CLIPS:
        sound = graph.add("Clip", sound, -CLIPS[odd], CLIPS[odd])
    if odd == "whole":
        largest = graph.add("ReduceMax", graph.add("Abs", sound), axes=[1])
        smaller = graph.add("Div", sound, 32768.0)
        sound = graph.add("Where", graph.add("Greater", largest, 2.0), smaller, sound)
    n_samples = SAMPLES
    if pad:
        sound = graph.add("Pad", sound, np.array([0, LENGTH // 2, 0, LENGTH // 2]), mode=pad)
        n_samples += LENGTH
    pictures = []
    for factor in range(1, strands + 1):
        spectrum = _spectrum(graph, sound, transform, framing, n_samples, odd, factor)
        logs = _log(graph, _bands(graph, _part(graph, spectrum, part), bands, factor), log)
        pictures.append(graph.add("Unsqueeze", logs, np.array([1])))
    picture = graph.add("Concat", *pictures, axis=1) if strands > 1 else pictures[0]
    outputs = _turned(graph, picture, body) if body else _body(graph, picture, strands, row)
    return graph.model(outputs, [*shape])


def _prelude(graph: Nodes, sound: str, kind: str) -> str:
    if kind == "scale":
        return str(graph.add("Mul", sound, 32768.0))
    if kind == "mean":
        return str(graph.add("Sub", sound, graph.add("ReduceMean", sound, axes=[1])))
    if kind == "peak":
        largest = graph.add("ReduceMax", graph.add("Abs", sound), axes=[1])
        return str(graph.add("Div", sound, graph.add("Add", largest, 1e-6)))
    return sound


def matrix(factor: int = 1) -> np.ndarray:
    """Return window and transform as a matrix: float64 [LENGTH, real and imaginary part of the bins]."""
    window = window_values("hann", LENGTH)
    angle = 2 * np.pi * np.outer(np.arange(LENGTH), np.arange(factor * N_FFT // 2 + 1)) / (factor * N_FFT)
    return window[:, None] * np.concatenate([np.cos(angle), -np.sin(angle)], axis=1)


def _spectrum(
    graph: Nodes, sound: str, transform: str, framing: str, n_samples: int, odd: str, factor: int
) -> str:
    """Return the complex spectrum [batch, frames, BINS, 2]."""
    table, n_frames = matrix(factor), 1 + (n_samples - LENGTH) // HOP
    if odd == "trained":
        table = np.random.default_rng(1).standard_normal(table.shape) / 16
    if transform == "stft":
        window = np.pad(window_values("hann", LENGTH), (0, N_FFT - LENGTH))
        padded = graph.add("Pad", sound, np.array([0, 0, 0, N_FFT - LENGTH]))
        column = graph.add("Unsqueeze", padded, np.array([2]))
        return str(graph.add("STFT", column, np.array(HOP), window, onesided=1))
    if transform == "convolution":
        kernels = table.T[:, None]
        both = graph.add("Conv", graph.add("Unsqueeze", sound, np.array([1])), kernels, strides=[HOP])
        both = graph.add("Reshape", both, np.array([0, 2, BINS, n_frames]))
        return str(graph.add("Transpose", both, perm=[0, 3, 2, 1]))
    frames = _frames(graph, sound, framing, n_frames)
    if odd == "drifting":
        frames = graph.add("Mul", frames, np.linspace(1, 2, n_frames)[:, None])
    if transform == "dft":
        windowed = graph.add("Mul", frames, window_values("hann", LENGTH))
        column = graph.add("Unsqueeze", windowed, np.array([3]))
        return str(graph.add("DFT", column, np.array(N_FFT), axis=2, onesided=1))
    both = graph.add("Reshape", graph.add("MatMul", frames, table), np.array([0, 0, 2, table.shape[1] // 2]))
    return str(graph.add("Transpose", both, perm=[0, 1, 3, 2]))


def _frames(graph: Nodes, sound: str, framing: str, n_frames: int) -> str:
    """Return [batch, frames, LENGTH]."""
    if framing == "gather":
        at = HOP * np.arange(n_frames)[:, None] + np.arange(LENGTH)
        return str(graph.add("Gather", sound, at, axis=1))
    if framing == "convolution":
        row = graph.add("Unsqueeze", sound, np.array([1]))
        return str(graph.add("Transpose", graph.add("Conv", row, np.eye(LENGTH)[:, None], strides=[HOP]),
                             perm=[0, 2, 1]))  # fmt: skip
    hops = graph.add("Reshape", sound, np.array([0, -1, HOP]))
    parts = [
        graph.add("Slice", hops, np.array([i]), np.array([n_frames + i]), np.array([1]))
        for i in range(LENGTH // HOP)
    ]
    return str(graph.add("Concat", *parts, axis=2))


def _part(graph: Nodes, spectrum: str, part: str) -> str:
    """Return the power or magnitude of a spectrum, spelled in some way: [batch, frames, BINS]."""
    if part == "norm":
        return str(graph.add("ReduceL2", spectrum, axes=[3], keepdims=0))
    if part in ("split", "magnitude"):
        parts = graph.add("Split", spectrum, n=2, axis=3)
        squares = [graph.add("Mul", one, one) for one in parts]
        power = graph.add("Squeeze", graph.add("Add", *squares), np.array([3]))
    else:
        squares = graph.add("Pow", spectrum, 2.0)
        power = graph.add("ReduceSum", squares, np.array([3]), keepdims=0)
    return str(graph.add("Sqrt", power) if part == "magnitude" else power)


def filters(factor: int = 1) -> np.ndarray:
    """Return mel filters: float64 [bins, N_MELS]."""
    return np.asarray(mel.filters(RATE_HZ, factor * N_FFT, N_MELS, fmin_hz=60, fmax_hz=4000, norm=None)).T


def _bands(graph: Nodes, bins: str, bands: str, factor: int) -> str:
    if bands == "none":
        return bins
    if bands == "operator":
        numbers = [np.array(N_MELS), np.array(N_FFT), np.array(RATE_HZ), np.float32(60), np.float32(4000)]
        return str(graph.add("MatMul", bins, graph.add("MelWeightMatrix", *numbers)))
    if bands == "convolution":
        turned = graph.add("Transpose", bins, perm=[0, 2, 1])
        return str(graph.add("Conv", turned, filters().T[:, :, None]))
    if bands == "left":
        return str(graph.add("MatMul", filters(factor).T, graph.add("Transpose", bins, perm=[0, 2, 1])))
    if bands == "gemm":
        flat = graph.add("Reshape", bins, np.array([-1, BINS]))
        product = graph.add("Gemm", flat, filters(), np.full(N_MELS, 1e-3), alpha=0.5)
        n_frames = np.array([1 + (SAMPLES - LENGTH) // HOP])
        batch = graph.add("Slice", graph.add("Shape", "sound"), np.array([0]), np.array([1]))
        return str(
            graph.add("Reshape", product, graph.add("Concat", batch, n_frames, np.array([N_MELS]), axis=0))
        )
    return str(graph.add("MatMul", bins, filters(factor)))


def _log(graph: Nodes, bands: str, log: str) -> str:
    if log == "log":
        return str(graph.add("Log", graph.add("Add", bands, 1e-3)))
    if log == "db":
        logs = graph.add("Log", graph.add("Clip", bands, 1e-3))
        return str(graph.add("Sub", graph.add("Mul", graph.add("Div", logs, np.log(10)), 10.0), 1.5))
    if log == "floor":
        return str(graph.add("Mul", graph.add("Log", graph.add("Max", bands, 1e-3)), 0.1))
    if log == "low floor":  # as librosa's
        return str(graph.add("Log", graph.add("Max", bands, 1e-10)))
    if log == "cut":  # by a step that no kernel has there
        return str(graph.add("Max", graph.add("Log", graph.add("Max", bands, 1e-3)), -5.0))
    if log == "rooted":
        return str(graph.add("Pow", graph.add("Max", bands, 1e-3), 0.3))
    if log == "capped":
        return str(graph.add("Log", graph.add("Clip", bands, 1e-3, 1e7)))
    if log == "pcen":  # what smooths it hears all frames: it stays in the body
        n_frames = 1 + (SAMPLES - LENGTH) // HOP
        past = np.tril(0.1 * 0.9 ** np.subtract.outer(np.arange(n_frames), np.arange(n_frames)))
        level = graph.add("Pow", graph.add("Add", graph.add("MatMul", past, bands), 1e-3), -0.8)
        return str(graph.add("Pow", graph.add("Add", graph.add("Mul", bands, level), 2.0), 0.5))
    return str(graph.add("Pow", bands, 0.3) if log == "root" else bands)


def _turned(graph: Nodes, picture: str, body: str) -> dict[str, list[Any]]:
    """Add a body that takes pictures [batch, 1, frames, N_MELS] with other axes first."""
    rng = np.random.default_rng(6)
    perm = [1, 0, 2, 3] if body == "windows second" else [2, 0, 1, 3]
    turned = graph.add("Transpose", picture, perm=perm)
    if body == "recurrent":
        weights = (rng.standard_normal((1, 3 * DIM, n)) / n for n in (N_MELS, DIM))
        row = graph.add("Squeeze", turned, np.array([2]))
        _, last = graph.add("GRU", row, *weights, n=2, hidden_size=DIM)
        graph.add("Squeeze", last, np.array([0]))
    else:
        hidden = graph.add("Relu", graph.add("MatMul", turned, rng.standard_normal((N_MELS, DIM)) / 8))
        graph.add("ReduceMean", hidden, axes=[0, 2], keepdims=0)
    graph.nodes[-1].output[0] = "embedding"
    graph.add("MatMul", "embedding", rng.standard_normal((DIM, N_CLASSES)))
    graph.nodes[-1].output[0] = "scores"
    return {"scores": [None, N_CLASSES], "embedding": [None, DIM]}


def _body(graph: Nodes, picture: str, n: int, row: str) -> dict[str, list[Any]]:
    """Add convolutions, an embedding and logits; the size of their batch is read off the sound."""
    rng = np.random.default_rng(6)
    normal = graph.add("InstanceNormalization", picture, np.ones(n), np.zeros(n))
    hidden = graph.add("Conv", normal, rng.standard_normal((DIM, n, 3, 3)) / 3, strides=[2, 2])
    pooled = graph.add("GlobalAveragePool", graph.add("Relu", hidden))
    batch = graph.add("Gather", graph.add("Shape", row), np.array([0]))
    graph.add("Reshape", pooled, graph.add("Concat", batch, np.array([DIM]), axis=0))
    graph.nodes[-1].output[0] = "embedding"
    graph.add("MatMul", "embedding", rng.standard_normal((DIM, N_CLASSES)))
    graph.nodes[-1].output[0] = "scores"
    return {"scores": [None, N_CLASSES], "embedding": [None, DIM]}
