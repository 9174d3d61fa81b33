"""k-means: a codebook's centroids from frames, by the same kernel that later finds their tokens."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import bars
from ..arrays import Float32, Float64, Int32
from ..config.checks import check, whole
from ..errors import ConfigError
from ..tokens import Codebook
from .threads import Threads

# Frames at a time: the same slices for any number of workers, so that the sums are the same, too.
SLICE_FRAMES = 8192
# Up to this number centroids are drawn one at a time, more of them in rounds: 8 to 64 rounds end
# at the same inertia.
SINGLE_DRAWS = 64
ROUNDS = 16


def fit(
    frames: Float32, n_centroids: int, *, n_iterations: int = 25, seed: int = 0, n_workers: int = 1
) -> Codebook:
    """Return a codebook whose centroids have the frames around them: Lloyd's k-means.

    The first centroids are frames, drawn with probabilities that grow with the squared distance from those
    drawn before (Arthur and Vassilvitskii 2007, k-means++; more than 64 in rounds, as in Bahmani et al.
    2012, without their over-sampling).

    Parameters
    ----------
    frames : float32 [n, n_values]
    n_centroids : int
        At most n.
    n_iterations : int
    seed : int
        The same seed and frames give the same bits, with any number of workers.
    n_workers : int
        Threads that look for the nearest centroids.

    Returns
    -------
    Codebook

    Raises
    ------
    ConfigError
        A number out of its range, too few frames, or frames that are not finite.
    """
    frames = _checked(frames)
    n_centroids = whole("n_centroids", n_centroids, 1)
    if n_centroids > len(frames):
        raise ConfigError(f"n_centroids: {n_centroids} of {len(frames)} frames; 1 to all of them fit")
    n_iterations, n_workers = whole("n_iterations", n_iterations, 1), whole("n_workers", n_workers, 1)
    random = np.random.default_rng(whole("seed", seed))
    with Threads(n_workers) as threads:
        search = Search(threads)
        centroids = _draw_far_apart(frames, n_centroids, random, search)
        for number in range(n_iterations):
            clusters = Clusters.of(frames, search.tokens(search.codebook(centroids), frames), n_centroids)
            centroids = _reseed(clusters.moved(centroids), clusters, frames, random)
            bars.step(number + 1, n_iterations, "rounds of k-means")
    return Codebook(centroids)


@dataclass
class Search:
    """Looks for nearest centroids, slice by slice, on threads."""

    threads: Threads
    way: str | None = None

    def codebook(self, centroids: Float32) -> Codebook:
        """Return a codebook that searches in the way that the first one found good."""
        book = Codebook(centroids, search=self.way)
        self.way = book.search
        return book

    def tokens(self, book: Codebook, frames: Float32) -> Int32:
        """Return the token of every frame: int32 [n]."""
        tokens = np.empty(len(frames), np.int32)
        slices = _slices(len(frames))
        for _ in self.threads.map(lambda part: book.assign(frames[part], out=tokens[part]), slices):
            pass
        return tokens

    def distances(self, book: Codebook, frames: Float32) -> Float32:
        """Return the squared distance of every frame from its nearest centroid: float32 [n]."""
        found = self.threads.map(lambda part: book.nearest(frames[part], 1)[1][:, 0], _slices(len(frames)))
        return np.concatenate(list(found))


@dataclass(frozen=True, eq=False)
class Clusters:
    """Frames by their tokens: how many, and their sums (float64)."""

    tokens: Int32
    counts: Float64
    sums: Float64

    @classmethod
    def of(cls, frames: Float32, tokens: Int32, n_centroids: int) -> Clusters:
        """Return the clusters of frames that have these tokens."""
        counts = np.bincount(tokens, minlength=n_centroids).astype(np.float64)
        columns = [np.bincount(tokens, values, n_centroids) for values in frames.T]
        return cls(tokens, counts, np.stack(columns, axis=1))

    def moved(self, centroids: Float32) -> Float32:
        """Return the means of the clusters; a centroid without frames stays."""
        exact = centroids.astype(np.float64)
        change = self.sums - self.counts[:, np.newaxis] * exact
        moved = exact + change / np.maximum(self.counts, 1)[:, np.newaxis]
        return moved.astype(np.float32)


def _slices(n_frames: int) -> list[slice]:
    return [slice(i, min(i + SLICE_FRAMES, n_frames)) for i in range(0, n_frames, SLICE_FRAMES)]


def _draw_far_apart(frames: Float32, n: int, random: np.random.Generator, search: Search) -> Float32:
    """Draw n frames in rounds, by their squared distance from those drawn before."""
    drawn = [int(random.integers(len(frames)))]
    distances = np.full(len(frames), np.inf, np.float32)
    new = drawn
    for left in range(n - 1 if n <= SINGLE_DRAWS else ROUNDS, 0, -1):
        book = Codebook(frames[new])
        distances = np.minimum(distances, search.distances(book, frames))
        new = _draw_by(distances, -(-(n - len(drawn)) // left), random)
        drawn += new
    return frames[drawn]


def _draw_by(weights: Float32, n: int, random: np.random.Generator) -> list[int]:
    """Draw n different numbers by their weights, and where too few weigh anything, others too.

    Distances that overflow are all larger than the others: while there are some, those alone weigh.
    """
    overflown = np.isinf(weights)
    if overflown.any():
        weights = overflown.astype(np.float32)
    heavy = np.flatnonzero(weights > 0)
    if len(heavy) <= n:
        others = random.choice(np.flatnonzero(weights <= 0), n - len(heavy), replace=False)
        return [*heavy.tolist(), *others.tolist()]
    chances = weights[heavy].astype(np.float64)
    rows = random.choice(heavy, n, replace=False, p=chances / chances.sum())
    return [int(row) for row in rows]


def _reseed(centroids: Float32, clusters: Clusters, frames: Float32, random: np.random.Generator) -> Float32:
    """Put centroids that have no frames onto frames that are far from theirs.

    Halving a large cluster instead, as is common, would make two centroids that hardly differ.
    """
    empty = np.flatnonzero(clusters.counts == 0)
    if empty.size == 0:
        return centroids
    tokens = clusters.tokens
    with np.errstate(over="ignore"):
        distances = np.concatenate(
            [np.square(frames[part] - centroids[tokens[part]]).sum(axis=1) for part in _slices(len(frames))]
        )
    far = _draw_by(distances, min(int(empty.size), int(np.count_nonzero(distances))), random)
    centroids[empty[: len(far)]] = frames[far]
    return centroids


def _checked(frames: Float32) -> Float32:
    """Return frames that are contiguous and finite, or raise ConfigError."""
    if not isinstance(frames, np.ndarray) or frames.ndim != 2 or frames.dtype != np.float32:
        told = getattr(frames, "dtype", type(frames).__name__), getattr(frames, "shape", "none")
        raise ConfigError(f"frames: {told[0]} of shape {told[1]}; float32 [n, values] fits")
    check(len(frames) >= 1, "frames", len(frames), "1 or more")
    if not all(np.isfinite(frames[part]).all() for part in _slices(len(frames))):
        raise ConfigError("frames: some have values that are not finite; leave them out")
    return np.ascontiguousarray(frames)
