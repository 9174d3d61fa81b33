"""Sound at another rate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from birdfast_jobs import KERNELS, ResampleJob
from peers.resample import PEERS

from birdfast.audio.steepfilter import SteepFilter

SLOW = ("scipy", "ffmpeg")  # seconds a call


@pytest.mark.parametrize("way", [*KERNELS, *PEERS])
def test_resample(resample: ResampleJob, way: str, quoted: Callable[..., Any]) -> None:
    call = PEERS[way](resample) if way in PEERS else by_kernels(resample, way)
    quoted(resample, call, rounds=2 if way in SLOW else 0)


def by_kernels(job: ResampleJob, cpu: str) -> Callable[[], Any]:
    """Return our steep filter."""
    steep = SteepFilter(job.from_hz, job.to_hz, cpu=cpu)
    return lambda: steep(job.samples)
