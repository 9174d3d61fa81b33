"""A ring: the last seconds of a stream, for whoever wants to hear again what was just heard."""

from __future__ import annotations

import numpy as np

from ..arrays import Array, Float32
from ..audio.channels import Mixer
from ..audio.pcm import Pcm
from ..outcomes import MIX
from .intake import INT16


class Ring:
    """The last seconds of sound, in memory that does not grow.

    Parameters
    ----------
    pcm : Pcm
    seconds : float
    """

    def __init__(self, pcm: Pcm, seconds: float) -> None:
        self.rate_hz, self._n_channels = pcm.rate_hz, pcm.n_channels
        self._sound = np.zeros((max(1, round(seconds * pcm.rate_hz)), pcm.n_channels), np.float32)
        self.n_taken = 0

    @property
    def seconds(self) -> float:
        """How much sound it was given so far."""
        return self.n_taken / self.rate_hz

    def push(self, samples: Array) -> None:
        """Take int16 or float32 [n, n_channels]."""
        size = len(self._sound)
        self.n_taken += max(0, len(samples) - size)
        samples = samples[-size:]
        place = self.n_taken % size
        first = min(len(samples), size - place)
        scale = INT16 if samples.dtype == np.int16 else np.float32(1)
        self._sound[place : place + first] = samples[:first] * scale
        self._sound[: len(samples) - first] = samples[first:] * scale
        self.n_taken += len(samples)

    def cut(self, start_s: float, end_s: float, channel: int = MIX) -> Float32:
        """Return float32 [n] of a channel, or the mix; what is gone, or yet to come, is left away."""
        first = max(0, round(start_s * self.rate_hz), self.n_taken - len(self._sound))
        last = min(round(end_s * self.rate_hz), self.n_taken)
        places = np.arange(first, max(first, last)) % len(self._sound)
        frames = self._sound[places]
        if not len(frames):
            return np.zeros(0, np.float32)
        mono: Float32 = Mixer(self._n_channels).apart(frames, (channel,))[channel]
        return mono
