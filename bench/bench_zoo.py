"""Networks of the zoo that take a picture, from sound to logits: our front end and the libraries' own.

    pip install '.[onnx]' torch==2.13.0 transformers==5.24.0 librosa
    pip install --no-deps torchaudio==2.11.0
    python bench/zoo_bodies.py BODIES/
    OMP_NUM_THREADS=1 taskset -c 1 python bench/bench_zoo.py BODIES/

Medians of interleaved repeats, one core, waveforms in memory. The bars: a picture at most 1e-4 of its range
from the reference's and its logits at most 1e-3; drawing 8 times as fast as each library; the whole window at
most 1.05 of the time that ONNX Runtime takes for the network alone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from byturns import medians_s
from peers import pictures as peers

from birdfast.frontends.pictures import Pictures
from birdfast.frontends.recipe import Recipe
from birdfast.models import Model
from birdfast.runtimes import onnx
from birdfast.sessions import open_session

RATE_HZ, WINDOW_SAMPLES = 32_000, 160_000
SCALED = {"top_db": 80.0, "scaling": "fixed", "mean": peers.MEAN, "deviation": peers.DEVIATION}
RECIPES = {
    "efficientnet-b1": Recipe(n_fft=2048, hop_samples=256, n_mels=256, **SCALED),
    "convnext-tiny": Recipe(n_fft=1024, hop_samples=320, n_mels=128, **SCALED),
}
PICTURE_BAR, LOGITS_BAR, FASTER_BAR, WHOLE_BAR = 1e-4, 1e-3, 8.0, 1.05

Float32 = np.ndarray
Verdict = tuple[str, bool]


def windows(n: int) -> Float32:
    """Falling chirps in noise that grows: float32 [n, 160,000]."""
    t, dice = np.arange(WINDOW_SAMPLES) / RATE_HZ, np.random.default_rng(8)
    chirp = 0.3 * np.sin(2 * np.pi * (6_000 * (t % 1) - 2_000 * (t % 1) ** 2))
    noise = dice.standard_normal((n, WINDOW_SAMPLES)) * np.linspace(0.01, 0.2, n)[:, None]
    return (chirp + noise).astype(np.float32)


def drawing(recipe: Recipe, batch: int, repeats: int) -> Iterator[Verdict]:
    """Time the front end alone, and hold it to the libraries' pictures."""
    sound = windows(batch)
    draw = Pictures(recipe, RATE_HZ, WINDOW_SAMPLES)
    made = draw(sound)
    others = peers.peers(RATE_HZ, recipe.n_fft, recipe.hop_samples, recipe.n_mels)
    jobs: dict[str, Callable[[], object]] = {"birdfast": lambda: draw(sound, made)}
    jobs |= {name: lambda other=other: other(sound) for name, other in others.items()}
    ms = {name: seconds * 1e3 / batch for name, seconds in medians_s(jobs, repeats).items()}
    for name, value in ms.items():
        print(f"    {name:24}{value:9.2f} ms a window, in batches of {batch}{value / ms['birdfast']:8.1f}x")
    for name, other in others.items():
        wanted = other(sound)
        apart = float(np.abs(made - wanted).max() / np.ptp(wanted))
        yield f"picture {apart:.1e} of the range from {name}'s (bar {PICTURE_BAR:g})", apart <= PICTURE_BAR
        faster = ms[name] / ms["birdfast"]
        yield f"{faster:.1f}x the speed of {name}, batch {batch} (bar {FASTER_BAR:g})", faster >= FASTER_BAR


def whole(path: Path, recipe: Recipe, repeats: int) -> Iterator[Verdict]:
    """Time windows from sound to logits beside the network alone."""
    facts = {"kind": "onnx", "path": path, "rate_hz": RATE_HZ, "window_samples": WINDOW_SAMPLES}
    session = open_session(Model(name=path.stem, title=path.stem, front_end=recipe, **facts))
    sound = windows(session.batch)
    logits = session.run(sound)["logits"]
    alone, name = onnx.start(path.read_bytes()), onnx.inputs(onnx.start(path.read_bytes()))[0].name
    pictures = Pictures(recipe, RATE_HZ, WINDOW_SAMPLES)(sound)
    for who, other in peers.peers(RATE_HZ, recipe.n_fft, recipe.hop_samples, recipe.n_mels).items():
        (wanted,) = onnx.run(alone, {name: other(sound)}, ["logits"])
        apart = float(np.abs(wanted - logits).max())
        yield f"logits {apart:.1e} from those of {who}'s picture (bar {LOGITS_BAR:g})", apart <= LOGITS_BAR
    jobs: dict[str, Callable[[], object]] = {
        "sound to logits": lambda: session.run(sound),
        "ONNX Runtime, network alone": lambda: onnx.run(alone, {name: pictures}, ["logits"]),
    }
    ms = {name: seconds * 1e3 / len(sound) for name, seconds in medians_s(jobs, repeats).items()}
    for who, value in ms.items():
        print(f"    {who:28}{value:9.2f} ms a window, in batches of {len(sound)}")
    share = ms["sound to logits"] / ms["ONNX Runtime, network alone"]
    yield f"{share:.3f} of the network's own time (bar {WHOLE_BAR:g})", share <= WHOLE_BAR


def main() -> int:
    """Measure each body; return 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bodies", type=Path, help="what zoo_bodies.py wrote")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 12], help="windows (%(default)s)")
    parser.add_argument("--repeats", type=int, default=9, help="of each job (%(default)s)")
    options = parser.parse_args()
    met = []
    for name, recipe in RECIPES.items():
        print(f"\n{name}: pictures of {recipe.n_mels} bands, n_fft {recipe.n_fft}, hop {recipe.hop_samples}")
        for batch in options.batches:
            met += _said(drawing(recipe, batch, options.repeats))
        met += _said(whole(options.bodies / f"{name}.onnx", recipe, options.repeats))
    return 0 if all(met) else 1


def _said(verdicts: Iterator[Verdict]) -> list[bool]:
    every = list(verdicts)
    for text, met in every:
        print(f"  {'met   ' if met else 'MISSED'}  {text}")
    return [met for _, met in every]


if __name__ == "__main__":
    sys.exit(main())
