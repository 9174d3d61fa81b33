"""Recordings for tests: sound that we make, written as it should be, and as it comes when things go wrong."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

SECOND = 48_000
SONG_HZ = 32_000  # the rate of songs, which trainings learn


def noise(n_samples: int, n_channels: int = 1, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (n_samples, n_channels)).astype(np.float32)


def song(kind: str, seed: int, seconds: float = 2.0) -> np.ndarray:
    """A whistle, a warble or a rattle, in noise."""
    random, time = np.random.default_rng(seed), np.arange(round(seconds * SONG_HZ)) / SONG_HZ
    pitch_hz = {"whistle": 3000, "warble": 5000, "rattle": 800}[kind] * random.uniform(0.95, 1.05)
    sound = np.sin(2 * np.pi * pitch_hz * time + (kind == "warble") * 40 * np.sin(2 * np.pi * 9 * time))
    if kind == "rattle":
        sound *= np.sin(2 * np.pi * 12 * time) > 0
    return (0.2 * sound + 0.02 * random.standard_normal(len(time))).astype(np.float32)


def write(path: Path, samples: np.ndarray, rate_hz: int = SECOND, **how: str) -> Path:
    with soundfile.SoundFile(path, "w", rate_hz, samples.shape[1], **how) as file:
        for start in range(0, len(samples), 4096):
            file.write(samples[start : start + 4096])
    return path


def damaged(folder: Path) -> dict[str, tuple[Path, str]]:
    """Return a file of each kind that cannot be read to its end, and what should be said of it."""
    whole = {suffix: write(folder / f"whole.{suffix}", noise(400_000)) for suffix in ("wav", "flac", "ogg")}
    cut = {suffix: folder / f"cut.{suffix}" for suffix in whole}
    for suffix, path in cut.items():
        path.write_bytes(whole[suffix].read_bytes()[: whole[suffix].stat().st_size // 2])
    not_finite = noise(1000)
    not_finite[600] = np.nan
    infinite = noise(1000)
    infinite[7] = -np.inf
    text, empty, header, aac = (folder / name for name in ("text.wav", "empty.flac", "header.wav", "a.m4a"))
    text.write_text("this is no sound")
    empty.touch()
    write(header, noise(0))
    aac.write_bytes(b"\0\0\0\x20ftypM4A \0\0\0\0")
    return {
        "cut WAV": (cut["wav"], "cut short: ends at 4.17 s .*its header promises 800044 bytes"),
        "cut FLAC": (cut["flac"], "decoding failed at .* of 8.33 s|cut short"),
        "cut Ogg": (cut["ogg"], "cut short: .*last Ogg page is not whole"),
        "NaN": (write(folder / "nan.wav", not_finite, subtype="FLOAT"), "sample 600 .* is NaN"),
        "infinity": (write(folder / "inf.wav", infinite, subtype="FLOAT"), "sample 7 .* infinite"),
        "text": (text, "not an audio file"),
        "0 bytes": (empty, "empty file"),
        "0 samples": (header, "no samples"),
        "AAC": (aac, "FFmpeg reads; a damaged MP4 or M4A"),
        "directory": (folder, "a directory"),
        "missing": (folder / "missing.wav", "no such file"),
        "rate": (write(folder / "slow.wav", noise(100), 100), "sample rate 100 Hz is outside"),
    }


KINDS = [
    "cut WAV",
    "cut FLAC",
    "cut Ogg",
    "NaN",
    "infinity",
    "text",
    "0 bytes",
    "0 samples",
    "AAC",
    "directory",
    "missing",
    "rate",
]


def mp3(path: Path) -> bytes:
    return write(path, noise(400_000)).read_bytes()


def refuse_to_list(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Take away the permission to list a folder, from the administrator too."""
    scandir = os.scandir

    def refuse(path: object) -> object:
        if Path(str(path)) == folder:
            raise PermissionError(errno.EACCES, "Permission denied")
        return scandir(str(path))

    patch.setattr(os, "scandir", refuse)
