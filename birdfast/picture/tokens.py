"""A model's tokens as a picture: what they sound like, which classes they speak for, who is near whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import canvas
from ..arrays import Float32, Int64
from .names import plain
from .plane import By, flat

MOST_CLASSES, MOST_TOKENS = 24, 16  # rows, and tokens in each
NO_CLASS = -1


@dataclass(frozen=True, eq=False)
class TokenMap:
    """Tokens, and what is known of them.

    Parameters
    ----------
    patches : float32 [n, n_frames, n_bands]
        Pieces of spectrogram; see `patches`.
    embeddings : float32 [n, dim]
        Zeros for those that took no part.
    speaks_for : int64 [n]
        The class that a token speaks for most, -1 for none.
    strength : float32 [n]
        How clearly it does.
    classes : sequence of str
    bands : str
        What the bands are.
    """

    patches: Float32
    embeddings: Float32
    speaks_for: Int64
    strength: Float32
    classes: Sequence[str]
    bands: str = "mel bands"


def patches(
    centroids: Float32, mean: Float32 | None, projection: Float32 | None, n_frames: int, n_bands: int
) -> Float32:
    """Return the pieces of spectrogram that centroids stand for, as far as a whitening lets see them.

    Parameters
    ----------
    centroids : float32 [n, n_values]
    mean : float32 [n_frames * n_bands] or None
    projection : float32 [n_values, n_frames * n_bands] or None
        The whitening; what it leaves out is as it is on average.
    n_frames, n_bands : int
        Of a piece.

    Returns
    -------
    float32 [n, n_frames, n_bands]
    """
    if projection is None or mean is None:
        return centroids.reshape(len(centroids), n_frames, n_bands)
    back = np.linalg.pinv(projection.astype(np.float64)).T
    found: Float32 = (mean + centroids @ back).astype(np.float32)
    return found.reshape(len(centroids), n_frames, n_bands)


def draw_tokens(maps: Sequence[TokenMap], to: Path, by: By = "pca") -> None:
    """Write a PNG: the tokens that speak most clearly for each class, and beside them all on a plane.

    Parameters
    ----------
    maps : sequence of TokenMap
        A model's streams of tokens, one below the other.
    to : path
    by : "pca" or "tsne"
        How embeddings come onto the plane; see `plane.flat`.

    Raises
    ------
    ConfigError
        matplotlib is missing, scikit-learn is for t-SNE, or `to` is a file that is no picture.
    """
    canvas.check(to)
    rows = [_rows(tokens) for tokens in maps]
    heights = [max(4.0, 1 + 0.75 * len(some)) for some in rows]
    figure = canvas.figure(15, sum(heights))
    panels = figure.subplots(len(maps), 2, width_ratios=(3, 2), height_ratios=heights, squeeze=False)
    for (left, right), tokens, some in zip(panels, maps, rows, strict=True):
        colours = {label: canvas.colour(place, len(some)) for place, label in enumerate(some)}
        _draw_pieces(left, tokens, some, colours)
        _draw_plane(right, tokens, colours, by)
    canvas.write(figure, to)


def _rows(tokens: TokenMap) -> dict[int, Int64]:
    """Return the tokens to show of each class to show, the clearest first."""
    labels, counts = np.unique(tokens.speaks_for, return_counts=True)
    most = labels[np.argsort(-counts, kind="stable")[:MOST_CLASSES]]
    found = {}
    for label in sorted(most.tolist()):
        own = np.flatnonzero(tokens.speaks_for == label)
        found[label] = own[np.argsort(-tokens.strength[own], kind="stable")[:MOST_TOKENS]]
    return found


def _draw_pieces(axes: Any, tokens: TokenMap, rows: dict[int, Int64], colours: dict[int, Any]) -> None:
    _, n_frames, n_bands = tokens.patches.shape
    gap_frames, gap_bands = max(1, n_frames // 6), max(1, n_bands // 12)
    width, height = n_frames + gap_frames, n_bands + gap_bands
    wall = np.full((len(rows) * height, MOST_TOKENS * width), np.nan, np.float32)
    for row, own in enumerate(rows.values()):
        for column, piece in enumerate(tokens.patches[own]):
            low, high = float(piece.min()), float(piece.max())
            place = (
                slice(row * height, row * height + n_bands),
                slice(column * width, column * width + n_frames),
            )
            wall[place] = ((piece - low) / max(high - low, 1e-12)).T[::-1]  # low bands below
    axes.imshow(wall, aspect="auto", cmap="magma", interpolation="nearest")
    axes.set_xticks([])
    counts = {label: int((tokens.speaks_for == label).sum()) for label in rows}
    names = [f"{_name(tokens, label)} ({count:,})" for label, count in counts.items()]
    axes.set_yticks([row * height + n_bands / 2 for row in range(len(rows))], names, parse_math=False)
    for text, label in zip(axes.get_yticklabels(), rows, strict=True):
        text.set_color(colours[label])
    of = len(np.unique(tokens.speaks_for))
    some = f", {len(rows)} of {of:,} classes" if of > len(rows) else ""
    axes.set_title(f"{len(tokens.patches):,} tokens by the class that they speak for{some}")
    axes.set_xlabel(f"the clearest of each; {n_frames} frames of {n_bands} {tokens.bands}, each in its range")


def _draw_plane(axes: Any, tokens: TokenMap, colours: dict[int, Any], by: By) -> None:
    met = tokens.embeddings.any(axis=1)
    points, labels = flat(tokens.embeddings[met], by), tokens.speaks_for[met]
    size = float(np.clip(8000 / max(1, len(points)), 2, 30))
    others = ~np.isin(labels, list(colours))
    axes.scatter(*points[others].T, s=size, color="lightgrey", linewidths=0)
    for label, colour in colours.items():
        axes.scatter(*points[labels == label].T, s=size, color=[colour], linewidths=0, alpha=0.8)
    axes.set(xticks=[], yticks=[])
    axes.set_title(f"their embeddings ({'t-SNE' if by == 'tsne' else 'PCA'}), in the classes' colours")


def _name(tokens: TokenMap, label: int) -> str:
    return plain(tokens.classes[label]) if label != NO_CLASS else "no class"
