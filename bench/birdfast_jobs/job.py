"""What is timed: a job is an input, and what one call on it comes to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from birdfast import models

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class Job:
    """What one call does.

    Attributes
    ----------
    group : str
        Whose benchmarks are printed side by side.
    audio_s : float
        Seconds of sound that it hears; 0 where there is none.
    frames : int
        Frames, tokens or windows that come of it; 0 where nobody counts them.
    limit, limit_s : str, float
        What it cannot well be faster than, in words, and how long that takes; 0 where nothing is known.
    """

    group: str
    audio_s: float = 0.0
    frames: int = 0
    limit: str = ""
    limit_s: float = 0.0

    def quotes(self, stats: Any) -> dict[str, Any]:
        """Return what people would quote of calls with such statistics (pytest-benchmark's)."""
        found: dict[str, Any] = {}
        if self.audio_s:
            found["audio_s_per_s"] = self.audio_s / stats.median
        if self.frames:
            found["frames_per_s"] = self.frames / stats.median
        if self.limit_s:
            found |= {"limit": self.limit, "share_of_limit": self.limit_s / stats.median}
        return found


@dataclass(frozen=True, kw_only=True)
class LogMelJob(Job):
    """The logarithm of mel bands (Slaney's, of area 1) of frames under a Hann window, none of them padded."""

    samples: Float32
    rate_hz: int
    n_fft: int
    window_samples: int
    hop_samples: int
    n_mels: int


@dataclass(frozen=True, kw_only=True)
class NearestJob(Job):
    """The nearest of centroids [n, d] for searched [frames, d], in calls of a recording's frames."""

    centroids: Float32
    searched: Float32
    call_frames: int
    trained_on: Float32


@dataclass(frozen=True, kw_only=True)
class SkipGramJob(Job):
    """An epoch of skip-gram with negative sampling over sentences int32 [480], tokens below 16,383."""

    sentences: list[Int32]
    options: dict[str, Any]  # dim, window, negatives, subsample, epochs


@dataclass(frozen=True, kw_only=True)
class ResampleJob(Job):
    """Sound at another rate."""

    samples: Float32
    from_hz: int
    to_hz: int


@dataclass(frozen=True, kw_only=True)
class DecodeJob(Job):
    """A file into memory, mono float32 at its own rate."""

    path: Path


@dataclass(frozen=True, kw_only=True)
class WindowJob(Job):
    """Windows float32 [n, samples] through a network to its scores."""

    model: models.Model
    windows: Float32


@dataclass(frozen=True, kw_only=True)
class DetectJob(Job):
    """What is heard in sound float32 [n] in memory, from samples to names; `load` takes `named`."""

    model: models.Model
    named: str | Path
    samples: Float32
    rate_hz: int


@dataclass(frozen=True, kw_only=True)
class PushJob(Job):
    """Sound as it comes: one call is the next of blocks float32 [n, samples of 10 ms].

    A call that completes a window also scores it, so that the mean and the slowest say more than the median.
    """

    model: models.Model
    named: str | Path
    rate_hz: int
    blocks: Float32
    window_samples: int

    def quotes(self, stats: Any) -> dict[str, Any]:
        """Return a core's share in real time, and what 99 of 100 calls do not exceed."""
        p99_s = stats.sorted_data[int(0.99 * (len(stats.sorted_data) - 1))]
        return {"share_of_core": stats.mean / self.audio_s, "p99_ms": 1e3 * p99_s, "max_ms": 1e3 * stats.max}
