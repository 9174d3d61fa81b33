"""Pictures: a recipe on our kernels is what torchaudio, torch, librosa and scipy make of a window."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from birdfast import _kernels
from birdfast.errors import ConfigError
from birdfast.frontends import anylength, pictures, recipe, resizing
from birdfast.frontends.pictures import Pictures
from birdfast.frontends.recipe import Recipe
from birdfast.models.model import listed

GOLDEN = np.load(Path(__file__).parent / "golden" / "pictures.npz")
WINDOW = GOLDEN["window"]
RATE_HZ = 32_000
BIRDSET = {"level": "db", "top_db": 80.0}
EFFICIENTNET = {**BIRDSET, "n_fft": 2048, "hop_samples": 256, "n_mels": 96}
CONVNEXT = {**BIRDSET, "n_fft": 1024, "hop_samples": 320, "n_mels": 64}
SCALED = {"scaling": "fixed", "mean": -4.268, "deviation": 4.569}
PCEN = {"pcen_gain": 0.8, "pcen_bias": 10.0, "pcen_power": 0.25, "pcen_smoothing": 0.06}

RECIPES = {
    "birdset-efficientnet": {**EFFICIENTNET, **SCALED},
    "birdset-convnext": {**CONVNEXT, **SCALED},
    "log-offset": {
        **{"n_fft": 1024, "hop_samples": 320, "n_mels": 40, "fmin_hz": 60.0, "mel_norm": "slaney"},
        **{"level": "log", "offset": 1e-5},
    },
    "torchaudio-db": {
        **{"n_fft": 512, "hop_samples": 160, "n_mels": 32, "fmin_hz": 150.0, "fmax_hz": 15_000.0},
        **{"mel_scale": "slaney", "level": "db", "top_db": 60.0},
    },
    "torchaudio-magnitude-db": {"n_fft": 1024, "hop_samples": 256, "n_mels": 48, "power": 1, "level": "db"},
    "down-smooth": {**EFFICIENTNET, "fit": "resize", "bands": 48, "frames": 31},
    "down-sharp": {**EFFICIENTNET, "fit": "resize", "bands": 48, "frames": 31, "antialias": False},
    "up": {**CONVNEXT, "fit": "resize", "bands": 100, "frames": 77, "antialias": False},
    "standard": {**CONVNEXT, "scaling": "standard", "epsilon": 1e-6},
    "min-max": {**CONVNEXT, "scaling": "min-max", "epsilon": 1e-6},
    "librosa-pcen": {"n_fft": 1024, "hop_samples": 320, "n_mels": 64, "level": "pcen", **PCEN},
    "librosa-ref-max": {**CONVNEXT, "reference": 0.0},
    "scipy-linear": {
        **{"n_fft": 1024, "hop_samples": 200, "window": "hamming", "window_samples": 800, "place": "start"},
        **{"center": False, "scale": "linear", "fmin_hz": 1_000.0, "fmax_hz": 15_000.0, "level": "db"},
    },
}


def made(name: str, **changes: object) -> np.ndarray:
    return Pictures(Recipe(**{**RECIPES[name], **changes}), RATE_HZ, len(WINDOW))(WINDOW[None])[0]


@pytest.mark.parametrize("name", RECIPES)
def test_a_picture_is_that_of_other_programs(name: str) -> None:
    """Within 1e-4 of the reference's range."""
    golden = GOLDEN[name]
    np.testing.assert_allclose(made(name), golden, rtol=0, atol=1e-4 * np.ptp(golden))


@pytest.mark.parametrize("name", RECIPES)
def test_every_cpu_draws_the_same_bits(name: str) -> None:
    for cpu in _kernels.cpu_tables():
        drawn = Pictures(Recipe(**RECIPES[name]), RATE_HZ, len(WINDOW), cpu=cpu)(WINDOW[None])
        assert drawn[0].tobytes() == made(name).tobytes()


ZOO = np.load(Path(__file__).parent / "golden" / "zoo_pictures.npz")


@pytest.mark.parametrize(
    ("row", "name", "size"),
    [
        ("hawkears", "hawkears", {}),
        ("rana-sierrae-cnn", "rana-sierrae-cnn", {}),
        ("rana-sierrae-cnn", "rana-sierrae-cnn, small", {"bands": 20, "frames": 60}),
    ],
)
def test_a_row_of_models_draws_what_its_authors_tools_draw(row: str, name: str, size: dict[str, int]) -> None:
    """On the sound that these heard; every fifth row and column of large pictures is kept."""
    model, golden = listed()[row], ZOO[name]
    assert model.front_end is not None
    drawing = Pictures(dataclasses.replace(model.front_end, **size), model.rate_hz, model.window_samples)
    picture = drawing(np.resize(WINDOW, (1, model.window_samples)))[0, 0]
    step = 1 if size else 5
    np.testing.assert_allclose(picture[::step, ::step], golden, rtol=0, atol=1e-5 * np.ptp(golden))


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("level", ["none", "log", "db"])
@pytest.mark.parametrize("power", [1, 2])
def test_a_transform_of_any_length_gives_what_the_kernels_give(
    level: str, power: int, center: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {"level": level, "power": power, "center": center, "scaling": "none", "window_samples": 800}
    with_kernels = made("birdset-convnext", **changes)
    monkeypatch.setattr(anylength, "needed", lambda n_fft: True)
    found = made("birdset-convnext", **changes)
    np.testing.assert_allclose(found, with_kernels, rtol=2e-4, atol=1e-4 * np.ptp(with_kernels))


def test_every_length_is_one_that_can_be_transformed() -> None:
    assert [n for n in range(14, 30) if anylength.needed(n)] == [17, 19, 21, 22, 23, 26, 28, 29]
    assert not anylength.needed(70_001)
    assert made("birdset-convnext", n_fft=1021, scaling="none").shape == (1, 64, 50)


def test_decibels_span_no_more_than_they_are_told() -> None:
    told = {"scaling": "none", "top_db": 0.0, "amin": 1e-4, "reference": 10.0}
    whole, cut = made("birdset-convnext", **told), made("birdset-convnext", **told, span_db=30.0)
    assert whole.min() == cut.min() == np.float32(-50)
    assert (cut == np.minimum(whole, np.float32(-20))).all()
    assert whole.max() > -20


def test_an_exponent_is_of_what_is_scaled() -> None:
    plain, bent = made("min-max"), made("min-max", exponent=0.7)
    np.testing.assert_allclose(bent, plain**0.7, rtol=1e-5)
    assert np.isfinite(made("standard", exponent=0.7)).all()  # what is below 0 has no such power


@given(st.integers(1, 40), st.integers(1, 40), st.booleans())
def test_what_scikit_image_makes_of_a_constant_is_constant(n: int, m: int, antialias: bool) -> None:
    matrix = resizing.as_skimage(n, m, antialias)
    assert matrix.shape == (m, n)
    assert np.allclose(matrix.sum(axis=1), 1, atol=1e-6)
    assert np.allclose(matrix, matrix[::-1, ::-1], atol=1e-6)
    if n == m:
        assert np.allclose(matrix, np.eye(n))


def test_a_batch_is_its_windows_one_by_one() -> None:
    drawing = Pictures(Recipe(**RECIPES["down-smooth"]), RATE_HZ, len(WINDOW))
    windows = np.stack([WINDOW, WINDOW[::-1], np.zeros_like(WINDOW)])
    together = drawing(windows)
    assert together.shape == (3, 1, 48, 31)
    for window, picture in zip(windows, together, strict=True):
        assert drawing(window[None])[0].tobytes() == picture.tobytes()


def test_layouts_and_channels_are_copies_of_one_picture() -> None:
    one = made("birdset-convnext")
    for channels in (1, 3):
        first = made("birdset-convnext", channels=channels)
        last = made("birdset-convnext", channels=channels, layout="NHWC")
        assert first.shape == (channels, 64, 51)
        assert last.shape == (64, 51, channels)
        assert (first == one).all()
        assert (np.moveaxis(last, -1, 0) == one).all()


def test_a_flipped_picture_is_upside_down() -> None:
    assert (made("up", flip=True)[:, 3:-3] != made("up")[:, 3:-3]).any()
    assert (made("birdset-convnext", flip=True)[0] == made("birdset-convnext")[0, ::-1]).all()


def test_a_picture_is_cut_and_padded_at_its_ends() -> None:
    whole = made("birdset-convnext")[0]
    cut = made("birdset-convnext", scaling="none", fit="crop", bands=60, frames=70, pad_value=-7.0)[0]
    scaled = (cut - np.float32(-4.268)) * (np.float32(1) / np.float32(4.569))
    assert (scaled[:, :51] == whole[:60]).all()
    assert (cut[:, 51:] == -7).all()


@pytest.mark.parametrize("name", RECIPES)
def test_silence_is_finite(name: str) -> None:
    silent = Pictures(Recipe(**RECIPES[name]), RATE_HZ, len(WINDOW))(np.zeros((1, len(WINDOW)), np.float32))
    assert np.isfinite(silent).all()


def test_a_first_frame_may_begin_the_smoothing() -> None:
    """In steady sound it is then steady from the first frame on."""
    steady = np.tile(np.sin(np.arange(320) * 2 * np.pi * 5 / 320), 50).astype(np.float32)
    told = {**RECIPES["librosa-pcen"], "pcen_start": "first", "center": False}
    picture = Pictures(Recipe(**told), RATE_HZ, len(steady))(steady[None])[0, 0]
    assert np.allclose(picture, picture[:, :1], atol=1e-3)


@given(st.integers(1, 40), st.integers(1, 40), st.booleans())
def test_a_resized_constant_is_constant(n: int, m: int, antialias: bool) -> None:
    matrix = pictures._resized(n, m, antialias)
    assert matrix.shape == (m, n)
    assert np.allclose(matrix.sum(axis=1), 1, atol=1e-6)
    if n == m:
        assert (matrix == np.eye(n)).all()


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"hop_samples": 320}, "lacks n_fft"),
        ({"n_fft": 1024}, "lacks hop_samples"),
        ({"n_fft": 1024, "hop_samples": 0}, "hop_samples: 0 does not fit; it takes more than 0"),
        ({"n_fft": 1024.0, "hop_samples": 1}, "n_fft: 1024.0 does not fit; it takes a whole number"),
        ({"n_fft": 1024, "hop_samples": True}, "hop_samples: True does not fit"),
        ({"n_fft": 1024, "hop_samples": 1, "power": 3}, "power: 3 does not fit; it takes 1 or 2"),
        ({"n_fft": 1024, "hop_samples": 1, "power": True}, "power: True does not fit"),
        ({"n_fft": 1024, "hop_samples": 1, "level": "dB"}, "level: 'dB' does not fit; it takes 'none' or"),
        ({"n_fft": 1024, "hop_samples": 1, "mean": float("nan")}, "mean: nan does not fit"),
        ({"n_fft": 1024, "hop_samples": 1, "hop_length": 1}, "unknown key hop_length; a recipe has n_fft"),
        ({"n_fft": 1024, "hop_samples": 1, "fit": "resize"}, "fit: 'resize' needs the picture's size"),
        (
            {"n_fft": 1024, "hop_samples": 1, "top_db": -80.0},
            "top_db: -80.0 does not fit; it takes 0 or more",
        ),
        (
            {"n_fft": 1024, "hop_samples": 1, "reference": -1},
            "reference: -1 does not fit; it takes 0 or more",
        ),
        (
            {"n_fft": 1024, "hop_samples": 1, "pcen_power": 0},
            "pcen_power: 0 does not fit; it takes more than",
        ),
        ({"n_fft": 1024, "hop_samples": 1, "offset": 5.0}, "offset: 5.0 does not fit; it takes 0, but where"),
        ({"n_fft": 1024, "hop_samples": 1, "level": "log", "span_db": 80.0}, "span_db: 80.0 does not fit"),
        ({"n_fft": 1024, "hop_samples": 1, "reference": 0.0, "span_db": 80.0}, "span_db: 80.0 does not fit"),
        ({"n_fft": 1024, "hop_samples": 1, "exponent": 0.0}, "exponent: 0.0 does not fit; it takes more"),
        ({"n_fft": 1024, "hop_samples": 1, "resized_as": "cv2"}, "resized_as: 'cv2' does not fit; it takes"),
        ({"n_fft": 1024, "hop_samples": 1, "place": "start"}, 'place: "start" does not fit frames about'),
    ],
)
def test_a_recipe_that_cannot_be_is_refused_by_its_key(told: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Recipe.of(told)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"n_fft": 15, "window_samples": 15}, "an FFT of 15 points: 16 to 65536 are possible"),
        ({"n_fft": 70_001}, "an FFT of 70001 points"),
        ({"fmax_hz": 20_000.0}, "fmax_hz=20000"),
        ({"window": "kaiser"}, "window='kaiser'"),
        ({"window_samples": 2000}, "window_samples=2000"),
        ({"scale": "linear", "fmin_hz": 1001.0, "fmax_hz": 1002.0}, "no bin of n_fft=1024"),
        ({"n_fft": 32_768, "center": False}, "a window of 16000 samples has no such frame"),
    ],
)
def test_a_recipe_that_does_not_fit_its_sound_is_refused(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError) as refused:
        made("birdset-convnext", **changes)
    assert words in str(refused.value)


def test_a_recipe_is_told_by_what_is_not_usual() -> None:
    for told in RECIPES.values():
        asked = Recipe.of(told)
        assert Recipe.of(recipe.plain(asked)) == asked
    assert set(recipe.plain(Recipe(n_fft=8, hop_samples=2))) == {"n_fft", "hop_samples"}
    assert len(recipe.KINDS) == len(dataclasses.fields(Recipe))
