"""Other resamplers: soxr, FFmpeg's through PyAV, scipy's polyphase one with a filter as steep as ours."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from importlib.util import find_spec
from math import gcd
from typing import Any

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Job = Callable[[], Any]

BLOCK_SAMPLES = 1 << 16


def peers(samples: Float32, from_hz: int, to_hz: int, half_taps: int, slow: bool = True) -> dict[str, Job]:
    """Return the same job through every library that is installed; `slow` takes the slow ones, too."""
    jobs: dict[str, Job] = {}
    with suppress(ImportError):
        import soxr

        for quality in ("HQ", "VHQ"):
            jobs[f"soxr {quality}"] = lambda q=quality: soxr.resample(samples, from_hz, to_hz, quality=q)
    if slow and find_spec("av"):
        jobs["FFmpeg, as steep"] = lambda: ffmpeg(samples, from_hz, to_hz, 2 * half_taps)
    if slow and find_spec("scipy"):
        jobs["scipy resample_poly, as steep"] = polyphase(samples, from_hz, to_hz, half_taps)
    return jobs


def polyphase(samples: Float32, from_hz: int, to_hz: int, half_taps: int) -> Job:
    """Return scipy's upfirdn with our filter's length at the rates' common multiple."""
    import scipy.signal

    divisor = gcd(from_hz, to_hz)
    up, down = to_hz // divisor, from_hz // divisor
    more = max(up, down)
    taps = scipy.signal.firwin(2 * half_taps * more + 1, 0.995 / more, window=("kaiser", 12.265))
    taps = (taps * up).astype(np.float32)
    return lambda: scipy.signal.upfirdn(taps, samples, up, down)


def ffmpeg(samples: Float32, from_hz: int, to_hz: int, filter_size: int) -> Float32:
    """Resample by `aresample`, its engine swr; PyAV's builds have no other."""
    import av
    from av.filter import Graph

    graph = Graph()
    source = graph.add(
        "abuffer", f"sample_rate={from_hz}:sample_fmt=fltp:channel_layout=mono:time_base=1/{from_hz}"
    )
    options = f"filter_size={filter_size}:cutoff=0.995:filter_type=kaiser:kaiser_beta=12"
    resampler, sink = graph.add("aresample", f"{to_hz}:{options}"), graph.add("abuffersink")
    source.link_to(resampler)
    resampler.link_to(sink)
    graph.configure()
    found: list[Float32] = []
    for start in range(0, len(samples), BLOCK_SAMPLES):
        block = samples[np.newaxis, start : start + BLOCK_SAMPLES]
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = from_hz, start, Fraction(1, from_hz)
        source.push(frame)
        _pull(sink, found)
    source.push(None)
    _pull(sink, found)
    return np.concatenate(found)


def _pull(sink: Any, found: list[Float32]) -> None:
    import av

    with suppress(av.error.BlockingIOError, av.error.EOFError):
        while True:
            found.append(sink.pull().to_ndarray()[0].copy())
