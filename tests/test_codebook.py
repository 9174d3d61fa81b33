"""Laws of k-means: repeatable to the bit, no centroid without frames, inertia as low as faiss'."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from birdfast.errors import ConfigError
from birdfast.tokens import Codebook
from birdfast.train import codebook

from . import reference
from .golden.make_tokens import codebook_and_frames

GOLDEN = np.load(Path(__file__).parent / "golden" / "tokens.npz")
quick = settings(max_examples=25, deadline=None)


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


@pytest.mark.parametrize("start", codebook.STARTS)
def test_an_iteration_moves_centroids_to_the_means_of_their_frames(start):
    frames, _ = blobs(2000, 300, 6)
    before = codebook.fit(frames, 10, n_iterations=3, start=start, seed=4).centroids
    after = codebook.fit(frames, 10, n_iterations=4, start=start, seed=4).centroids
    np.testing.assert_allclose(after, lloyd(frames, before), rtol=1e-5, atol=1e-5)


def test_far_places_are_all_found():
    frames, places = blobs(3000, 40, 5)
    centroids = codebook.fit(frames, 40, n_iterations=5).centroids
    assert (reference.squared_distances(places, centroids).min(axis=1) < 0.01).all()


@pytest.mark.parametrize("start", codebook.STARTS)
@pytest.mark.parametrize("batch_frames", [None, 500])
def test_a_seed_repeats_to_the_bit_with_any_number_of_workers(start, batch_frames, monkeypatch):
    monkeypatch.setattr(codebook, "SLICE_FRAMES", 128)
    frames, _ = blobs(1500, 100, 7)
    options = {"n_iterations": 4, "start": start, "batch_frames": batch_frames, "seed": 7}
    one, again, three = (codebook.fit(frames, 90, n_workers=n, **options).centroids for n in (1, 1, 3))
    np.testing.assert_array_equal(one, again)
    np.testing.assert_array_equal(one, three)
    other = codebook.fit(frames, 90, **{**options, "seed": 8}).centroids
    assert (other != one).any()


@pytest.mark.parametrize("start", codebook.STARTS)
def test_the_inertia_is_that_of_faiss(start):
    rows = np.concatenate(codebook_and_frames("mfcc"))
    found = [inertia(rows, codebook.fit(rows, 32, start=start, seed=seed).centroids) for seed in range(3)]
    assert np.median(found) < 1.01 * float(GOLDEN["inertia"])


def test_progress_tells_an_inertia_that_falls():
    frames, _ = blobs(2000, 60, 6)
    told = []
    book = codebook.fit(frames, 50, n_iterations=6, start="random", progress=lambda *step: told.append(step))
    numbers, values = zip(*told, strict=True)
    assert numbers == (1, 2, 3, 4, 5, 6)
    assert list(values) == sorted(values, reverse=True)
    assert inertia(frames, book.centroids) <= values[-1]


@given(st.integers(1, 40), st.integers(1, 5), st.integers(0, 99))
@quick
def test_the_inertia_told_is_that_of_the_frames(n_centroids, n_values, seed):
    frames, _ = blobs(60, 8, n_values, seed)
    told = []
    options = {"start": "random", "seed": seed}
    codebook.fit(frames, n_centroids, n_iterations=2, progress=lambda _, v: told.append(v), **options)
    after_one = codebook.fit(frames, n_centroids, n_iterations=1, **options).centroids
    squares = float(np.square(frames.astype(np.float64)).sum())
    assert told[1] == pytest.approx(inertia(frames, after_one), rel=1e-5, abs=1e-12 * squares)


def test_no_centroid_stays_without_frames():
    frames, _ = blobs(1000, 4, 3)
    crowded = np.concatenate([frames, np.repeat(frames[:1], 1000, axis=0)])
    book = codebook.fit(crowded, 60, n_iterations=8, start="random", seed=1)
    assert (np.bincount(book.assign(crowded), minlength=60) > 0).all()


def test_empty_clusters_go_to_frames_far_from_theirs():
    frames, _ = blobs(900, 3, 2)
    frames[-1] = 1000
    start = np.concatenate([frames[:3], np.full((5, 2), 1e6, np.float32)])
    tokens = Codebook(start).assign(frames)
    seen = np.bincount(tokens, minlength=8).astype(float)
    moved = codebook._reseed(start.copy(), seen, frames, tokens, np.random.default_rng(0))
    np.testing.assert_array_equal(moved[:3], start[:3])
    assert (reference.squared_distances(moved[3:], frames).min(axis=1) == 0).all()
    assert len(np.unique(moved, axis=0)) == 8
    assert (moved == 1000).all(axis=1).any()


def test_as_many_centroids_as_frames_have_no_inertia():
    frames, _ = blobs(70, 70, 3)
    book = codebook.fit(frames, 70, n_iterations=2)
    assert book.nearest(frames, 1)[1].max() == 0


@pytest.mark.parametrize("start", codebook.STARTS)
def test_frames_that_are_all_equal(start):
    frames = np.full((50, 4), 0.25, np.float32)
    told = []
    book = codebook.fit(frames, 7, n_iterations=3, start=start, progress=lambda _, v: told.append(v))
    np.testing.assert_array_equal(book.centroids, frames[:7])
    assert told == [0, 0, 0]


@pytest.mark.parametrize("start", codebook.STARTS)
def test_one_centroid_is_the_mean(start):
    frames, _ = blobs(500, 9, 4)
    book = codebook.fit(frames, 1, n_iterations=1, start=start)
    np.testing.assert_allclose(book.centroids[0], frames.mean(axis=0, dtype=float), rtol=1e-5, atol=1e-6)
    one = codebook.fit(frames[:1], 1)
    np.testing.assert_array_equal(one.centroids, frames[:1])


def test_batches_come_near_to_all_frames():
    frames, _ = blobs(6000, 200, 5)
    whole = codebook.fit(frames, 32, n_iterations=10)
    batches = codebook.fit(frames, 32, n_iterations=30, batch_frames=1000)
    assert inertia(frames, batches.centroids) < 1.15 * inertia(frames, whole.centroids)


def test_batches_are_read_from_a_file(tmp_path):
    frames, _ = blobs(4000, 20, 5)
    np.save(tmp_path / "frames.npy", frames)
    mapped = np.load(tmp_path / "frames.npy", mmap_mode="r")
    options = {"n_iterations": 5, "batch_frames": 300}
    wanted = codebook.fit(frames, 20, **options).centroids
    np.testing.assert_array_equal(codebook.fit(mapped, 20, **options).centroids, wanted)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"n_centroids": 0}, "n_centroids: 0"),
        ({"n_centroids": 31}, "31 of 30"),
        ({"n_iterations": 0}, "n_iterations: 0"),
        ({"start": "first"}, "'first'"),
        ({"batch_frames": 0}, "batch_frames: 0"),
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
