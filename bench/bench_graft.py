"""BirdNET and YAMNet as they are, grafted, and portable: time a window on one core, and what they say.

    python bench/bench_graft.py [--repeats N] [--batch N] [AUDIO ...]

All ways of running a network take turns within one run; the figures are medians, the ratios those of medians.
Pin it to a core that nothing else uses (``taskset -c 1``). AUDIO is cut into windows for the table of
agreement; without any, what `birdfast optimize` compares is compared.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from birdfast import audio, models
from birdfast.arrays import Array
from birdfast.grafting import graft, portable, verification
from birdfast.grafting.grafted import Grafted
from birdfast.grafting.graph import Graph
from birdfast.runtimes import litert

SHARED = Path(__file__).resolve().parents[2] / "shared"


def network(path: Path, rate_hz: int, audio_paths: list[Path], batch: int, repeats: int) -> None:
    """Print the two tables of one network."""
    data = path.read_bytes()
    original, grafted = Graph.parse(data), graft.optimize(data, batch=batch)
    front_end = grafted.front_end
    assert front_end is not None, f"{path}: no front end recognised"
    fast, _ = portable.verified(data, batch=1, tolerance=1e-3)
    window = np.random.default_rng(0).normal(0, 0.1, (batch, front_end.samples)).astype(np.float32)
    shape = original.shape(original.inputs[0])
    session = grafted.session()
    ways = {
        "LiteRT without a delegate": (plain(data, window[0].reshape(shape), delegate=False), 1),
        "LiteRT with XNNPACK": (plain(data, window[0].reshape(shape), delegate=True), 1),
        "portable, LiteRT with XNNPACK": (plain(fast, window[0].reshape(shape), delegate=True), 1),
        "grafted": (lambda: session.run(window), batch),
        "grafted: the body alone": (session.body, batch),
        "grafted: the front end alone": (lambda: session.front(window), batch),
    }
    print(f"\n{path.name}, batch {batch}: ms a window, median of {repeats} turns")
    medians = turns(ways, repeats)
    for name, median in medians.items():
        print(f"  {name:32}{median * 1e3:8.3f}")
    ratios(medians)
    agreement(data, grafted, fast, windows(audio_paths, rate_hz, front_end.samples))


def plain(data: bytes, window: Array, *, delegate: bool) -> Callable[[], object]:
    """One window through an interpreter, as its users do it."""
    runner = litert.start(data, delegate=delegate)
    source = int(runner.get_input_details()[0]["index"])
    outputs = [int(runner.get_output_details()[0]["index"])]
    return lambda: litert.run(runner, {source: window}, outputs)


def turns(ways: dict[str, tuple[Callable[[], object], int]], repeats: int) -> dict[str, float]:
    """Median seconds a window of each way, measured by turns.

    Each turn is a call that is not timed, then two that are: in use, windows follow one another, and a
    network does not find its weights in the cache replaced by another's.
    """
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, (run, count) in ways.items():
            run()
            for _ in range(2):
                began = time.perf_counter()
                run()
                spent[name].append((time.perf_counter() - began) / count)
    return {name: float(np.median(times)) for name, times in spent.items()}


def ratios(medians: dict[str, float]) -> None:
    whole, body = medians["grafted"], medians["grafted: the body alone"]
    xnnpack = medians["LiteRT with XNNPACK"]
    plain_ratio = medians["LiteRT without a delegate"] / whole
    print(f"  grafted is {plain_ratio:.2f} x as fast as LiteRT without a delegate")
    print(f"             {xnnpack / whole:.2f} x as fast as LiteRT with XNNPACK")
    print(f"             and takes {whole / body:.3f} of the time of its body alone")
    portable_ratio = xnnpack / medians["portable, LiteRT with XNNPACK"]
    print(f"  portable is {portable_ratio:.2f} x as fast as LiteRT with XNNPACK")


def windows(paths: list[Path], rate_hz: int, size: int) -> dict[str, Array]:
    """All whole windows of recordings, by file and number."""
    found = {}
    for path in paths:
        samples, _ = audio.read(path, rate_hz)
        for i in range(len(samples) // size):
            found[f"{path.name} {i}"] = samples[i * size : (i + 1) * size]
    return found


def agreement(data: bytes, grafted: Grafted, fast: bytes, recorded: dict[str, Array]) -> None:
    """Largest logit differences to LiteRT with XNNPACK."""
    original = Graph.parse(data)
    assert grafted.front_end is not None
    trials = {**verification.signals(grafted.front_end.samples), **recorded}
    tensor, shape = verification.find_logits(original), original.shape(original.inputs[0])
    expected = verification.logits(original, tensor, trials, shape)
    proof = graft.verify(data, grafted, recorded).proof
    found = verification.logits(Graph.parse(fast), tensor, trials, shape)
    other = verification.differences(trials, expected, found)
    print(f"  largest logit difference to LiteRT with XNNPACK {'grafted':>12}{'portable':>12}")
    for name in verification.signals(16):
        print(f"    {name:46}{proof.differences[name]:12.1e}{other[name]:12.1e}")
    if recorded:
        worst = [max(gaps[name] for name in recorded) for gaps in (proof.differences, other)]
        print(f"    {f'recordings, {len(recorded)} windows':46}{worst[0]:12.1e}{worst[1]:12.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("audio", nargs="*", type=Path, metavar="AUDIO")
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--batch", type=int, default=1)
    args = parser.parse_args()
    recordings = args.audio or list(SHARED.glob("data/soundscape/soundscape.flac"))
    birdnet, yamnet = models.catalogue()["birdnet-2.4"], SHARED / "models/yamnet/yamnet.tflite"
    if not birdnet.found:
        print(birdnet.how_to_get())
    else:
        network(birdnet.path, 48_000, recordings, args.batch, args.repeats)
    if yamnet.exists():
        network(yamnet, 16_000, recordings, 1, 5 * args.repeats)


if __name__ == "__main__":
    main()
