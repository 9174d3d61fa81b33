"""Jobs that are timed side by side, by turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping


def medians_s(
    jobs: Mapping[str, Callable[[], object]], repeats: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Median time of each job; they take turns, so that a slow minute is slow for all."""
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for job in jobs.values():
        job()
    for _ in range(repeats):
        for name, job in jobs.items():
            started = clock()
            job()
            times[name].append(clock() - started)
    return {name: statistics.median(values) for name, values in times.items()}
