"""A window's embedding: how its tokens, their histogram and its bands' statistics are put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import numpy as np

from ..arrays import Float32
from ..config import above_zero, choice, flag, number, whole
from ..errors import ConfigError
from ..tokens import MAX_NEAREST
from . import embedding
from .embedding import Weighting


@dataclass(frozen=True, kw_only=True)
class Pooling:
    """From tokens to a window's embedding: the manifest's table `pooling`.

    Parameters
    ----------
    kind : "mean", "sqrt" or "tf-idf"
        See `embedding.weights`.
    n_nearest : int, 1 to 8
        Centroids among which a frame shares its vote.
    loudest : float, more than 0, at most 1
        The share of a window's patches that vote: those with the largest sums of their values.
    embedding, histogram, statistics : float >= 0
        What the tokens' pooled embeddings, their histogram, and mean, standard deviation and standard
        deviation of the difference of the spectrogram's bands weigh beside each other; 0 leaves one out.
    unit_length : bool
        Scale each of the three to length 1 first, embeddings and statistics about their mean.
    averaged : bool
        Average a window's embedding over the window and its variants (`variants`).

    Raises
    ------
    ConfigError
        A value out of its range, or nothing that weighs anything.
    """

    kind: Weighting = "mean"
    n_nearest: int = 1
    loudest: float = 1.0
    embedding: float = 1.0
    histogram: float = 0.0
    statistics: float = 0.0
    unit_length: bool = False
    averaged: bool = False

    def __post_init__(self) -> None:
        kinds = get_args(Weighting)
        choice("kind", self.kind, kinds)
        whole("n_nearest", self.n_nearest, 1, MAX_NEAREST)
        above_zero("loudest", self.loudest, 1)
        for name in ("unit_length", "averaged"):
            flag(name, getattr(self, name))
        for name in ("embedding", "histogram", "statistics"):
            number(name, getattr(self, name))
        parts = (self.embedding, self.histogram, self.statistics)
        if min(parts) < 0 or max(parts) == 0:
            raise ConfigError("embedding, histogram, statistics: 0 or more each, and one of them more than 0")


@dataclass(frozen=True, eq=False)
class Window:
    """What a window is before it is pooled: votes for all streams' tokens, and statistics [3 n_bands]."""

    counts: Float32
    statistics: Float32


class Pooler:
    """Makes embeddings of windows.

    Parameters
    ----------
    pooling : Pooling
    tables : dict of str to float32 array
        Of each stream of tokens (see `named`) "embeddings" [n_tokens, dim], for tf-idf "idf" [n_tokens],
        with unit_length "embedding_mean" [dim]; then "statistics_mean", "statistics_deviation" [3 n_bands].
    """

    def __init__(self, pooling: Pooling, tables: Mapping[str, Float32]) -> None:
        self.pooling, self._tables = pooling, tables
        names = [named("embeddings", stream) for stream in range(len(tables))]
        sizes = [len(tables[name]) for name in names if name in tables]
        self._ends = np.cumsum([0, *sizes]).tolist()

    @property
    def tables(self) -> dict[str, Float32]:
        """The tables, as they go into a model's folder."""
        return dict(self._tables)

    def weights(self, counts: Float32) -> list[Float32]:
        """Return the weights of each stream's tokens, of the counts of all: float32 [n, n_tokens] each."""
        ends = zip(self._ends, self._ends[1:], strict=False)
        return [
            embedding.weights(
                counts[:, first:last], self.pooling.kind, self._tables.get(named("idf", number))
            )
            for number, (first, last) in enumerate(ends)
        ]

    def __call__(self, counts: Float32, statistics: Float32) -> Float32:
        """Return the embeddings of windows: float32 [n, d]."""
        pooling, tables = self.pooling, self._tables
        parts = []
        for stream, weights in enumerate(self.weights(counts)):
            if pooling.histogram:
                parts.append(pooling.histogram * (_unit(weights) if pooling.unit_length else weights))
            if pooling.embedding:
                pooled = embedding.pool(weights, tables[named("embeddings", stream)])
                if pooling.unit_length:
                    pooled = _unit(pooled - tables[named("embedding_mean", stream)])
                parts.append(pooling.embedding * pooled)
        if pooling.statistics:
            if pooling.unit_length:
                centred = statistics - tables["statistics_mean"]
                statistics = _unit(centred / tables["statistics_deviation"])
            parts.append(pooling.statistics * statistics)
        return np.concatenate(parts, axis=1).astype(np.float32, copy=False)


def named(name: str, stream: int) -> str:
    """Return the name of a table of the stream with this number: the first one's are plain."""
    return f"{name}_{stream}" if stream else name


def averaged(rows: Float32, n: int) -> Float32:
    """Return the means of every n rows that stand beside each other: [m, d] of [n m, d]."""
    total: Float32 = np.add.accumulate(rows.reshape(-1, n, rows.shape[1]), axis=1)[:, -1]
    return total / np.float32(n)


def _unit(rows: Float32) -> Float32:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Float32 = np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)
    return unit
