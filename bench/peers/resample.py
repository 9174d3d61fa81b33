"""Other resamplers: soxr, FFmpeg's through PyAV, scipy's polyphase one with a filter as steep as ours."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from functools import partial
from math import gcd
from typing import Any

import numpy as np
from birdfast_jobs import ResampleJob, needs
from numpy.typing import NDArray

from birdfast.audio import filterdesign

Call = Callable[[], Any]
Float32 = NDArray[np.float32]

BLOCK_SAMPLES = 1 << 16


def soxr(job: ResampleJob, quality: str) -> Call:
    """Return soxr's own way."""
    library = needs("soxr")
    return lambda: library.resample(job.samples, job.from_hz, job.to_hz, quality=quality)


def scipy(job: ResampleJob) -> Call:
    """Return scipy's upfirdn with our filter's length at the rates' common multiple."""
    signal, half_taps = needs("scipy.signal"), filterdesign.half_taps()
    divisor = gcd(job.from_hz, job.to_hz)
    up, down = job.to_hz // divisor, job.from_hz // divisor
    more = max(up, down)
    taps = signal.firwin(2 * half_taps * more + 1, 0.995 / more, window=("kaiser", 12.265))
    taps = (taps * up).astype(np.float32)
    return lambda: signal.upfirdn(taps, job.samples, up, down)


def ffmpeg(job: ResampleJob) -> Call:
    """Return FFmpeg's resampler, as steep as ours."""
    needs("av")
    return lambda: aresample(job.samples, job.from_hz, job.to_hz, 2 * filterdesign.half_taps())


def aresample(samples: Float32, from_hz: int, to_hz: int, filter_size: int) -> Float32:
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


PEERS = {
    "soxr-HQ": partial(soxr, quality="HQ"),
    "soxr-VHQ": partial(soxr, quality="VHQ"),
    "scipy": scipy,
    "ffmpeg": ffmpeg,
}
