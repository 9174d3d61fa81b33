"""A trained model's own thresholds decide unless others are asked for; background is never a detection."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import birdfast
from birdfast import modelfolder, models
from birdfast.config import Options
from birdfast.errors import ModelError
from birdfast.pipeline import Pipeline
from birdfast.runs import How, Run
from birdfast.scores import ScoreRule, rules

from . import commands, heads, networks
from .recordings import noise, write

pytest.importorskip("tomli_w", reason="a trained model's folder is written by birdfast[train]")

CLASSES = ["Troglodytes troglodytes_Zaunkönig", "background", "dog"]
THRESHOLDS = {"Troglodytes troglodytes_Zaunkönig": 0.75, "dog": 0.5}
TOLD = {"calibration": {"temperature": 1.0, "precision": 0.9}, "thresholds": THRESHOLDS}
RATE_HZ = networks.RATE_HZ


def folder_of(folder: Path, backbone: Path, **told: Any) -> Path:
    weights = 30 * heads.matrix(5, n_classes=3)
    return heads.write_own(folder, weights, backbone, str(backbone.parent), classes=CLASSES, **told)


@pytest.fixture(scope="module")
def own(deep: models.Model, tmp_path_factory: pytest.TempPathFactory) -> models.Model:
    """A head of three classes, the second background, with thresholds."""
    folder = tmp_path_factory.mktemp("own") / "bats"
    return models.find(folder_of(folder, deep.path, background="background", **TOLD))


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    return write(tmp_path / "a.wav", noise(200_000), RATE_HZ)


def confidences(model: models.Model, sound: Path) -> np.ndarray:
    pipeline = Pipeline(model, Options())
    listener = pipeline.listener()
    return np.concatenate([listener.confidences(scored) for scored in pipeline.score(sound)])


def pairs(found: Any) -> list[tuple[str, float]]:
    return sorted((one.common_name, one.confidence) for one in found)


def meant(model: models.Model, sound: Path, least: list[float]) -> list[tuple[str, float]]:
    rows, names = confidences(model, sound), ["Zaunkönig", "background", "dog"]
    return sorted((names[i], float(row[i])) for row in rows for i in range(3) if row[i] >= least[i])


def test_each_class_has_its_threshold_and_background_is_no_detection(own: models.Model, sound: Path) -> None:
    found = pairs(Pipeline(own).detect(sound))
    assert found == meant(own, sound, [0.75, np.inf, 0.5])
    assert {name for name, _ in found} == {"Zaunkönig", "dog"}
    assert pairs(Pipeline(own, Options(min_confidence=0.1)).detect(sound)) == meant(
        own, sound, [0.1, np.inf, 0.1]
    )
    assert pairs(birdfast.load(own.path.parent).detect(sound)) == found
    top = Pipeline(own, Options(min_confidence=0, top_k=1)).detect(sound)
    assert len(top) == len(confidences(own, sound))  # background takes nobody's place
    with birdfast.WarmPool(own.path.parent, workers=1) as pool:
        assert pairs(pool.detect(sound)) == found


def test_thresholds_of_a_file_leave_background_alone() -> None:
    """Class by class, of a model whose second is background, whatever a file says of it."""
    run = rules(["sigmoid"], [3], 0.9, background=1).with_thresholds({0: 0.5, 1: 0.1})
    _, _, label, _ = run.picked(np.zeros(3, np.int64), np.arange(3), np.array([1.0, 9.0, 1.0], np.float32))
    assert label.tolist() == [0]


def test_without_thresholds_all_is_as_before(deep: models.Model, tmp_path: Path, sound: Path) -> None:
    model = models.find(folder_of(tmp_path / "h", deep.path))
    assert (model.thresholds, model.background) == ((), -1)
    assert pairs(Pipeline(model).detect(sound)) == meant(model, sound, [0.25] * 3)
    manifest = model.path.read_text()
    told = manifest.replace("version = 2", "version = 1").rpartition(modelfolder.SEAL.decode())[0]
    seal = hashlib.sha256(told.encode()).hexdigest()
    model.path.write_bytes(told.encode() + modelfolder.SEAL + seal.encode() + b'"\n')
    assert pairs(Pipeline(models.find(model.path.parent)).detect(sound)) == meant(model, sound, [0.25] * 3)


class Heard(birdfast.Follower):
    """Keeps what a run says."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def test_a_run_takes_them_says_so_once_and_is_another_with_a_least_confidence(
    own: models.Model, tmp_path: Path, sound: Path
) -> None:
    heard, how = Heard(), {"output": tmp_path / "out", "workers": 1, "kinds": ("csv", "scores")}
    results = birdfast.run(sound, own.path.parent, **how, followers=[heard])
    told = [line for line in heard.said if line.startswith("thresholds of bats: a class's own")]
    assert [line.partition(";")[0].rpartition(", ")[2] for line in told] == [
        "for a precision of 0.9 on held-out windows"
    ]
    assert pairs(results) == meant(own, sound, [0.75, np.inf, 0.5])
    (scores,) = results.scores()
    assert scores.values.shape[1] == 3  # with background
    assert pairs(birdfast.run(sound, own.path.parent, **how)) == pairs(results)
    asked = birdfast.run(sound, own.path.parent, **how, min_confidence=0.25)
    assert pairs(asked) == meant(own, sound, [0.25, np.inf, 0.25])
    done = commands.infer(own, sound, "-o", tmp_path / "chosen", "--min-conf", "0.25", "--workers", "1")
    assert "thresholds" not in done.stderr
    assert pairs(birdfast.Results(tmp_path / "chosen")) == meant(own, sound, [0.25, np.inf, 0.25])


def test_of_several_models_each_has_its_own(
    own: models.Model, deep: models.Model, tmp_path: Path, sound: Path
) -> None:
    both = Pipeline([deep, own]).detect(sound)
    assert pairs(one for one in both if one.model == own.name) == pairs(Pipeline(own).detect(sound))
    assert pairs(one for one in both if one.model == deep.name) == pairs(
        Pipeline(deep, Options(min_confidence=0.25)).detect(sound)
    )
    run = Run([str(sound)], [deep, own], Options(), tmp_path / "out", How(n_workers=1))
    assert run.options.min_confidence is None
    alone = Run([str(sound)], [deep], Options(), tmp_path / "alone", How(n_workers=1))
    assert alone.options == Options(min_confidence=0.25, keep=("best",))


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ({"background": "wind"}, "background = 'wind' does not fit; it takes one of its classes"),
        ({"background": 1}, "background = 1 does not fit"),
        ({"thresholds": {"dog": 0.5}}, "thresholds = .* of all classes but the background"),
        ({"thresholds": {**THRESHOLDS, "background": 0.5}, "background": "background"}, "thresholds = "),
        ({"thresholds": dict.fromkeys(CLASSES, -0.1)}, "thresholds = "),
        ({"thresholds": dict.fromkeys(CLASSES, float("nan"))}, "thresholds = "),
        ({"thresholds": dict.fromkeys(CLASSES, "high")}, "thresholds = "),
        ({"thresholds": [0.5, 0.5, 0.5]}, "thresholds = "),
        ({"calibration": {"precision": "high"}}, "calibration = "),
        ({"calibration": 0.9}, "calibration = "),
    ],
)
def test_a_manifest_that_is_silly_is_refused_by_name(
    deep: models.Model, tmp_path: Path, told: dict[str, Any], named: str
) -> None:
    with pytest.raises(ModelError, match=rf"model\.toml: {named}"):
        models.find(folder_of(tmp_path / "h", deep.path, **told))


@pytest.mark.parametrize("activation", ["sigmoid", "softmax", "none"])
def test_a_rule_of_each_class_is_that_of_one_where_they_are_alike(activation: Any) -> None:
    logits = np.random.default_rng(0).uniform(0, 1, (20, 6)).astype(np.float32)
    for least in (0.0, 0.1, 0.55, 1.0):
        one = ScoreRule(activation, least, 3).pick(logits)
        each = ScoreRule(activation, np.full(6, least, np.float32), 3).pick(logits)
        assert all(np.array_equal(*both) for both in zip(one, each, strict=True))
    never = ScoreRule(activation, np.array([np.inf, 2, 0, 0, 0, 0], np.float32))
    assert {*never.pick(100 * logits if activation != "none" else logits)[1]} == {2, 3, 4, 5}
