"""Laws of the search for nearest centroids: float64's answer, the same on every CPU, by every way."""

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from birdfast import _kernels
from birdfast.errors import ConfigError, ModelError
from birdfast.tokens import SEARCHES, Codebook

from . import reference
from .golden.make_tokens import SIZES, codebook_and_frames

GOLDEN = np.load(Path(__file__).parent / "golden" / "tokens.npz")
WAYS = [(cpu, search) for cpu in _kernels.cpu_tables() for search in SEARCHES]
BLOCK = _kernels.BLOCK
COUNTS = [1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 63, 64, 65, 16 * BLOCK + 1, 1100, 256 * BLOCK + 1]
SIZES_OF_FRAMES = [1, 2, 3, 7, 16, 20, 33, 64, 128, 511, 512]

all_ways = pytest.mark.parametrize(("cpu", "search"), WAYS)
quick = settings(max_examples=60, deadline=None)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def clustered(n, n_values, seed=0, spread=1e-3):
    """Points so close to a few places that float32 products can hardly tell them apart."""
    random = np.random.default_rng(seed)
    places = 30 * random.standard_normal((5, n_values))
    near = places[random.integers(5, size=n)] + spread * random.standard_normal((n, n_values))
    return near.astype(np.float32)


def heavy_tailed(n, n_values, seed=0):
    """Lengths over eight powers of ten, as those of linear mel power have."""
    random = np.random.default_rng(seed)
    scale = 10.0 ** random.uniform(-6, 2, (n, 1))
    return (scale * random.standard_normal((n, n_values))).astype(np.float32)


def lattice(n, n_values, seed=0):
    """Few different values: distances are equal by the dozen, and exactly so."""
    return np.random.default_rng(seed).integers(-1, 2, (n, n_values)).astype(np.float32)


def unit(n, n_values, seed=0):
    rows = normal(n, n_values, seed=seed)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def far_off(n, n_values, seed=0):
    """Differences of 1 at a distance of 1000: digital silence in decibels is such a place."""
    return normal(n, n_values, seed=seed) + np.float32(1000)


def loud(n, n_values, seed=0):
    """Squares overflow, and so do all distances."""
    return normal(n, n_values, seed=seed) * np.float32(1e25)


def faint(n, n_values, seed=0):
    """Squares underflow."""
    return normal(n, n_values, seed=seed) * np.float32(1e-23)


def large(n, n_values, seed=0):
    """Squares just do not overflow."""
    return normal(n, n_values, seed=seed) * np.float32(1e17)


def small(n, n_values, seed=0):
    """Squares just do not underflow."""
    return normal(n, n_values, seed=seed) * np.float32(1e-17)


KINDS = [normal, clustered, heavy_tailed, lattice, unit, far_off, large, loud, small, faint]


def of_kind(kind, n, n_values, seed=0):
    return kind(n, n_values) if kind is normal else kind(n, n_values, seed=seed)


def plain(frames, centroids, n):
    """The definition, in float32 NumPy: the n smallest sums, of equal ones the lowest."""
    tokens = np.full((len(frames), n), -1, np.int32)
    distances = np.full((len(frames), n), np.inf, np.float32)
    with np.errstate(over="ignore", under="ignore"):
        sums = np.zeros((len(frames), len(centroids)), np.float32)
        for x, c in zip(frames.T, centroids.T, strict=True):
            sums += np.square(x[:, np.newaxis] - c)
    order = np.argsort(sums, axis=1, kind="stable")[:, :n]
    tokens[:, : order.shape[1]] = order
    distances[:, : order.shape[1]] = np.take_along_axis(sums, order, axis=1)
    return tokens, distances


@cache
def known(kind, n_centroids, n_values):
    """Centroids, 37 frames, a fifth of which are centroids, and what is nearest to them: for all ways."""
    centroids, frames = of_kind(kind, n_centroids, n_values), kind(37, n_values, seed=1)
    frames[::5] = centroids[: len(frames[::5])]
    return centroids, frames, plain(frames, centroids, 8)


def assert_finds(book, frames, n, wanted):
    tokens, distances = book.nearest(frames, n)
    np.testing.assert_array_equal(tokens, wanted[0][:, :n])
    np.testing.assert_array_equal(distances, wanted[1][:, :n])
    np.testing.assert_array_equal(book.assign(frames), wanted[0][:, 0])


# ---- what is nearest


@all_ways
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_way_finds_what_the_definition_says(kind, cpu, search):
    for n_centroids, n_values in ((1100, 20), (300, 5), (256 * BLOCK + 7, 3)):
        centroids, frames, wanted = known(kind, n_centroids, n_values)
        book = Codebook(centroids, search=search, cpu=cpu)
        for n in (8, 3):
            assert_finds(book, frames, n, wanted)


@all_ways
@pytest.mark.parametrize("offset", [0.0, 1e4, 1e5, 1e6])
def test_every_way_finds_it_however_far_all_lie_from_zero(offset, cpu, search):
    """A filter of uncentred frames errs by what their lengths are, not by how far they lie apart."""
    for n_centroids, n_values in ((1100, 20), (300, 5), (64, 2)):
        centroids, frames = (normal(n, n_values, seed=n) + np.float32(offset) for n in (n_centroids, 41))
        book = Codebook(centroids, search=search, cpu=cpu)
        assert_finds(book, frames, 3, plain(frames, centroids, 3))


@all_ways
@pytest.mark.parametrize("n_values", [1, 2, 3, 6])
def test_frames_midway_between_centroids_are_told_apart(n_values, cpu, search):
    centroids = 30 * normal(60, n_values) + 100
    first, second = np.random.default_rng(1).integers(60, size=(2, 400))
    shift = 1 + 1e-5 * normal(400, n_values, seed=2)
    frames = (centroids[first] + centroids[second]) / 2 * shift
    book = Codebook(centroids, search=search, cpu=cpu)
    assert_finds(book, frames, 8, plain(frames, centroids, 8))


def worst_for_floats(n_values):
    """A frame and two centroids of which every rounding favours the wrong one.

    The partial sums of distance and filter lie just above powers of two from the second value on, and what
    each further value adds to them is nearly half of their last bit: a little less for the first centroid,
    a little more for the second. So the first is nearest by its distance, and the filter sees it as far
    behind the second as its bound allows, up to a sixth.
    """
    frame, centroids = np.zeros(n_values), np.zeros((2, n_values))
    share = 1 - math.sqrt(0.5) + 2e-4
    farther = int((n_values - 2) / 1.415)  # as many steps as the distance's roundings make up for
    frame[:2] = 1, 0.03
    centroids[:, 0] = np.rint(share * 2**24) / 2**24 - np.array([farther, 0]) / 2**24
    half_bit, x = 2.0**-12.5, (math.sqrt(3) - 1) / 2  # x (x + 1) = 1/2, and the difference is 1
    frame[2:] = x * half_bit
    centroids[:, 2:] = (x + 1) * half_bit * np.array([[0.999], [1.001]])
    return frame.astype(np.float32), centroids.astype(np.float32)


def worst_for_steps(n_places, size, filler):
    """A frame and two centroids of which every rounding to whole steps favours the wrong one.

    What frame and centroid lose has the signs of the other one, whose own are at right angles to it. In the
    last two places only one of them has a value: it makes a step as long as it is meant to be.
    """
    place = np.arange(n_places)
    alternating, by_twos = (-1.0) ** place, (-1.0) ** (place // 2)
    frame = np.concatenate([size * by_twos - 0.503 * alternating, [filler, 0]])
    centroid = np.concatenate([size * alternating + 0.497 * by_twos, [1, filler]])
    frame, centroid = frame / 2**20, 0.2 * centroid / 2**20
    return frame.astype(np.float32), np.stack([centroid, -centroid]).astype(np.float32)


WORST = {
    "floats": worst_for_floats(512),
    "few floats": worst_for_floats(64),
    "int16": worst_for_steps(64, 4000, math.sqrt(_kernels.INT16_STEPS**2 - 64 * 4000**2)),
    "int8": worst_for_steps(64, _kernels.INT8_STEPS - 1, _kernels.INT8_STEPS),
}


@all_ways
@pytest.mark.parametrize("name", WORST)
def test_who_lies_at_the_edge_of_a_filters_bound_is_found(name, cpu, search):
    frame, centroids = WORST[name]
    frames = np.repeat(frame[np.newaxis], 9, axis=0)
    book = Codebook(centroids, search=search, cpu=cpu)
    assert_finds(book, frames, 1, (np.zeros((9, 1), np.int32), plain(frames, centroids, 1)[1]))


@all_ways
@pytest.mark.parametrize("energy", [9e35, 1.1e36, 1e37, 1e38, 2.99e38, 3.3e38])
def test_distances_that_overflow_are_equal_whatever_a_filter_tells_apart(energy, cpu, search):
    """Seven are in reach, and of the two behind them the farther one comes first."""
    centroids = np.zeros((9, 2), np.float32)
    centroids[:, 0] = [1e18, *[-1e18] * 7, 8e17]
    frames = np.zeros((9, 2), np.float32)
    frames[:, 0] = centroids[:, 0].mean() - np.sqrt(energy)
    wanted = plain(frames, centroids, 8)
    assert np.isposinf(wanted[1]).any() == (energy > 2.9e38)
    assert_finds(Codebook(centroids, search=search, cpu=cpu), frames, 8, wanted)


@all_ways
@pytest.mark.parametrize("n_values", SIZES_OF_FRAMES)
def test_any_size_of_frame(n_values, cpu, search):
    centroids, frames = normal(130, n_values), normal(21, n_values, seed=1)
    book = Codebook(centroids, search=search, cpu=cpu)
    assert_finds(book, frames, 2, plain(frames, centroids, 2))


@all_ways
@pytest.mark.parametrize("n_centroids", COUNTS)
def test_any_number_of_centroids(n_centroids, cpu, search):
    centroids, frames = normal(n_centroids, 6), normal(11, 6, seed=1)
    book = Codebook(centroids, search=search, cpu=cpu)
    assert len(book) == n_centroids
    assert_finds(book, frames, 8, plain(frames, centroids, 8))


@all_ways
def test_any_number_of_frames(cpu, search):
    centroids, frames = normal(100, 9), normal(19, 9, seed=1)
    wanted = plain(frames, centroids, 4)
    book = Codebook(centroids, search=search, cpu=cpu)
    for n in range(20):
        assert_finds(book, frames[:n], 4, (wanted[0][:n], wanted[1][:n]))


@given(st.data())
@quick
def test_the_distance_stays_within_float64s_bound(data):
    kind = data.draw(st.sampled_from([normal, clustered, heavy_tailed, unit, far_off]))
    n_values = data.draw(st.sampled_from(SIZES_OF_FRAMES))
    centroids = of_kind(kind, data.draw(st.sampled_from(COUNTS[:-1])), n_values)
    frames = kind(9, n_values, seed=data.draw(st.integers(1, 99)))
    tokens, distances = Codebook(centroids).nearest(frames, 1)
    exact = reference.squared_distances(frames, centroids)
    error = reference.distance_error(exact, n_values)
    found = np.take_along_axis(exact, tokens, axis=1)
    assert (np.abs(distances - found) <= np.take_along_axis(error, tokens, axis=1)).all()
    # Another token than float64's only where their distances cannot be told apart.
    assert (
        found[:, 0] - np.take_along_axis(error, tokens, axis=1)[:, 0] <= (exact + error).min(axis=1)
    ).all()


@given(st.data())
@quick
def test_tables_and_ways_agree_on_any_floats(data):
    floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
    n_values = data.draw(st.integers(1, 5))
    rows = data.draw(
        st.lists(st.lists(floats, min_size=n_values, max_size=n_values), min_size=2, max_size=70)
    )
    rows = np.array(rows, np.float32)
    centroids, frames = rows[: len(rows) // 2 + 1], rows
    wanted = plain(frames, centroids, 8)
    for cpu, search in WAYS:
        assert_finds(Codebook(centroids, search=search, cpu=cpu), frames, 8, wanted)


@all_ways
def test_ties_take_the_lowest(cpu, search):
    once = normal(40, 7)
    centroids = np.concatenate([once, once[::-1], once, once])
    book = Codebook(centroids, search=search, cpu=cpu)
    tokens, distances = book.nearest(once, 5)
    np.testing.assert_array_equal(book.assign(once), np.arange(40))
    np.testing.assert_array_equal(tokens[:, :4], [[i, 79 - i, 80 + i, 120 + i] for i in range(40)])
    assert (distances[:, :4] == 0).all()


@all_ways
@pytest.mark.parametrize("n", [16, 256])
def test_of_two_places_as_far_away_the_lowest_id_is_the_nearest(n, cpu, search):
    """So many at 1 and as many at -1: a block or a group each, of which the second has the lowest."""
    centroids = np.repeat(np.array([[1.0], [-1.0]], np.float32), n, axis=0)
    book = Codebook(centroids, search=search, cpu=cpu)
    assert book.assign(np.zeros((9, 1), np.float32)).tolist() == [0] * 9


@all_ways
def test_a_codebook_of_one_place_gives_the_first(cpu, search):
    book = Codebook(np.full((200, 3), 0.3, np.float32), search=search, cpu=cpu)
    frames = np.full((9, 3), 0.3, np.float32)
    np.testing.assert_array_equal(book.assign(frames), 0)
    np.testing.assert_array_equal(book.nearest(normal(9, 3), 8)[0], [range(8)] * 9)


@all_ways
def test_the_search_for_vnni_changes_nothing(cpu, search):
    centroids, frames = unit(300, 64), unit(50, 64, seed=1)
    found = []
    for fused in (False, True):
        tokens, distances = np.empty((50, 4), np.int32), np.empty((50, 4), np.float32)
        kernel = _kernels.CentroidSearch(centroids, search=search, cpu=cpu, fused=fused)
        assert kernel.cpu == cpu
        kernel.run(frames, tokens, distances)
        found.append((tokens, distances))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][1], found[1][1])


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("search", SEARCHES)
def test_tokens_are_those_of_faiss(name, search):
    centroids, frames = codebook_and_frames(name)
    rows, wanted = GOLDEN[f"{name}_rows"], GOLDEN[f"{name}_tokens"]
    tokens, distances = Codebook(centroids, search=search).nearest(frames[rows], wanted.shape[1])
    np.testing.assert_array_equal(tokens, wanted)
    np.testing.assert_allclose(distances, GOLDEN[f"{name}_distances"], rtol=1e-4, atol=1e-4)


# ---- what has no nearest


@all_ways
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_frame_that_is_not_finite_has_no_token(bad, cpu, search):
    centroids, frames = normal(70, 20), normal(30, 20, seed=1)
    book = Codebook(centroids, search=search, cpu=cpu)
    wanted = book.assign(frames)
    for row, column in ((0, 0), (7, 19), (8, 5), (29, 16)):
        frames[row, column] = bad
        wanted[row] = -1
    tokens, distances = book.nearest(frames, 2)
    np.testing.assert_array_equal(book.assign(frames), wanted)
    np.testing.assert_array_equal(tokens[:, 0], wanted)
    assert (tokens[wanted < 0] == -1).all()
    assert np.isposinf(distances[wanted < 0]).all()
    assert np.isfinite(distances[wanted >= 0]).all()


@all_ways
def test_too_few_centroids_leave_places_empty(cpu, search):
    tokens, distances = Codebook(normal(3, 4), search=search, cpu=cpu).nearest(normal(10, 4, seed=1), 8)
    assert (np.sort(tokens[:, :3], axis=1) == [0, 1, 2]).all()
    assert (tokens[:, 3:] == -1).all()
    assert np.isposinf(distances[:, 3:]).all()


def test_no_frames_have_no_tokens():
    book = Codebook(normal(3, 4))
    assert book.assign(np.empty((0, 4), np.float32)).shape == (0,)
    assert book.nearest(np.empty((0, 4), np.float32), 2)[0].shape == (0, 2)


# ---- how it is used


def test_the_way_is_chosen_by_the_centroids():
    random = np.random.default_rng(0)
    curve = np.outer(np.linspace(0, 100, 3000), np.ones(20)) + 0.1 * random.standard_normal((3000, 20))
    assert Codebook(curve).search == "tree"
    assert Codebook(unit(2000, 64)).search == "int8"
    assert Codebook(clustered(500, 20)).search == "float"
    assert Codebook(loud(100, 4)).search == "all"
    assert Codebook(normal(1, 4)).search == "int16"


def test_out_is_filled_and_returned():
    book, frames = Codebook(normal(50, 8)), normal(20, 8, seed=1)
    out, pair = np.empty(20, np.int32), (np.empty((20, 2), np.int32), np.empty((20, 2), np.float32))
    assert book.assign(frames, out=out) is out
    np.testing.assert_array_equal(out, book.assign(frames))
    tokens, distances = book.nearest(frames, 2, out=pair)
    assert tokens is pair[0]
    assert distances is pair[1]


def test_frames_in_any_layout_are_found_alike():
    book, frames = Codebook(normal(50, 8)), normal(40, 8, seed=1)
    wanted = book.assign(frames)
    np.testing.assert_array_equal(book.assign(frames.astype(np.float64)), wanted)
    np.testing.assert_array_equal(book.assign(np.asfortranarray(frames)), wanted)
    np.testing.assert_array_equal(book.assign(frames[::2]), wanted[::2])
    np.testing.assert_array_equal(book.assign(frames.tolist()), wanted)


def test_threads_share_a_codebook():
    book, frames = Codebook(normal(400, 16)), normal(2000, 16, seed=1)
    wanted = book.nearest(frames, 3)
    start = threading.Barrier(4)

    def search(_):
        start.wait()
        return book.nearest(frames, 3)

    with ThreadPoolExecutor(4) as pool:
        for tokens, distances in pool.map(search, range(4)):
            np.testing.assert_array_equal(tokens, wanted[0])
            np.testing.assert_array_equal(distances, wanted[1])


def test_the_centroids_are_a_copy_that_stays():
    centroids, frames = normal(20, 4), normal(30, 4, seed=1)
    book = Codebook(centroids)
    wanted = book.assign(frames)
    centroids[:] = 0
    np.testing.assert_array_equal(book.assign(frames), wanted)
    with pytest.raises(ValueError, match="read-only"):
        book.centroids[0] = 0


@pytest.mark.parametrize(
    ("centroids", "words"),
    [
        (np.zeros((0, 4), np.float32), r"\(0, 4\)"),
        (np.zeros((4, 0), np.float32), r"\(4, 0\)"),
        (np.zeros(4, np.float32), r"\(4,\)"),
        (np.zeros((2, 513), np.float32), "512"),
        (np.zeros((2, 3), np.complex64), "complex64"),
        (np.zeros((2, 3), object), "object"),
        ([[1.0, 2.0], [np.nan, 1.0]], "number 1"),
        ([[1e39, 2.0]], "number 0"),
    ],
)
def test_what_is_no_codebook_is_refused(centroids, words):
    with pytest.raises(ConfigError, match=words):
        Codebook(centroids)


def test_what_does_not_fit_is_refused():
    book, frames = Codebook(normal(20, 4)), normal(5, 4)
    for wrong in (normal(5, 3), normal(4), normal(1, 5, 4)):
        with pytest.raises(ConfigError, match=r"\[n, 4\]"):
            book.assign(wrong)
    for n in (0, 9):
        with pytest.raises(ConfigError, match="1 to 8"):
            book.nearest(frames, n)
    for out in (np.empty(4, np.int32), np.empty(5, np.int64), np.empty(10, np.int32)[::2]):
        with pytest.raises(ConfigError, match="out"):
            book.assign(frames, out=out)
    with pytest.raises(ConfigError, match="fast"):
        Codebook(normal(20, 4), search="fast")
    with pytest.raises(ConfigError, match="cpu="):
        Codebook(normal(20, 4), cpu="z80")


def test_an_out_in_the_memory_of_the_frames_is_refused():
    book, memory = Codebook(normal(20, 4)), np.zeros(100, np.float32)
    frames, floats, whole = (
        memory[:40].reshape(10, 4),
        np.empty((10, 2), np.float32),
        np.empty((10, 2), np.int32),
    )
    with pytest.raises(ConfigError, match="out shares memory"):
        book.assign(frames, out=memory[30:40].view(np.int32))
    with pytest.raises(ConfigError, match="out shares memory"):
        book.nearest(frames, 2, out=(whole, memory[39:59].reshape(10, 2)))
    with pytest.raises(ConfigError, match="another out"):
        book.nearest(frames, 2, out=(floats.view(np.int32), floats))
    with pytest.raises(ConfigError, match="out is a list: must be a NumPy array"):
        book.assign(frames, out=[0] * 10)
    with pytest.raises(ConfigError, match="must be a pair"):
        book.nearest(frames, 2, out=whole)
    whole.flags.writeable = False
    with pytest.raises(ConfigError, match="read-only"):
        book.nearest(frames, 2, out=(whole, floats))


def test_the_door_checks_what_the_kernels_trust():
    kernel = _kernels.CentroidSearch(normal(20, 4))
    with pytest.raises(ValueError, match="frames"):
        kernel.run(normal(5, 3), np.empty((5, 1), np.int32))
    with pytest.raises(ValueError, match="ids"):
        kernel.run(normal(5, 4), np.empty((4, 1), np.int32))
    with pytest.raises(ValueError, match="ids"):
        kernel.run(normal(5, 4), np.empty((5, 9), np.int32))
    with pytest.raises(ValueError, match="distances"):
        kernel.run(normal(5, 4), np.empty((5, 2), np.int32), np.empty((5, 1), np.float32))
    for shape in ((0, 4), (4, 0), (4, 513)):
        with pytest.raises(ValueError, match="centroids"):
            _kernels.CentroidSearch(normal(*shape))
    with pytest.raises(ValueError, match="an argument that cannot be"):
        _kernels.CentroidSearch(np.full((3, 3), np.inf, np.float32))


# ---- files


def test_a_saved_codebook_is_numpys_file(tmp_path):
    centroids = normal(30, 6)
    Codebook(centroids).save(tmp_path / "centroids.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "centroids.npy", allow_pickle=False), centroids)
    np.testing.assert_array_equal(Codebook.load(tmp_path / "centroids.npy").centroids, centroids)


def test_float64_centroids_are_read(tmp_path):
    np.save(tmp_path / "centroids.npy", normal(30, 6).astype(np.float64))
    assert Codebook.load(tmp_path / "centroids.npy").centroids.dtype == np.float32


@pytest.mark.parametrize(
    "content", [b"", b"no array at all", b"\x93NUMPY", None], ids=["empty", "text", "cut", "pickle"]
)
def test_a_file_that_is_no_codebook_is_a_model_error(tmp_path, content):
    path = tmp_path / "centroids.npy"
    if content is None:
        np.save(path, np.array([{}], object), allow_pickle=True)
    else:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=r"centroids\.npy"):
        Codebook.load(path)
    with pytest.raises(ModelError, match=r"absent\.npy"):
        Codebook.load(tmp_path / "absent.npy")


def test_an_array_that_is_no_codebook_is_a_model_error(tmp_path):
    np.save(tmp_path / "centroids.npy", np.zeros(3, np.float32))
    with pytest.raises(ModelError, match=r"centroids\.npy.*\(3,\)"):
        Codebook.load(tmp_path / "centroids.npy")
