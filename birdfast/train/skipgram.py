"""Embeddings of tokens from the company they keep: skip-gram with negative sampling (word2vec).

Mikolov et al. 2013, with word2vec's own choices where the paper leaves them open: windows that shrink at
random, a keep probability of sqrt(t / f) + t / f, and a learning rate that falls in a straight line.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import bars
from ..arrays import Float32
from ..config.checks import whole
from .epochs import Epoch, Epochs
from .sentences import Sentences, flat
from .skipgramoptions import SkipgramOptions

__all__ = ["Epoch", "SkipgramOptions", "train"]


def train(
    sentences: Sentences,
    vocabulary_size: int,
    *,
    n_workers: int = 1,
    progress: Callable[[Epoch], object] | None = None,
    checkpoint: Path | None = None,
    checkpoint_every_s: float = 60.0,
    **options: Any,
) -> Float32:
    """Learn an embedding for every token.

    Parameters
    ----------
    sentences : list of int [n], or (tokens, offsets)
        Token sequences of any length, one a recording; or all in one, where sentence i is
        tokens[offsets[i]:offsets[i + 1]]. Tokens are 0 .. vocabulary_size - 1; a -1 (a frame without a
        token) is skipped, and its neighbours become neighbours.
    vocabulary_size : int
    n_workers : int
        Threads. More than one write the same rows without locks (Recht et al. 2011, Hogwild), so two
        runs differ a little.
    progress : callable, optional
        Gets an `Epoch` after each.
    checkpoint : path, optional
        Where to keep what is learnt. If the file is there, training goes on from it: with one worker, to
        the bits of a run that was never interrupted. It stays when training ends.
    checkpoint_every_s : float
        Least seconds between two writes; the last epoch is always written.
    **options
        The fields of `SkipgramOptions`: dim, window, negatives, epochs, seed, ...

    Returns
    -------
    float32 [vocabulary_size, dim]
        Rows of tokens that took no part (never seen, or less than min_count times) are zeros, so that
        they do not turn a mean.

    Raises
    ------
    ConfigError
        An option or a token is out of its range, the steps are so long that vectors do not stay finite, the
        checkpoint is of another run, or numba is missing.
    ModelError
        The checkpoint is damaged.
    """
    chosen = SkipgramOptions(**options)
    n_workers = whole("n_workers", n_workers, 1)
    vocabulary_size = whole("vocabulary_size", vocabulary_size, 1)
    training = Epochs(*flat(sentences, vocabulary_size), vocabulary_size, chosen, n_workers)
    done = 0 if checkpoint is None or not checkpoint.exists() else training.resume(checkpoint)
    written = time.monotonic()
    for number in range(done, chosen.epochs):
        epoch = training.learn(number)
        is_due = time.monotonic() - written >= checkpoint_every_s or number + 1 == chosen.epochs
        if checkpoint is not None and is_due:
            training.save(checkpoint, number + 1)
            written = time.monotonic()
        if progress is not None:
            progress(epoch)
        bars.step(number + 1, chosen.epochs, "epochs")
    return training.embeddings()
