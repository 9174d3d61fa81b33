"""Tokenizer: sound to frames, and frames to tokens, as a model's front end says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from .. import _kernels
from ..arrays import Float32
from ..config import check, choice, flag, number, whole
from ..errors import ConfigError
from ..spectrogram import Framing, LogMel, Mfcc, Stream
from . import compiled

Less = Literal["none", "mean", "median"]


@dataclass(frozen=True, kw_only=True)
class TokenFrontEnd:
    """From sound to frames: the manifest's table `frontend`.

    Parameters
    ----------
    rate_hz : int
    n_fft, frame_samples, hop_samples : int
        Of the transform, the Hann window and the step, in samples.
    n_mels : int
    n_mfcc : int
        0 leaves the mel bands as they are.
    fmin_hz, fmax_hz : float
    log : bool
        The natural logarithm of the bands' power; without it, power as OpenSoundscape scales it.
    offset : float
        Added before the logarithm.
    patch_frames, patch_step : int
        A frame of the codebook is so many frames of the spectrogram, one beginning every `patch_step`.
    less : "none", "mean" or "median"
        What is taken away from each band of a window: its mean there, or its median, with what is then below
        0 set to 0, so that a steady background is nothing and what stands out of it is left.
    unit_length : bool
        Scale each frame to length 1, after the projection.

    Raises
    ------
    ConfigError
        A value out of its range, when the tokenizer is made.
    """

    rate_hz: int = 32_000
    n_fft: int = 8192
    frame_samples: int = 8000
    hop_samples: int = 4000
    n_mels: int = 128
    n_mfcc: int = 20
    fmin_hz: float = 0.0
    fmax_hz: float = 16_000.0
    log: bool = False
    offset: float = 0.0
    patch_frames: int = 1
    patch_step: int = 1
    less: Less = "none"
    unit_length: bool = False

    def __post_init__(self) -> None:
        for name in ("n_fft", "frame_samples", "hop_samples"):
            whole(name, getattr(self, name), 1)
        whole("rate_hz", self.rate_hz, 100, 1_000_000)
        whole("n_mels", self.n_mels, 1, 1024)
        for name in ("patch_frames", "patch_step"):
            whole(name, getattr(self, name), 1, 1000)
        choice("less", self.less, get_args(Less))
        whole("n_mfcc", self.n_mfcc)
        check(self.n_mfcc <= self.n_mels, "n_mfcc", self.n_mfcc, "0 to n_mels")
        number("offset", self.offset, 0)
        for name in ("fmin_hz", "fmax_hz"):
            number(name, getattr(self, name))
        for name in ("log", "unit_length"):
            flag(name, getattr(self, name))

    @property
    def n_bands(self) -> int:
        """Values of a spectrogram's frame."""
        return self.n_mfcc or self.n_mels

    @property
    def frame_s(self) -> float:
        """Seconds from one token to the next."""
        return self.hop_samples * self.patch_step / self.rate_hz

    @property
    def token_samples(self) -> int:
        """Samples that a token takes: librosa's frame, of the logarithm, is as long as its transform."""
        frame_samples = self.n_fft if self.log else self.frame_samples
        return frame_samples + (self.patch_frames - 1) * self.hop_samples

    def spectrogram(self, cpu: str | None = None) -> LogMel:
        """Return the transform to frames of `n_bands` values."""
        options: dict[str, Any] = {
            "window_samples": self.frame_samples,
            "fmin_hz": self.fmin_hz,
            "fmax_hz": self.fmax_hz,
            "log": "natural" if self.log else None,
            "definition": "librosa" if self.log else "opensoundscape",
            "cpu": cpu,
        }
        if self.log:
            options["offset"] = self.offset
        sizes = (self.rate_hz, self.n_fft, self.hop_samples)
        if self.n_mfcc:
            return Mfcc(*sizes, self.n_mfcc, self.n_mels, **options)
        return LogMel(*sizes, self.n_mels, **options)


class Tokenizer:
    """Makes frames of sound, all of them wholly inside it.

    Parameters
    ----------
    front_end : TokenFrontEnd
    mean : float32 [patch_frames * n_bands] or None
    projection : float32 [n_values, patch_frames * n_bands] or None
        A whitening: a frame is projection (patch - mean). None leaves patches as they are.
    cpu : str or None
        A table of kernels; None is the fastest. All give the same bits.

    Raises
    ------
    ConfigError
        The front end or the tables do not fit together.
    """

    def __init__(
        self,
        front_end: TokenFrontEnd,
        mean: Float32 | None = None,
        projection: Float32 | None = None,
        cpu: str | None = None,
    ) -> None:
        n_patch = front_end.patch_frames * front_end.n_bands
        self.shift: Float32 | None = None
        if (mean is None) != (projection is None):
            raise ConfigError("mean and projection: both or neither")
        if projection is not None and mean is not None:
            check(projection.ndim == 2 and projection.shape[1] == n_patch, "projection", projection.shape,
                   f"[n_values, {n_patch}]")  # fmt: skip
            check(mean.shape == (n_patch,), "mean", mean.shape, f"[{n_patch}]")
            # projection (patch - mean), with the mean's share taken away at last: one pass less.
            self.shift = compiled.shift(mean, projection)
        self.front_end, self.projection, self._cpu = front_end, projection, cpu
        self._spectrogram = front_end.spectrogram(cpu)
        # Patches are to a spectrogram, as one row of values, what frames are to a recording.
        self._patching = Framing(n_patch, front_end.patch_step * front_end.n_bands, n_patch)
        self.n_values = n_patch if projection is None else len(projection)

    def bands(self, sound: Float32) -> Float32:
        """Return the spectrogram of mono sound [n]: float32 [n_frames, n_bands]."""
        return self._spectrogram(sound)

    def sound(self, window_samples: int) -> compiled.Sound:
        """Return how the compiled core makes bands of windows."""
        return compiled.Sound(
            rate_hz=self.front_end.rate_hz, window_samples=window_samples, plan=self._spectrogram.plan
        )

    def raised(self, bands: Float32) -> Float32:
        """Return a window's bands [n_frames, n_bands] less what `front_end.less` says.

        Its median is the lower one of two, so that it is a value of the band and no sum of any.
        """
        less = self.front_end.less
        if less == "none" or len(bands) == 0:
            return bands
        if less == "mean":
            found = np.empty((3, bands.shape[1]), np.float32)
            _kernels.statistics(bands, found, cpu=self._cpu)
            raised: Float32 = bands - found[0]
            return raised
        level = np.empty(bands.shape[1], np.float32)
        _kernels.medians(bands, level, cpu=self._cpu)
        raised = np.maximum(bands - level, 0)
        return raised

    def patches(self, bands: Float32) -> Float32:
        """Return every patch of a spectrogram: a view [n, patch_frames * n_bands] whose rows overlap."""
        return self._patches(bands.reshape(-1), 0, self._patching.count(bands.size))

    def frames(self, patches: Float32) -> Float32:
        """Return what the codebook sees of patches: float32 [n, n_values]."""
        if self.projection is not None and self.shift is not None:
            frames = np.empty((len(patches), self.n_values), np.float32)
            _kernels.project(patches, self.projection, frames, cpu=self._cpu)
            frames -= self.shift
        else:
            frames = patches.copy() if self.front_end.unit_length else np.ascontiguousarray(patches)
        if self.front_end.unit_length:
            _kernels.unit_rows(frames, cpu=self._cpu)
        return frames

    def __call__(self, sound: Float32) -> Float32:
        """Return the frames of a window's mono sound [n]: float32 [n_frames, n_values]."""
        return self.frames(self.patches(self.raised(self.bands(sound))))

    def stream(self, blocks: Iterable[Float32]) -> Iterator[Float32]:
        """Yield the frames of a recording that comes in blocks: the same as those of the whole.

        Of a front end that takes nothing away: what a window is less of is known at its end.
        """
        bands, patches = self._spectrogram.stream(), Stream(self._patching, self._patches)
        for block in blocks:  # without padding nothing is left at the end
            yield self.frames(patches.push(bands.push(block).reshape(-1)))

    def _patches(self, values: Float32, start: int, count: int) -> Float32:
        size, step = self._patching.window_samples, self._patching.hop_samples
        if count == 0:
            return np.zeros((0, size), np.float32)
        return np.lib.stride_tricks.sliding_window_view(values[start:], size)[::step][:count]
