"""What is heard in a window's length of sound in memory, from samples to names.

In wall time: others hand it to processes of their own, whose CPU time is not this one's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from birdfast_jobs import KERNELS, DetectJob
from peers.detect import birdnet

import birdfast
from birdfast.pipeline import Pipeline

WARM = "warm-pool"
WAYS = {"birdnet": [*KERNELS, WARM, "birdnet"], "stsg": [*KERNELS, WARM]}
Call = Callable[[], Any]


@pytest.mark.parametrize(
    ("detect", "way"), [(model, way) for model, ways in WAYS.items() for way in ways], indirect=["detect"]
)
@pytest.mark.benchmark(timer=time.perf_counter)
def test_detect(
    detect: DetectJob, way: str, quoted: Callable[..., Any], kernels: Callable[[str], None], is_timed: bool
) -> None:
    if way == "birdnet" and not is_timed:
        pytest.skip("birdnet runs BirdNET alone, which is not opened where nothing is timed")
    if way in KERNELS:
        kernels(way)
        pipeline = Pipeline(detect.model)
        quoted(detect, lambda: pipeline.detect(detect.samples, detect.rate_hz))
    else:
        with {WARM: warm_pool, "birdnet": birdnet}[way](detect) as call:
            quoted(detect, call)


@contextmanager
def warm_pool(job: DetectJob) -> Iterator[Call]:
    """Lend a pool of one worker that is up: a call goes there with its sound, and back."""
    with birdfast.WarmPool(job.named, workers=1) as pool:
        yield lambda: pool.detect(job.samples, job.rate_hz)
