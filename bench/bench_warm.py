"""A short clip's way through a warm pool, beside a Pipeline in the same process: milliseconds a call.

    python bench/bench_warm.py [--model NAME|FILE|FOLDER] [--seconds 3] [--repeats 200] [--workers N]

The two take turns. A pool's call goes to a worker process and back, with its sound. Told are medians, and the
calls that other programs disturbed least: a tenth took no longer.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from time import perf_counter

import numpy as np

import birdfast
from birdfast import audio, soundscape


def turns(ways: dict[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Return the milliseconds of every call of each way."""
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, call in ways.items():
            began_s = perf_counter()
            call()
            spent[name].append((perf_counter() - began_s) * 1e3)
    return spent


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="birdnet-2.4")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--workers", type=int)
    chosen = parser.parse_args()
    pipeline = birdfast.load(chosen.model)
    rate_hz = pipeline.listener().grid.rate_hz
    sound = audio.resample(soundscape.make(60.0)[0], soundscape.RATE_HZ, rate_hz)
    sound = sound[: round(chosen.seconds * rate_hz)]
    began_s = perf_counter()
    with birdfast.WarmPool(chosen.model, workers=chosen.workers) as pool:
        entered_s = perf_counter() - began_s
        ways = {
            "Pipeline": lambda: pipeline.detect(sound, rate_hz),
            "WarmPool": lambda: pool.detect(sound, rate_hz),
        }
        turns(ways, 5)
        spent = turns(ways, chosen.repeats)
    print(f"{chosen.model}: {len(sound)} samples, a worker was ready in {entered_s:.2f} s")
    print(f"{'ms a call':12}{'median':>10}{'10 %':>10}")
    for name, calls in spent.items():
        print(f"  {name:10}{np.median(calls):>10.2f}{np.percentile(calls, 10):>10.2f}")


if __name__ == "__main__":
    main()
