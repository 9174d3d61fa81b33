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

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from .arrays import Float32
from .config import Normalization, Tail
from .errors import AudioError, ConfigError

LENGTHS_S = (0.001, 600)  # of windows that networks take, from bats' calls to soundscapes


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


def parted(grid: Grid, shifts_s: Sequence[float]) -> Grid:
    """Return the one grid of all windows that a grid and its shifted copies have.

    Parameters
    ----------
    grid : Grid
    shifts_s : sequence of float
        Seconds from where it begins to where each copy does, in order; none: it alone.

    Raises
    ------
    ConfigError
        They do not part the step evenly, from 0 on.
    """
    step_samples, n = grid.step_samples, max(1, len(shifts_s))
    even = [step_samples * place // n for place in range(n)]
    if step_samples % n or [round(shift * grid.rate_hz) for shift in shifts_s] not in ([], even):
        told, fits = (
            " ".join(f"{shift:g}" for shift in shifts)
            for shifts in (shifts_s, [step_samples * place / n / grid.rate_hz for place in range(n)])
        )
        raise ConfigError(
            f"shifts_s: {told} do not part a step of {step_samples / grid.rate_hz:g} s evenly, as {fits} do"
        )
    return replace(grid, step_samples=step_samples // n)


def cut(blocks: Iterator[Float32], grid: Grid, n_windows: int | None, batch: int) -> Iterator[Float32]:
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
    cutter = Cutter(grid, n_windows, batch)
    failure: AudioError | None = None
    try:
        for block in blocks:
            yield from cutter.push(block)
    except AudioError as error:
        failure = error
    yield from cutter.end(whole=failure is not None)
    if failure is not None:
        raise failure


class Cutter:
    """Cuts sound that comes in blocks into windows; arguments as `cut`, whose other side it is."""

    def __init__(self, grid: Grid, n_windows: int | None, batch: int) -> None:
        self._grid, self._n_windows, self._batch = grid, n_windows, batch
        n_tray = (batch - 1) * grid.step_samples + grid.window_samples
        self._tray = np.empty(n_tray, np.float32)  # the sound of a whole batch
        self._held = self._n_samples = self._done = self._taken = 0

    def push(self, block: Float32) -> Iterator[Float32]:
        """Take sound [n] that follows what was pushed before, and yield the batches that are full now."""
        self._n_samples += len(block)
        while len(block) and self._done != self._n_windows:
            some = block[: len(self._tray) - self._held]
            self._tray[self._held : self._held + len(some)] = some
            block, self._held = block[len(some) :], self._held + len(some)
            if self._held == len(self._tray):
                most = self._batch if self._n_windows is None else self._n_windows - self._done
                yield self._take(min(self._batch, most))
                self._forget()

    def end(self, *, whole: bool = False) -> Iterator[Float32]:
        """Yield the windows that are left; `whole`: without those that lack an end, as it is not known."""
        window, step = self._grid.window_samples, self._grid.step_samples
        if whole:
            left = (self._held - window) // step + 1 if self._held >= window else 0
            left = left if self._n_windows is None else min(left, self._n_windows - self._done)
        else:
            n_windows = self._grid.count(self._n_samples) if self._n_windows is None else self._n_windows
            left = n_windows - self._done
        while left > 0:
            take = min(self._batch, left)
            self._tray[self._held : (take - 1) * step + window] = 0
            yield self._take(take)
            left -= take
            self._forget()

    def sound_samples(self) -> list[int]:
        """Return how many samples of each window that was just yielded are sound; behind it are zeros."""
        window, step = self._grid.window_samples, self._grid.step_samples
        starts = ((self._done + place) * step for place in range(self._taken))
        return [max(0, min(window, self._n_samples - start)) for start in starts]

    def _take(self, n: int) -> Float32:
        """Return the first n windows: float32 [n, window_samples], a view."""
        step = self._grid.step_samples
        every = np.lib.stride_tricks.sliding_window_view(self._tray, self._grid.window_samples)
        self._taken = n
        return every[: (n - 1) * step + 1 : step]

    def _forget(self) -> None:
        """Move what is held behind the windows that were taken to the front."""
        n = self._taken * self._grid.step_samples
        left = max(0, self._held - n)
        self._tray[:left] = self._tray[n : n + left]
        self._done, self._held = self._done + self._taken, left


def normalize(windows: Float32, kind: Normalization) -> Float32:
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
    scaled: Float32 = windows * scale
    return scaled
