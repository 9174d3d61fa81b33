"""How a job is timed, and what is measured once a session."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from birdfast import _kernels

from .job import Job

KERNELS = _kernels.cpu_tables()[::-1]  # fastest first, and that is what birdfast takes by itself


def needs(module: str) -> ModuleType:
    """Return a peer's library, or skip the benchmark that needs it, with a word."""
    name = module.partition(".")[0]
    found: ModuleType = pytest.importorskip(module, reason=f"{name} is not installed: pip install '.[bench]'")
    return found


@pytest.fixture
def quoted(benchmark: Any) -> Callable[..., Any]:
    """Return what times a call and notes what people would quote: `quoted(job, call)`, or with `rounds`.

    Without `rounds` pytest-benchmark chooses their number; with it each is one call.
    """

    def quote(job: Job, call: Callable[[], Any], rounds: int = 0) -> Any:
        benchmark.group = job.group
        call()  # what is slow once is no part of it, nor of the choice of rounds
        result = benchmark.pedantic(call, rounds=rounds) if rounds else benchmark(call)
        if benchmark.stats is not None:
            benchmark.extra_info |= job.quotes(benchmark.stats.stats)
        return result

    return quote


@pytest.fixture
def kernels(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what makes all that is opened from now on use a table of kernels, until the test has ended."""
    return lambda name: monkeypatch.setenv("BIRDFAST_CPU", name)


@pytest.fixture(scope="session")
def is_timed(pytestconfig: pytest.Config) -> bool:
    """Whether benchmarks are timed; otherwise each runs once, and jobs are tiny."""
    return not pytestconfig.getoption("benchmark_disable") or pytestconfig.getoption("benchmark_enable")


@pytest.fixture(scope="session")
def flop_s(is_timed: bool) -> float:
    """Seconds a floating-point operation, in a product of two large float32 matrices by NumPy on one core."""
    n = 1024 if is_timed else 64
    one = np.random.default_rng(1).standard_normal((n, n)).astype(np.float32)
    return shortest_s(lambda: one @ one) / (2 * n**3)


def shortest_s(call: Callable[[], Any], repeats: int = 7) -> float:
    """Return the least CPU time of some calls, for limits: what disturbs only makes them longer."""
    times = []
    for _ in range(repeats):
        began = time.process_time()
        call()
        times.append(time.process_time() - began)
    return max(min(times), 1e-9)
