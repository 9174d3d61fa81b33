"""BirdNET's body by each runtime: CPU time a window on one core, and what its logits are off.

    python bench/bench_runtimes.py [--repeats N] [--onnx 1=BODY.onnx 4=BODY.onnx]

The runtimes take turns within one run; the figures are medians of CPU time, which a busy machine spoils less.
Pin it to a core (``OMP_NUM_THREADS=1 taskset -c 1``). The body is what is behind our front end, as `birdfast
optimize` keeps it in the cache, *.graft.tflite; as ONNX (tf2onnx --tflite BODY --output BODY.onnx) it is run
by ONNX Runtime, too. OpenVINO is left out where it is not installed, and bf16 where the CPU has none.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from byturns import medians_s

from birdfast import models
from birdfast.arrays import Array, Float32
from birdfast.grafting import cache, verification
from birdfast.grafting.grafted import GraftedSession
from birdfast.runtimes import onnx, openvino

Run = Callable[[], Array]


def bodies(session: GraftedSession, fed: Float32, onnx_body: Path | None) -> dict[str, Run]:
    """Return what gives the logits of one batch, by runtime."""
    bare, place = session.bare(), session.bare().places["logits"]
    ways: dict[str, Run] = {"LiteRT + XNNPACK": lambda: session.body()[0]}
    if openvino.version() != "none":
        for precision in ("f32", "bf16") if openvino.has_bfloat16() else ("f32",):
            request = openvino.start(bare.data, precision)
            ways[f"OpenVINO, {precision}"] = lambda request=request: openvino.run(request, fed, [place])[0]
    if onnx_body is not None:
        runner = onnx.start(onnx_body.read_bytes())
        taken, given = onnx.inputs(runner)[0].name, onnx.outputs(runner)[place]
        ways["ONNX Runtime, f32"] = lambda: onnx.run(runner, {taken: fed}, [given])[0]
    return ways


def table(path: Path, batch: int, repeats: int, onnx_body: Path | None) -> None:
    """Print what the runtimes need at one batch."""
    grafted = cache.cached(path, models.cache_folder(), batch=batch)
    assert grafted is not None, f"{path}: no front end recognised"
    session = grafted.session()
    windows = np.stack([*verification.signals(session.window_samples).values()])[-batch:]
    fed = session.bare().feeder()(windows)
    session.front(windows)
    ways = bodies(session, fed, onnx_body)
    expected = session.body()[0].copy()
    print(f"\n{path.name}, the body at batch {batch}: median of {repeats} turns")
    print(f"  {'':24}{'ms a window':>12}{'ratio':>8}{'logits off by':>16}")
    for name, median_s in (medians := warm(ways, repeats)).items():
        ratio = median_s / medians["LiteRT + XNNPACK"]
        off = np.abs(ways[name]() - expected).max()
        print(f"  {name:24}{median_s * 1e3 / batch:12.2f}{ratio:8.2f}{off:16.1e}")


def warm(ways: Mapping[str, Run], repeats: int) -> dict[str, float]:
    """Return medians of runs by twos: a network does not always find its weights replaced by another's."""
    pairs = {name: (lambda run=run: (run(), run())) for name, run in ways.items()}
    return {name: median_s / 2 for name, median_s in medians_s(pairs, repeats, time.process_time).items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--onnx", nargs="*", default=[], metavar="BATCH=BODY.onnx")
    args = parser.parse_args()
    by_batch = dict(told.split("=", 1) for told in args.onnx)
    birdnet = models.catalogue()["birdnet-2.4"]
    if not birdnet.found:
        print(birdnet.how_to_get())
        return
    for batch in (1, 4):
        body = by_batch.get(str(batch))
        table(birdnet.path, batch, args.repeats, body and Path(body))


if __name__ == "__main__":
    main()
