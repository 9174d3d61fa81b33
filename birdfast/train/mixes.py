"""Mixes: windows of labelled clips overlaid with each other and with noise, as soundscapes have them.

A head that has heard clips alone, near and one at a time, takes a distant call in wind, or two at once, for
something else. A mix is a clip like any other: codebook, embeddings and head learn from it. It is made of the
clips' bands: powers add where sounds do not hang together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from ..arrays import Float32, Float64
from ..spectrogram import mel
from ..stsg.tokenizer import TokenFrontEnd
from ..stsg.variants import bands_of, powers
from .bands import Bands, BandStore
from .recipe import MixChoice
from .recordings import Clip, Tell

LEVEL_DB = (-40.0, -10.0)  # of a clip: root mean square in the front end's bands, full scale is 0
NOISE_DB = (-65.0, -35.0)
QUIET = 1e-4  # of the loudest frame's power: what is below it before the first and after the last sound goes
SLOPES = (0.0, 2.0)  # powers of frequency by which noise falls: 0 to 6 dB an octave
NOISE_S = 60.0


@dataclass(frozen=True)
class Mix:
    """Some clips at once; what `Clip` has.

    Attributes
    ----------
    clips : tuple of Clip
        The first one names the mix; none at all is noise alone.
    seed : tuple of int
        Where in each clip, how loud, and which noise.
    """

    clips: tuple[Clip, ...]
    seed: tuple[int, ...]

    @property
    def name(self) -> str:
        """The first clip's."""
        return self.clips[0].name if self.clips else "noise"

    @property
    def labels(self) -> tuple[str, ...]:
        """All that sounds."""
        return tuple(dict.fromkeys(label for clip in self.clips for label in clip.labels))


def make(clips: Sequence[Clip], choice: MixChoice, seed: int) -> list[Mix]:
    """Return `copies` mixes for each clip, with 0 to `others` other clips in each, and then noise alone."""
    dice = np.random.default_rng(seed)
    mixes = []
    for copy in range(choice.copies):
        for number, clip in enumerate(clips):
            beside = dice.integers(len(clips), size=dice.integers(choice.others + 1))
            chosen = (clip, *(clips[other] for other in beside))
            mixes.append(Mix(chosen, (seed, copy, number)))
    n_silent = round(choice.noise * len(clips))
    return [*mixes, *(Mix((), (seed, choice.copies, number)) for number in range(n_silent))]


@dataclass(frozen=True, eq=False)
class Mixer:
    """Makes the bands of mixes: one window each.

    Parameters
    ----------
    store : BandStore
    front_end : TokenFrontEnd
        With mel bands.
    """

    store: BandStore
    front_end: TokenFrontEnd

    def of(self, mix: Mix, tell: Tell) -> Bands:
        """Return a mix.

        Raises
        ------
        AudioError
            A clip cannot be read, or is louder than sound can be, or not there.
        """
        dice, n = np.random.default_rng(mix.seed), self.store.n_of_window
        mixed = self._noise(n, dice) * _power(dice.uniform(*NOISE_DB))
        for clip in mix.clips:
            whole = self.store.of(clip, tell).whole
            start = int(dice.integers(max(0, len(whole) - n) + 1))
            sound = self.trimmed(powers(whole[start : start + n], self.front_end))
            level = float(self.level(sound).mean()) if len(sound) else 0.0
            gain = _power(dice.uniform(*LEVEL_DB))
            if level > 0:
                place(sound * np.float32(gain / level), mixed, dice)
        return Bands(bands_of(mixed, self.front_end), n, ((0, n),))

    def level(self, power: Float32) -> Float64:
        """Return the mean square of the sound in frames of power [n, n_mels]: float64 [n]."""
        level: Float64 = power.astype(np.float64) @ self._of_band
        return level

    @cached_property
    def _of_band(self) -> Float64:
        """What a band's power says of the mean square: float64 [n_mels]."""
        of_band: Float64 = self._shares / self._white.mean(axis=0, dtype=np.float64)
        return of_band

    def trimmed(self, power: Float32) -> Float32:
        """Cut the silence and near-silence that clips are padded with."""
        level = self.level(power)
        loud = np.flatnonzero(level > QUIET * level.max(initial=0))
        return power[loud[0] : loud[-1] + 1] if len(loud) else power[:0]

    def _noise(self, n: int, dice: np.random.Generator) -> Float32:
        """Return the power of n frames of noise, mean square 1 in the bands, falling with frequency."""
        start = int(dice.integers(max(1, len(self._white) - n)))
        gain = np.maximum(self._edges_hz[1:-1], 1.0) ** -dice.uniform(*SLOPES)
        noise: Float32 = self._white[start : start + n] * (gain / (gain @ self._shares)).astype(np.float32)
        return noise

    @cached_property
    def _white(self) -> Float32:
        """The power of white noise of mean square 1: float32 [n_frames, n_mels]."""
        return white(self.front_end, self.store.window_s)

    @cached_property
    def _edges_hz(self) -> Float64:
        """Where the bands' triangles begin, have their peaks, and end: float64 [n_mels + 2]."""
        front_end = self.front_end
        lowest, highest = mel.from_hz([front_end.fmin_hz, front_end.fmax_hz])
        return mel.to_hz(np.linspace(lowest, highest, front_end.n_mels + 2))

    @cached_property
    def _shares(self) -> Float64:
        """The share of the spectrum that each band stands for, half of its triangle: float64 [n_mels]."""
        widths: Float64 = (self._edges_hz[2:] - self._edges_hz[:-2]) / self.front_end.rate_hz
        return widths


@lru_cache(maxsize=2)
def white(front_end: TokenFrontEnd, window_s: float) -> Float32:
    """Return the power of a minute and a window of white noise; each stage of each fold asks for the same."""
    n = round((NOISE_S + window_s) * front_end.rate_hz)
    sound = np.random.default_rng(0).standard_normal(n).astype(np.float32)
    return powers(front_end.spectrogram()(sound), front_end)


def place(sound: Float32, onto: Float32, dice: np.random.Generator) -> None:
    """Add a sound [n, n_mels] at a place of `onto` where half of it is within."""
    start = int(dice.integers(-(len(sound) // 2), len(onto) - len(sound) // 2))
    first, last = max(0, start), min(len(onto), start + len(sound))
    onto[first:last] += sound[first - start : last - start]


def _power(level_db: float) -> float:
    return float(10 ** (level_db / 10))
