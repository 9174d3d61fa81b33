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
from ..arrays import Float32
from ..errors import ConfigError
from ..tokens import Codebook
from .compiled import Spoken, Stream, named
from .pooling import Pooling, Window
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

    def compiled(self, says: Spoken) -> Stream:
        """Return it as the compiled core takes it."""
        how = self.tokenizer.front_end
        return Stream(
            n_tokens=len(self.codebook),
            patch_frames=how.patch_frames,
            patch_step=how.patch_step,
            less=how.less,
            unit_length=how.unit_length,
            projection=self.tokenizer.projection,
            shift=self.tokenizer.shift,
            search=self.codebook.kernel,
            says=says,
        )


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


class Describer:
    """Says what windows' bands have to say, as `sessions.stsg` hears it: by the same compiled code.

    Parameters
    ----------
    streams : sequence of TokenStream
    pooling : Pooling

    Raises
    ------
    ConfigError
        Front ends and codebooks do not fit.
    """

    def __init__(self, streams: Sequence[TokenStream], pooling: Pooling, cpu: str | None = None) -> None:
        n_bands = streams[0].tokenizer.front_end.n_bands
        made = [stream.compiled(Spoken()) for stream in streams]
        self._model = _kernels.Stsg(pooling=pooling, n_bands=n_bands, streams=made, cpu=cpu)

    def __call__(self, bands: Float32) -> Window:
        """Return what a window's bands [n_frames, n_bands] have to say.

        The votes of all streams stand one behind the other: a token of the second one has the number of the
        first one's tokens added to its own.
        """
        votes = np.empty(self._model.n_tokens, np.float32)
        statistics = np.empty(3 * self._model.n_bands, np.float32)
        self._model.describe(np.ascontiguousarray(bands), votes, statistics)
        return Window(votes, statistics)
