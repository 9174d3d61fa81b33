"""Sound at another rate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from birdfast_jobs import KERNELS, ResampleJob
from peers.resample import PEERS

from birdfast.audio.steepfilter import SteepFilter


@pytest.mark.parametrize("way", [*KERNELS, *PEERS])
@pytest.mark.benchmark(min_rounds=3)
def test_resample(resample: ResampleJob, way: str, quoted: Callable[..., Any]) -> None:
    quoted(resample, PEERS[way](resample) if way in PEERS else by_kernels(resample, way))


def by_kernels(job: ResampleJob, cpu: str) -> Callable[[], Any]:
    """Return our steep filter."""
    steep = SteepFilter(job.from_hz, job.to_hz, cpu=cpu)
    return lambda: steep(job.samples)
