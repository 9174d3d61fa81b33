"""Window embeddings: what the tokens of a window say together, by how often each of them occurs.

A frame gives one vote to its nearest centroid, or shares it among its n nearest ones, in proportion to
1 / distance. A window's votes for all tokens are its counts, and counts weigh the tokens' embeddings.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..arrays import Float32, Float64, Int32, Int64
from ..errors import ConfigError

Weighting = Literal["mean", "sqrt", "tf-idf"]

CLOSEST = 1e-6  # no frame is nearer: it would take the whole vote, and 1 / 0 is none


def counts(tokens: Int32, n_tokens: int, distances: Float32 | None = None) -> Float32:
    """Count the tokens of windows.

    Parameters
    ----------
    tokens : int32 [n_windows, n_frames] or [n_windows, n_frames, n_nearest]
        From `Codebook.assign` or `Codebook.nearest`; -1 counts for nothing.
    n_tokens : int
        Length of the codebook.
    distances : float32, as tokens, optional
        Squared distances: a frame's vote is then shared in proportion to 1 / distance. Without them
        each token of a frame gets a whole vote.

    Returns
    -------
    float32 [n_windows, n_tokens]
    """
    n_windows = len(tokens)
    votes: Float64
    if distances is None:
        votes = np.ones(tokens.shape)
    else:
        votes = 1 / np.maximum(np.sqrt(distances.astype(np.float64)), CLOSEST)  # a missing one: 1 / inf = 0
        total = votes.sum(axis=-1, keepdims=True)
        votes = np.divide(votes, total, out=np.zeros_like(votes), where=total > 0)
    place = tokens.reshape(n_windows, -1) + np.arange(n_windows)[:, np.newaxis] * n_tokens
    known = tokens.reshape(n_windows, -1) >= 0
    votes = votes.reshape(n_windows, -1)
    found = np.bincount(place[known], votes[known], n_windows * n_tokens)
    return found.reshape(n_windows, n_tokens).astype(np.float32)


def weights(window_counts: Float32, pooling: Weighting, idf: Float32 | None = None) -> Float32:
    """Return how much each token weighs in a window's embedding.

    Parameters
    ----------
    window_counts : float32 [n_windows, n_tokens]
    pooling : "mean", "sqrt" or "tf-idf"
        "mean": a token's share of the window; "sqrt": the square root of that share, so that tokens
        that come in bursts weigh less (its rows have length 1); "tf-idf": the share times `idf`.
    idf : float32 [n_tokens]
        For "tf-idf" (`inverse_frequency`).

    Returns
    -------
    float32 [n_windows, n_tokens]
        Zeros for a window without tokens.

    Raises
    ------
    ConfigError
        "tf-idf" without `idf`.
    """
    total = window_counts.sum(axis=1, keepdims=True)
    share: Float32 = np.divide(window_counts, total, out=np.zeros_like(window_counts), where=total > 0)
    if pooling == "sqrt":
        share = np.sqrt(share)
    elif pooling == "tf-idf":
        if idf is None:
            raise ConfigError("idf: tf-idf pooling needs it")
        share = share * idf
    return share


def inverse_frequency(having: Int64, n_windows: int) -> Float32:
    """Return log((1 + n) / (1 + df)) + 1 for each token, df of n windows having it (smooth idf).

    Parameters
    ----------
    having : int64 [n_tokens]
        How many windows have each token.
    n_windows : int

    Returns
    -------
    float32 [n_tokens]
    """
    inverse: Float32 = (np.log((1 + n_windows) / (1 + having)) + 1).astype(np.float32)
    return inverse


def pool(token_weights: Float32, embeddings: Float32) -> Float32:
    """Return window embeddings: the sum of the tokens' embeddings by their weights.

    Parameters
    ----------
    token_weights : float32 [n_windows, n_tokens]
    embeddings : float32 [n_tokens, dim]

    Returns
    -------
    float32 [n_windows, dim]
    """
    pooled: Float32 = token_weights @ embeddings
    return pooled
