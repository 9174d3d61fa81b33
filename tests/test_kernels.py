"""Laws of the compiled kernels: the same bits on every CPU, and float64 within a stated bound."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from birdfast import _kernels
from birdfast.errors import ConfigError
from birdfast.spectrogram import plans

UNIT = 2.0**-24
FASTER_TABLES = [name for name in _kernels.cpu_tables() if name != "scalar"]
PARTS = ["power", "magnitude", "real", "complex"]
LENGTHS = [16, 18, 20, 25, 27, 30, 32, 45, 64, 75, 96, 125, 128, 240, 256, 320, 400, 512, 640, 675]
LONG_LENGTHS = [960, 1024, 1200, 1280, 2048, 4096, 8000, 8192, 16384]

all_tables = pytest.mark.parametrize("cpu", _kernels.cpu_tables())
faster_tables = pytest.mark.parametrize("cpu", FASTER_TABLES)


def noise(n, seed=0):
    return np.random.default_rng(seed).standard_normal(n).astype(np.float32)


def hann(n):
    return np.sin(np.pi * np.arange(n) / n) ** 2


def run(plan, audio, n_frames, **options):
    out = np.full((n_frames, plan.n_values), np.nan, np.float32)
    plan.run(audio, out, **options)
    return out


def frames_of(audio, n_frames, frame_samples, hop, start=0):
    first = start + np.arange(n_frames) * hop
    return audio[first[:, np.newaxis] + np.arange(frame_samples)]


def assert_same_bits(got, wanted):
    np.testing.assert_array_equal(got.view(np.uint32), wanted.view(np.uint32))


def ulps(got, wanted):
    """Errors in units in the last place of the wanted float64 values."""
    return np.abs(got - wanted) / np.spacing(np.abs(wanted).astype(np.float32))


# ---- the transform


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("n_fft", LENGTHS + LONG_LENGTHS)
def test_a_transform_is_that_of_numpy(n_fft, part):
    audio, window, hop = noise(2 * n_fft), hann(n_fft), max(n_fft // 7, 1)
    plan = _kernels.FramePlan(plans.frame_transform(n_fft, window, part), hop, cpu="scalar")
    got = run(plan, audio, 7)
    spectrum = np.fft.rfft(frames_of(audio, 7, n_fft, hop).astype(np.float64) * window)
    # Higham, Accuracy and Stability, theorem 24.2, bounds the norm of the error with rounded
    # twiddles; here no bin may have more than 8 times an even share of it.
    size = np.linalg.norm(np.fft.fft(frames_of(audio, 7, n_fft, hop) * window), axis=1)
    bound = 8 * (7 * UNIT * np.log2(n_fft) * size / np.sqrt(n_fft))[:, np.newaxis]
    if part == "complex":
        wanted = spectrum.view(np.float64)
    elif part == "real":
        wanted = spectrum.real
    else:
        wanted = np.abs(spectrum)
        if part == "power":
            bound = 2 * wanted * bound + bound**2 + 3 * UNIT * wanted**2
            wanted = wanted**2
    assert np.all(np.abs(got - wanted) <= bound)


@faster_tables
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("n_fft", LENGTHS + LONG_LENGTHS)
def test_same_bits_as_scalar(n_fft, part, cpu):
    audio, hop = noise(3 * n_fft), max(n_fft // 9, 1)
    for window in (hann(n_fft), hann(n_fft - 3)):
        transform = plans.frame_transform(n_fft, window, part)
        both = [_kernels.FramePlan(transform, hop, cpu=name) for name in ("scalar", cpu)]
        assert_same_bits(run(both[1], audio, 18), run(both[0], audio, 18))


@pytest.mark.parametrize("n_fft", [32, 64, 1024, 2048])
@pytest.mark.parametrize("kept", [0.05, 0.4, 1.0])
def test_a_folded_frame_has_the_real_part_of_a_plain_one(n_fft, kept):
    audio, last_bin = noise(3 * n_fft), int(kept * n_fft // 2)
    folded = plans.frame_transform(n_fft, hann(n_fft), "real", last_bin)
    leaning = hann(n_fft) * np.linspace(1, 1 + 1e-5, n_fft)
    plain = plans.frame_transform(n_fft, leaning, "real", last_bin)
    both = [_kernels.FramePlan(t, n_fft // 4) for t in (folded, plain)]
    assert [plan.tables()["core_rows"] is not None for plan in both] == [True, False]
    values = [run(plan, audio, 9) for plan in both]
    assert values[0].shape == (9, last_bin + 1)
    np.testing.assert_allclose(values[0], values[1], atol=3e-5 * np.sqrt(n_fft))


def test_a_leaf_order_takes_every_point_once():
    for n in LENGTHS + LONG_LENGTHS:
        made = _kernels.FramePlan(plans.frame_transform(n, np.ones(n)), 10).tables()["transforms"][0]
        assert made["leaf"] * np.prod(made["radices"]) == n
        assert sorted(made["rows"]) == list(range(n))


@pytest.mark.parametrize("n_fft", [0, -16, 15, 17, 49, 2048 * 7, 2**20])
def test_other_lengths_are_refused(n_fft):
    with pytest.raises(ConfigError, match=f"FFT of {n_fft} points"):
        plans.frame_transform(n_fft, np.ones(4))


def test_a_window_longer_than_the_transform_is_refused():
    with pytest.raises(ConfigError, match="513 samples"):
        plans.frame_transform(512, np.ones(513))


# ---- frames


@all_tables
@given(
    n_frames=st.sampled_from([1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 130, 257]),
    frame_samples=st.integers(1, 64),
    hop=st.integers(1, 90),
)
@settings(max_examples=40, deadline=None)
def test_a_frame_does_not_depend_on_its_neighbours(cpu, n_frames, frame_samples, hop):
    audio = noise((n_frames - 1) * hop + frame_samples)
    transform = plans.frame_transform(64, np.linspace(1, 2, frame_samples), "power")
    plan = _kernels.FramePlan(transform, hop, cpu=cpu)
    together = run(plan, audio, n_frames)
    for f in {0, n_frames // 2, n_frames - 1}:
        alone = run(plan, audio[f * hop : f * hop + frame_samples].copy(), 1)
        assert_same_bits(together[f : f + 1], alone)


@all_tables
@pytest.mark.parametrize("pad", ["zero", "reflect", "edge"])
@given(n_samples=st.integers(1, 300), start=st.integers(-200, 320), hop=st.integers(1, 50))
@settings(max_examples=40, deadline=None)
def test_padding_is_that_of_numpy(cpu, pad, n_samples, start, hop):
    audio, n_frames = noise(n_samples), 11
    plan = _kernels.FramePlan(plans.frame_transform(32, hann(30), "complex"), hop, cpu=cpu)
    mode = {"zero": "constant", "reflect": "reflect", "edge": "edge"}[pad]
    padded = np.pad(audio, (200, 900), mode)
    wanted = run(plan, padded, n_frames, start=200 + start)
    assert_same_bits(run(plan, audio, n_frames, start=start, pad=pad), wanted)


@all_tables
@pytest.mark.parametrize("n_frames", [1, 16, 37])
def test_any_strides_give_the_same_values_and_touch_nothing_else(cpu, n_frames):
    audio = noise(5000)
    plan = _kernels.FramePlan(plans.frame_transform(64, hann(64)), 20, cpu=cpu)
    plain = run(plan, audio, n_frames)
    room = np.full((plan.n_values, n_frames, 2), 7, np.float32)
    plan.run(audio, room[::-1, :, 1].T)
    assert_same_bits(np.ascontiguousarray(room[::-1, :, 1].T), plain)
    assert np.all(room[:, :, 0] == 7)
    wide = np.full((n_frames + 2, plan.n_values + 5), 7, np.float32)
    plan.run(audio, wide[1:-1, 2:-3])
    assert_same_bits(np.ascontiguousarray(wide[1:-1, 2:-3]), plain)
    assert np.all(wide[[0, -1]] == 7)
    assert np.all(wide[:, [0, 1, -3, -2, -1]] == 7)
    backwards = np.empty_like(plain)
    plan.run(audio, backwards[::-1])
    assert_same_bits(backwards, np.ascontiguousarray(plain[::-1]))


def test_no_frames_is_no_work():
    plan = _kernels.FramePlan(plans.frame_transform(64, hann(64)), 20)
    plan.run(noise(10), np.empty((0, plan.n_values), np.float32))


def test_threads_share_a_plan():
    audio = noise(200_000)
    plan = _kernels.FramePlan(plans.frame_transform(512, hann(512)), 100)
    wanted, results = run(plan, audio, 1900), [None] * 6

    def work(i):
        results[i] = run(plan, audio, 1900)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(results))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        assert_same_bits(result, wanted)


def test_a_plan_keeps_its_tables():
    transform, bands = plans.frame_transform(64, hann(64)), triangles(5, 33).astype(np.float32)
    plan = _kernels.FramePlan(transform, 20, bands=bands)
    before = run(plan, noise(500), 9)
    bands[:] = np.nan
    transform.window[:] = np.nan
    assert_same_bits(run(plan, noise(500), 9), before)


# ---- from bins to values


def triangles(n_bands, n_bins):
    edges = np.linspace(0, 1, n_bands + 2) ** 2 * (n_bins - 1)
    bins = np.arange(n_bins)
    rise = (bins - edges[:-2, np.newaxis]) / np.diff(edges)[:-1, np.newaxis]
    fall = (edges[2:, np.newaxis] - bins) / np.diff(edges)[1:, np.newaxis]
    return np.maximum(0, np.minimum(rise, fall))


@all_tables
@pytest.mark.parametrize("with_bias", [False, True])
def test_bands_are_weighted_sums(cpu, with_bias):
    audio, weights = noise(4000), triangles(40, 129).astype(np.float32)
    assert not weights.any(axis=1).all(), "some bands should be empty"
    bias = noise(40) if with_bias else None
    transform = plans.frame_transform(256, hann(256))
    power = run(_kernels.FramePlan(transform, 60, cpu=cpu), audio, 50).astype(np.float64)
    plan = _kernels.FramePlan(transform, 60, bands=weights, bias=bias, cpu=cpu)
    got = run(plan, audio, 50)
    sums = power @ weights.T.astype(np.float64)
    wanted = sums + bias if with_bias else sums
    # One rounding of the weight, one of the product, one of each sum.
    bound = (weights.astype(bool).sum(axis=1).max() + 3) * UNIT * (sums + np.abs(wanted))
    assert np.all(np.abs(got - wanted) <= bound)


def test_packed_bands_keep_every_weight():
    weights = triangles(40, 129).astype(np.float32)
    transform = plans.frame_transform(256, hann(256))
    bands = _kernels.FramePlan(transform, 60, bands=weights).tables()
    dense = np.zeros_like(weights)
    for b, first in enumerate(bands["band_bins"]):
        stretch = np.asarray(bands["band_weights"])[bands["band_splits"][b] : bands["band_splits"][b + 1]]
        dense[b, first : first + stretch.size] = stretch
    np.testing.assert_array_equal(dense, weights)
    assert bands["last_bin"] == np.flatnonzero(weights.any(axis=0))[-1]
    nothing = _kernels.FramePlan(transform, 60, bands=np.zeros((3, 129), np.float32))
    assert nothing.tables()["last_bin"] == 0
    assert nothing.empty_bands() == [0, 1, 2]


@faster_tables
@pytest.mark.parametrize(
    "options",
    [
        {"post": "log", "floor": 1e-10},
        {"post": "log", "offset": 1e-3, "scale": 10 / np.log(10), "shift": -3.0},
        {"post": "pow", "exponent": 0.23, "square": True, "scale": 0.1, "shift": 2.0},
        {"post": "pow", "exponent": 1 / 3},
        {"matrix": noise(13 * 40).reshape(13, 40), "post": "log", "floor": 1e-6},
    ],
)
def test_same_bits_as_scalar_behind_the_bins(cpu, options):
    audio = noise(9000)
    audio[3000:5000] = 0
    transform = plans.frame_transform(256, hann(250))
    bands = triangles(40, 129).astype(np.float32)
    both = [_kernels.FramePlan(transform, 60, bands=bands, cpu=name, **options) for name in ("scalar", cpu)]
    assert_same_bits(run(both[1], audio, 130), run(both[0], audio, 130))


@all_tables
def test_values_are_post_times_scale_plus_shift(cpu):
    audio = noise(4000)
    transform = plans.frame_transform(128, hann(128))
    power = run(_kernels.FramePlan(transform, 60, cpu=cpu), audio, 30)
    logs, powers = np.empty_like(power), np.empty_like(power)
    scale, shift = np.float32(4.3), np.float32(-1.5)
    _kernels.log(np.maximum(power + np.float32(1e-3), 2).reshape(-1), logs.reshape(-1), cpu=cpu)
    _kernels.pow((power * power).reshape(-1), 0.19, powers.reshape(-1), cpu=cpu)
    options = {"scale": scale, "shift": shift, "cpu": cpu}
    log_plan = _kernels.FramePlan(transform, 60, post="log", offset=1e-3, floor=2, **options)
    pow_plan = _kernels.FramePlan(transform, 60, post="pow", square=True, exponent=0.19, **options)
    assert_same_bits(run(log_plan, audio, 30), logs * scale + shift)
    assert_same_bits(run(pow_plan, audio, 30), powers * scale + shift)


@all_tables
@pytest.mark.parametrize("n_rows", [1, 3, 4, 13])
def test_a_matrix_multiplies_the_values(cpu, n_rows):
    audio, matrix = noise(4000), noise(n_rows * 65).reshape(n_rows, 65)
    transform = plans.frame_transform(128, hann(128))
    power = run(_kernels.FramePlan(transform, 60, cpu=cpu), audio, 30)
    product = run(_kernels.FramePlan(transform, 60, matrix=matrix, cpu=cpu), audio, 30)
    bound = 66 * UNIT * np.abs(power) @ np.abs(matrix).T
    assert np.all(np.abs(product - power.astype(np.float64) @ matrix.T) <= bound)
    projected = np.empty_like(product)
    _kernels.project(power, matrix, projected, cpu=cpu)
    assert_same_bits(projected, product)
    floor = float(np.median(power))
    _kernels.project(power, matrix, projected, floor=floor, cpu=cpu)
    raised = np.empty_like(product)
    _kernels.project(np.maximum(power, np.float32(floor)), matrix, raised, cpu=cpu)
    assert_same_bits(projected, raised)


@all_tables
def test_rows_may_overlap_before_a_matrix(cpu):
    values, matrix = noise(200), noise(6 * 40).reshape(6, 40)
    rows = np.lib.stride_tricks.sliding_window_view(values, 40)[::7]
    meant, found = np.empty((2, len(rows), 6), np.float32)
    _kernels.project(np.ascontiguousarray(rows), matrix, meant, cpu=cpu)
    _kernels.project(rows, matrix, found, cpu=cpu)
    assert_same_bits(found, meant)


@all_tables
@pytest.mark.parametrize("shape", [(1, 1), (1, 20), (2, 16), (3, 17), (500, 64), (40, 100)])
def test_statistics_of_columns(cpu, shape):
    values = noise(shape[0] * shape[1]).reshape(shape) + 3
    found, scalar = np.empty((2, 3, shape[1]), np.float32)
    _kernels.statistics(values, found, cpu=cpu)
    _kernels.statistics(values, scalar, cpu="scalar")
    assert_same_bits(found, scalar)
    exact = values.astype(np.float64)
    changes = np.diff(exact, axis=0).std(axis=0) if shape[0] > 1 else np.zeros(shape[1])
    bound = 4 * (shape[0] + 4) * UNIT * np.abs(exact).max()
    assert np.all(np.abs(found - [exact.mean(axis=0), exact.std(axis=0), changes]) <= bound)


@all_tables
@pytest.mark.parametrize("shape", [(1, 1), (2, 16), (3, 17), (4, 1), (247, 64), (248, 70)])
@pytest.mark.parametrize("kind", ["noise", "ties", "flat", "spike", "heavy", "tiny"])
def test_medians_of_columns(cpu, shape, kind):
    values = noise(shape[0] * shape[1]).reshape(shape)
    values = {
        "noise": values - 8, "ties": np.round(values * 2), "flat": np.full(shape, 0.1, "f"),
        "spike": np.where(values > 0.5, np.float32(1e30), values),
        "heavy": np.exp(20 * np.clip(values, -4, 4)),
        "tiny": np.where(values > 0, np.float32(1e-44), np.float32(0)),
    }[kind].astype(np.float32)  # fmt: skip
    found = np.empty(shape[1], np.float32)
    _kernels.medians(values, found, cpu=cpu)
    np.testing.assert_array_equal(found, np.sort(values, axis=0)[(shape[0] - 1) // 2])


# ---- logarithm, power, normalisation


SPECIAL = np.array(
    [0, -0.0, 1e-45, 1e-40, 1.17549435e-38, 1, 3.4e38, np.inf, -1e-45, -1, -np.inf, np.nan],
    np.float32,
)


def every_kind_of_float():
    bits = np.random.default_rng(0).integers(1, 0x7F800000, 400_000, dtype=np.uint32)
    return bits.view(np.float32)


@pytest.mark.parametrize("x", [np.arange(0.5, 2, 2**-22, np.float32), every_kind_of_float()])
def test_log_is_within_an_ulp(x):
    got = np.empty_like(x)
    _kernels.log(x, got, cpu="scalar")
    wanted = np.log(x.astype(np.float64))
    assert np.all(ulps(got, wanted)[x != 1] < 0.9)
    assert np.all(got[x == 1] == 0)


@pytest.mark.parametrize("exponent", [0.1905, 0.2295, 1 / 3, 0.9, 1, 1.5, 2, 3, 10, -0.5, -2])
def test_pow_is_within_its_bound(exponent):
    bound = 2 if abs(exponent) <= 1 else abs(exponent) + 2
    x = every_kind_of_float()
    got = np.empty_like(x)
    _kernels.pow(x, exponent, got, cpu="scalar")
    with np.errstate(over="ignore", under="ignore"):
        wanted = x.astype(np.float64) ** float(np.float32(exponent))
        finite = wanted < 3.4028236e38
        assert np.all(ulps(got, np.where(finite, wanted, 1))[finite] <= bound)
    assert np.all(np.isinf(got[~finite]))


@all_tables
def test_special_values(cpu):
    got = np.empty_like(SPECIAL)
    with np.errstate(all="ignore"):
        _kernels.log(SPECIAL, got, cpu=cpu)
        np.testing.assert_allclose(got, np.log(SPECIAL), rtol=1e-6)
        for exponent in (0.3, 1, -0.3, 0):
            _kernels.pow(SPECIAL, exponent, got, cpu=cpu)
            wanted = np.where(SPECIAL >= 0, np.abs(SPECIAL) ** np.float32(exponent), np.nan)
            np.testing.assert_allclose(got, wanted, rtol=1e-6)


@faster_tables
@pytest.mark.parametrize("n", [0, 1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 63, 64, 65, 127, 128, 129, 1000])
def test_same_bits_as_scalar_for_any_length(cpu, n):
    x = np.resize(np.concatenate([SPECIAL[:-1], np.abs(noise(500))]), n).astype(np.float32)
    small = noise(n, seed=1)
    results = []
    for name in ("scalar", cpu):
        outs = [np.empty(n, np.float32) for _ in range(3)]
        _kernels.log(x, outs[0], cpu=name)
        _kernels.pow(x, 0.2295, outs[1], cpu=name)
        _kernels.normalize(small, outs[2], cpu=name)
        results.append(outs)
    for scalar, fast in zip(*results, strict=True):
        assert_same_bits(fast, scalar)


@all_tables
@pytest.mark.parametrize("n", [1, 2, 16, 63, 64, 65, 144_000])
def test_normalize_is_the_networks_own_arithmetic(cpu, n):
    x = noise(n)
    z = x - x.min()
    z = z / (z.max() + np.float32(1e-6))
    wanted = (z - np.float32(0.5)) * np.float32(2)
    _kernels.normalize(x, x, cpu=cpu)
    assert_same_bits(x, wanted)


# ---- the door


def test_tables_are_listed_slowest_first():
    assert _kernels.cpu_tables()[:2] == ("scalar", "baseline")


def test_the_environment_chooses_the_table(monkeypatch):
    monkeypatch.setenv("BIRDFAST_CPU", "scalar")
    assert _kernels.cpu_table() == "scalar"
    assert _kernels.FramePlan(plans.frame_transform(64, hann(64)), 20).cpu == "scalar"
    monkeypatch.setenv("BIRDFAST_CPU", "")
    assert _kernels.cpu_table() == _kernels.cpu_tables()[-1]
    monkeypatch.setenv("BIRDFAST_CPU", "mmx")
    with pytest.raises(ConfigError, match="BIRDFAST_CPU=mmx: this CPU has scalar, baseline"):
        _kernels.cpu_table()
    with pytest.raises(ConfigError, match="cpu='vax'"):
        _kernels.log(noise(3), noise(3), cpu="vax")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_fft": 77}, "an argument that cannot be"),
        ({"n_fft": 2**17}, "an argument that cannot be"),
        ({"n_fft": 32}, "window: 1 to n_fft"),
        ({"window": np.empty(0, np.float32)}, "window: 1 to n_fft"),
        ({"last_bin": 33}, "an argument that cannot be"),
        ({"last_bin": -2}, "an argument that cannot be"),
        ({"part": "phase"}, "part='phase'"),
    ],
)
def test_transforms_that_cannot_be_are_refused(change, message):
    values = vars(plans.frame_transform(64, np.ones(64))) | change
    with pytest.raises(ValueError, match=message):
        _kernels.FramePlan(plans.FrameTransform(**values), 10)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bands": np.ones((2, 32), np.float32)}, "bands: 33 bins"),
        ({"bands": np.ones((0, 33), np.float32)}, "bands: at least 1"),
        ({"bias": np.ones(2, np.float32)}, "bias"),
        ({"bands": np.ones((2, 33), np.float32), "bias": np.ones(3, np.float32)}, "bias"),
        ({"matrix": np.ones((2, 32), np.float32)}, "matrix: 33 columns"),
        ({"post": "pow", "exponent": 10_001}, "an argument that cannot be"),
    ],
)
def test_bands_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        _kernels.FramePlan(plans.frame_transform(64, hann(64)), 20, **options)


def test_a_band_above_the_last_bin_is_refused():
    with pytest.raises(ValueError, match="an argument"):
        _kernels.FramePlan(
            plans.frame_transform(64, hann(64), "power", 20), 20, bands=np.eye(22, 33, dtype="f")
        )


def test_runs_outside_of_their_arrays_are_refused():
    plan = _kernels.FramePlan(plans.frame_transform(64, hann(64)), 20)
    with pytest.raises(ValueError, match="outside of the audio"):
        run(plan, noise(83), 2)
    with pytest.raises(ValueError, match="outside of the audio"):
        run(plan, noise(100), 2, start=-1)
    with pytest.raises(ValueError, match="out of range"):
        run(plan, noise(100), 2, start=2**62, pad="zero")
    with pytest.raises(ValueError, match="no audio"):
        run(plan, noise(0), 2, pad="edge")
    with pytest.raises(ValueError, match=r"out: \[frames, 33\]"):
        plan.run(noise(100), np.empty((2, 32), np.float32))
    with pytest.raises(ValueError, match="pad='wrap'"):
        run(plan, noise(100), 1, pad="wrap")
    with pytest.raises(ValueError, match="hop_samples"):
        _kernels.FramePlan(plans.frame_transform(64, hann(64)), 0)
    with pytest.raises(ValueError, match="as long as x"):
        _kernels.log(noise(4), noise(3))
    with pytest.raises(ValueError, match="columns"):
        _kernels.project(noise(8).reshape(2, 4), noise(6).reshape(2, 3), np.empty((2, 2), "f"))
    with pytest.raises(ValueError, match="without gaps"):
        _kernels.project(noise(8).reshape(2, 4)[:, ::2], noise(4).reshape(2, 2), np.empty((2, 2), "f"))
    with pytest.raises(ValueError, match="one row"):
        _kernels.statistics(np.empty((0, 3), "f"), np.empty((3, 3), "f"))
