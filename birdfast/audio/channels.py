"""Channels: which of a recording's are heard, and whether their mix hears what they do."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import numpy as np

from ..arrays import Float32
from ..errors import AudioError
from ..outcomes import MIX
from .decoders import BLOCK_SAMPLES

# One of two channels silent takes 6 dB off the mix, eight that have nothing in common take 9 dB: what takes
# more is heard by channels of opposite phase, or by few of many. Told in steps, so that the stretches of a
# recording say the same.
QUIETER_DB = (40, 30, 20, 12)
SILENT = 2.0**-30  # a block's mean square where nothing but the lowest of 16 bits changes


def chosen(choice: str | int, n_channels: int, path: Path) -> tuple[int, ...]:
    """Return the numbers of the channels that a choice means.

    Parameters
    ----------
    choice : "mix", "each", or a number from 1, as int or text
    n_channels : int
    path : path
        The recording, for the message.

    Returns
    -------
    tuple of int
        `MIX` alone for the mix.

    Raises
    ------
    AudioError
        There is no such channel; the message says how many there are.
    """
    if choice == "mix":
        return (MIX,)
    if choice == "each":
        return tuple(range(1, n_channels + 1))
    number = int(choice) if str(choice).isdecimal() else 0
    if not 1 <= number <= n_channels:
        has = "1 channel" if n_channels == 1 else f"{n_channels} channels"
        raise AudioError(f"{path}: no channel {choice}: it has {has}")
    return (number,)


def silences(n_samples: int) -> Iterator[Float32]:
    """Yield so many zeros, in blocks."""
    for start in range(0, n_samples, BLOCK_SAMPLES):
        yield np.zeros(min(BLOCK_SAMPLES, n_samples - start), np.float32)


def finite(
    channels: Mapping[int, Float32], position: int, path: Path, rate_hz: int
) -> Iterator[Mapping[int, Float32]]:
    """Yield a block of channels, or what of it is before the first sample that is not finite.

    Parameters
    ----------
    channels : dict of int to float32 [n]
    position : int
        The block's first sample.
    path, rate_hz
        Of the recording, for the message.

    Raises
    ------
    AudioError
        Behind that: a sample is NaN or infinite.
    """
    n_good, channel = min((_n_finite(mono), channel) for channel, mono in channels.items())
    if n_good == len(channels[channel]):
        yield channels
        return
    if n_good:
        yield {number: mono[:n_good] for number, mono in channels.items()}
    at, of = position + n_good, f" of channel {channel}" if channel else ""
    raise AudioError(f"{path}: sample {at}{of} ({at / rate_hz:.3f} s) is NaN or infinite")


class Mixer:
    """Takes the blocks of a recording apart by channel, and weighs their mix against them."""

    def __init__(self, n_channels: int) -> None:
        self._n_channels = n_channels
        self._mix, self._power = 0.0, np.zeros(n_channels)  # sums of squares

    def apart(self, frames: Float32, wanted: Collection[int]) -> dict[int, Float32]:
        """Return the mono samples of the channels wanted.

        Parameters
        ----------
        frames : float32 [n, n_channels]
        wanted : collection of int
            `MIX` is the average of all.

        Returns
        -------
        dict of int to float32 [n]
            Not copied where there is one channel.
        """
        if self._n_channels == 1:
            return dict.fromkeys(wanted, frames[:, 0])
        if MIX not in wanted:
            return {number: np.ascontiguousarray(frames[:, number - 1]) for number in wanted}
        channels = np.ascontiguousarray(frames.T)
        mix = channels.sum(axis=0)
        mix /= np.float32(self._n_channels)
        self._weigh(channels, mix)
        return {number: mix if number == MIX else channels[number - 1] for number in wanted}

    def remarks(self) -> list[str]:
        """Return what is to be said of the mix of all blocks so far: it is much quieter than its channels.

        Sound that does not swing, as a recorder's offset, and silence do not count.
        """
        n, loudest = self._n_channels, self._power.max()
        mix = max(self._mix, loudest * 1e-12)
        if n == 1 or not np.isfinite(mix) or loudest == 0:
            return []
        quieter_db = 10 * np.log10(loudest / mix)
        least_db = next((step for step in QUIETER_DB if quieter_db >= step), None)
        if least_db is None:
            return []
        alone = self._power.sum() / n**2  # what the mix is of channels that have nothing in common
        why = "opposite phase?" if mix < alone / 2 else "most of them are silent."
        number = 1 + int(np.argmax(self._power > loudest / 2))
        return [
            f"the mix of its {n} channels is at least {least_db} dB quieter than they are: {why}"
            f" --channel {number} (channel={number}) hears one of them"
        ]

    def _weigh(self, channels: Float32, mix: Float32) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            power = np.array([_swing(channel) for channel in channels])
            if power.max() >= SILENT * len(mix):
                self._power += power
                self._mix += _swing(mix)


def _swing(samples: Float32) -> float:
    """Return the sum of squares about the mean."""
    total = float(samples.sum())
    return float(np.dot(samples, samples)) - total * total / len(samples)


def _n_finite(samples: Float32) -> int:
    """Return how many samples come before the first that is NaN or infinite."""
    finite = np.isfinite(samples)
    return len(samples) if finite.all() else int(np.argmin(finite))
