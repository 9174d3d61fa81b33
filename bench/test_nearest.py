"""Nearest centroids, and the k-means that finds centroids."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from birdfast_jobs import KERNELS, NearestJob
from birdfast_jobs.tokens import N_ITERATIONS
from peers.nearest import PEERS, faiss_kmeans

from birdfast.tokens import Codebook
from birdfast.train import codebook

Call = Callable[[], Any]

BRUTE_FORCE = "brute-force"


@pytest.mark.parametrize("way", [*KERNELS, BRUTE_FORCE, *PEERS])
def test_nearest(nearest: NearestJob, way: str, quoted: Callable[..., Any]) -> None:
    quoted(nearest, PEERS[way](nearest) if way in PEERS else by_kernels(nearest, way))


def by_kernels(job: NearestJob, way: str) -> Call:
    """Return our search, as the codebook chooses it or by all distances, in calls of one recording."""
    is_brute = way == BRUTE_FORCE
    book = Codebook(job.centroids, search="all" if is_brute else None, cpu=None if is_brute else way)
    out = np.empty(job.call_frames, np.int32)
    calls = np.split(job.searched, range(job.call_frames, len(job.searched), job.call_frames))
    return lambda: [book.assign(frames, out=out[: len(frames)]) for frames in calls]


@pytest.mark.parametrize("way", ["birdfast", "faiss"])
def test_kmeans(nearest: NearestJob, way: str, quoted: Callable[..., Any]) -> None:
    n, (n_centroids, n_values) = len(nearest.trained_on), nearest.centroids.shape
    job = dataclasses.replace(
        nearest,
        group=f"k-means of {n:,} frames, {n_centroids:,} x {n_values}, {N_ITERATIONS} iterations",
        frames=N_ITERATIONS * n,
        limit="",
        limit_s=0.0,
    )
    ways: dict[str, Callable[[], Call]] = {
        "birdfast": lambda: lambda: codebook.fit(job.trained_on, n_centroids, n_iterations=N_ITERATIONS),
        "faiss": lambda: faiss_kmeans(job, N_ITERATIONS),
    }
    quoted(job, ways[way](), rounds=2)
