"""Nearness: how like each other embeddings are, by the angles between them."""

from __future__ import annotations

import numpy as np

from ..arrays import Float32, Float64


def unit(values: Float32) -> Float64:
    """Return embeddings [n, width] at length 1; those of no length as they are."""
    exact = values.astype(np.float64)
    return exact / _lengths(exact)[:, np.newaxis]


def cosines(queries: Float64, values: Float32) -> Float64:
    """Return the cosines of queries, as `unit` returns them, with embeddings: [n_queries, n].

    They are 0 where either has no length.
    """
    exact = values.astype(np.float64)
    return (queries @ exact.T) / _lengths(exact)


def _lengths(values: Float64) -> Float64:
    lengths = np.sqrt(np.einsum("ij,ij->i", values, values))
    return np.where(lengths > 0, lengths, 1)
