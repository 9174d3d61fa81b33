"""Windows: where they start, in exact integers of samples, and the samples in them.

Window i starts at sample i * step. What becomes of the end of a recording is the tail rule:

pad
    Every window that starts before the end is kept and zero-padded; one sample is enough. As
    birdnet 1.x and BirdNET-Analyzer 3.x.
drop
    Whole windows only; a recording shorter than a window gives none. As perch-hoplite.
min-1s
    A last window with less than one second of sound is dropped, a longer one zero-padded; a
    recording gives at least one window. As BirdNET-Analyzer 2.x.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .config import Normalization, Tail
from .errors import AudioError, ConfigError

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Grid:
    """Where windows lie on a recording; all lengths in samples at `rate_hz`."""

    rate_hz: int
    window_samples: int
    step_samples: int
    tail: Tail = "pad"

    def __post_init__(self) -> None:
        if not 0 < self.step_samples <= self.window_samples:
            raise ConfigError(
                f"a step of {self.step_samples / self.rate_hz:g} s does not fit; it takes more than 0"
                f" and at most the window's {self.window_samples / self.rate_hz:g} s"
            )

    def count(self, n_samples: int) -> int:
        """Return how many windows a recording of `n_samples` gives."""
        least = {"pad": 1, "drop": self.window_samples, "min-1s": min(self.rate_hz, self.window_samples)}
        shortest = least[self.tail]
        if n_samples < shortest:
            return int(self.tail == "min-1s" and n_samples > 0)
        return (n_samples - shortest) // self.step_samples + 1

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Return the samples from the start of window `first` to the end of window `last - 1`."""
        return first * self.step_samples, (last - 1) * self.step_samples + self.window_samples


def cut(blocks: Iterator[Samples], grid: Grid, n_windows: int | None, batch: int) -> Iterator[Samples]:
    """Cut a stream of blocks into windows.

    Parameters
    ----------
    blocks : iterator of float32 [n]
        Sound from the start of the first window on.
    grid : Grid
    n_windows : int or None
        How many to cut, the last ones zero-padded where the sound ends; None takes what the tail
        rule gives for the sound there is.
    batch : int
        At most so many windows at a time.

    Yields
    ------
    float32 [1..batch, window_samples]; a view that is overwritten in the next turn.

    Raises
    ------
    AudioError
        What `blocks` raises, after the whole windows before it were yielded.
    """
    window, step = grid.window_samples, grid.step_samples
    tray = np.empty((batch - 1) * step + window, np.float32)  # the sound of a whole batch
    held = n_samples = done = 0
    failure: AudioError | None = None
    try:
        for block in blocks:
            n_samples += len(block)
            while len(block) and done != n_windows:
                some = block[: len(tray) - held]
                tray[held : held + len(some)] = some
                block, held = block[len(some) :], held + len(some)
                if held == len(tray):
                    take = batch if n_windows is None else min(batch, n_windows - done)
                    yield _frames(tray, grid, take)
                    done, held = done + take, _forget(tray, held, take * step)
    except AudioError as error:
        failure = error
    if failure is not None:
        whole = (held - window) // step + 1 if held >= window else 0
        left = whole if n_windows is None else min(whole, n_windows - done)
    else:
        left = (grid.count(n_samples) if n_windows is None else n_windows) - done
    while left > 0:
        take = min(batch, left)
        tray[held : (take - 1) * step + window] = 0
        yield _frames(tray, grid, take)
        left, held = left - take, _forget(tray, held, take * step)
    if failure is not None:
        raise failure


def normalize(windows: Samples, kind: Normalization) -> Samples:
    """Change each window's level the way a model's own tools do.

    Parameters
    ----------
    windows : float32 [n, window_samples]
    kind : "none", "hoplite" or "zoo"
        "zoo" scales each window's peak to 0.25, as OpenSoundscape's model zoo does for Perch;
        "hoplite" takes the mean away first, as perch-hoplite does. Silence stays silence.

    Returns
    -------
    float32 [n, window_samples]; `windows` itself for "none".
    """
    if kind == "none":
        return windows
    if kind == "hoplite":
        windows = windows - windows.mean(axis=1, keepdims=True)
    peak = np.abs(windows).max(axis=1, keepdims=True)
    scale = np.divide(np.float32(0.25), peak, out=np.zeros_like(peak), where=peak > 0)
    scaled: Samples = windows * scale
    return scaled


def _frames(samples: Samples, grid: Grid, n: int) -> Samples:
    every = np.lib.stride_tricks.sliding_window_view(samples, grid.window_samples)
    return every[: (n - 1) * grid.step_samples + 1 : grid.step_samples]


def _forget(tray: Samples, held: int, n: int) -> int:
    """Move what is held behind the first n samples to the front, and return how much that is."""
    left = max(0, held - n)
    tray[:left] = tray[n : n + left]
    return left
