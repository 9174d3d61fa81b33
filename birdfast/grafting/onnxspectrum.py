"""Learning what spectrum a piece of an ONNX graph computes, by what it makes of clicks and noise.

Frames and window are read off clicks, the transform's length off two neighbours. So it is all one whether the
graph has an STFT, a DFT, a matrix or a convolution, and how it cuts its frames.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import gcd, tau
from typing import get_args

import numpy as np

from ..arrays import Array, Float32, Float64
from ..errors import ConfigError
from ..frontends.tables import Branch, Pad
from ..spectrogram import plans
from ..spectrogram.frames import window_values
from . import onnxlayout
from .onnxlayout import MOST_VALUES, Layout
from .probe import Runs

NEAR = 2e-5  # of the largest number: what float32 sums in any order differ by
ROUNDING = 1e-6  # of a window's values, up to 1
WINDOWS = ("hann", "hamming", "blackman")
MOST_POINTS = 65_536  # of a transform, as the kernels have it
PADS: tuple[Pad, ...] = get_args(Pad)


@dataclass(frozen=True)
class Spectrum:
    """A spectrum and how it lies in its tensor.

    Attributes
    ----------
    branch : Branch
        Without bands of its own.
    first : int
        The lowest bin that the tensor has.
    gains : float64 [bins]
        What the power of each of its bins is multiplied with.
    layout : Layout
    """

    branch: Branch
    first: int
    gains: Float64
    layout: Layout

    @property
    def is_whole(self) -> bool:
        """Whether its bins are all there are, as they are."""
        return len(self.gains) == self.branch.n_fft // 2 + 1 and bool((self.gains == 1).all())

    def bands(self, weights: Float32 | None = None) -> Branch:
        """Return the branch with a matrix behind the tensor's bins; None: with these bins themselves.

        Parameters
        ----------
        weights : float32 [bands, bins] or None
        """
        bins = self.branch.n_fft // 2 + 1
        gains = self.gains if self.branch.part == "power" else np.sqrt(self.gains)
        if weights is None and self.is_whole:
            return self.branch
        kept = np.eye(len(gains)) if weights is None else weights
        full = np.zeros((len(kept), bins))
        full[:, self.first : self.first + len(gains)] = kept * gains
        return replace(self.branch, weights=full.astype(np.float32))

    def agrees(self, found: Array, noise: Float32) -> bool:
        """Whether it makes of noise, float32 [1, samples], what is found: [frames, bins]."""
        expected = self.bands().linear(noise)[0]
        return bool(np.abs(found - expected).max() <= NEAR * np.abs(expected).max())


def noise(n_samples: int) -> Float32:
    """Return noise, always the same: float32 [1, samples]."""
    return np.random.default_rng(7).uniform(-1, 1, (1, n_samples)).astype(np.float32)


def learn(piece: Runs[str], signal: str, part: str) -> Spectrum | None:
    """Read off which spectrum a piece computes.

    Parameters
    ----------
    piece : Runs
    signal : str
        What the frames are cut from.
    part : "magnitude" or "power"

    Returns
    -------
    Spectrum or None
        None: it is none, or of an odd length that the kernels lack: NumPy, which takes all, takes long.
    """
    size = int(np.prod(piece.shapes[signal]))
    silence, click = np.zeros(size, np.float32), np.zeros(size, np.float32)
    click[size // 2] = 1
    layout = onnxlayout.of_click(piece({signal: click}) != piece({signal: silence}))
    if layout is None:
        return None

    def power(samples: Array) -> Float64:
        found = layout.rows(piece({signal: samples})).astype(np.float64)
        return found * found if part == "magnitude" else found

    grid = _grid(power, size, layout.frames)
    if grid is None:
        return None
    start, hop, length = grid
    if length > MOST_POINTS or length * layout.values > MOST_VALUES:
        return None
    branch = Branch(length, hop, start, layout.frames, part, np.ones(length, np.float32))
    clicks = _clicks(power, branch, size)
    return None if clicks is None else _transform(power, branch, clicks, layout, size)


def _grid(power: Callable[[Array], Float64], size: int, frames: int) -> tuple[int, int, int] | None:
    """Return where frame 0 starts, how far frames lie apart, and how long they are."""
    place, sound = np.arange(size), noise(size)[0]
    silence, middle = power(np.zeros(size)), (frames - 1) // 2

    def heard(frame: int, chosen: Array) -> bool:
        return bool((power(np.where(chosen, sound, 0))[frame] != silence[frame]).any())

    def begin(frame: int) -> int:
        return bisect_left(range(size), True, key=lambda last: heard(frame, place <= last))

    first = begin(middle)
    last = size - 1 - bisect_left(range(size), True, key=lambda n: heard(middle, place >= size - 1 - n))
    hop = begin(middle + 1) - first if frames > 1 else 1
    length = last - first + 1
    return (first - middle * hop, hop, length) if hop >= 1 and length >= 2 else None


def _clicks(power: Callable[[Array], Float64], branch: Branch, size: int) -> Float64 | None:
    """Return what the bins of a frame have of a click at each of its samples: [samples, bins]."""
    hop, length = branch.hop, branch.n_fft
    spacing = next(n for n in range(length, length + hop + 1) if gcd(n, hop) == 1)
    starts = branch.start + hop * np.arange(branch.frames)
    inside = np.flatnonzero((starts >= 0) & (starts + length <= size))
    if not inside.size:
        return None
    found: Float64 | None = None
    missing = np.ones(length, bool)
    while missing.any():  # each frame has one click at most, and each another place of its own
        first = int(starts[inside[len(inside) // 2]] + missing.argmax()) % spacing
        clicks = np.zeros(size, np.float32)
        clicks[first::spacing] = 1
        rows, at = power(clicks)[inside], (first - starts[inside]) % spacing
        if found is None:
            found = np.zeros((length, rows.shape[1]))
        hit = at < length
        found[at[hit]], missing[at[hit]] = rows[hit], False
    return found


def _transform(
    power: Callable[[Array], Float64], framed: Branch, clicks: Float64, layout: Layout, size: int
) -> Spectrum | None:
    """Find window, length of the transform and its bins, and prove them on noise."""
    strength = clicks.mean(axis=1)
    if not strength.max() > 0 or layout.values < 3:
        return None
    gains = clicks[strength.argmax()] / strength.max()
    gains = np.ones(layout.values) if np.abs(gains - 1).max() < NEAR else gains
    if not (gains > 0).all():
        return None
    squares = np.maximum(clicks @ gains / (gains @ gains), 0)
    window = _named(np.sqrt(squares))
    bins = _bins(power, framed, window, gains, size)
    if bins is None:
        return None
    n_fft, first = bins
    padded = np.zeros(n_fft, np.float32)
    padded[: len(window)] = window
    branch = replace(framed, n_fft=n_fft, window=padded)
    if not Spectrum(branch, first, gains, layout).is_whole and n_fft * layout.values > MOST_VALUES:
        return None
    sound = noise(size)
    rows = power(sound)
    rows = np.sqrt(rows) if framed.part == "magnitude" else rows
    for pad in PADS:
        found = Spectrum(replace(branch, pad=pad), first, gains, layout)
        if found.agrees(rows, sound):
            return found
    return None


def _named(window: Float64) -> Float64:
    """Return a known window in place of one that was measured, where it is that but for rounding.

    What is off by rounding alone makes noise that is loud where a recording has nothing.
    """
    n = len(window)
    for name in WINDOWS:
        symmetric = window_values(name, max(1, n - 1))
        knowns = (window_values(name, n + 1)[1:], window_values(name, n), np.resize(symmetric, n))
        for known in knowns:  # the first without the 0 that it begins with, which nobody hears
            if np.abs(window - known).max() < ROUNDING:
                return known
    return window


def _is_taken(n_fft: int) -> bool:
    try:
        plans.check_length(n_fft)
    except ConfigError:
        return n_fft % 2 == 0
    return True


def _bins(
    power: Callable[[Array], Float64], framed: Branch, window: Float64, gains: Float64, size: int
) -> tuple[int, int] | None:
    """Return the length of a transform and its first bin.

    Of clicks at two neighbours w, v of the window a bin has the power w^2 + v^2 + 2 w v cos(angle).
    """
    n, frame = int((window[1:] * window[:-1]).argmax()), (framed.frames - 1) // 2
    place, pair = framed.start + frame * framed.hop + n, window[n : n + 2]
    if not pair.prod() > 0 or not 0 <= place < size - 1:
        return None
    clicks = np.zeros(size, np.float32)
    clicks[place : place + 2] = 1
    cosines = (power(clicks)[frame] / gains - (pair * pair).sum()) / (2 * pair.prod())
    clear = np.abs(cosines) < 0.9
    if clear.sum() < 2:
        return None
    slope, offset = np.polyfit(np.flatnonzero(clear), np.arccos(cosines[clear]), 1)
    if not slope > 0:
        return None
    n_fft, first = round(tau / slope), round(offset / slope)
    fits = _is_taken(n_fft) and len(window) <= n_fft <= MOST_POINTS and n_fft * framed.frames <= MOST_VALUES
    fits &= 0 <= first <= n_fft // 2 + 1 - len(gains)
    return (n_fft, first) if fits else None
