"""A model's parts as the compiled core takes them: csrc/birdfast.h, models and streams, says what each is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from .. import _kernels
from ..arrays import Float32


@dataclass(frozen=True, eq=False, kw_only=True)
class Sound:
    """From sound to bands."""

    rate_hz: int
    window_samples: int
    plan: _kernels.ShortTimePlan


@dataclass(frozen=True, eq=False)
class Spoken:
    """What tokens say: embeddings [n_tokens, dim], for tf-idf idf [n_tokens], embedding_mean [dim]."""

    embeddings: Float32 | None = None
    idf: Float32 | None = None
    embedding_mean: Float32 | None = None

    @classmethod
    def of(cls, tables: Mapping[str, Float32], stream: int) -> Self:
        """Return what the tokens of the stream with this number say."""
        names = ("embeddings", "idf", "embedding_mean")
        return cls(*(tables.get(named(name, stream)) for name in names))


@dataclass(frozen=True, eq=False, kw_only=True)
class Stream:
    """A stream of tokens; without `search` it hears nothing."""

    n_tokens: int
    patch_frames: int = 1
    patch_step: int = 1
    less: str = "none"
    unit_length: bool = False
    projection: Float32 | None = None
    shift: Float32 | None = None
    search: _kernels.CentroidSearch | None = None
    says: Spoken = Spoken()


def named(name: str, stream: int) -> str:
    """Return the name of a table of the stream with this number: the first one's are plain."""
    return f"{name}_{stream}" if stream else name


def shift(mean: Float32, projection: Float32) -> Float32:
    """Return what a whitening takes from a patch's projection: its mean's, summed up from the first value."""
    products = projection.astype(np.float64) * mean.astype(np.float64)
    found: Float32 = np.add.accumulate(products, axis=1)[:, -1].astype(np.float32)
    return found
