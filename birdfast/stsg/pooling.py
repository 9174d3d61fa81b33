"""A window's embedding: how its tokens, their histogram and its bands' statistics are put together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import numpy as np

from .. import _kernels
from ..arrays import Float32
from ..config import choice, flag, number, whole
from ..errors import ConfigError
from ..tokens import MAX_NEAREST, Codebook
from . import embedding
from .embedding import Weighting
from .tokenizer import Tokenizer


@dataclass(frozen=True, kw_only=True)
class Pooling:
    """From tokens to a window's embedding: the manifest's table `pooling`.

    Parameters
    ----------
    kind : "mean", "sqrt" or "tf-idf"
        See `embedding.weights`.
    n_nearest : int, 1 to 8
        Centroids among which a frame shares its vote.
    embedding, histogram, statistics : float >= 0
        What the tokens' pooled embeddings, their histogram, and mean, standard deviation and standard
        deviation of the difference of the spectrogram's bands weigh beside each other; 0 leaves one out.
    unit_length : bool
        Scale each of the three to length 1 first, embeddings and statistics about their mean.

    Raises
    ------
    ConfigError
        A value out of its range, or nothing that weighs anything.
    """

    kind: Weighting = "mean"
    n_nearest: int = 1
    embedding: float = 1.0
    histogram: float = 0.0
    statistics: float = 0.0
    unit_length: bool = False

    def __post_init__(self) -> None:
        kinds = get_args(Weighting)
        choice("kind", self.kind, kinds)
        whole("n_nearest", self.n_nearest, 1, MAX_NEAREST)
        flag("unit_length", self.unit_length)
        for name in ("embedding", "histogram", "statistics"):
            number(name, getattr(self, name))
        parts = (self.embedding, self.histogram, self.statistics)
        if min(parts) < 0 or max(parts) == 0:
            raise ConfigError("embedding, histogram, statistics: 0 or more each, and one of them more than 0")


@dataclass(frozen=True, eq=False)
class Window:
    """What a window is before it is pooled: votes [n_tokens] and statistics [3 n_bands]."""

    counts: Float32
    statistics: Float32


class Pooler:
    """Makes embeddings of windows.

    Parameters
    ----------
    pooling : Pooling
    tables : dict of str to float32 array
        "embeddings" [n_tokens, dim]; "idf" [n_tokens] for tf-idf; with unit_length "embedding_mean"
        [dim], "statistics_mean" and "statistics_deviation" [3 n_bands].
    """

    def __init__(self, pooling: Pooling, tables: Mapping[str, Float32]) -> None:
        self.pooling, self._tables = pooling, tables

    @property
    def tables(self) -> dict[str, Float32]:
        """The tables, as they go into a model's folder."""
        return dict(self._tables)

    def __call__(self, counts: Float32, statistics: Float32) -> Float32:
        """Return the embeddings of windows: float32 [n, d]."""
        pooling, tables = self.pooling, self._tables
        weights = embedding.weights(counts, pooling.kind, tables.get("idf"))
        parts = []
        if pooling.histogram:
            parts.append(pooling.histogram * (_unit(weights) if pooling.unit_length else weights))
        if pooling.embedding:
            pooled = embedding.pool(weights, tables["embeddings"])
            if pooling.unit_length:
                pooled = _unit(pooled - tables["embedding_mean"])
            parts.append(pooling.embedding * pooled)
        if pooling.statistics:
            if pooling.unit_length:
                centred = statistics - tables["statistics_mean"]
                statistics = _unit(centred / tables["statistics_deviation"])
            parts.append(pooling.statistics * statistics)
        return np.concatenate(parts, axis=1).astype(np.float32, copy=False)


def describe(sound: Float32, tokenizer: Tokenizer, codebook: Codebook, n_nearest: int) -> Window:
    """Return what a window's sound [n] has to say: its tokens' votes and its bands' statistics."""
    return of_bands(tokenizer.bands(sound), tokenizer, codebook, n_nearest)


def of_bands(bands: Float32, tokenizer: Tokenizer, codebook: Codebook, n_nearest: int) -> Window:
    """Return the same of a window's bands [n_frames, n_bands]."""
    frames = tokenizer.frames(tokenizer.patches(bands))
    tokens, distances = codebook.nearest(frames, n_nearest)
    counts = embedding.counts(tokens[np.newaxis], len(codebook), distances[np.newaxis])[0]
    return Window(counts, statistics(bands))


def statistics(bands: Float32) -> Float32:
    """Return mean, standard deviation, and standard deviation of the difference of bands [n, n_bands]."""
    found = np.zeros((3, bands.shape[1]), np.float32)
    if len(bands):
        _kernels.statistics(bands, found)
    return found.reshape(-1)


def _unit(rows: Float32) -> Float32:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Float32 = np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)
    return unit
