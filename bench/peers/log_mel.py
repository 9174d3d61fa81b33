"""Log-mel spectrograms through librosa, and through scipy's pocketfft and NumPy; and the bare transforms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from birdfast_jobs import LogMelJob, needs

Call = Callable[[], Any]

BLOCK_FRAMES = 128  # what pocketfft and NumPy work on at a time: about 1 MB, which suits them best
SMALLEST = np.float32(1e-10)


def librosa(job: LogMelJob) -> Call:
    """Return librosa's own way."""
    feature = needs("librosa").feature

    def call() -> Any:
        power = feature.melspectrogram(
            y=job.samples, sr=job.rate_hz, n_fft=job.n_fft, win_length=job.window_samples,
            hop_length=job.hop_samples, n_mels=job.n_mels, center=False,
        )  # fmt: skip
        return np.log(np.maximum(power, SMALLEST)).T

    return call


def scipy(job: LogMelJob) -> Call:
    """Return pocketfft on blocks of frames, and a matrix product; the tables are librosa's."""
    fft, tables = needs("scipy.fft"), needs("librosa")
    window = tables.util.pad_center(tables.filters.get_window("hann", job.window_samples), size=job.n_fft)
    window = window.astype(np.float32)
    filters = tables.filters.mel(sr=job.rate_hz, n_fft=job.n_fft, n_mels=job.n_mels).T.copy()
    frames = np.lib.stride_tricks.sliding_window_view(job.samples, job.n_fft)[:: job.hop_samples]
    out = np.empty((len(frames), job.n_mels), np.float32)

    def call() -> Any:
        for at in range(0, len(frames), BLOCK_FRAMES):
            spectra = fft.rfft(frames[at : at + BLOCK_FRAMES] * window, axis=1, overwrite_x=True)
            power = spectra.real**2 + spectra.imag**2
            np.log(np.maximum(power @ filters, SMALLEST), out=out[at : at + BLOCK_FRAMES])
        return out

    return call


def transforms_alone(job: LogMelJob) -> Call:
    """Return pocketfft's transforms of frames that are windowed and in the cache already."""
    fft = needs("scipy.fft")
    frames = np.lib.stride_tricks.sliding_window_view(job.samples, job.window_samples)[:: job.hop_samples]
    block = np.zeros((min(64, len(frames)), job.n_fft), np.float32)
    hann = np.hanning(job.window_samples).astype(np.float32)
    block[:, : job.window_samples] = frames[: len(block)] * hann

    def call() -> None:
        for at in range(0, len(frames), len(block)):
            fft.rfft(block[: len(frames) - at], axis=1)

    return call


PEERS = {"librosa": librosa, "scipy": scipy, "scipy-transforms-alone": transforms_alone}
