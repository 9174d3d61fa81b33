"""Streams of tokens: what a window says in patches of several lengths, or less its background, side by side.

All streams of a model are of one spectrogram. The first one's tables have the plain names, those of others a
number behind: "centroids", "centroids_1".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import _kernels, config
from ..arrays import Float32, Int64
from ..errors import ConfigError
from ..tokens import Codebook
from . import embedding
from .pooling import Pooling, Window, named
from .tokenizer import TokenFrontEnd, Tokenizer

OF_STREAM = ("patch_frames", "patch_step", "less")  # where streams may differ


@dataclass(frozen=True, eq=False)
class TokenStream:
    """A tokenizer and its codebook."""

    tokenizer: Tokenizer
    codebook: Codebook

    @property
    def less(self) -> str:
        """What is taken away from a window's bands."""
        return self.tokenizer.front_end.less

    def counts(self, raised: Float32, pooling: Pooling) -> Float32:
        """Return the votes of a window's raised bands [n_frames, n_bands] for tokens: float32 [n_tokens]."""
        patches = self.tokenizer.patches(raised)
        if pooling.loudest < 1:
            front_end = self.tokenizer.front_end
            kept = loudest(raised, front_end.patch_frames, front_end.patch_step, pooling.loudest)
            patches = patches[kept]
        tokens, distances = self.codebook.nearest(self.tokenizer.frames(patches), pooling.n_nearest)
        counts: Float32 = embedding.counts(tokens[np.newaxis], len(self.codebook), distances[np.newaxis])[0]
        return counts


def front_ends(table: Mapping[str, Any], streams: Sequence[Mapping[str, Any]]) -> tuple[TokenFrontEnd, ...]:
    """Return the front end of each stream.

    Parameters
    ----------
    table : dict
        The manifest's table `frontend`: that of a model of one stream.
    streams : sequence of dict
        What each stream has in its place; none at all is one stream.

    Raises
    ------
    ConfigError
        A key or a value does not fit; the message names it.
    """
    for number, stream in enumerate(streams):
        for key in stream:
            if key not in OF_STREAM:
                raise ConfigError(f"streams[{number}].{key}: unknown; there are {', '.join(OF_STREAM)}")
    if not streams:
        return (config.made(TokenFrontEnd, "frontend", table),)
    both = (dict(table) | dict(stream) for stream in streams)
    return tuple(config.made(TokenFrontEnd, f"streams[{number}]", made) for number, made in enumerate(both))


def streams(front_ends: Sequence[TokenFrontEnd], arrays: Mapping[str, Float32]) -> tuple[TokenStream, ...]:
    """Return the streams of a model's front ends and arrays."""
    return tuple(
        TokenStream(tokenizer(front_ends, arrays, number), Codebook(arrays[named("centroids", number)]))
        for number in range(len(front_ends))
    )


def tokenizer(front_ends: Sequence[TokenFrontEnd], arrays: Mapping[str, Float32], number: int) -> Tokenizer:
    """Return the tokenizer of the stream with a number, with its whitening if the arrays have it."""
    mean, projection = (arrays.get(named(name, number)) for name in ("mean", "projection"))
    return Tokenizer(front_ends[number], mean, projection)


def describe(bands: Float32, streams: Sequence[TokenStream], pooling: Pooling) -> Window:
    """Return what a window's bands [n_frames, n_bands] have to say.

    The votes of all streams stand one behind the other: a token of the second one has the number of the
    first one's tokens added to its own.
    """
    raise_by = {stream.less: stream.tokenizer.raised for stream in streams}
    raised = {less: work(bands) for less, work in raise_by.items()}  # once for all that take the same away
    counts = [stream.counts(raised[stream.less], pooling) for stream in streams]
    return Window(np.concatenate(counts), statistics(bands))


def statistics(bands: Float32) -> Float32:
    """Return mean, standard deviation, and standard deviation of the difference of bands [n, n_bands]."""
    found = np.zeros((3, bands.shape[1]), np.float32)
    if len(bands):
        _kernels.statistics(bands, found)
    return found.reshape(-1)


def loudest(bands: Float32, patch_frames: int, patch_step: int, share: float) -> Int64:
    """Return which patches of bands [n_frames, n_bands] have the largest sums, in their order.

    They are a share of all, and one at least, if there is any; of patches that are alike the first is taken.
    All sums go in order, so that they are the same on every CPU.
    """
    if len(bands) < patch_frames:
        return np.zeros(0, np.int64)
    of_frames = np.add.accumulate(bands, axis=1)[:, -1]
    rows = np.lib.stride_tricks.sliding_window_view(of_frames, patch_frames)[::patch_step]
    energy = np.add.accumulate(rows, axis=1)[:, -1]
    n_kept = max(1, round(share * len(energy)))
    kept: Int64 = np.sort(np.argsort(-energy, kind="stable")[:n_kept])
    return kept
