"""Log-mel spectrograms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from birdfast_jobs import KERNELS, LogMelJob
from peers.log_mel import PEERS

from birdfast.spectrogram import LogMel

Call = Callable[[], Any]


@pytest.mark.parametrize("way", [*KERNELS, *PEERS])
def test_log_mel(log_mel: LogMelJob, way: str, quoted: Callable[..., Any]) -> None:
    quoted(log_mel, PEERS[way](log_mel) if way in PEERS else by_kernels(log_mel, way))


def by_kernels(job: LogMelJob, cpu: str) -> Call:
    """Return our spectrogram, into an array that is there already."""
    spectrogram = LogMel(
        job.rate_hz, job.n_fft, job.hop_samples, job.n_mels, window_samples=job.window_samples, cpu=cpu
    )
    out = spectrogram(job.samples)
    return lambda: spectrogram(job.samples, out=out)
