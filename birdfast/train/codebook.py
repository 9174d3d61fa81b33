"""k-means: a codebook's centroids from frames, by the same kernel that later finds their tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError
from ..tokens import Codebook

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int32 = NDArray[np.int32]
Progress = Callable[[int, float], None]

STARTS = ("k-means++", "random")
# Frames at a time: the same slices for any number of workers, so that the sums are the same, too.
SLICE_FRAMES = 8192
# Up to this number centroids are drawn one at a time, more of them in rounds: 8 to 64 rounds end
# at the same inertia.
SINGLE_DRAWS = 64
ROUNDS = 16


def fit(
    frames: Float32,
    n_centroids: int,
    *,
    n_iterations: int = 25,
    start: str = "k-means++",
    batch_frames: int | None = None,
    seed: int = 0,
    n_workers: int = 1,
    progress: Progress | None = None,
) -> Codebook:
    """Return a codebook whose centroids have the frames around them: Lloyd's k-means.

    Parameters
    ----------
    frames : float32 [n, n_values]
        An array, or a memory map of one that does not fit into memory: then give `batch_frames`.
    n_centroids : int
        At most n.
    n_iterations : int
    start : "k-means++" or "random"
        Which frames are the first centroids: drawn with probabilities that grow with the squared
        distance from those drawn before (Arthur and Vassilvitskii 2007; more than 64 in rounds, as
        in Bahmani et al. 2012, without their over-sampling), or all alike.
    batch_frames : int or None
        Frames looked at in an iteration, drawn anew each time; a centroid then moves by the share of
        its new frames in all it has seen (Sculley 2010). None: all frames, every time.
    seed : int
        The same seed and frames give the same bits, with any number of workers.
    n_workers : int
        Threads that look for the nearest centroids.
    progress : callable (iteration, inertia) or None
        Called after each iteration, from 1 on, with the sum of the squared distances of its frames
        from the nearest of the centroids that it began with.

    Returns
    -------
    Codebook

    Raises
    ------
    ConfigError
        A number out of its range, too few frames, or frames that are not finite.
    """
    _check(frames, n_centroids, n_iterations, start, batch_frames, n_workers)
    random = np.random.default_rng(seed)
    with ThreadPoolExecutor(n_workers) as pool:
        search = Search(pool)
        first = _sample(frames, batch_frames, random, at_least=n_centroids)
        draw = _draw_far_apart if start == "k-means++" else _draw
        centroids = draw(first, n_centroids, random, search)
        seen = np.zeros(n_centroids)
        for iteration in range(1, n_iterations + 1):
            batch = first if batch_frames is None else _sample(frames, batch_frames, random)
            book = search.codebook(centroids)
            clusters = Clusters.of(batch, search.tokens(book, batch), n_centroids)
            if progress is not None:
                progress(iteration, clusters.inertia(centroids))
            seen = clusters.counts if batch_frames is None else seen + clusters.counts
            centroids = clusters.moved(centroids, seen)
            centroids = _reseed(centroids, seen, batch, clusters.tokens, random)
    return Codebook(centroids)


@dataclass
class Search:
    """Looks for nearest centroids, slice by slice, on threads."""

    pool: ThreadPoolExecutor
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
        for _ in self.pool.map(lambda part: book.assign(frames[part], out=tokens[part]), slices):
            pass
        return tokens

    def distances(self, book: Codebook, frames: Float32) -> Float32:
        """Return the squared distance of every frame from its nearest centroid: float32 [n]."""
        found = self.pool.map(lambda part: book.nearest(frames[part], 1)[1][:, 0], _slices(len(frames)))
        return np.concatenate(list(found))


@dataclass(frozen=True, eq=False)
class Clusters:
    """Frames by their tokens: how many, their sums (float64), and the sum of their squares."""

    tokens: Int32
    counts: Float64
    sums: Float64
    squares: float

    @classmethod
    def of(cls, frames: Float32, tokens: Int32, n_centroids: int) -> Clusters:
        counts = np.bincount(tokens, minlength=n_centroids).astype(np.float64)
        columns = [np.bincount(tokens, values, n_centroids) for values in frames.T]
        squares = sum(float(np.vdot(part, part)) for part in _as_float64(frames))
        return cls(tokens, counts, np.stack(columns, axis=1), squares)

    def inertia(self, centroids: Float32) -> float:
        """Return sum |x - c|^2, from sum |x|^2 - 2 c . sum x + n |c|^2 of each cluster."""
        exact = centroids.astype(np.float64)
        norms = np.einsum("cj,cj->c", exact, exact)
        inner = np.einsum("cj,cj->c", self.sums, exact)
        return max(0.0, self.squares + float(np.sum(self.counts * norms - 2 * inner)))

    def moved(self, centroids: Float32, seen: Float64) -> Float32:
        """Return the centroids after these frames, of all that were `seen`."""
        exact = centroids.astype(np.float64)
        change = self.sums - self.counts[:, np.newaxis] * exact
        moved = exact + change / np.maximum(seen, 1)[:, np.newaxis]
        return moved.astype(np.float32)


def _as_float64(frames: Float32) -> Iterator[Float64]:
    return (frames[part].astype(np.float64) for part in _slices(len(frames)))


def _slices(n_frames: int) -> list[slice]:
    return [slice(i, min(i + SLICE_FRAMES, n_frames)) for i in range(0, n_frames, SLICE_FRAMES)]


def _sample(frames: Float32, n_frames: int | None, random: np.random.Generator, at_least: int = 1) -> Float32:
    """Return some frames, in the order in which they lie (which a disk likes); all for None."""
    if n_frames is None or max(n_frames, at_least) >= len(frames):
        sample = np.ascontiguousarray(frames, np.float32)
    else:
        rows = random.choice(len(frames), max(n_frames, at_least), replace=False, shuffle=False)
        sample = np.ascontiguousarray(frames[np.sort(rows)], np.float32)
    if not all(np.isfinite(sample[part]).all() for part in _slices(len(sample))):
        raise ConfigError("frames: some have values that are not finite; leave them out")
    return sample


def _draw(frames: Float32, n: int, random: np.random.Generator, search: Search) -> Float32:
    return frames[random.choice(len(frames), n, replace=False)]


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
    """Draw n different numbers by their weights, and where too few weigh anything, others too."""
    heavy = np.flatnonzero(weights > 0)
    if len(heavy) <= n:
        others = random.choice(np.flatnonzero(weights <= 0), n - len(heavy), replace=False)
        return [*heavy.tolist(), *others.tolist()]
    chances = weights[heavy].astype(np.float64)
    rows = random.choice(heavy, n, replace=False, p=chances / chances.sum())
    return [int(row) for row in rows]


def _reseed(
    centroids: Float32, seen: Float64, frames: Float32, tokens: Int32, random: np.random.Generator
) -> Float32:
    """Put centroids that have no frames onto frames that are far from theirs.

    Halving a large cluster instead, as is common, would make two centroids that hardly differ.
    """
    empty = np.flatnonzero(seen == 0)
    if empty.size == 0:
        return centroids
    distances = np.concatenate(
        [np.square(frames[part] - centroids[tokens[part]]).sum(axis=1) for part in _slices(len(frames))]
    )
    far = _draw_by(distances, min(int(empty.size), int(np.count_nonzero(distances))), random)
    centroids[empty[: len(far)]] = frames[far]
    return centroids


def _check(
    frames: Any, n_centroids: int, n_iterations: int, start: str, batch_frames: int | None, n_workers: int
) -> None:
    if frames.ndim != 2 or frames.dtype != np.float32:
        raise ConfigError(f"frames: {frames.dtype} of shape {frames.shape}; float32 [n, values] fits")
    if not 1 <= n_centroids <= len(frames):
        raise ConfigError(f"n_centroids: {n_centroids} of {len(frames)} frames; 1 to all of them fit")
    if start not in STARTS:
        raise ConfigError(f"start: {start!r} is none of {', '.join(STARTS)}")
    for name, value in (
        ("n_iterations", n_iterations),
        ("n_workers", n_workers),
        ("batch_frames", batch_frames),
    ):
        if value is not None and value < 1:
            raise ConfigError(f"{name}: {value}; it takes 1 or more")
