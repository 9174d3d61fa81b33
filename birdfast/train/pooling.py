"""Pooling: the tables that make embeddings of windows, from the windows to learn from."""

from __future__ import annotations

import numpy as np

from ..arrays import Float32
from ..stsg import embedding
from ..stsg.pooling import Pooler, Pooling
from .examples import Examples

FLAT = np.float32(1e-6)  # no deviation is less: silence is no division by 0


def fit(pooling: Pooling, embeddings: Float32, examples: Examples) -> Pooler:
    """Return the pooler of tokens' embeddings [n_tokens, dim] whose tables are those of windows."""
    tables = {"embeddings": embeddings}
    if pooling.kind == "tf-idf":
        tables["idf"] = embedding.inverse_frequency(examples.having(), len(examples))
    if pooling.unit_length:

        def pooled(counts: Float32, _: Float32) -> Float32:
            return embedding.pool(embedding.weights(counts, pooling.kind, tables.get("idf")), embeddings)

        tables["embedding_mean"] = examples.each(pooled).mean(axis=0)
        tables["statistics_mean"] = examples.statistics.mean(axis=0)
        tables["statistics_deviation"] = np.maximum(examples.statistics.std(axis=0), FLAT)
    return Pooler(pooling, tables)
