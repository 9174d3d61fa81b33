"""A ring: the last seconds of a stream, for whoever wants to hear again what was just heard."""

from __future__ import annotations

import numpy as np

from ..arrays import Array, Float32
from ..audio.channels import Mixer
from ..audio.pcm import Pcm, put_floats
from ..outcomes import MIX


class Ring:
    """The last seconds of sound, in memory that does not grow.

    Parameters
    ----------
    pcm : Pcm
    seconds : float

    Attributes
    ----------
    n_taken : int
        Samples per channel that it was given so far.
    """

    def __init__(self, pcm: Pcm, seconds: float) -> None:
        self.rate_hz, self._n_channels = pcm.rate_hz, pcm.n_channels
        self._sound = np.zeros((max(1, round(seconds * pcm.rate_hz)), pcm.n_channels), np.float32)
        self.n_taken = 0

    def push(self, samples: Array) -> None:
        """Take int16 or float32 [n, n_channels]."""
        size = len(self._sound)
        self.n_taken += max(0, len(samples) - size)
        samples = samples[-size:]
        place = self.n_taken % size
        first = min(len(samples), size - place)
        put_floats(samples[:first], self._sound[place : place + first])
        put_floats(samples[first:], self._sound[: len(samples) - first])
        self.n_taken += len(samples)

    def cut(self, first: int, last: int, channel: int = MIX) -> Float32:
        """Return float32 [n] of a channel, or the mix: the samples from `first` to before `last`.

        They are counted from the beginning; what is gone, or yet to come, is left away.
        """
        first, last = max(0, first, self.n_taken - len(self._sound)), min(last, self.n_taken)
        places = np.arange(first, max(first, last)) % len(self._sound)
        frames = self._sound[places]
        if not len(frames):
            return np.zeros(0, np.float32)
        mono: Float32 = Mixer(self._n_channels).apart(frames, (channel,))[channel]
        return mono
