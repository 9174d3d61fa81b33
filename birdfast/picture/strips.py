"""Strips below a spectrogram: the scores of classes window by window, and a model's tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..arrays import Float32, Float64, Int32
from ..outcomes import MIX
from .names import plain

COLUMNS = 3200
SCORES_IN, TOKENS_IN = 0.18, 0.3  # inches of a class, and of all tokens
FONT = 8


class Scores(NamedTuple):
    """Confidences of some classes in windows of a recording.

    Attributes
    ----------
    names : sequence of str
        Of the classes, k.
    start_s, end_s : float64 [n]
    channel : int32 [n]
    values : float32 [n, k], 0 to 1
        NaN where nothing is kept.
    """

    names: Sequence[str]
    start_s: Float64
    end_s: Float64
    channel: Int32
    values: Float32


class Tokens(NamedTuple):
    """Tokens of a recording from a second on, by channel.

    Attributes
    ----------
    name : str
        Of the model.
    start_s, token_s : float
    tokens : dict of int to int32 [n]
    shades : float [n_tokens], 0 to 1
        Of each kind of token: alike where they are met in like places.
    """

    name: str
    start_s: float
    token_s: float
    tokens: dict[int, Int32]
    shades: Float64


def draw_scores(axes: Any, scores: Scores, channel: int, start_s: float, end_s: float) -> Any:
    """Draw a row a class, each moment the highest of its windows, and return what has the colours."""
    span_s = (end_s - start_s) / COLUMNS
    image = np.full((len(scores.names), COLUMNS), np.nan, np.float32)
    for row in np.flatnonzero((scores.channel == channel) | (scores.channel == MIX) | (channel == MIX)):
        first, last = ((scores.start_s[row] - start_s) / span_s, (scores.end_s[row] - start_s) / span_s)
        columns = slice(max(0, round(first)), max(0, round(last)))
        image[:, columns] = np.fmax(image[:, columns], scores.values[row][:, np.newaxis])
    extent = (start_s, end_s, len(scores.names) - 0.5, -0.5)
    drawn = axes.imshow(
        image, aspect="auto", extent=extent, cmap="viridis", vmin=0, vmax=1, interpolation="nearest"
    )
    axes.set_yticks(range(len(scores.names)), map(plain, scores.names), fontsize=FONT, parse_math=False)
    axes.set_facecolor("0.9")
    axes.tick_params(left=False)
    return drawn


def draw_tokens(axes: Any, tokens: Tokens, channel: int, start_s: float, end_s: float) -> None:
    """Draw tokens, one beside the other, in their shades."""
    own = tokens.tokens[channel]
    image = tokens.shades[own][np.newaxis]
    extent = (tokens.start_s, tokens.start_s + len(own) * tokens.token_s, 0, 1)
    axes.imshow(image, aspect="auto", extent=extent, cmap="turbo", vmin=0, vmax=1, interpolation="nearest")
    axes.set_yticks([0.5], [plain(f"tokens of {tokens.name}")], fontsize=FONT, parse_math=False)
    axes.set(xlim=(start_s, end_s), ylim=(0, 1))
    axes.tick_params(left=False)
