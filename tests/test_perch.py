"""Perch-like networks run grafted, with TensorFlow's own operators in the front end or without."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest

from birdfast import models
from birdfast.arrays import Array
from birdfast.config import Options
from birdfast.errors import ModelError
from birdfast.grafting import graft, original, portable
from birdfast.models import Model
from birdfast.pipeline import Pipeline
from birdfast.runtimes import litert
from birdfast.sessions import open_session

from . import perchlike
from .commands import birdfast
from .perchlike import RATE_HZ, SAMPLES, Perch

SMALL = ("label", "embedding")
KINDS = [Perch(), Perch(flex=True), Perch(power=True), Perch(flex=True, power=True)]


@functools.cache
def network(perch: Perch) -> bytes:
    return perchlike.network(perch)


@functools.cache
def windows() -> Array:
    """Noise, a whistle in a little of it, quiet noise, and nothing."""
    random, t = np.random.default_rng(4), np.arange(SAMPLES) / RATE_HZ
    noise = random.normal(0, 0.1, SAMPLES)
    whistle = 0.3 * np.sin(2 * np.pi * (3_000 * t + 150 * np.sin(7 * t))) + 0.01
    return np.array([noise, whistle + 0.01 * noise, 1e-4 * noise[::-1], 0 * noise], np.float32)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where networks are kept that were rewritten, for all these tests."""
    return tmp_path_factory.mktemp("kept")


def put(folder: Path, perch: Perch, monkeypatch: pytest.MonkeyPatch) -> Model:
    """Put a network where Perch 2 is looked for, and find it."""
    (folder / "perch-2").mkdir(exist_ok=True)
    (folder / "perch-2" / "perch_v2.tflite").write_bytes(network(perch))
    names = "\n".join(f"Avis {chr(97 + i // 26)}{chr(97 + i % 26)}" for i in range(perch.classes))
    (folder / "perch-2" / "labels.csv").write_text(f"inat2024_fsd50k\n{names}\n")
    monkeypatch.setenv("BIRDFAST_MODELS", str(folder))
    return models.find("perch-2")


@pytest.mark.parametrize("perch", KINDS, ids=str)
def test_a_perch_runs_grafted_and_says_what_is_meant(perch: Perch) -> None:
    found, meant = graft.optimize(network(perch)), perchlike.meaning(windows(), perch)
    kept = "power" if perch.power else "magnitude"
    assert found.proof.front_end == f"500 frames of 1024 every 320, {kept} part, 128 bands"
    assert found.proof.operators_after == 9  # convolutions, mean, product, and the picture's one axis more
    session = found.session()
    for window, label, embedding in zip(windows(), meant["label"], meant["embedding"], strict=True):
        said = session.run(window[None])
        np.testing.assert_allclose(said["logits"][0], label, atol=1e-3)
        np.testing.assert_allclose(said["embedding"][0], embedding, atol=1e-5)


def test_without_flex_it_says_what_the_plain_interpreter_says() -> None:
    perch = Perch(shown=("label",))
    runner, session = litert.start(network(perch), delegate=False), graft.optimize(network(perch)).session()
    source, output = runner.get_input_details()[0]["index"], runner.get_output_details()[0]["index"]
    for window in windows():
        (said,) = litert.run(runner, {source: window[None]}, [output])
        np.testing.assert_allclose(session.run(window[None])["logits"], said, atol=1e-3)


def test_litert_cannot_run_flex_and_birdfast_runs_it_ungrafted_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    perch = Perch(flex=True, shown=SMALL)
    with pytest.raises(ModelError, match="Select TensorFlow op"):
        litert.start(network(perch), delegate=False)
    told = "FlexEnsureShape, FlexStridedSlice, FlexTranspose .*: computed by TFLite's builtin operators"
    with pytest.warns(RuntimeWarning, match=told):
        session = open_session(put(tmp_path, Perch(flex=True), monkeypatch))
    said = session.run(windows()[:1])
    np.testing.assert_allclose(said["logits"], perchlike.meaning(windows()[:1], perch)["label"], atol=1e-3)


@pytest.mark.long
def test_it_is_rewritten_as_ordinary_tflite_too() -> None:
    perch = Perch(flex=True, shown=("label",))
    data, _ = portable.verified(network(perch), batch=1, tolerance=1e-2)
    runner = litert.start(data)
    (said, *_) = litert.run(runner, {0: windows()[:1]}, [runner.get_output_details()[0]["index"]])
    np.testing.assert_allclose(said, perchlike.meaning(windows()[:1], perch)["label"], atol=1e-3)


@pytest.mark.parametrize("kind", ["none", "hoplite", "zoo"])
def test_each_normalization_is_there_by_name(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("BIRDFAST_CACHE", str(kept))
    perch = Perch(shown=SMALL)
    pipeline = Pipeline(put(tmp_path, perch, monkeypatch), Options(normalization=kind))  # type: ignore[arg-type]
    level = windows().astype(np.float64)
    if kind == "hoplite":
        level = level - level.mean(1, keepdims=True)
    if kind != "none":
        peak = np.abs(level).max(1, keepdims=True)
        level = 0.25 * np.divide(level, peak, where=peak > 0, out=np.zeros_like(level))
    said = np.concatenate([s.outputs["logits"] for s in pipeline.score(windows().reshape(-1), RATE_HZ)])
    np.testing.assert_allclose(said, perchlike.meaning(level, perch)["label"], atol=2e-3)


def test_the_row_takes_hoplites_and_help_tells_all_three() -> None:
    assert models.catalogue()["perch-2"].normalization == "hoplite"
    told = " ".join(birdfast("infer", "--help").stdout.split())
    assert "none leaves it, zoo (as the model zoo) makes its peak 0.25, hoplite" in told


@pytest.mark.filterwarnings("ignore:Flex.* computed by TFLite's builtin operators:RuntimeWarning")
def test_the_spatial_embedding_is_fetched_only_if_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    perch = Perch(flex=True)
    pipeline = Pipeline(put(tmp_path, perch, monkeypatch), Options(normalization="none", graft=False))
    sound, meant = windows()[0], perchlike.meaning(windows()[:1], perch)
    (scored,) = pipeline.score(sound, RATE_HZ)
    assert set(scored.outputs) == {"logits", "embedding"}
    (asked,) = pipeline.score(sound, RATE_HZ, role="spatial_embedding")
    assert asked.outputs["spatial_embedding"].shape == (1, 16 * 4 * 1_536)
    spatial = pipeline.embed(sound, RATE_HZ, role="spatial_embedding")
    np.testing.assert_allclose(spatial, meant["spatial_embedding"], atol=1e-5)


def test_a_perch_without_a_spatial_embedding_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = Pipeline(put(tmp_path, Perch(shown=SMALL), monkeypatch), Options(graft=False))
    assert pipeline.embed(windows()[0], RATE_HZ).shape == (1, 1_536)
    with pytest.raises(ModelError, match="spatial_embedding = 'spatial_embedding' fits no output"):
        pipeline.embed(windows()[0], RATE_HZ, role="spatial_embedding")


def test_what_is_read_holds_builtin_operators_alone() -> None:
    graph = original.read(network(Perch(flex=True)))
    names = [graph.name(op) for op in graph.operators]
    assert "CUSTOM" not in names
    assert names.count("STRIDED_SLICE") == names.count("TRANSPOSE") == 2
