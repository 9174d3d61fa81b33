"""Jobs on tokens: the nearest centroids of frames, and what the company of tokens says of them."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from birdfast.tokens import Codebook
from birdfast.train import codebook

from . import frames
from .job import Float32, Int32, NearestJob, SkipGramJob

CODEBOOKS = {"16383x20": 480, "2048x64": 1500, "1024x128": 1500}  # and frames of a minute
# In one call of 6,000 faiss took nine times as long a frame as in one of 12,000 (16,383 x 20).
N_SEARCHED, N_ITERATIONS = 12_000, 5
VOCABULARY, SENTENCE_TOKENS, NEGATIVES = 16_383, 480, 5
EPOCHS = {"dim256-window80": (256, 80, 40), "dim128-window10": (128, 10, 200)}  # and sentences


@functools.cache
def sounds(size: str, is_timed: bool) -> tuple[Float32, Float32, Float32]:
    """Return frames to train on, frames to search, and centroids of a size; tiny ones if nothing is timed."""
    n_centroids, n_values = map(int, size.split("x"))
    if is_timed:
        found = frames.mfcc_frames() if n_values == 20 else frames.patch_frames(n_values)
        trained_on, searched = found[0], np.ascontiguousarray(np.resize(found[1], (N_SEARCHED, n_values)))
    else:
        trained_on, searched = np.random.default_rng(1).standard_normal((2, 32, n_values)).astype(np.float32)
    book = codebook.fit(trained_on, min(n_centroids, len(trained_on)), n_iterations=N_ITERATIONS)
    return trained_on, searched, book.centroids


@pytest.fixture(scope="session", params=CODEBOOKS)
def nearest(request: pytest.FixtureRequest, is_timed: bool, flop_s: float) -> NearestJob:
    """12,000 frames of sound that the codebook was not trained on; of three sizes, centroids x values."""
    trained_on, searched, centroids = sounds(request.param, is_timed)
    n_centroids, n_values = centroids.shape
    return NearestJob(
        group=f"nearest of {n_centroids:,} centroids x {n_values} values, {len(searched):,} frames",
        frames=len(searched),
        limit="all distances, at the speed of NumPy's matrix product",
        limit_s=2 * len(searched) * n_centroids * n_values * flop_s,
        centroids=centroids,
        searched=searched,
        call_frames=CODEBOOKS[request.param],
        trained_on=trained_on,
    )


@pytest.fixture(scope="session")
def real_tokens(is_timed: bool) -> Int32:
    """Tokens of recordings, int32 [n], by a codebook of as many as the vocabulary has."""
    trained_on, _, centroids = sounds("16383x20", is_timed)
    return Codebook(centroids).assign(trained_on)


@pytest.fixture(scope="session", params=EPOCHS)
def skip_gram(
    request: pytest.FixtureRequest, is_timed: bool, flop_s: float, real_tokens: Int32
) -> SkipGramJob:
    """Sentences of 480 tokens of real recordings, the vocabulary 16,383; of two sizes."""
    dim, window, n_sentences = EPOCHS[request.param]
    n_sentences = n_sentences if is_timed else 1
    tokens = np.resize(real_tokens, n_sentences * SENTENCE_TOKENS)
    pairs = len(tokens) * (window + 1)
    return SkipGramJob(
        group=f"skip-gram, an epoch of {len(tokens):,} tokens, dim {dim}, window {window}",
        frames=len(tokens),
        limit="6 operations a value of a pair and of its negatives, at the speed of NumPy's matrix product",
        limit_s=6 * dim * pairs * (1 + NEGATIVES) * flop_s,
        sentences=np.split(tokens, n_sentences),
        options={"dim": dim, "window": window, "negatives": NEGATIVES, "subsample": 0, "epochs": 1},
    )
