"""A soundscape made of simple whistled songs, whose truth is known to the sample.

BirdNET recognises the four songs, so a demo and the tests can do the real job without anybody's
recordings. Frequencies and lengths are those of the species' typical songs, in round numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .arrays import Float32
from .errors import ConfigError

RATE_HZ = 48_000
SLOT_S = 3.0  # one song at most in each of BirdNET's windows, and wholly inside it
PEAK = 0.15
NOISE = 0.01
FADE_S = 0.03


@dataclass(frozen=True)
class Song:
    """A song in the truth: when it sounds, in seconds, and whose it is."""

    start_s: float
    end_s: float
    scientific_name: str
    common_name: str


def tone(from_hz: float, to_hz: float, length_s: float, harmonic: float = 0.0) -> Float32:
    """Return a whistle that glides between two pitches, faded in and out over 30 ms.

    Parameters
    ----------
    from_hz, to_hz, length_s : float
    harmonic : float in 0..1
        Amplitude of the second harmonic.

    Returns
    -------
    float32 [n], in -1..1
    """
    n_samples = round(length_s * RATE_HZ)
    hz = np.linspace(from_hz, to_hz, n_samples)
    phase = 2 * np.pi * np.cumsum(hz) / RATE_HZ
    wave = (np.sin(phase) + harmonic * np.sin(2 * phase)) / (1 + harmonic)
    fade = np.minimum(1, np.minimum(np.arange(n_samples), np.arange(n_samples)[::-1]) / (FADE_S * RATE_HZ))
    faded: Float32 = (wave * fade).astype(np.float32)
    return faded


def silence(length_s: float) -> Float32:
    """Return zeros: float32 [n]."""
    return np.zeros(round(length_s * RATE_HZ), np.float32)


def pink_noise(n_samples: int, random: np.random.Generator) -> Float32:
    """Return noise whose power falls with the frequency, of standard deviation 1: float32 [n_samples]."""
    spectrum = np.fft.rfft(random.standard_normal(n_samples))
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(1, np.arange(len(spectrum)))), n_samples)
    scaled: Float32 = (noise / noise.std()).astype(np.float32)
    return scaled


def chickadee() -> Float32:
    """Return "fee-bee-ee": a glide, then two lower tones with a small dip between them."""
    low = tone(3400, 3400, 0.2)
    return np.concatenate([tone(4000, 3900, 0.4), silence(0.05), low, silence(0.01), low])


def sparrow() -> Float32:
    """Return "oh sweet Canada": a low tone, a high one, then triplets."""
    triplet = [part for _ in range(3) for part in (tone(3880, 3880, 0.14), silence(0.04))]
    opening = [tone(3100, 3100, 0.45), silence(0.15), tone(3900, 3900, 0.45), silence(0.15)]
    return np.concatenate([*opening, *triplet, silence(0.075), *triplet])


def cuckoo() -> Float32:
    """Return two calls of two notes, the second a third lower, each with its second harmonic."""
    call = [tone(680, 650, 0.18, 0.05), silence(0.12), tone(540, 530, 0.25, 0.05)]
    return np.concatenate([*call, silence(0.75), *call])


def owl() -> Float32:
    """Return a row of even toots, two a second."""
    return np.concatenate([tone(1100, 1100, 0.12), *[silence(0.38), tone(1100, 1100, 0.12)] * 4])


SINGERS: dict[tuple[str, str], Callable[[], Float32]] = {
    ("Poecile atricapillus", "Black-capped Chickadee"): chickadee,
    ("Zonotrichia albicollis", "White-throated Sparrow"): sparrow,
    ("Cuculus canorus", "Common Cuckoo"): cuckoo,
    ("Aegolius acadicus", "Northern Saw-whet Owl"): owl,
}


def make(length_s: float = 120.0, seed: int = 0) -> tuple[Float32, list[Song]]:
    """Return a soundscape and what sounds in it.

    Parameters
    ----------
    length_s : float
        A multiple of 3.
    seed : int
        0 or more; the same seed gives the same samples.

    Returns
    -------
    samples : float32 [length_s * 48,000]
        Weak pink noise, and a song in about every second stretch of three seconds.
    truth : list of Song, by time

    Raises
    ------
    ConfigError
        The seed is negative.
    """
    if seed < 0:
        raise ConfigError(f"seed: {seed} is less than 0")
    random = np.random.default_rng(seed)
    samples = NOISE * pink_noise(round(length_s * RATE_HZ), random)
    truth = []
    species = list(SINGERS)
    for number, slot in enumerate(range(0, int(length_s / SLOT_S), 2)):
        names = species[number % len(species)]
        song = SINGERS[names]()
        latest = round(SLOT_S * RATE_HZ) - len(song)
        start = round(slot * SLOT_S * RATE_HZ) + int(random.integers(latest // 4, 3 * latest // 4))
        samples[start : start + len(song)] += PEAK * song
        truth.append(Song(start / RATE_HZ, (start + len(song)) / RATE_HZ, *names))
    return samples, truth
