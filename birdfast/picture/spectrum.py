"""A recording's power by time and frequency, in as many columns as a picture has, however long it is."""

from __future__ import annotations

import numpy as np

from ..arrays import Float32
from ..spectrogram import Stft

N_FFT = 1024
HOP_SAMPLES = N_FFT // 4
COLUMNS = 1600  # at least, of sound that is long enough, and at most twice as many
FRAMES = 8  # of a column of long sound, whose length is known: more change nothing that is seen
RANGE_DB = 70


class Spectrum:
    """Columns of power, of blocks of sound as they come; a column has the highest of its frames.

    So a short call is seen in a picture of a whole night. The columns are joined in pairs whenever there are
    twice as many as are needed.

    Parameters
    ----------
    n_samples : int or None
        How many will come, if that is known: then long sound is looked at here and there.
    """

    def __init__(self, n_samples: int | None = None) -> None:
        self._hop_samples = max(HOP_SAMPLES, (n_samples or 0) // (COLUMNS * FRAMES))
        self._stream = Stft(N_FFT, self._hop_samples).stream()
        self._power = np.zeros((2 * COLUMNS, N_FFT // 2 + 1), np.float32)
        self._rest = self._power[:0]
        self._n_columns, self._n_frames = 0, 1  # those that are full, and the frames of each
        self.n_samples = 0

    def push(self, block: Float32) -> None:
        """Take the next samples: float32 [n]."""
        self.n_samples += len(block)
        self._add(np.abs(self._stream.push(block)) ** 2)

    def end(self) -> None:
        """Take note that nothing more comes."""
        self._add(np.abs(self._stream.finish()) ** 2)
        if len(self._rest):
            self._add(np.repeat(self._rest[-1:], self._n_frames - len(self._rest), axis=0))

    @property
    def column_samples(self) -> int:
        """How many samples a column stands for."""
        return self._hop_samples * self._n_frames

    @property
    def highest_power(self) -> float:
        """The highest power of all, to which decibels are told."""
        return float(self._power[: self._n_columns].max(initial=0))

    def decibels(self) -> Float32:
        """Return the power in dB below its maximum: float32 [columns, bins]."""
        power = self._power[: self._n_columns]
        floor = max(self.highest_power, 1e-20) * 10 ** (-RANGE_DB / 10)
        decibels: Float32 = 10 * np.log10(np.maximum(power, floor) / floor) - RANGE_DB
        return decibels

    def _add(self, frames: Float32) -> None:
        frames = np.concatenate([self._rest, frames])
        while n := min(len(frames) // self._n_frames, len(self._power) - self._n_columns):
            of_columns = frames[: n * self._n_frames].reshape(n, self._n_frames, -1)
            self._power[self._n_columns : self._n_columns + n] = of_columns.max(axis=1)
            self._n_columns, frames = self._n_columns + n, frames[n * self._n_frames :]
            if self._n_columns == len(self._power):
                self._power[:COLUMNS] = self._power.reshape(COLUMNS, 2, -1).max(axis=1)
                self._n_columns, self._n_frames = COLUMNS, 2 * self._n_frames
        self._rest = frames
