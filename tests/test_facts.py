"""What decides a run's results is in its fingerprint, each fact under its name, and nothing else is."""

from __future__ import annotations

import dataclasses
import json
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from birdfast import models
from birdfast.audio import perwindow
from birdfast.config import Options
from birdfast.errors import ConfigError, ModelError
from birdfast.frontends.recipe import Recipe
from birdfast.journal import PICKING, Facts, Journal, Record
from birdfast.models.decisive import OF_MODEL
from birdfast.runs.facts import facts, fingerprint

from . import networks

USUAL = Options()
OPTIONS = {  # of every option a value that is not the usual one
    "min_confidence": 0.1,
    "top_k": 3,
    "sensitivity": 1.25,
    "overlap_s": 0.25,
    "step_s": 0.25,
    "shifts_s": (0.0, 0.25),
    "tail": "drop",
    "normalization": "zoo",
    "graft": False,
    "runtime": "openvino",
    "precision": "bf16",
    "channel": "2",
    "resampler": "soxr-hq",
    "fmin_hz": 200.0,
    "fmax_hz": 3000.0,
    "speed": 0.5,
    "max_hours": 24.0,
    "keep": ("embeddings",),
}
MODEL = {  # of every field that decides what a network says of sound, or what its classes are called
    "rate_hz": 16_000,
    "window_samples": 8_000,
    "step_samples": 2_000,
    "normalization": "hoplite",
    "activation": "softmax",
    "background": 1,
    "thresholds": (0.5, 0.75),
    "output": "other",
    "embedding": "inner",
    "spatial_embedding": "places",
    "label_spaces": (models.LabelSpace(name="species"),),
    "front_end": Recipe(n_fft=512, hop_samples=128),
    "labels_format": "csv:name",
    "post": ("top2",),
}
FILES = {"path", "labels_path", "kind", "backbone", "parts"}  # of which the content decides
TOLD = {  # to people, or where the files come from
    *("on", "on_sha256"),
    *("name", "title", "licence", "licence_url", "source", "embedding_samples", "n_classes"),
    *("model", "labels", "package", "package_folder", "extra", "tried"),
    *("alternatives", "advice"),
}
LIBRARIES = {
    "birdfast version": ("runs.facts", "__version__"),
    "libsndfile": ("audio", "decoder_version"),
    "PyAV": ("audio", "second_decoder_version"),
    "soxr": ("audio", "resampler_version"),
    "model's runtime": ("runtimes.litert", "version"),
}


def of(*listening: models.Model, options: Options = USUAL) -> Facts:
    return facts(
        listening,
        options,
        [model.digests() for model in listening],
        lambda: [{}] * len(listening),
        ["a.wav"],
        None,
    )


def decided(model: models.Model) -> dict[str, str]:
    return fingerprint([model], USUAL, [model.digests()])


def assert_differs(folder: Path, usual: Facts, other: Facts, *names: str) -> None:
    """Hold that these facts differ and no other, and that a journal refuses the other run by their names."""
    assert usual.decides.keys() == other.decides.keys()
    assert {name for name in usual.decides if usual.decides[name] != other.decides[name]} == {*names}
    folder.mkdir(exist_ok=True)
    with Journal(folder, usual, force=True):
        pass
    with pytest.raises(ConfigError, match=f"a run that differs.*{min(names)}: .*, now "):
        Journal(folder, other)
    with Journal(folder, usual):
        pass


@pytest.fixture
def second(tmp_path: Path) -> models.Model:
    """A model like the tiny one, in a folder of its own."""
    (tmp_path / "second").mkdir()
    return models.find(networks.write_folder(tmp_path / "second"))


def test_every_option_and_every_field_of_a_model_is_known_here() -> None:
    assert OPTIONS.keys() == {field.name for field in dataclasses.fields(Options)}
    assert MODEL.keys() == {*OF_MODEL}
    fields = {field.name for field in dataclasses.fields(models.Model)}
    assert sorted([*MODEL, *FILES, *TOLD]) == sorted(fields)


@pytest.mark.parametrize("name", [name for name in OPTIONS if name not in PICKING])
def test_every_option_decides_but_what_is_asked(tiny: models.Model, tmp_path: Path, name: str) -> None:
    band = {"fmin_hz": 100.0, "fmax_hz": 4000.0}  # with any, the version of the filter counts
    needs = {"precision": {"runtime": "openvino"}, "fmin_hz": band, "fmax_hz": band}.get(name, {})
    usual, other = Options(**needs), Options(**{**needs, name: OPTIONS[name]})
    told = {"keep": "rows kept by rtype or kinds", "runtime": "model's runtime"}.get(name, name)
    assert_differs(tmp_path / "out", of(tiny, options=usual), of(tiny, options=other), told)


@pytest.mark.parametrize("name", PICKING)
def test_what_is_asked_decides_nothing_and_is_told(tiny: models.Model, tmp_path: Path, name: str) -> None:
    usual, other = of(tiny), of(tiny, options=Options(**{name: OPTIONS[name]}))
    assert usual.decides == other.decides
    assert (usual.asked[name], other.asked[name]) == (getattr(USUAL, name), OPTIONS[name])
    assert json.loads(other.about.metadata["options"])[name] == OPTIONS[name]
    with Journal(tmp_path, usual) as journal:
        assert journal.ask(other.asked)
        assert not journal.ask(other.asked)
    with Record(tmp_path) as record:
        assert record.facts() == other


@pytest.mark.parametrize("kept", ["scores", "low", "best", "asked"])
def test_which_scores_are_kept_decides_nothing(tiny: models.Model, kept: str) -> None:
    assert of(tiny, options=Options(keep=(kept,))) == of(tiny)


def test_the_usual_runtime_is_the_same_by_its_name(tiny: models.Model) -> None:
    assert of(tiny, options=Options(runtime="litert")).decides == of(tiny).decides


def test_a_number_is_the_same_however_it_is_written(tiny: models.Model) -> None:
    for zero in (0, np.float64(0), np.float32(0)):
        assert of(tiny, options=Options(min_confidence=zero)) == of(tiny, options=Options(min_confidence=0.0))
    whole = Options(top_k=2, overlap_s=0, sensitivity=1)
    assert of(tiny, options=whole) == of(tiny, options=Options(top_k=np.int64(2), overlap_s=0.0))
    with pytest.raises(ConfigError, match="top_k: 2.5 does not fit"):
        Options(top_k=2.5)


@pytest.mark.parametrize("name", MODEL)
def test_every_field_that_a_networks_answer_hangs_on_decides(
    tiny: models.Model, tmp_path: Path, name: str
) -> None:
    usual = of(tiny)
    decides = decided(dataclasses.replace(tiny, **{name: MODEL[name]}))
    assert_differs(tmp_path / "out", usual, usual._replace(decides=decides), f"model's {name}")


@pytest.mark.parametrize("name", sorted(TOLD))
def test_what_is_only_told_does_not_decide(tiny: models.Model, name: str) -> None:
    value = 7 if isinstance(getattr(tiny, name), int) else "another"
    assert decided(dataclasses.replace(tiny, **{name: value})) == decided(tiny)


@pytest.mark.parametrize("name", LIBRARIES)
def test_every_library_that_decides_is_known_by_its_version(
    tiny: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    usual, (module, attribute) = of(tiny), LIBRARIES[name]
    assert usual.decides[name]
    version = "99" if attribute == "__version__" else lambda: "99"
    monkeypatch.setattr(import_module(f"birdfast.{module}"), attribute, version)
    assert_differs(tmp_path / "out", usual, of(tiny), name)


def test_scipy_decides_where_it_resamples(
    tiny: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_birdnet = Options(resampler="birdnet")
    usual = of(tiny, options=as_birdnet)
    assert "scipy" not in decided(tiny)
    monkeypatch.setattr(perwindow, "version", lambda: "99")
    assert_differs(tmp_path / "out", usual, of(tiny, options=as_birdnet), "scipy")


def test_a_model_without_tflite_does_not_hang_on_its_runtime(tokens: models.Model) -> None:
    assert "model's runtime" not in decided(tokens)


def test_the_content_of_a_models_files_decides(second: models.Model, tmp_path: Path) -> None:
    usual = of(second)
    second.labels_path.write_text("A_B\nC_D\nNoise\n")
    assert_differs(tmp_path / "out", usual, of(second), "model's labels")
    usual = of(second)
    second.path.write_bytes(networks.tflite(networks.weights() + 1))
    assert_differs(tmp_path / "out", usual, of(second), "model's file")


@pytest.mark.parametrize("name", ["path", "labels_path"])
def test_a_models_file_that_cannot_be_read_is_the_models_fault(second: models.Model, name: str) -> None:
    getattr(second, name).unlink()
    with pytest.raises(ModelError, match=rf"{getattr(second, name).name}: cannot be read \(No such file"):
        decided(second)


def test_each_of_several_models_decides_under_its_number(
    tiny: models.Model, second: models.Model, tmp_path: Path
) -> None:
    second = dataclasses.replace(second, name="second")
    usual, out = of(tiny, second), tmp_path / "out"
    for name, value in MODEL.items():
        if name != "labels_format":
            changed = dataclasses.replace(second, **{name: value})
            assert_differs(out, usual, of(tiny, changed), f"model 2's {name}")
            assert_differs(out, of(second, tiny), of(changed, tiny), f"model 1's {name}")
    second.labels_path.write_text("A_B\nC_D\nNoise\n")
    assert_differs(out, usual, of(tiny, second), "model 2's labels")
    second.path.write_bytes(networks.tflite(networks.weights() + 1))
    assert_differs(out, usual, of(tiny, second), "model 2's file", "model 2's labels")
    of_second = {name.removeprefix("model 2's ") for name in usual.decides if name.startswith("model 2's ")}
    assert of_second == {*MODEL, "file", "labels", "runtime"}
    with pytest.raises(ConfigError, match="a run that differs"):
        Journal(out, of(tiny))
