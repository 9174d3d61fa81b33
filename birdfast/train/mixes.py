"""Mixes: windows of labelled clips overlaid with each other and with noise, as soundscapes have them.

A head that has heard clips alone, near and one at a time, takes a distant call in wind, or two at once, for
something else. A mix is a clip like any other: codebook, embeddings and head learn from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Float32
from .recordings import Clip, Tell, not_too_loud

LEVEL_DB = (-40.0, -10.0)  # of a clip: root mean square, full scale is 0
NOISE_DB = (-65.0, -35.0)
QUIET = 0.01  # of the peak: what is below it before the first and after the last sound is left out
LOWEST_BIN = 20  # noise does not rise further towards 0 Hz


@dataclass(frozen=True)
class Mix:
    """Some clips at once; what `Clip` has.

    Attributes
    ----------
    clips : tuple of Clip
        The first one names the mix.
    window_s : float
        How long it is.
    seed : tuple of int
        Where in each clip, how loud, and which noise.
    """

    clips: tuple[Clip, ...]
    window_s: float
    seed: tuple[int, ...]

    @property
    def path(self) -> str:
        """The first clip's recording."""
        return self.clips[0].path

    @property
    def name(self) -> str:
        """The first clip's."""
        return self.clips[0].name

    @property
    def labels(self) -> tuple[str, ...]:
        """All that sounds."""
        return tuple(dict.fromkeys(label for clip in self.clips for label in clip.labels))

    def blocks(self, rate_hz: int, tell: Tell) -> Iterator[Float32]:
        """Yield the mix, in one block; `tell` as `Clip.opened`.

        Raises
        ------
        AudioError
            A clip cannot be read, or is louder than sound can be, or not there.
        """
        dice = np.random.default_rng(self.seed)
        n = round(self.window_s * rate_hz)
        mixed = noise(n, dice) * _amplitude(dice.uniform(*NOISE_DB))
        for clip in self.clips:
            sound = trimmed(_piece(clip, rate_hz, n, dice, tell))
            level = np.sqrt(np.mean(np.square(sound, dtype=np.float64))) if len(sound) else 0.0
            if level > 0:
                place(sound * (_amplitude(dice.uniform(*LEVEL_DB)) / level), mixed, dice)
        yield mixed.astype(np.float32)


def make(clips: Sequence[Clip], copies: int, others: int, window_s: float, seed: int) -> list[Mix]:
    """Return `copies` mixes for each clip, with 0 to `others` other clips in each."""
    dice = np.random.default_rng(seed)
    mixes = []
    for copy in range(copies):
        for number, clip in enumerate(clips):
            beside = dice.integers(len(clips), size=dice.integers(others + 1))
            chosen = (clip, *(clips[other] for other in beside))
            mixes.append(Mix(chosen, window_s, (seed, copy, number)))
    return mixes


def trimmed(sound: Float32) -> Float32:
    """Cut the silence and near-silence that clips are padded with."""
    loud = np.flatnonzero(np.abs(sound) > QUIET * np.abs(sound).max(initial=0))
    return sound[loud[0] : loud[-1] + 1] if len(loud) else sound[:0]


def noise(n: int, dice: np.random.Generator) -> NDArray[np.float64]:
    """Return n samples of noise, root mean square 1, whose power falls by 0 to 6 dB an octave."""
    spectrum = np.fft.rfft(dice.standard_normal(n))
    spectrum /= np.maximum(np.arange(len(spectrum)), LOWEST_BIN) ** dice.uniform(0, 1)
    found = np.fft.irfft(spectrum, n)
    shaped: NDArray[np.float64] = found / found.std()
    return shaped


def place(sound: NDArray[np.floating], onto: NDArray[np.floating], dice: np.random.Generator) -> None:
    """Add a sound at a place where half of it is within."""
    start = int(dice.integers(-(len(sound) // 2), len(onto) - len(sound) // 2))
    first, last = max(0, start), min(len(onto), start + len(sound))
    onto[first:last] += sound[first - start : last - start]


def _piece(clip: Clip, rate_hz: int, n: int, dice: np.random.Generator, tell: Tell) -> Float32:
    """Read n samples from anywhere in a clip, or all there is."""
    with clip.opened(tell) as recording:
        first = round(clip.start_s * rate_hz)
        ends = (recording.n_samples_at(rate_hz), None if clip.end_s is None else round(clip.end_s * rate_hz))
        last = min((end for end in ends if end is not None), default=None)
        room = 0 if last is None else max(0, last - first - n)
        start = first + int(dice.integers(room + 1))
        stop = start + n if last is None else min(last, start + n)
        sound = recording.samples(rate_hz, start, stop)
        if len(sound) == 0:
            raise clip.missing(recording)
        return not_too_loud(sound, clip.path)


def _amplitude(level_db: float) -> float:
    return float(10 ** (level_db / 20))
