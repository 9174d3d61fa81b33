"""Nearest centroids and k-means through faiss, on one thread."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Job = Callable[[Float32], Any]


def available() -> bool:
    """Say whether faiss is installed."""
    return find_spec("faiss") is not None


def search(centroids: Float32) -> Job:
    """Return a job that finds the nearest centroid of frames, by brute force as faiss does it."""
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatL2(centroids.shape[1])
    index.add(np.ascontiguousarray(centroids))
    return lambda frames: index.search(frames, 1)


def kmeans(frames: Float32, n_centroids: int, n_iterations: int) -> Float32:
    """Return centroids of faiss.Kmeans from all frames: it leaves some out, unless told not to."""
    import faiss

    faiss.omp_set_num_threads(1)
    every = {"min_points_per_centroid": 1, "max_points_per_centroid": len(frames)}
    clusters = faiss.Kmeans(frames.shape[1], n_centroids, niter=n_iterations, seed=1, **every)
    clusters.train(frames)
    centroids: Float32 = clusters.centroids
    return centroids
