"""Sound as it comes, in blocks of 10 ms: each call is one block, and some complete a window.

What counts is in `extra_info`: the share of a core in real time, and the slowest of 100 pushes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from birdfast_jobs import KERNELS, PushJob

from birdfast import live, models
from birdfast.modelfolder import KIND as STSG
from birdfast.sessions import open_session
from birdfast.sessions.stsg import StsgSession

LIVE, WINDOWS = "live", "window-by-window"
WAYS = {"stsg": [*KERNELS, LIVE, WINDOWS], "birdnet": [*KERNELS, LIVE]}


@pytest.mark.parametrize(
    ("push", "way"), [(model, way) for model, ways in WAYS.items() for way in ways], indirect=["push"]
)
def test_push(push: PushJob, way: str, quoted: Callable[..., Any], kernels: Callable[[str], None]) -> None:
    if way in KERNELS:
        kernels(way)
    if way == LIVE:
        pushed = live_stream(push)
    elif way == WINDOWS or push.model.kind != STSG:
        pushed = whole_windows(push)
    else:
        pushed = session_stream(push)
    blocks = itertools.cycle(push.blocks)
    quoted(push, lambda: pushed(next(blocks)), rounds=len(push.blocks))


def session_stream(job: PushJob) -> Callable[[Any], Any]:
    """Return the stream of a model of tokens, which computes as sound comes."""
    session = open_session(job.model, cache=models.cache_folder())
    assert isinstance(session, StsgSession)
    return session.stream(job.window_samples).push


def live_stream(job: PushJob) -> Callable[[Any], Any]:
    """Return `birdfast.live`, names and thresholds included."""
    return live.Stream(job.named, job.rate_hz).push


def whole_windows(job: PushJob) -> Callable[[Any], Any]:
    """Return what is done without a stream: keep the sound until a window is there, and score that."""
    session = open_session(job.model, cache=models.cache_folder())
    window, filled = np.zeros((1, job.window_samples), np.float32), 0

    def push(block: Any) -> Any:
        nonlocal filled
        said = []
        while len(block):
            taken = block[: job.window_samples - filled]
            window[0, filled : filled + len(taken)] = taken
            block, filled = block[len(taken) :], filled + len(taken)
            if filled == job.window_samples:
                said.append(session.run(window))
                filled = 0
        return said

    return push
