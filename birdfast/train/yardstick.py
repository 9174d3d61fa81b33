"""Yardstick: the loss of a skip-gram by the same tokens and negatives each time, so that losses compare.

What an epoch meets while it learns is no measure: its windows, its negatives and what it thins out are its
own, and its first tokens are met by rows that know less than the last ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrays import Float32
from .sentences import negative_table

NEGATIVES, EXPONENT = 5, 0.75  # whatever a run learns from, so that runs compare, too
MOST_TOKENS = 4096
SHARE = 1 / 160  # of the pairs of an epoch: it costs a hundredth of its time
SEED = 0x5EED
ROUNDS = 8  # of drawing, before one does with fewer: short sentences have few contexts


@dataclass(frozen=True, eq=False)
class Yardstick:
    """Tokens that their contexts predict, and others that they should not.

    Parameters
    ----------
    contexts : int32 [n]
    rows : int32 [n, 1 + NEGATIVES]
        The token, and its negatives; -1 is one that fell on the token itself, and is nobody.
    """

    contexts: NDArray[np.int32]
    rows: NDArray[np.int32]

    @classmethod
    def of(
        cls,
        tokens: NDArray[np.int32],
        offsets: NDArray[np.int64],
        keep: NDArray[np.float32],
        counts: NDArray[np.int64],
        window: int,
    ) -> Yardstick:
        """Draw pairs as an epoch meets them, by dice of their own: nothing that is learnt changes.

        Parameters
        ----------
        tokens, offsets : int32 [n], int64 [n_sentences + 1]
        keep : float32 [vocabulary]
            How likely a token is to take part.
        counts : int64 [vocabulary]
            Of those that can.
        window : int
        """
        dice = np.random.default_rng(SEED)
        kept, ends = _thinned(tokens, offsets, keep, dice)
        longest = int(np.diff(ends).max(initial=0))
        if longest < 2:
            return cls(np.zeros(0, np.int32), np.zeros((0, 1 + NEGATIVES), np.int32))
        wanted = int(min(MOST_TOKENS, max(1, len(kept) * window * SHARE)))
        centres, contexts = _pairs(ends, wanted, window, longest, dice)
        table = negative_table(counts, EXPONENT, 1 << 16, 0.5)
        negatives = table[dice.integers(0, len(table), (len(centres), NEGATIVES))]
        own = kept[centres][:, np.newaxis]
        return cls(kept[contexts], np.hstack([own, np.where(negatives == own, np.int32(-1), negatives)]))

    def loss(self, inputs: Float32, outputs: Float32) -> float:
        """Return the mean -log likelihood of a token and its negatives beside a context, in nats.

        Rows that know nothing say (1 + NEGATIVES) log 2 = 4.16. NaN where no token has a context.

        Parameters
        ----------
        inputs, outputs : float32 [n_rows, dim]
        """
        from . import _skipgram_numba

        n = len(self.contexts)
        return _skipgram_numba.judge(self.contexts, self.rows, inputs, outputs) / n if n else float("nan")


def _thinned(
    tokens: NDArray[np.int32],
    offsets: NDArray[np.int64],
    keep: NDArray[np.float32],
    dice: np.random.Generator,
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the tokens that take part, and where their sentences begin and end."""
    there = tokens >= 0
    there[there] = dice.random(int(there.sum()), np.float32) < keep[tokens[there]]
    return tokens[there], np.append(0, np.cumsum(there, dtype=np.int64))[offsets]


def _pairs(
    ends: NDArray[np.int64], wanted: int, window: int, longest: int, dice: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the places of tokens and of a context of each, as windows of 1 .. `window` meet them.

    A distance of d is met by the windows of d and more: as often as there are.
    """
    reach = min(window, longest - 1)
    often = np.cumsum(window - np.arange(reach, dtype=np.float64))
    found: list[NDArray[np.int64]] = []
    for _ in range(ROUNDS):
        centres = dice.integers(0, ends[-1], 2 * wanted)
        distance = 1 + np.searchsorted(often, dice.random(2 * wanted) * often[-1], side="right")
        contexts = centres + np.where(dice.random(2 * wanted) < 0.5, -distance, distance)
        sentence = np.searchsorted(ends, centres, side="right")
        inside = (ends[sentence - 1] <= contexts) & (contexts < ends[sentence])
        found.append(np.stack([centres[inside], contexts[inside]]))
        if sum(some.shape[1] for some in found) >= wanted:
            break
    centres, contexts = np.concatenate(found, axis=1)[:, :wanted]
    return centres, contexts
