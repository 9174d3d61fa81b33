"""Tokens and what is taken for what as pictures: pieces of spectrogram are what centroids stand for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from birdfast import modelfolder, picture
from birdfast.__main__ import main
from birdfast.errors import ConfigError
from birdfast.picture.plane import flat
from birdfast.picture.tokens import TokenMap, _rows, patches
from birdfast.runs import tokenpicture
from birdfast.stsg.pooling import Pooling

from .test_heldout import command, data

pytest.importorskip("matplotlib", reason="pictures need the extra [report]")
pytest.importorskip("sklearn", reason="training needs birdfast[train]")

__all__ = ["data"]
PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def model(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("numba", reason="training needs birdfast[train]")
    folder = tmp_path_factory.mktemp("model") / "songs"
    assert main(command(data, folder, "--hold-out", "2", "--plots", "--quiet")) == 0
    return folder


# ---- pieces of spectrogram ----


@given(st.integers(1, 6), st.integers(1, 3), st.integers(1, 4), st.integers(0, 99))
@settings(max_examples=40)
def test_pieces_are_whitened_to_their_centroids(
    n_values: int, n_frames: int, n_bands: int, seed: int
) -> None:
    n_patch = n_frames * n_bands
    dice = np.random.default_rng(seed)
    projection = dice.normal(size=(min(n_values, n_patch), n_patch)).astype(np.float32)
    mean, centroids = dice.normal(size=n_patch).astype(np.float32), dice.normal(size=(5, len(projection)))
    pieces = patches(centroids.astype(np.float32), mean, projection, n_frames, n_bands)
    assert pieces.shape == (5, n_frames, n_bands)
    again = (pieces.reshape(5, -1) - mean) @ projection.T.astype(np.float64)
    np.testing.assert_allclose(again, centroids, rtol=1e-2, atol=1e-2)


def test_a_whole_whitening_is_undone_and_none_leaves_pieces_as_they_are() -> None:
    dice = np.random.default_rng(1)
    pieces, mean = dice.normal(size=(7, 3, 4)).astype(np.float32), dice.normal(size=12).astype(np.float32)
    projection = np.linalg.qr(dice.normal(size=(12, 12)))[0].astype(np.float32) * 3
    centroids = ((pieces.reshape(7, 12) - mean) @ projection.T).astype(np.float32)
    np.testing.assert_allclose(patches(centroids, mean, projection, 3, 4), pieces, atol=1e-4)
    np.testing.assert_array_equal(patches(pieces.reshape(7, 12), None, None, 3, 4), pieces)


# ---- classes that tokens speak for ----


def test_a_token_speaks_for_the_class_that_its_weights_say() -> None:
    dice = np.random.default_rng(2)
    arrays = {
        "embeddings": dice.normal(size=(600, 4)).astype(np.float32),  # more than a slice
        "layer0_weight": dice.normal(size=(3, 600)).astype(np.float32),
        "layer0_bias": np.array([0, 100, 0], np.float32),  # what is so of all says nothing of one
    }
    found = tokenpicture.speaks_for(Pooling(embedding=0, histogram=1), arrays, 12)
    weights = arrays["layer0_weight"].T
    np.testing.assert_allclose(found, weights - weights.mean(axis=0), atol=1e-4)


def test_embeddings_speak_through_the_head_too() -> None:
    arrays = {
        "embeddings": np.array([[1, 0], [0, 1], [-1, -1]], np.float32),
        "layer0_weight": np.array([[2, 0], [0, 2]], np.float32),
        "layer0_bias": np.zeros(2, np.float32),
    }
    assert tokenpicture.speaks_for(Pooling(), arrays, 12).argmax(axis=1).tolist()[:2] == [0, 1]


# ---- points on a plane ----


def test_points_of_a_plane_keep_their_distances() -> None:
    dice = np.random.default_rng(3)
    angles = dice.uniform(0, 2 * np.pi, 30)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    turned = circle @ np.linalg.qr(dice.normal(size=(8, 8)))[0][:2]
    lengths = dice.uniform(0.1, 9, (30, 1))  # which say nothing
    found = flat((turned * lengths).astype(np.float32))
    expected = np.linalg.norm(circle[:, None] - circle, axis=2)
    np.testing.assert_allclose(np.linalg.norm(found[:, None] - found, axis=2), expected, atol=1e-4)


@pytest.mark.parametrize("by", ["pca", "tsne"])
@pytest.mark.long
def test_any_number_of_points_comes_to_the_same_each_time(by: str) -> None:
    for n, dim in ((0, 3), (1, 3), (2, 3), (3, 1), (9, 6)):
        points = np.random.default_rng(n).normal(size=(n, dim)).astype(np.float32)
        found = flat(points, by)  # type: ignore[arg-type]
        assert found.shape == (n, 2)
        assert np.isfinite(found).all()
        np.testing.assert_array_equal(flat(points, by), found)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="by"):
        flat(points, "map")  # type: ignore[arg-type]


# ---- what is drawn ----


def test_the_clearest_tokens_of_the_largest_classes_are_shown() -> None:
    speaks_for = np.repeat(np.arange(30), np.arange(1, 31))
    n = len(speaks_for)
    strength = np.random.default_rng(4).random(n).astype(np.float32)
    tokens = TokenMap(np.zeros((n, 1, 2)), np.zeros((n, 2)), speaks_for, strength, [*map(str, range(30))])
    rows = _rows(tokens)
    assert [*rows] == list(range(6, 30))
    for label, own in rows.items():
        assert len(own) == min(16, label + 1)
        assert (np.diff(strength[own]) <= 0).all()
        assert strength[own[0]] == strength[speaks_for == label].max()


@pytest.mark.parametrize("n", [1, 2, 50])
def test_odd_maps_are_drawn(n: int, tmp_path: Path) -> None:
    """One token, pieces of one value, no class, no embedding, names that no font has or that are formulas."""
    names = ["$x$", "\u9e1f", "a\udcff", "x" * 200]
    speaks_for = np.arange(n) % 5 - 1
    embeddings = np.zeros((n, 1), np.float32)
    tokens = TokenMap(np.ones((n, 1, 1), np.float32), embeddings, speaks_for, np.zeros(n, np.float32), names)
    picture.draw_tokens([tokens, tokens], tmp_path / "a.png")
    counts = {(place, place % 2): 3 for place in range(-1, 4)}
    picture.draw_confusion(counts, names, tmp_path / "b.png")
    for name in "ab":
        assert (tmp_path / f"{name}.png").read_bytes()[:4] == PNG


@pytest.mark.long
def test_as_many_classes_as_a_picture_holds_are_drawn_and_more_are_refused(tmp_path: Path) -> None:
    names = [*map(str, range(1001))]
    picture.draw_confusion({(999, 5): 3}, names[:1000], tmp_path / "a.png")
    assert (tmp_path / "a.png").exists()
    with pytest.raises(ConfigError, match=r"1,001 classes: a picture holds 1,000"):
        picture.draw_confusion({}, names, tmp_path / "b.png")


# ---- the commands ----


def test_a_training_draws_what_was_taken_for_what(model: Path) -> None:
    assert (model / "confusion.png").read_bytes()[:4] == PNG


@pytest.mark.parametrize("by", ["pca", "tsne"])
def test_a_models_tokens_are_drawn_without_recordings(
    model: Path, tmp_path: Path, by: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tokens.png"
    assert main(["tokens", "--model", str(model), "--picture", str(out), "--picture-by", by]) == 0
    assert out.read_bytes()[:4] == PNG
    assert f"written: {out}" in capsys.readouterr().err


def test_a_picture_and_tokens_come_together(model: Path, data: Path, tmp_path: Path) -> None:
    how = ["--model", str(model), "-o", str(tmp_path / "t"), "--picture", str(tmp_path / "a.png")]
    assert main(["tokens", str(data / "rattle0.flac"), *how]) == 0
    assert (tmp_path / "a.png").exists()
    assert (tmp_path / "t/tokens.parquet").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([], "no INPUT: without recordings there is --picture alone"),
        (["-o", "t"], "no INPUT"),
        (["--picture", "a.png", "--vectors", "v.txt"], "no INPUT"),
        (["a.wav"], "the tokens of recordings need a place to go: -o DIR"),
        (["--picture", "notes.txt"], "notes.txt: is there already, and no PNG"),
        (["--picture", "nowhere/a.png"], "nowhere/a.png: cannot be written"),
    ],
)
def test_what_cannot_be_drawn_or_written_is_told(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    more: list[str], said: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["tokens", "--model", str(model), *more]) == 64
    assert said in capsys.readouterr().err
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_folder_that_is_no_model_has_no_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (str(tmp_path), "yamnet"):
        assert main(["tokens", "--model", name, "--picture", str(tmp_path / "a.png")]) == 64
        assert "Traceback" not in capsys.readouterr().err
    assert not (tmp_path / "a.png").exists()


def test_the_papers_tokens_are_drawn_as_what_they_are(data: Path, tmp_path: Path) -> None:
    (tmp_path / "short.toml").write_text("[skipgram]\nepochs = 1\ndim = 8\n[codebook]\nn_centroids = 30\n")
    how = ["--preset", "paper", "--recipe", str(tmp_path / "short.toml"), "--quiet"]
    assert main(["train", str(data / "clips.csv"), "-o", str(tmp_path / "m"), *how]) == 0
    tokenpicture.draw(tmp_path / "m", tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes()[:4] == PNG
    assert modelfolder.facts(tmp_path / "m")["frontend"]["n_mfcc"] == 20


def test_each_stream_of_tokens_is_drawn(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = "streams = []", "streams = [{patch_frames = 3}, {patch_frames = 8}]"
    (tmp_path / "two.toml").write_text((data / "small.toml").read_text().replace(one, two))
    how = ["--recipe", str(tmp_path / "two.toml"), "--hold-out", "2", "--quiet"]
    assert main(["train", str(data / "clips.csv"), "-o", str(tmp_path / "m"), *how]) == 0
    drawn: list[TokenMap] = []
    draw = picture.draw_tokens
    monkeypatch.setattr(picture, "draw_tokens", lambda maps, *how: drawn.extend(maps) or draw(maps, *how))
    tokenpicture.draw(tmp_path / "m", tmp_path / "a.png")
    assert [one.patches.shape for one in drawn] == [(24, 3, 16), (24, 8, 16)]
    assert [len(one.speaks_for) for one in drawn] == [24, 24]
    assert (tmp_path / "a.png").read_bytes()[:4] == PNG


def test_a_picture_needs_matplotlib_and_says_so(model: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\nfrom birdfast.__main__ import main\n"
        f"sys.exit(main(['tokens', '--model', {str(model)!r}, '--picture', {str(tmp_path / 'a.png')!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 64, done.stderr
    assert "pictures need matplotlib" in done.stderr
