"""Frames to search: MFCC and whitened patches of real clips, or of synthesised ones.

ESC-10 is used when it lies beside the project (../shared/data/esc10); nothing of it is kept.
"""

from __future__ import annotations

import csv
import functools
from pathlib import Path

import numpy as np
import numpy.typing as npt

from birdfast import soundscape

from .timing import needs

Float32 = npt.NDArray[np.float32]

CLIPS = Path(__file__).resolve().parents[3] / "shared" / "data" / "esc10"
RATE_HZ = 32_000
TRAIN_HOP_SAMPLES = 500  # 400 clips are little sound for 16,383 centroids: closer frames make more of it
PATCH_FRAMES, PATCH_MELS, PATCH_STEP = 16, 64, 4


@functools.cache
def clips() -> tuple[list[Float32], list[Float32], str]:
    """Return clips of five seconds at 32 kHz for training, others for the test, and whose they are."""
    if (CLIPS / "labels.csv").exists():
        return *_esc10(), "ESC-10 (fold 5 is searched, folds 1 to 4 are trained on)"
    long = [soundscape.make(120.0, seed=seed)[0] for seed in range(10)]
    short = [_at_rate(long[i // 24][i % 24 * 240_000 :][:240_000], 48_000) for i in range(240)]
    return short[:192], short[192:], "synthesised songs in noise: no ESC-10 beside the project"


def _esc10() -> tuple[list[Float32], list[Float32]]:
    import soundfile

    train, test = [], []
    with (CLIPS / "labels.csv").open(newline="") as table:
        for row in csv.DictReader(table):
            samples, rate_hz = soundfile.read(CLIPS / row["file"], dtype="float32", always_2d=True)
            (test if row["fold"] == "5" else train).append(_at_rate(samples[:, 0], rate_hz))
    return train, test


def _at_rate(samples: Float32, rate_hz: int) -> Float32:
    import soxr

    return samples if rate_hz == RATE_HZ else soxr.resample(samples, rate_hz, RATE_HZ).astype(np.float32)


def mfcc(samples: Float32, hop_samples: int = 4000) -> Float32:
    """Return the paper's 20 MFCC of the linear mel power: [frames, 20]."""
    mels = _mel_power(samples, 8192, 8000, hop_samples, 128)
    return needs("scipy.fft").dct(mels, norm="ortho")[:, :20].astype(np.float32)


def log_mel_patches(samples: Float32) -> Float32:
    """Return every fourth run of 16 frames of 64 log-mels, 10 ms apart: [patches, 1024]."""
    mels = np.log(_mel_power(samples, 1024, 800, 320, PATCH_MELS) + 1e-6)
    runs = np.lib.stride_tricks.sliding_window_view(mels, PATCH_FRAMES, axis=0)[::PATCH_STEP]
    return np.ascontiguousarray(runs.transpose(0, 2, 1).reshape(len(runs), -1))


def whitening(patches: Float32, n: int) -> tuple[Float32, Float32]:
    """Return mean [1024] and matrix [1024, n] that make the patches' largest n components white."""
    mean = patches.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov((patches - mean).T))
    scale = 1 / np.sqrt(values[-n:] + 1e-6)
    return mean, (vectors[:, -n:] * scale).astype(np.float32)


def unit(frames: Float32) -> Float32:
    """Return the rows at length 1."""
    lengths = np.linalg.norm(frames, axis=1, keepdims=True)
    return np.ascontiguousarray(frames / np.maximum(lengths, 1e-12), np.float32)


def mfcc_frames() -> tuple[Float32, Float32, str]:
    """Return frames [n, 20] to train on, frames to search, and where the sound is from."""
    train, test, source = clips()
    dense = np.concatenate([mfcc(clip, TRAIN_HOP_SAMPLES) for clip in train])
    return dense, np.concatenate([mfcc(clip, 1000) for clip in test]), source


def patch_frames(n: int) -> tuple[Float32, Float32, str]:
    """Return unit patches [n_patches, n] to train on, patches to search, and where the sound is from."""
    train, test, source = clips()
    raw = np.concatenate([log_mel_patches(clip) for clip in train])
    mean, matrix = whitening(raw, n)
    searched = np.concatenate([log_mel_patches(clip) for clip in test])
    return unit((raw - mean) @ matrix), unit((searched - mean) @ matrix), source


def _mel_power(samples: Float32, n_fft: int, window: int, hop: int, n_mels: int) -> Float32:
    frames = np.lib.stride_tricks.sliding_window_view(samples, window)[::hop]
    hann = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)).astype(np.float32)
    filters = _mel_filters(n_fft, n_mels)
    blocks = [frames[i : i + 256] for i in range(0, len(frames), 256)]
    fft = needs("scipy.fft")
    spectra = (fft.rfft(block * hann, n_fft) for block in blocks)
    power = [(np.abs(spectrum) ** 2).astype(np.float32) @ filters for spectrum in spectra]
    return np.concatenate(power)


def _mel_filters(n_fft: int, n_mels: int) -> Float32:
    """Triangles at equal distances in mel = 2595 log10(1 + Hz / 700), each of area 1: [bins, n_mels]."""
    top = 2595 * np.log10(1 + RATE_HZ / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, n_mels + 2) / 2595) - 1)
    hz = np.arange(n_fft // 2 + 1)[:, np.newaxis] * RATE_HZ / n_fft
    rising = (hz - edges[:-2]) / np.diff(edges)[:-1]
    falling = (edges[2:] - hz) / np.diff(edges)[1:]
    triangles = np.maximum(0, np.minimum(rising, falling)) * 2 / (edges[2:] - edges[:-2])
    return triangles.astype(np.float32)
