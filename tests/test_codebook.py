"""Laws of k-means: repeatable to the bit, no centroid without frames, inertia as low as faiss'."""

from pathlib import Path

import numpy as np
import pytest

from birdfast.errors import ConfigError
from birdfast.tokens import Codebook
from birdfast.train import codebook

from . import reference
from .golden.make_tokens import codebook_and_frames

GOLDEN = np.load(Path(__file__).parent / "golden" / "tokens.npz")


def blobs(n, n_blobs, n_values, seed=0):
    """Frames around places that are far apart, and the places."""
    random = np.random.default_rng(seed)
    places = 10 * random.standard_normal((n_blobs, n_values))
    frames = places[np.arange(n) % n_blobs] + 0.1 * random.standard_normal((n, n_values))
    return frames.astype(np.float32), places


def inertia(frames, centroids):
    return float(reference.squared_distances(frames, centroids).min(axis=1).sum())


def lloyd(frames, centroids):
    """One iteration in float64: the means of the frames that are nearest to each centroid."""
    tokens = reference.squared_distances(frames, centroids).argmin(axis=1)
    return np.stack([frames[tokens == k].astype(np.float64).mean(axis=0) for k in range(len(centroids))])


@pytest.mark.parametrize("n_centroids", [3, 12, 90])
@pytest.mark.parametrize("size", [1e17, 1e19, 1e25, 3e38])
def test_distances_that_overflow_are_the_largest(size, n_centroids):
    """Two frames among many whose distances from all others are infinite get centroids of their own."""
    frames, _ = blobs(200, 20, 6)
    frames[[7, 11], 0] = size, -size
    book = codebook.fit(frames, n_centroids, n_iterations=3)
    tokens = book.assign(frames)
    assert np.isfinite(book.centroids).all()
    assert (tokens >= 0).all()
    assert np.count_nonzero(tokens == tokens[7]) == 1
    assert np.count_nonzero(tokens == tokens[11]) == 1


def test_an_iteration_moves_centroids_to_the_means_of_their_frames():
    frames, _ = blobs(2000, 300, 6)
    before = codebook.fit(frames, 10, n_iterations=3, seed=4).centroids
    after = codebook.fit(frames, 10, n_iterations=4, seed=4).centroids
    np.testing.assert_allclose(after, lloyd(frames, before), rtol=1e-5, atol=1e-5)


def test_far_places_are_all_found():
    frames, places = blobs(3000, 40, 5)
    centroids = codebook.fit(frames, 40, n_iterations=5).centroids
    assert (reference.squared_distances(places, centroids).min(axis=1) < 0.01).all()


def test_a_seed_repeats_to_the_bit_with_any_number_of_workers(monkeypatch):
    monkeypatch.setattr(codebook, "SLICE_FRAMES", 128)
    frames, _ = blobs(1500, 100, 7)
    options = {"n_iterations": 4, "seed": 7}
    one, again, three = (codebook.fit(frames, 90, n_workers=n, **options).centroids for n in (1, 1, 3))
    np.testing.assert_array_equal(one, again)
    np.testing.assert_array_equal(one, three)
    other = codebook.fit(frames, 90, **{**options, "seed": 8}).centroids
    assert (other != one).any()


def test_the_inertia_is_that_of_faiss():
    rows = np.concatenate(codebook_and_frames("mfcc"))
    found = [inertia(rows, codebook.fit(rows, 32, seed=seed).centroids) for seed in range(3)]
    assert np.median(found) < 1.01 * float(GOLDEN["inertia"])


def test_the_inertia_falls():
    frames, _ = blobs(2000, 600, 6)
    found = [inertia(frames, codebook.fit(frames, 50, n_iterations=n).centroids) for n in range(1, 7)]
    assert found == sorted(found, reverse=True)
    assert found[-1] < found[0]


def test_no_centroid_stays_without_frames():
    frames, _ = blobs(1000, 4, 3)
    crowded = np.concatenate([frames, np.repeat(frames[:1], 1000, axis=0)])
    book = codebook.fit(crowded, 60, n_iterations=8, seed=1)
    assert (np.bincount(book.assign(crowded), minlength=60) > 0).all()


def test_empty_clusters_go_to_frames_far_from_theirs():
    frames, _ = blobs(900, 3, 2)
    frames[-1] = 1000
    start = np.concatenate([frames[:3], np.full((5, 2), 1e6, np.float32)])
    clusters = codebook.Clusters.of(frames, Codebook(start).assign(frames), 8)
    moved = codebook._reseed(start.copy(), clusters, frames, np.random.default_rng(0))
    np.testing.assert_array_equal(moved[:3], start[:3])
    assert (reference.squared_distances(moved[3:], frames).min(axis=1) == 0).all()
    assert len(np.unique(moved, axis=0)) == 8
    assert (moved == 1000).all(axis=1).any()


def test_as_many_centroids_as_frames_have_no_inertia():
    frames, _ = blobs(70, 70, 3)
    book = codebook.fit(frames, 70, n_iterations=2)
    assert book.nearest(frames, 1)[1].max() == 0


def test_frames_that_are_all_equal():
    frames = np.full((50, 4), 0.25, np.float32)
    np.testing.assert_array_equal(codebook.fit(frames, 7, n_iterations=3).centroids, frames[:7])


def test_one_centroid_is_the_mean():
    frames, _ = blobs(500, 9, 4)
    book = codebook.fit(frames, 1, n_iterations=1)
    np.testing.assert_allclose(book.centroids[0], frames.mean(axis=0, dtype=float), rtol=1e-5, atol=1e-6)
    one = codebook.fit(frames[:1], 1)
    np.testing.assert_array_equal(one.centroids, frames[:1])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"n_centroids": 0}, "n_centroids: 0"),
        ({"n_centroids": 31}, "31 of 30"),
        ({"n_iterations": 0}, "n_iterations: 0"),
        ({"n_workers": 0}, "n_workers: 0"),
    ],
)
def test_what_does_not_fit_is_refused(change, words):
    frames, _ = blobs(30, 3, 2)
    with pytest.raises(ConfigError, match=words):
        codebook.fit(frames, **{"n_centroids": 3, **change})


def test_frames_that_do_not_fit_are_refused():
    frames, _ = blobs(30, 3, 2)
    for wrong in (frames[0], frames.astype(np.float64)):
        with pytest.raises(ConfigError, match="float32"):
            codebook.fit(wrong, 3)
    frames[7, 1] = np.inf
    with pytest.raises(ConfigError, match="finite"):
        codebook.fit(frames, 3)
