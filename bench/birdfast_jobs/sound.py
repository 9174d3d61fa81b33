"""Jobs on sound itself: spectrograms, other rates, files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from birdfast import audio, soundscape

from .job import DecodeJob, Float32, LogMelJob, ResampleJob

SPECTROGRAMS = {"2048": (2048, 2048, 512), "8192": (8192, 8000, 4000), "1024": (1024, 1024, 320)}
N_MELS = 128
RATES = ((44_100, 48_000), (32_000, 48_000), (48_000, 32_000), (384_000, 48_000))
CONTAINERS = ("wav", "flac", "ogg")


def recording(length_s: float, rate_hz: int) -> Float32:
    """Return songs over noise at a rate: float32 [n]."""
    samples = soundscape.make(max(3 * round(length_s / 3), 3))[0]
    samples = audio.resample(samples, soundscape.RATE_HZ, rate_hz)
    return np.ascontiguousarray(samples[: round(length_s * rate_hz)])


@pytest.fixture(scope="session", params=SPECTROGRAMS)
def log_mel(request: pytest.FixtureRequest, is_timed: bool, flop_s: float) -> LogMelJob:
    """Two minutes at 32 kHz, 128 bands; of three sizes, by the length of the transform."""
    n_fft, window_samples, hop_samples = SPECTROGRAMS[request.param]
    length_s, rate_hz = 120.0 if is_timed else 1.0, 32_000
    samples = recording(length_s, rate_hz)
    n_frames = 1 + (len(samples) - window_samples) // hop_samples
    return LogMelJob(
        group=f"log-mel of {length_s:g} s at 32 kHz, FFT {n_fft}, window {window_samples}, hop {hop_samples}",
        audio_s=length_s,
        frames=n_frames,
        limit="2.5 n log2(n) operations a transform, at the speed of NumPy's matrix product",
        limit_s=n_frames * 2.5 * n_fft * np.log2(n_fft) * flop_s,
        samples=samples,
        rate_hz=rate_hz,
        n_fft=n_fft,
        window_samples=window_samples,
        hop_samples=hop_samples,
        n_mels=N_MELS,
    )


@pytest.fixture(scope="session", params=RATES, ids=lambda rates: f"{rates[0]}-{rates[1]}")
def resample(request: pytest.FixtureRequest, is_timed: bool) -> ResampleJob:
    """Noise of 10 s at another rate."""
    (from_hz, to_hz), length_s = request.param, 10.0 if is_timed else 0.5
    samples = np.random.default_rng(5).standard_normal(round(length_s * from_hz)).astype(np.float32)
    group = f"resample {length_s:g} s from {from_hz} Hz to {to_hz} Hz"
    return ResampleJob(group=group, audio_s=length_s, samples=samples, from_hz=from_hz, to_hz=to_hz)


@pytest.fixture(scope="session", params=CONTAINERS)
def decode(
    request: pytest.FixtureRequest, is_timed: bool, tmp_path_factory: pytest.TempPathFactory
) -> DecodeJob:
    """A minute of songs at 48 kHz in a file: WAV and FLAC of 16 bits, Ogg Vorbis."""
    length_s, container = 60.0 if is_timed else 1.0, request.param
    path: Path = tmp_path_factory.mktemp("decode") / f"songs.{container}"
    path.write_bytes(audio.encoded(recording(length_s, 48_000), 48_000, container))
    return DecodeJob(group=f"decode {length_s:g} s of {container}, 48 kHz", audio_s=length_s, path=path)
