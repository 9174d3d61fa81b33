"""Perch-like networks with random weights: writes them, and times a window of each on one core.

    OMP_NUM_THREADS=1 taskset -c 0 python bench/perchlike_tflite.py FOLDER [--classes N] [--repeats N]

What is written are FOLDER/plain/perch-2 and FOLDER/flex/perch-2, for `BIRDFAST_MODELS=FOLDER/plain birdfast
infer --model perch-2`: the front end of tests/perchlike.py (32 kHz, 128 bands every 10 ms), a body as
EfficientNet-B0 (1 GFLOP with a picture of 500 x 128), and the outputs of Perch 2. The second has TensorFlow's
own operators in its front end, so LiteRT cannot run it. They say nothing, and take the time that trained
ones take. All ways of running one take turns; the figures are medians of the
core's time.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from byturns import medians_s

from birdfast.grafting import graft, original
from birdfast.grafting.flatbuffer import schema
from birdfast.runtimes import litert

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests import perchlike
from tests.graphs import Builder
from tests.perchlike import DIM, SAMPLES, Perch

N_CLASSES = 14_795
# how much wider it is inside, channels, how many, stride, kernel
STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
STEM, SQUEEZED = 32, 4
# Numbers lose a factor of 2.8 by swish, and of 11 by a gate of a half as well. Given back whole, what opens
# the gates would grow without end; given back in part, the last layer makes up for the rest.
SWISH, GATED, LAST = 1.5, 4.0, 2e5


class Body:
    """EfficientNet-B0, from a picture to a vector for each of its places."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(9)

    def __call__(self, b: Builder, image: int) -> int:
        """Append it; return the tensor of float32 [1, 16, 4, DIM]."""
        image = self.conv(b, image, STEM, 3, 2)
        for wider, channels, repeats, stride, kernel in STAGES:
            for i in range(repeats):
                image = self.block(b, image, wider, channels, stride if i == 0 else 1, kernel)
        return self.conv(b, image, DIM, 1, 1, LAST)

    def block(self, b: Builder, image: int, wider: int, channels: int, stride: int, kernel: int) -> int:
        """Append one inverted residual with squeeze and excitation."""
        taken = b.graph.shape(image)[-1]
        inside = self.conv(b, image, wider * taken, 1, 1) if wider > 1 else image
        inside = self.conv(b, inside, wider * taken, kernel, stride, SWISH, depthwise=True)
        axes, kept = b.constant([1, 2], np.int32), schema.ReducerOptionsT()
        kept.keepDims = True
        squeezed = b("MEAN", [inside, axes], (1, 1, 1, wider * taken), kept)
        squeezed = self.conv(b, squeezed, max(1, taken // SQUEEZED), 1, 1)
        gate = self.conv(b, squeezed, wider * taken, 1, 1, active=False)
        gate = b("LOGISTIC", [gate], b.graph.shape(gate))
        inside = b("MUL", [inside, gate], b.graph.shape(inside))
        made = self.conv(b, inside, channels, 1, 1, GATED, active=False)
        return b("ADD", [image, made], b.graph.shape(image)) if stride == 1 and taken == channels else made

    def conv(
        self,
        b: Builder,
        image: int,
        channels: int,
        kernel: int,
        stride: int,
        gain: float = 1.0,
        *,
        depthwise: bool = False,
        active: bool = True,
    ) -> int:
        """Append a convolution, and swish behind it."""
        _, height, width, taken = b.graph.shape(image)
        shape = (1, -(-height // stride), -(-width // stride), channels)
        how: Any = schema.DepthwiseConv2DOptionsT() if depthwise else schema.Conv2DOptionsT()
        how.strideW = how.strideH = stride
        if depthwise:
            how.depthMultiplier = 1
        size = (1, kernel, kernel, taken) if depthwise else (channels, kernel, kernel, taken)
        fan_in = kernel * kernel * (1 if depthwise else taken)
        filters = b.constant(self.random.normal(0, (gain / fan_in) ** 0.5, size))
        name = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
        made = b(name, [image, filters, b.constant(np.zeros(channels))], shape, how)
        return b("MUL", [made, b("LOGISTIC", [made], shape)], shape) if active else made


def write(folder: Path, perch: Perch) -> Path:
    """Write a network and its labels where birdfast looks for Perch 2."""
    place = folder / ("flex" if perch.flex else "plain") / "perch-2"
    place.mkdir(parents=True, exist_ok=True)
    (place / "perch_v2.tflite").write_bytes(perchlike.network(perch, Body()))
    names = [f"Avis n{i}" for i in range(perch.classes)]
    (place / "labels.csv").write_text("\n".join(["inat2024_fsd50k", *names, ""]))
    return place / "perch_v2.tflite"


def timed(path: Path, repeats: int) -> None:
    """Print what a window costs grafted, and as LiteRT runs the whole graph, if it does."""
    shown = original.read(path).outputs[:2]
    window = np.random.default_rng(0).normal(0, 0.1, (1, SAMPLES)).astype(np.float32)
    data = path.read_bytes()
    batches = {batch: graft.optimize(data, batch=batch).session() for batch in (1, 4)}
    jobs = {
        f"grafted, batch {n}": (lambda s=s, n=n: s.run(np.repeat(window, n, 0))) for n, s in batches.items()
    }
    jobs["of it the front end"] = lambda: batches[1].front(window)
    for delegate, name in ((True, "LiteRT with XNNPACK"), (False, "LiteRT without")):
        try:
            runner = litert.start(data, delegate=delegate)
        except Exception as error:  # what it cannot run at all
            print(f"  {name}: {str(error)[:100]}")
            continue
        jobs[name] = lambda runner=runner: litert.run(runner, {0: window}, shown)
        said = jobs[name]()[0]
        gap, spread = np.abs(said - batches[1].run(window)["logits"]).max(), said.std()
        print(f"  logits of {name} and grafted: largest difference {gap:.1e}, deviation {spread:.2g}")
    for name, seconds in medians_s(jobs, repeats, time.thread_time).items():
        each = 4 if name.endswith("4") else 1
        print(f"  {name:24}{1e3 * seconds / each:8.1f} ms a window")


def main() -> None:
    """Write both and time them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--classes", type=int, default=N_CLASSES)
    parser.add_argument("--repeats", type=int, default=15)
    asked = parser.parse_args()
    for flex in (False, True):
        path = write(asked.folder, Perch(flex=flex, classes=asked.classes))
        print(f"{path}, {path.stat().st_size / 1e6:.0f} MB, {len(original.read(path).operators)} operators")
        timed(path, asked.repeats)


if __name__ == "__main__":
    main()
