"""Transforms in double: what a network's own front end computes, to the last digit, on every CPU."""

from __future__ import annotations

import numpy as np
import pytest

from birdfast import _kernels
from birdfast.spectrogram import plans

CPUS = _kernels.cpu_tables()
SHAPES = [
    ("real", 256, True),
    ("real", 2048, True),
    ("real", 512, False),
    ("magnitude", 512, True),
    ("power", 480, False),
]


def spectrum(part: str, n_fft: int, symmetric: bool, cpu: str, audio: np.ndarray) -> np.ndarray:
    transform = plans.frame_transform(n_fft, window(n_fft, symmetric), part, exact=True)
    out = np.empty((1 + (audio.size - n_fft) // 100, n_fft // 2 + 1), np.float32)
    _kernels.FramePlan(transform, 100, cpu=cpu).run(audio, out)
    return out


def window(n_fft: int, symmetric: bool) -> np.ndarray:
    hann = np.hanning(n_fft + 1)[:-1].astype(np.float32)
    hann[1:] = (hann[1:] + hann[:0:-1]) / 2
    return hann if symmetric else hann * np.linspace(0.5, 1, n_fft, dtype=np.float32)


def meaning(part: str, n_fft: int, symmetric: bool, audio: np.ndarray) -> np.ndarray:
    """Products rounded to float32, the transform in float64, bins rounded to float32, then the part."""
    frames = np.lib.stride_tricks.sliding_window_view(audio, n_fft)[::100] * window(n_fft, symmetric)
    bins = np.fft.rfft(frames.astype(np.float64)).astype(np.complex64).astype(np.complex128)
    parts = {"real": bins.real, "magnitude": np.abs(bins), "power": bins.real**2 + bins.imag**2}
    return parts[part].astype(np.float32)


@pytest.mark.parametrize("cpu", CPUS)
@pytest.mark.parametrize(("part", "n_fft", "symmetric"), SHAPES)
def test_a_spectrum_is_numpys_to_the_last_digit(part: str, n_fft: int, symmetric: bool, cpu: str) -> None:
    audio = np.random.default_rng(7).uniform(-1, 1, 8_000).astype(np.float32)
    found = spectrum(part, n_fft, symmetric, cpu, audio)
    expected = meaning(part, n_fft, symmetric, audio)
    # one unit in the last place, and what double leaves of sums that cancel
    np.testing.assert_allclose(found, expected, rtol=1.2e-7, atol=1e-12)
    assert np.mean(found != expected) < 1e-4


@pytest.mark.parametrize("cpu", CPUS)
@pytest.mark.parametrize(("part", "n_fft", "symmetric"), SHAPES)
def test_same_bits_as_scalar(part: str, n_fft: int, symmetric: bool, cpu: str) -> None:
    audio = np.random.default_rng(8).normal(0, 0.1, 8_000).astype(np.float32)
    audio[2_000:5_000] = 0.25
    expected = spectrum(part, n_fft, symmetric, "scalar", audio)
    np.testing.assert_array_equal(spectrum(part, n_fft, symmetric, cpu, audio), expected)


def test_silence_keeps_the_rounding_of_its_window() -> None:
    """What a transform in float32 loses: bins of constant samples, 1e-9 of the largest and not 0."""
    found = spectrum("real", 2048, True, CPUS[-1], np.full(4_000, 0.3, np.float32))
    expected = meaning("real", 2048, True, np.full(4_000, 0.3, np.float32))
    assert 0 < np.abs(expected[:, 5:]).max() < 1e-5
    np.testing.assert_allclose(found[:, 5:], expected[:, 5:], rtol=1e-6, atol=1e-13)
