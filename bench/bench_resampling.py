"""A minute of sound at another rate: the steep filter on every CPU table, and the libraries people use today.

    OMP_NUM_THREADS=1 taskset -c 1 python bench/bench_resampling.py [--slow]

Medians of the CPU time of interleaved repeats, one core. The bars, at 24, 32 and 44.1 kHz to 48 kHz: at most
a tenth of the 6 ms that BirdNET's network takes for a window of 3 s, and no slower than soxr HQ.
"""

import argparse
import time
from collections.abc import Iterator

import numpy as np
from byturns import medians_s
from peers import resampling as peers

from birdfast import _kernels
from birdfast.audio import filterdesign
from birdfast.audio.steepfilter import SteepFilter

RATIOS = [
    *((rate_hz, 48_000) for rate_hz in (16_000, 22_050, 24_000, 32_000, 44_100, 96_000)),
    *((rate_hz, 48_000) for rate_hz in (192_000, 250_000, 256_000, 384_000)),
    *((rate_hz, 32_000) for rate_hz in (44_100, 48_000)),
    *((rate_hz, 16_000) for rate_hz in (44_100, 48_000)),
]
WINDOW_S, NETWORK_MS = 3.0, 6.0
BARRED_HZ, BAR = (24_000, 32_000, 44_100), 0.1


def table_jobs(samples: peers.Float32, from_hz: int, to_hz: int) -> dict[str, peers.Job]:
    """Our job on every CPU table, fastest first."""
    jobs = {}
    for cpu in reversed(_kernels.cpu_tables()):
        filtering = SteepFilter(from_hz, to_hz, cpu=cpu)
        jobs[f"birdfast, {cpu}"] = lambda filtering=filtering: filtering(samples)
    return jobs


def report(from_hz: int, to_hz: int, medians: dict[str, float], seconds: float) -> bool:
    """Print one ratio's table, and its bars if it has some; say whether they are met."""
    ours = next(iter(medians.values()))
    print(f"\n{from_hz} Hz to {to_hz} Hz, {seconds:g} s")
    print(f"{'':32}{'audio-s/s':>12}{'time':>9}{'ms a window of 3 s':>21}{'of its network':>16}")
    for who, value in medians.items():
        window_ms = 1e3 * value * WINDOW_S / seconds
        print(
            f"{who:32}{seconds / value:12,.0f}{value / ours:8.2f}x{window_ms:21.2f}"
            f"{window_ms / NETWORK_MS:16.1%}"
        )
    results = list(bars(medians, seconds)) if to_hz == 48_000 and from_hz in BARRED_HZ else []
    for text, met in results:
        print(f"  {'met   ' if met else 'MISSED'}  {text}")
    return all(met for _, met in results)


def bars(medians: dict[str, float], seconds: float) -> Iterator[tuple[str, bool]]:
    """Each bar in words, and whether it is met."""
    ours, soxr = next(iter(medians.values())), medians["soxr HQ"]
    share = 1e3 * ours * WINDOW_S / seconds / NETWORK_MS
    yield f"{share:.1%} of the network's time (bar {BAR:.0%})", share <= BAR
    yield f"{soxr / ours:.2f}x the speed of soxr HQ (bar 1)", soxr >= ours


def main() -> None:
    """Run the ratios; exit status 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the sound (%(default)s)")
    parser.add_argument("--repeats", type=int, default=15, help="of each job (%(default)s)")
    parser.add_argument("--slow", action="store_true", help="FFmpeg and scipy, too")
    options = parser.parse_args()
    met = []
    for from_hz, to_hz in RATIOS:
        samples = np.random.default_rng(5).standard_normal(int(options.seconds * from_hz)).astype(np.float32)
        jobs = table_jobs(samples, from_hz, to_hz)
        jobs |= peers.peers(samples, from_hz, to_hz, filterdesign.half_taps(), options.slow)
        met.append(
            report(from_hz, to_hz, medians_s(jobs, options.repeats, time.process_time), options.seconds)
        )
    raise SystemExit(not all(met))


if __name__ == "__main__":
    main()
