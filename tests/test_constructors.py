"""Laws of the constructors: NumPy's tables but for its rounding, no memory lost, nothing odd taken."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from birdfast import _kernels
from birdfast.spectrogram import Framing, mel, plans, window_values
from birdfast.tokens import Codebook

from . import reference_tables as reference
from . import strategies

CSRC = Path(__file__).parents[1] / "csrc"
NATIVE = Path(__file__).with_name("native")
OF_CONSTRUCTORS = ("status", "memory", "precise", "*_tables", "framing", "codebook_*")
quick = settings(max_examples=40, deadline=None)


def is_length(n: int) -> bool:
    for prime in (2, 3, 5):
        while n % prime == 0:
            n //= prime
    return n == 1


LENGTHS = [n for n in range(16, 65_537) if is_length(n)]


def assert_rounded(found: Any, meant: Any, *, exact: bool = False) -> None:
    """Equal to the bit in float32, but for what is 0 and 1e-16 in NumPy.

    In double NumPy's are wrong by as much: by the rounding of an angle, which is up to 25.
    """
    values, twin = np.asarray(found).reshape(-1), np.asarray(meant).reshape(-1)
    assert values.dtype == (np.float64 if exact else np.float32)
    if exact:
        np.testing.assert_allclose(values, twin, rtol=0, atol=4e-15)
    else:
        twin = np.where(np.abs(twin) < 1e-14, 0, twin)
        np.testing.assert_array_equal(values, twin.astype(np.float32))


def assert_transform(found: dict[str, Any], meant: dict[str, Any], *, exact: bool) -> None:
    assert found["radices"] == meant["radices"]
    for name in ("n", "leaf", "rows", "mirror_rows", "window"):
        np.testing.assert_array_equal(found[name], meant.get(name))
    for name in ("twiddles", "rotation"):
        if name in meant:
            assert_rounded(found[("exact_" if exact else "") + name], meant[name], exact=exact)


# ---- transforms


@pytest.mark.parametrize("some", range(4))
def test_a_transforms_tables_are_numpys(some: int) -> None:
    for n_fft in LENGTHS[some::4]:
        values = reference.window("hann", n_fft).astype(np.float32)[: n_fft - some]
        plan = _kernels.FramePlan(plans.frame_transform(n_fft, values, exact=some == 3), 10)
        assert_transform(plan.tables()["transforms"][0], reference.plain(n_fft, values), exact=some == 3)


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="no wider floats to compare with")
@pytest.mark.parametrize("n_fft", [480, 2048, 59_049])
def test_exact_twiddles_are_nearly_the_closest_doubles(n_fft: int) -> None:
    transform = plans.frame_transform(n_fft, np.ones(n_fft), exact=True)
    made = _kernels.FramePlan(transform, 10).tables()["transforms"][0]
    parts, points = [], made["leaf"]
    for radix in made["radices"]:
        k = np.arange(1, (points - 1) // 2 + 1)[:, np.newaxis]
        points *= radix
        parts.insert(0, (k * np.arange(1, radix) / np.longdouble(points)).reshape(-1))
    turns = np.concatenate(parts)
    turn = 2 * np.longdouble("3.14159265358979323846264338327950288")
    truth = np.stack([np.cos(turn * turns), np.sin(turn * turns)], -1).reshape(-1)
    found = np.asarray(made["exact_twiddles"])
    errors = np.abs(found - truth)
    clear = np.abs(found) > 0.05  # below, the truth is no better than its angle
    assert (errors[clear] / np.spacing(np.abs(found[clear]))).max() < 0.8
    assert errors.max() < 1e-16


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("n_fft", [2**power for power in range(5, 17)])
def test_a_folded_transforms_tables_are_numpys(n_fft: int, exact: bool) -> None:
    values = np.hanning(n_fft + 1)[:-1].astype(np.float32)
    values[1:] = np.maximum(values[1:], values[:0:-1])
    made = _kernels.FramePlan(plans.frame_transform(n_fft, values, "real", exact=exact), 10).tables()
    core = reference.core(n_fft, values)
    for name in ("core_rows", "core_mirror_rows", "core_window"):
        np.testing.assert_array_equal(made[name], core[name])
    assert_rounded(made[("exact_" if exact else "") + "core_matrix"], core["core_matrix"], exact=exact)
    assert len(made["transforms"]) == n_fft.bit_length() - 5
    for doublings, found in enumerate(made["transforms"]):
        assert_transform(found, reference.odd_points(n_fft, values, 8 << doublings), exact=exact)


@quick
@given(st.data())
def test_a_resamplers_tables_are_numpys(data: st.DataObject) -> None:
    n_in, n_out = (16 * data.draw(st.sampled_from([1, 3, 5, 7, 15, 21, 49, 60, 105, 144])) for _ in range(2))
    rows = np.random.default_rng(n_in + n_out).integers(0, n_in, n_out).astype(np.int32)
    weights = strategies.integer_noise(n_out, 3).astype(np.float32)
    made = _kernels.BlockResampler(n_in, rows, weights, step_in=1, first_out=0, step_out=1).tables()
    ones = np.ones(n_in, np.float32)
    assert_transform(made["forward"], reference.transform(n_in, np.arange(n_in), ones), exact=False)
    assert_transform(made["backward"], reference.transform(n_out, rows, weights), exact=False)


# ---- windows, mels, cosines


@pytest.mark.parametrize("kind", reference.TERMS)
@quick
@given(samples=st.integers(1, 70_000))
def test_a_window_is_numpys(kind: str, samples: int) -> None:
    made, twin = window_values(kind, samples), reference.window(kind, samples)
    np.testing.assert_allclose(made, twin, rtol=0, atol=1e-15)
    clear = np.abs(twin) > 1e-12
    assert np.sum(made.astype(np.float32)[clear] != twin.astype(np.float32)[clear]) <= 1e-4 * samples
    np.testing.assert_array_equal(made[1:], made[:0:-1])


@quick
@given(st.data())
def test_mel_filters_are_numpys(data: st.DataObject) -> None:
    rate_hz = data.draw(st.sampled_from([8_000, 22_050, 32_000, 48_000, 250_000]))
    low_hz = data.draw(st.floats(0, rate_hz / 4))
    high_hz = data.draw(st.one_of(st.just(rate_hz / 2), st.floats(rate_hz / 4 + 10, rate_hz / 2)))
    scale, norm = data.draw(st.sampled_from(["slaney", "htk"])), data.draw(st.sampled_from(["slaney", None]))
    n_fft, n_mels = data.draw(st.integers(1, 3000)), data.draw(st.integers(1, 140))
    with warnings.catch_warnings(action="ignore"):
        made = mel.filters(rate_hz, n_fft, n_mels, fmin_hz=low_hz, fmax_hz=high_hz, scale=scale, norm=norm)
    twin = reference.mel_filters(rate_hz, n_fft, n_mels, low_hz, high_hz, scale, norm == "slaney")
    np.testing.assert_allclose(made, twin, rtol=0, atol=1e-9 * twin.max())


@quick
@given(n_columns=st.integers(1, 300), data=st.data())
def test_rows_of_a_dct_are_numpys_and_orthonormal(n_columns: int, data: st.DataObject) -> None:
    n_rows = data.draw(st.integers(1, n_columns))
    rows = mel.dct(n_rows, n_columns)
    np.testing.assert_allclose(rows, reference.dct(n_rows, n_columns), rtol=0, atol=1e-13)
    np.testing.assert_allclose(rows @ rows.T, np.eye(n_rows), rtol=0, atol=1e-14 * n_columns)


@pytest.mark.parametrize("options", [{}, {"opensoundscape": True}, {"level": "db", "ref": 3.0}, {"power": 1}])
def test_mfccs_of_options_are_those_of_a_matrix(options: dict[str, Any]) -> None:
    """What a C program asks for by n_mfcc, and what `Mfcc` hands over."""
    sizes = (32_000, 1024, 300, 40)
    asked = _kernels.LogMelPlan(*sizes, "hann", 1000, n_mfcc=13, **options).tables()
    matrix, values = mel.dct(13, 40).astype(np.float32), window_values("hann", 1000)
    handed = _kernels.LogMelPlan(*sizes, values, 1000, matrix=matrix, **options).tables()
    assert asked == handed


def test_decibels_are_of_the_reference() -> None:
    for power, decibels in ((2, 10.0), (1, 20.0)):
        made = _kernels.LogMelPlan(32_000, 512, 100, 20, "hann", level="db", ref=0.5, power=power).tables()
        assert made["scale"] == np.float32(decibels / np.log(10))
        assert made["shift"] == np.float32(-decibels * np.log10(0.5))
        assert made["floor"] == np.float32(1e-10 if power == 2 else 1e-5)


@quick
@given(st.data())
def test_frames_lose_their_means_as_numpys_do(data: st.DataObject) -> None:
    length, hop = data.draw(st.integers(1, 300)), data.draw(st.integers(1, 400))
    audio = data.draw(strategies.sounds(st.integers(length, length + 70 * hop)))
    frames = reference.less_mean(audio, length, hop)
    transform = plans.frame_transform(320, np.ones(length, np.float32))
    less = _kernels.FramePlan(transform, hop, subtract_mean=True)
    plain = _kernels.FramePlan(transform, length)
    found, meant = (np.empty((len(frames), 161), np.float32) for _ in range(2))
    less.run(audio, found)
    plain.run(np.ascontiguousarray(frames).reshape(-1), meant)
    np.testing.assert_array_equal(found, meant)
    some = data.draw(st.integers(0, len(frames) - 1))
    less.run(audio, found[: len(frames) - some], start=some * hop)
    np.testing.assert_array_equal(found[: len(frames) - some], meant[some:])


def test_frames_less_their_means_are_not_padded() -> None:
    plan = _kernels.LogMelPlan(32_000, 512, 100, 20, "hann", opensoundscape=True)
    with pytest.raises(ValueError, match="without padding"):
        plan.run(np.zeros(600, np.float32), np.empty((1, 20), np.float32), start=-5, pad="zero")


# ---- codebooks


def centroids_of(data: st.DataObject) -> np.ndarray:
    n, n_values = data.draw(st.integers(1, 1500)), data.draw(st.integers(1, 40))
    made = np.random.default_rng(n * 41 + n_values).standard_normal((n, n_values)).astype(np.float32)
    return made * np.linspace(1, 3, n_values, dtype=np.float32)  # no two values are spread alike


@quick
@given(st.data())
def test_a_codebooks_filters_are_numpys(data: st.DataObject) -> None:
    centroids = centroids_of(data)
    made, twin = (
        _kernels.CentroidSearch(centroids, search="int8").tables(),
        reference.codebook_filters(centroids),
    )
    for name, meant in twin.items():
        if name in ("ids", "blocks", "pairs", "quads", "int8_offsets", "centre", "int8_steps"):
            np.testing.assert_array_equal(made[name], meant, err_msg=name)
        else:  # sums in another order
            np.testing.assert_allclose(made[name], meant, rtol=2e-7, err_msg=name)


@quick
@given(st.data())
def test_a_codebooks_tree_is_numpys(data: st.DataObject) -> None:
    centroids = centroids_of(data)
    made = _kernels.CentroidSearch(centroids, search="tree").tables()
    rows, ids = reference.padded(centroids, reference.tree_order(centroids))
    np.testing.assert_array_equal(made["ids"], ids)
    np.testing.assert_array_equal(made["blocks"], reference.blocks(rows))
    for name, meant in zip(("block_boxes", "group_boxes"), reference.boxes(rows, ids), strict=True):
        np.testing.assert_array_equal(made[name], meant)


def test_the_search_is_chosen_by_the_centroids() -> None:
    generator = np.random.default_rng(5)
    places = generator.uniform(-1, 1, (2000, 3)).astype(np.float32)
    assert Codebook(places).search == "tree"
    assert Codebook(places[:500]).search in ("int8", "int16")
    assert Codebook(generator.standard_normal((1100, 128)).astype(np.float32)).search != "tree"
    assert Codebook(np.full((70, 4), 0.3, np.float32)).search == "int16"  # all at one place
    far = np.repeat([[-1000], [1000]], 35, axis=0) + generator.uniform(0, 0.01, (70, 4))
    assert Codebook(far.astype(np.float32)).search == "float"  # two heaps, far apart
    assert Codebook(places[:1]).search == "int16"
    assert Codebook(places * np.float32(1e19)).search == "all"


# ---- memory


@pytest.mark.skipif(sys.platform != "linux", reason="the linker has to know --wrap")
def test_what_fails_and_what_cannot_be_is_said_and_nothing_is_kept(tmp_path: Path) -> None:
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        pytest.skip("no C compiler")
    sources = sorted({path for name in OF_CONSTRUCTORS for path in CSRC.glob(f"{name}.c")})
    program = tmp_path / "failing"
    driver = str(NATIVE / "constructors.c")
    flags = ["-std=c11", "-O1", "-ffp-contract=off", f"-I{CSRC}", f"@{NATIVE / 'wrapped'}"]
    command = [compiler, *flags, driver, *map(str, sources), "-lm", "-o", str(program)]
    subprocess.run(command, check=True)
    told = subprocess.run([program], check=True, capture_output=True, text=True).stdout.split()
    assert not {"taken:", "refused:"} & set(told), told
    failures = dict(zip(told[::2], map(int, told[1::2]), strict=True))
    assert len(failures) == 10
    assert all(3 <= n < 200 for n in failures.values()), failures


@pytest.mark.parametrize("change", [
    {"n_fft": 8}, {"n_fft": 77}, {"hop_samples": 0}, {"window_samples": -1}, {"window_samples": 513},
    {"rate_hz": 0.0}, {"rate_hz": np.nan}, {"n_mels": 0}, {"fmin_hz": -1.0}, {"fmin_hz": 16_001.0},
    {"fmax_hz": 16_001.0}, {"fmax_hz": np.nan}, {"power": 3}, {"amin": -1.0}, {"amin": np.inf},
    {"ref": 0.0}, {"ref": np.nan}, {"n_mfcc": 41}, {"n_mfcc": -1}, {"offset": np.inf},
    {"n_mfcc": 3, "matrix": np.ones((3, 40), np.float32)}, {"center": True, "pad": "none"},
    {"opensoundscape": True, "power": 1}, {"opensoundscape": True, "center": True},
    {"opensoundscape": True, "n_fft": 675},
])  # fmt: skip
def test_a_log_mel_that_cannot_be_is_refused(change: dict[str, Any]) -> None:
    options = {"rate_hz": 32_000, "n_fft": 512, "hop_samples": 100, "n_mels": 40, "window": "hann"}
    _kernels.LogMelPlan(**options)
    with pytest.raises(ValueError, match=r"an argument that cannot be|n_mels"):
        _kernels.LogMelPlan(**options | change)


@pytest.mark.parametrize("center", [False, True])
def test_a_recording_as_long_as_a_frame_has_it(center: bool) -> None:
    plan = _kernels.LogMelPlan(32_000, 64, 10, 3, "hann", center=center, pad="reflect")
    assert [plan.frames(n) for n in (0, 63, 64, 73, 74)] == ([0, 7, 7, 8, 8] if center else [0, 0, 1, 1, 2])


@quick
@given(st.data())
def test_frames_lie_in_c_where_they_lie_in_python(data: st.DataObject) -> None:
    n_fft, hop = data.draw(st.sampled_from([64, 120, 512])), data.draw(st.integers(1, 700))
    window_samples, center = data.draw(st.integers(1, n_fft)), data.draw(st.booleans())
    framing = Framing.of_librosa(n_fft, hop, window_samples, center, "reflect")
    options = {"window_samples": window_samples, "center": center, "pad": "reflect"}
    plan = _kernels.LogMelPlan(32_000, n_fft, hop, 3, "hann", **options)
    samples = data.draw(st.integers(0, 5000))
    assert plan.tables()["framing"] == {
        name: getattr(framing, name)
        for name in ("window_samples", "hop_samples", "span_samples", "lead_samples", "pad_samples")
    }
    assert plan.frames(samples) == framing.count(samples)
    assert plan.start(samples) == framing.start(samples)
