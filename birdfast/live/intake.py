"""Intake: blocks that a program pushes, checked whole and taken apart by channel."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from ..arrays import Array, Bools, Float32
from ..audio.channels import Mixer
from ..audio.pcm import put_floats
from ..errors import AudioError

# Floats that came of 32-bit integers as they were are far below it; what networks square is finite up to it.
LOUDEST = np.float32(2.0**40)
NO_SOUND = "NaN, infinite, or louder than any sound"
PIECE_SAMPLES = 1 << 14  # of a block at a time, in memory that is held


def silenced(samples: Array) -> tuple[Array, Bools]:
    """Return a block with zeros for samples that are none, which `Intake` refuses, and where there are any.

    Parameters
    ----------
    samples : int16 or float32 [n, n_channels]

    Returns
    -------
    samples : the same, or a copy
    wrong : bool [n]
    """
    if samples.dtype == np.int16:
        return samples, np.zeros(len(samples), bool)
    is_sound = np.abs(samples) <= LOUDEST  # NaN is not
    wrong = np.zeros(len(samples), bool)
    np.any(np.logical_not(is_sound), axis=1, out=wrong)
    return (np.where(is_sound, samples, np.float32(0)) if wrong.any() else samples), wrong


class Intake:
    """What a stream takes of each block; it holds a piece, and allocates nothing of its size.

    Parameters
    ----------
    n_channels : int
    wanted : collection of int
        The channels that are heard; 0 is the mix of all.

    Attributes
    ----------
    n_taken : int
        Samples per channel of all blocks so far.
    """

    def __init__(self, n_channels: int, wanted: Collection[int]) -> None:
        self._n_channels, self._wanted, self.n_taken = n_channels, tuple(wanted), 0
        self._mixer = Mixer(n_channels)
        self._floats = np.empty((PIECE_SAMPLES, n_channels), np.float32)
        self._finite = np.empty((PIECE_SAMPLES, n_channels), bool)

    def check(self, samples: object) -> Float32:
        """Return a block as [n, n_channels] of int16 or float32; of a block that is refused nothing is taken.

        Raises
        ------
        AudioError
            It is no such array, or a sample is `NO_SOUND`; the message says which and when.
        """
        if not isinstance(samples, np.ndarray):
            raise AudioError(f"samples are a {type(samples).__name__}; a NumPy array is wanted")
        if isinstance(samples, np.ma.MaskedArray):
            raise AudioError("samples are a MaskedArray; a NumPy array is wanted, without a mask")
        n_channels = self._n_channels
        is_mono = samples.ndim == 1 and n_channels == 1
        is_one = is_mono or (samples.ndim == 2 and samples.shape[1] == n_channels)
        if not is_one or samples.dtype not in (np.int16, np.float32):
            axes = "[n]" if n_channels == 1 else f"[n, {n_channels}]"
            raise AudioError(
                f"samples are {samples.dtype} {list(samples.shape)}; int16 or float32 {axes} are wanted"
            )
        frames: Float32 = samples[:, None] if is_mono else samples
        if frames.dtype != np.int16:
            for start in range(0, len(frames), PIECE_SAMPLES):
                piece = frames[start : start + PIECE_SAMPLES]
                loud = np.abs(piece, out=self._floats[: len(piece)])
                finite = np.less_equal(loud, LOUDEST, out=self._finite[: len(piece)])  # NaN is not
                if np.count_nonzero(finite) < finite.size:  # `all` would allocate
                    place = self.n_taken + start + int(np.argmin(finite.all(axis=1)))
                    raise AudioError(f"sample {place} of the stream is {NO_SOUND}")
        return frames

    def piece(self, frames: Float32, start: int) -> Mapping[int, Float32]:
        """Take what of a checked block begins at `start`, at most a piece: float32 [n] by channel."""
        piece = frames[start : start + PIECE_SAMPLES]
        self.n_taken += len(piece)
        if piece.dtype == np.int16:
            piece = put_floats(piece, self._floats[: len(piece)])
        return self._mixer.apart(piece, self._wanted)

    def remarks(self) -> list[str]:
        """Return what is to be known of the mix so far: see `audio.channels.Mixer`."""
        return self._mixer.remarks()
