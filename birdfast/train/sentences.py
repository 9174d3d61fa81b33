"""Sentences of tokens, and what their counts say: who takes part, and who is drawn as a negative."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError

Sentences = Sequence[NDArray[np.integer[Any]]] | tuple[NDArray[np.integer[Any]], NDArray[np.integer[Any]]]


def flat(sentences: Sentences, vocabulary_size: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return all tokens in one array, and where the sentences begin and end.

    Parameters
    ----------
    sentences : list of int [n], or (tokens, offsets)
    vocabulary_size : int

    Returns
    -------
    tokens : int32 [n]
    offsets : int64 [n_sentences + 1]

    Raises
    ------
    ConfigError
        A token is not one of -1 .. vocabulary_size - 1, or the offsets are not those of the tokens.
    """
    if isinstance(sentences, tuple):
        tokens, offsets = np.asarray(sentences[0]), np.asarray(sentences[1], np.int64)
    else:
        lengths = [len(sentence) for sentence in sentences]
        tokens = np.concatenate([np.zeros(0, np.int32), *(np.asarray(one) for one in sentences if len(one))])
        offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)
    if len(offsets) == 0 or offsets[0] != 0 or offsets[-1] != len(tokens) or (np.diff(offsets) < 0).any():
        raise ConfigError(f"offsets: they do not rise from 0 to the number of tokens, {len(tokens)}")
    if tokens.dtype.kind not in "iu":
        raise ConfigError(f"sentences: tokens are integers, not {tokens.dtype}")
    wrong = np.flatnonzero((tokens < -1) | (tokens >= vocabulary_size))
    if len(wrong):
        raise ConfigError(
            f"sentences: token {tokens[wrong[0]]} at {wrong[0]} is not one of -1 .. {vocabulary_size - 1}"
        )
    return np.ascontiguousarray(tokens, np.int32), offsets


def keep_probabilities(
    counts: NDArray[np.int64], subsample: float, min_count: int = 1
) -> NDArray[np.float32]:
    """Return how likely each token is to take part in an epoch.

    Parameters
    ----------
    counts : int64 [vocabulary]
    subsample : float
        t in sqrt(t / f) + t / f, with f a token's share of all that take part (word2vec's form of
        Mikolov et al. 2013, section 2.3); 0 keeps all.
    min_count : int

    Returns
    -------
    float32 [vocabulary], in 0..1
        0 for a token with fewer than min_count, 1 for a rare one.
    """
    taken = np.where(counts >= max(min_count, 1), counts, 0)
    if subsample == 0:
        return (taken > 0).astype(np.float32)
    ratio = subsample * taken.sum() / np.maximum(taken, 1)
    chances = np.where(taken > 0, np.minimum(np.sqrt(ratio) + ratio, 1), 0)
    return chances.astype(np.float32)


def negative_table(counts: NDArray[np.int64], exponent: float, size: int, shift: float) -> NDArray[np.int32]:
    """Return a table that holds each token in proportion to count ** exponent.

    Parameters
    ----------
    counts : int64 [vocabulary]
    exponent : float
    size : int
        Entries.
    shift : float, in 0..1
        Where between two steps the table begins: with another for each epoch, a token that deserves less
        than one entry has one in some epochs.

    Returns
    -------
    int32 [size]
    """
    weights = np.where(counts > 0, np.maximum(counts, 1).astype(np.float64) ** exponent, 0)
    share = np.cumsum(weights) / weights.sum()
    places = np.searchsorted(share, (np.arange(size) + shift) / size, side="right")
    last: int = np.flatnonzero(weights)[-1]
    return np.minimum(places, last).astype(np.int32)
