"""Writes ONNX networks of Perch 2's shape with random weights: its front end, and a body that says nothing.

    python bench/perchlike.py FOLDER [--small]
    OMP_NUM_THREADS=1 taskset -c 1 python bench/perchlike.py FOLDER --time [--repeats N]

What are written are perchlike_dft.onnx, whose spectrum is the operator DFT, and perchlike_matrix.onnx, whose
spectrum is a product with a matrix: 5 s at 32 kHz, 10 ms from frame to frame, a Hann window of 20 ms, 1,024
points, 128 mel bands from 60 Hz to 16 kHz, the logarithm with a floor at -100 dB; outputs `label`,
`embedding` and `spatial_embedding`. --time then prints what a window costs, and how far the logits of both
ways are apart.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from birdfast.models import Model
from birdfast.sessions.onnx import OnnxSession
from birdfast.spectrogram import mel, window_values

RATE_HZ, SAMPLES = 32_000, 160_000
HOP, LENGTH, N_FFT, N_MELS, FRAMES = 320, 640, 1024, 128, 500
DIM, N_CLASSES = 1536, 14_795
CHANNELS = (32, 64, 96, 192, 384)  # behind each halving of the picture
SMALL = (4, 4, 8, 8, 8)
KINDS = ("dft", "matrix")
BATCH = 4


class Nodes:
    """Nodes of a graph as they are added, and the constants that they read."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, kind: str, *inputs: Any, name: str = "", **attributes: Any) -> str:
        """Add an operator of names and constants, and return the name of what it makes."""
        made = name or f"{kind}{len(self.nodes)}"
        names = [one if isinstance(one, str) else self.constant(one) for one in inputs]
        self.nodes.append(helper.make_node(kind, names, [made], **attributes))
        return made

    def constant(self, value: Any) -> str:
        """Add a constant; numbers with a point are float32."""
        array, name = np.asarray(value), f"c{len(self.constants)}"
        array = array.astype(np.float32) if array.dtype == np.float64 else array
        self.constants.append(numpy_helper.from_array(array, name))
        return name


def network(
    kind: str, *, n_classes: int = N_CLASSES, channels: tuple[int, ...] = CHANNELS
) -> onnx.ModelProto:
    """Return such a network; kind: "dft" or "matrix"."""
    graph, rng = Nodes(), np.random.default_rng(11)
    picture = graph.add("Unsqueeze", log_mel(graph, "inputs", kind), np.array([1]))
    spatial = body(graph, picture, rng, channels)
    spatial = graph.add("Transpose", spatial, perm=[0, 2, 3, 1], name="spatial_embedding")
    graph.add("ReduceMean", spatial, axes=[1, 2], keepdims=0, name="embedding")
    graph.add("MatMul", "embedding", 4 * weights(rng, DIM, n_classes), name="label")
    shapes = {"label": [n_classes], "embedding": [DIM], "spatial_embedding": [16, 4, DIM]}
    made = helper.make_graph(
        graph.nodes,
        f"perchlike_{kind}",
        [helper.make_tensor_value_info("inputs", onnx.TensorProto.FLOAT, ["batch", SAMPLES])],
        [
            helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", *shape])
            for name, shape in shapes.items()
        ],
        graph.constants,
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def log_mel(graph: Nodes, sound: str, kind: str) -> str:
    """Add the front end; return [batch, FRAMES, N_MELS]."""
    padded = graph.add("Pad", sound, np.array([0, LENGTH // 4, 0, LENGTH // 4]))
    at = HOP * np.arange(FRAMES)[:, None] + np.arange(LENGTH)
    frames = graph.add("Gather", padded, at, axis=1)
    window = window_values("hann", LENGTH)
    window /= window.sum()
    if kind == "dft":
        column = graph.add("Unsqueeze", graph.add("Mul", frames, window), np.array([3]))
        both = graph.add("DFT", column, np.array(N_FFT), axis=2, onesided=1)
        power = graph.add("ReduceSum", graph.add("Mul", both, both), np.array([3]), keepdims=0)
    else:
        angle = 2 * np.pi * np.outer(np.arange(LENGTH), np.arange(N_FFT // 2 + 1)) / N_FFT
        parts = [graph.add("MatMul", frames, window[:, None] * wave(angle)) for wave in (np.cos, np.sin)]
        power = graph.add("Add", *(graph.add("Mul", part, part) for part in parts))
    magnitude = graph.add("Sqrt", power)
    filters = mel.filters(RATE_HZ, N_FFT, N_MELS, fmin_hz=60, fmax_hz=16_000, scale="htk", norm=None)
    logs = graph.add("Log", graph.add("Max", graph.add("MatMul", magnitude, filters.T), 1e-5))
    return graph.add("Mul", logs, 0.1)


def body(graph: Nodes, picture: str, rng: np.random.Generator, channels: tuple[int, ...]) -> str:
    """Add five halvings with depthwise convolutions, as EfficientNet has them; return [batch, DIM, 16, 4]."""
    made, width = picture, 1
    for place, wider in enumerate(channels):
        stride = {"strides": [2, 2], "pads": [1, 1, 1, 1]}
        if place == 0:
            edges = weights(rng, 9, wider, 1, 3, 3)
            edges -= edges.mean(axis=(2, 3), keepdims=True)  # a level that is the same all over says nothing
            made = swish(graph, graph.add("Conv", made, edges, **stride))
        else:
            inner = 4 * width
            made = swish(graph, graph.add("Conv", made, weights(rng, width, inner, width, 1, 1)))
            made = swish(
                graph, graph.add("Conv", made, weights(rng, 9, inner, 1, 3, 3), group=inner, **stride)
            )
            made = graph.add("Conv", made, weights(rng, inner, wider, inner, 1, 1))
        width = wider
    return swish(graph, graph.add("Conv", made, weights(rng, width, DIM, width, 1, 1)))


def swish(graph: Nodes, name: str) -> str:
    return graph.add("Mul", name, graph.add("Sigmoid", name))


def weights(rng: np.random.Generator, n_summed: int, *shape: int) -> np.ndarray:
    """Return weights under which numbers keep their size: [n_summed, shape], or of a convolution [shape]."""
    found = rng.normal(0, np.sqrt(3 / n_summed), shape if len(shape) > 1 else (n_summed, *shape))
    return found.astype(np.float32)


def compare(path: Path, repeats: int) -> None:
    """Print what a window costs as it is and grafted, and how far their logits are apart."""
    from byturns import medians_s

    shown = {role: role for role in ("embedding", "spatial_embedding")}
    model = Model(name=path.stem, title=path.stem, path=path, kind="onnx", output="label", **shown)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "the original graph is used")
        sessions = {
            "as it is": OnnxSession(model),
            "grafted": OnnxSession(model, cache=path.parent / "cache"),
        }
    windows = np.random.default_rng(1).normal(0, 0.1, (BATCH, SAMPLES)).astype(np.float32)
    said = {name: session.run(windows) for name, session in sessions.items()}
    jobs = {name: lambda session=session: session.run(windows) for name, session in sessions.items()}
    grafted = sessions["grafted"]
    jobs["its front end alone"] = lambda: grafted._feed(windows)
    medians = medians_s(jobs, repeats, time.process_time)  # of one thread: what others run counts for little
    gaps = {
        role: float(np.abs(said["grafted"][role] - said["as it is"][role]).max()) for role in said["grafted"]
    }
    print(path.name, {name: f"{1e3 * median / BATCH:.2f} ms a window" for name, median in medians.items()})
    print("  differences on noise:", {role: f"{gap:.1e}" for role, gap in gaps.items()})
    print("\n".join(f"  {line}" for line in str(sessions["grafted"].grafted.proof).splitlines()))


def main() -> None:
    """Write them, or compare them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--small", action="store_true", help="a small body and few classes")
    parser.add_argument("--time", action="store_true", help="compare what was written before")
    parser.add_argument("--repeats", type=int, default=15)
    chosen = parser.parse_args()
    for kind in KINDS:
        path = chosen.folder / f"perchlike_{kind}.onnx"
        if chosen.time:
            compare(path, chosen.repeats)
            continue
        chosen.folder.mkdir(parents=True, exist_ok=True)
        made = network(kind, n_classes=20, channels=SMALL) if chosen.small else network(kind)
        path.write_bytes(made.SerializeToString())


if __name__ == "__main__":
    main()
