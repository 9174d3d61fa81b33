"""Nearest centroids and k-means through faiss and NumPy, on one thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from birdfast_jobs import NearestJob, needs

Call = Callable[[], Any]


def faiss(job: NearestJob) -> Call:
    """Return faiss' brute force, in calls of one recording as a program makes them."""
    index = _index(job)
    calls = np.split(job.searched, range(job.call_frames, len(job.searched), job.call_frames))
    return lambda: [index.search(frames, 1) for frames in calls]


def faiss_at_once(job: NearestJob) -> Call:
    """Return faiss' brute force, all frames in one call, which suits it best."""
    index = _index(job)
    return lambda: index.search(job.searched, 1)


def numpy(job: NearestJob) -> Call:
    """Return the smallest of all distances by a matrix product, all frames in one call."""
    lengths = np.einsum("ij,ij->i", job.centroids, job.centroids)
    turned = np.ascontiguousarray(-2 * job.centroids.T)
    blocks = np.split(job.searched, range(256, len(job.searched), 256))
    return lambda: [(frames @ turned + lengths).argmin(axis=1) for frames in blocks]


def faiss_kmeans(job: NearestJob, n_iterations: int) -> Call:
    """Return faiss' k-means of all frames: it leaves some out, unless told not to."""
    library = _on_one_thread()
    frames = np.ascontiguousarray(job.trained_on)
    every = {"min_points_per_centroid": 1, "max_points_per_centroid": len(frames)}
    n_centroids, n_values = job.centroids.shape

    def call() -> Any:
        clusters = library.Kmeans(n_values, n_centroids, niter=n_iterations, seed=1, **every)
        clusters.train(frames)
        return clusters.centroids

    return call


def _index(job: NearestJob) -> Any:
    index = _on_one_thread().IndexFlatL2(job.centroids.shape[1])
    index.add(np.ascontiguousarray(job.centroids))
    return index


def _on_one_thread() -> Any:
    library = needs("faiss")
    library.omp_set_num_threads(1)
    return library


PEERS = {"faiss": faiss, "faiss-at-once": faiss_at_once, "numpy": numpy}
