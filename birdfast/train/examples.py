"""Examples: windows with their labels, to learn from or to test on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..arrays import Float32
from ..stsg.pooling import Window

SLICE_WINDOWS = 1024  # whose counts are dense at a time: 64 MB at 16,383 tokens


@dataclass(frozen=True, eq=False)
class Votes:
    """What a window is, in the room of the tokens that it has: tokens, votes [n]; statistics [3 n_bands]."""

    tokens: NDArray[np.int32]
    votes: Float32
    statistics: Float32

    @classmethod
    def of(cls, window: Window) -> Self:
        """Leave out the tokens that a window does not have."""
        tokens = np.flatnonzero(window.counts).astype(np.int32)
        return cls(tokens, window.counts[tokens], window.statistics)


class Examples:
    """Windows, kept as their votes: counts of all tokens would take a hundred times the room.

    Parameters
    ----------
    windows : sequence of Votes
    n_tokens : int
        Length of all streams' codebooks.
    targets : bool [n, n_classes]
        Which classes a window has.
    clip : int64 [n]
        The number of the clip that it is of.
    n_variants : int
        How many stand beside each other for one window of sound: itself first, then its variants.
    """

    def __init__(
        self,
        windows: Sequence[Votes],
        n_tokens: int,
        targets: NDArray[np.bool_],
        clip: NDArray[np.int64],
        n_variants: int = 1,
    ) -> None:
        self.targets, self.clip, self.n_variants, self._n_tokens = targets, clip, n_variants, n_tokens
        self._tokens = np.concatenate([window.tokens for window in windows])
        self._votes = np.concatenate([window.votes for window in windows])
        self._ends = np.cumsum([0, *(len(window.tokens) for window in windows)])
        self.statistics: Float32 = np.stack([window.statistics for window in windows])

    def __len__(self) -> int:
        return len(self.clip)

    def having(self) -> NDArray[np.int64]:
        """Return how many windows have each token: int64 [n_tokens]."""
        return np.bincount(self._tokens, minlength=self._n_tokens)

    def counts(self, first: int, last: int) -> Float32:
        """Return the counts of the windows first..last: float32 [last - first, n_tokens]."""
        begin, end = self._ends[first], self._ends[last]
        counts = np.zeros((last - first, self._n_tokens), np.float32)
        window = np.repeat(np.arange(last - first), np.diff(self._ends[first : last + 1]))
        counts[window, self._tokens[begin:end]] = self._votes[begin:end]
        return counts

    def each(self, work: Callable[[Float32, Float32], Float32]) -> Float32:
        """Return what the work makes of the windows, some at a time.

        Parameters
        ----------
        work : callable
            Makes float32 [m, d] of counts [n, n_tokens] and statistics [n, 3 n_bands]; variants of a window
            come together, and m is n, or as many as there are windows of sound.

        Returns
        -------
        float32 [of all, d]
        """
        made: Float32 | None = None
        step = max(1, SLICE_WINDOWS // self.n_variants) * self.n_variants
        for first in range(0, len(self), step):
            last = min(first + step, len(self))
            part = work(self.counts(first, last), self.statistics[first:last])
            each = (last - first) // len(part)
            made = np.empty((len(self) // each, part.shape[1]), np.float32) if made is None else made
            made[first // each : last // each] = part
        assert made is not None  # there is a window at least
        return made
