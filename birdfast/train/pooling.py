"""Pooling: the tables that make embeddings of windows, from the windows to learn from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arrays import Float32
from ..stsg import embedding
from ..stsg.compiled import named
from ..stsg.pooling import Pooler, Pooling
from .examples import Examples

FLAT = np.float32(1e-6)  # no deviation is less: silence is no division by 0


def fit(pooling: Pooling, embeddings: Sequence[Float32], examples: Examples) -> Pooler:
    """Return the pooler of each stream's embeddings [n_tokens, dim] whose tables are those of windows."""
    tables = {named("embeddings", number): table for number, table in enumerate(embeddings)}
    ends = np.cumsum([0, *map(len, embeddings)])
    if pooling.kind == "tf-idf":
        idf = embedding.inverse_frequency(examples.having(), len(examples))
        tables |= {named("idf", i): idf[ends[i] : ends[i + 1]] for i in range(len(embeddings))}
    if pooling.unit_length:
        for number in range(len(embeddings)):
            alone = {name: tables[named(name, number)] for name in ("embeddings", "idf")
                     if named(name, number) in tables}  # fmt: skip
            pooler = Pooler(Pooling(kind=pooling.kind), alone)

            def pooled(
                counts: Float32, statistics: Float32, number: int = number, pooler: Pooler = pooler
            ) -> Float32:
                return pooler(counts[:, ends[number] : ends[number + 1]], statistics)

            tables[named("embedding_mean", number)] = examples.each(pooled).mean(axis=0)
        tables["statistics_mean"] = examples.statistics.mean(axis=0)
        tables["statistics_deviation"] = np.maximum(examples.statistics.std(axis=0), FLAT)
    return Pooler(pooling, tables)
