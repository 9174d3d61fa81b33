"""Short clips' way through a warm pool: how much longer than the network it takes, who waits, who starves.

    python bench/bench_warm.py [--model NAME|FILE|FOLDER] [--seconds 3] [--repeats 200] [--clients 8]

One client: milliseconds a call, beside what the network took of it in the worker, and a Pipeline in the
same process; the three take turns. Told are medians, and the calls that other programs disturbed least: a
tenth took no longer. The CPU time beside the network's, of both processes, holds on a busy machine, too.

Many clients: each asks again as soon as it has its answer, of one worker and of two, by turns. Told are
answers a second, how much faster two workers are, and the answers of the client that got most by those of
the one that got fewest. On two cores the program has none for itself: the most that two workers gain is
2 / (1 + what the program takes of a call, by what a worker does).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from threading import Barrier, Thread
from time import perf_counter, process_time

import numpy as np
import psutil

import birdfast
from birdfast import audio, soundscape
from birdfast.arrays import Float32

Asked = Callable[[], object]


def workers_s() -> float:
    """Return the CPU time of this program's workers up to now."""
    return sum(sum(child.cpu_times()[:2]) for child in psutil.Process().children())


def alone(model: str, sound: Float32, rate_hz: int, repeats: int) -> None:
    """Tell how long one client waits."""
    pipeline = birdfast.load(model)
    began_s = perf_counter()
    with birdfast.WarmPool(model, workers=1) as pool:
        print(f"{model}: {len(sound)} samples, a worker was ready in {perf_counter() - began_s:.2f} s")
        spent: dict[str, list[float]] = {"network, in the worker": [], "WarmPool": [], "Pipeline": []}
        beside_s = [0.0, 0.0]
        for number in range(-5, repeats):
            theirs_s = workers_s()
            began_s, ours_s = perf_counter(), process_time()
            answer, _ = pool._ask(sound, rate_hz, (0,), None)
            took_s = perf_counter() - began_s
            ours_s, theirs_s = process_time() - ours_s, workers_s() - theirs_s
            began_s = perf_counter()
            pipeline.detect(sound, rate_hz)
            if number >= 0:
                network_s = answer.outcomes[0].network_s
                for name, value in zip(spent, (network_s, took_s, perf_counter() - began_s), strict=True):
                    spent[name].append(value * 1e3)
                beside_s[0] += ours_s
                beside_s[1] += theirs_s
    network_ms = sum(spent["network, in the worker"])
    ours, theirs = (1e3 * seconds / network_ms for seconds in beside_s)
    print(f"{'ms a call':24}{'median':>9}{'10 %':>9}{'by network':>12}{'10 %':>9}")
    first = spent["network, in the worker"]
    for name, calls in spent.items():
        both = [(np.median(calls), np.median(first)), (np.percentile(calls, 10), np.percentile(first, 10))]
        (median, its), (tenth, its_tenth) = both
        print(f"  {name:22}{median:9.2f}{tenth:9.2f}{median / its:12.3f}{tenth / its_tenth:9.3f}")
    print(f"CPU time by the network's: {theirs:.3f} in the worker, {ours:.3f} in the program")
    print(f"  together {theirs + ours:.3f}; most that two workers gain {2 / (1 + ours / theirs):.2f}x")


def many(pool: birdfast.WarmPool, sound: Float32, rate_hz: int, n_clients: int, seconds: float) -> list[int]:
    """Return how many answers each client got in so many seconds."""
    counts, together = [0] * n_clients, Barrier(n_clients)

    def client(number: int) -> None:
        together.wait()
        end_s = perf_counter() + seconds
        while perf_counter() < end_s:
            pool.detect(sound, rate_hz)
            counts[number] += 1

    threads = [Thread(target=client, args=[number]) for number in range(n_clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counts


def saturated(model: str, sound: Float32, rate_hz: int, n_clients: int, turns: int, seconds: float) -> None:
    """Tell what two workers gain, and whether clients are served alike."""
    gains, unfair = [], []
    with (
        birdfast.WarmPool(model, workers=1) as one,
        birdfast.WarmPool(model, workers=2) as two,
    ):
        for pool in (one, two):
            many(pool, sound, rate_hz, n_clients, seconds / 4)
        for _ in range(turns):
            first, second = (many(pool, sound, rate_hz, n_clients, seconds) for pool in (one, two))
            gains.append(sum(second) / sum(first))
            unfair += [max(counts) / max(1, min(counts)) for counts in (first, second)]
            print(
                f"  {sum(first) / seconds:8.1f} {sum(second) / seconds:8.1f} answers a second of 1, 2 workers"
            )
    print(f"{n_clients} clients: two workers {np.median(gains):.2f}x one (best pair {max(gains):.2f}x)")
    print(f"  most answers by fewest: {np.median(unfair):.2f} (largest {max(unfair):.2f})")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="birdnet-2.4")
    parser.add_argument("--seconds", type=float, default=3.0, help="of sound")
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--turns", type=int, default=5, help="pairs of one and two workers")
    parser.add_argument("--turn-s", type=float, default=4.0)
    chosen = parser.parse_args()
    rate_hz = birdfast.load(chosen.model).listener().grid.rate_hz
    sound = audio.resample(soundscape.make(60.0)[0], soundscape.RATE_HZ, rate_hz)
    sound = sound[: round(chosen.seconds * rate_hz)]
    alone(chosen.model, sound, rate_hz, chosen.repeats)
    saturated(chosen.model, sound, rate_hz, chosen.clients, chosen.turns, chosen.turn_s)


if __name__ == "__main__":
    main()
