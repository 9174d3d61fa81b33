"""A window's embedding: how its tokens, their histogram and its bands' statistics are put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import numpy as np

from .. import _kernels
from ..arrays import Float32
from ..config import above_zero, choice, flag, number, whole
from ..errors import ConfigError
from ..tokens import MAX_NEAREST
from .compiled import Spoken, Stream
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
    """Makes embeddings of windows, as `sessions.stsg` does: by the same compiled code.

    Parameters
    ----------
    pooling : Pooling
    tables : dict of str to float32 array
        Of each stream of tokens (see `compiled.named`) "embeddings" [n_tokens, dim], for tf-idf "idf"
        [n_tokens], with unit_length "embedding_mean" [dim]; then "statistics_mean", "statistics_deviation"
        [3 n_bands].

    Raises
    ------
    ConfigError
        When it is asked: the tables do not fit one another, or the pooling.
    """

    def __init__(self, pooling: Pooling, tables: Mapping[str, Float32]) -> None:
        self.pooling, self._tables = pooling, tables
        self._models: dict[int, _kernels.Stsg] = {}

    @property
    def tables(self) -> dict[str, Float32]:
        """The tables, as they go into a model's folder."""
        return dict(self._tables)

    def __call__(self, counts: Float32, statistics: Float32) -> Float32:
        """Return the embeddings float32 [n, d] of votes [n, n_tokens] and statistics [n, 3 n_bands]."""
        n_bands = statistics.shape[1] // 3
        if n_bands not in self._models:
            self._models[n_bands] = self._model(n_bands)
        model = self._models[n_bands]
        made = np.empty((len(counts), model.n_embedding), np.float32)
        model.pool(np.ascontiguousarray(counts), np.ascontiguousarray(statistics), made)
        return made

    def _model(self, n_bands: int) -> _kernels.Stsg:
        tables = self._tables
        said = (Spoken.of(tables, number) for number in range(len(tables)))
        streams = [
            Stream(n_tokens=len(says.embeddings), says=says) for says in said if says.embeddings is not None
        ]
        return _kernels.Stsg(
            pooling=self.pooling,
            n_bands=n_bands,
            streams=streams,
            statistics_mean=tables.get("statistics_mean"),
            statistics_deviation=tables.get("statistics_deviation"),
        )


def averaged(rows: Float32, n: int) -> Float32:
    """Return the means of every n rows that stand beside each other: [m, d] of [n m, d]."""
    total: Float32 = np.add.accumulate(rows.reshape(-1, n, rows.shape[1]), axis=1)[:, -1]
    return total / np.float32(n)
