"""A head and its network as one file say what the head says: in birdfast, plain runtimes and birdnet."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from hypothesis import given
from hypothesis import strategies as st

from birdfast import labels, modelfolder, models
from birdfast.__main__ import main
from birdfast.arrays import Float32
from birdfast.classifier import Classifier, Layer
from birdfast.cli import exits
from birdfast.config import Options
from birdfast.errors import BirdfastError, ConfigError, ModelError
from birdfast.grafting import exporting as surgery
from birdfast.grafting.graph import Graph
from birdfast.grafting.onnxgraph import OnnxGraph
from birdfast.models import onnxfacts
from birdfast.pipeline import Pipeline
from birdfast.runs import exporting
from birdfast.runs.exporting import Exported, export
from birdfast.scores import ScoreRule
from birdfast.sessions import open_session

from . import commands, heads, networks, onnxnetworks
from .recordings import noise, write

pytest.importorskip("tomli_w", reason="a trained model's folder is written by birdfast[train]")

CLOSE = 2e-5  # of a confidence: both run the same network, on one window at a time
CLASSES = ("Avis prima_First Bird", "Avis secunda_Second Bird", "Noise", "grecro")
EVERYTHING = Options(min_confidence=0)
HEADS = [("sigmoid", (4,)), ("softmax", (7, 4)), ("softmax", (6, 7, 1))]


def layers(*sizes: int, seed: int = 7) -> list[Layer]:
    """Return layers that nobody learnt, from and to so many values."""
    random = np.random.default_rng(seed)
    return [
        Layer(
            (3 * random.standard_normal((n_out, n_in)) / np.sqrt(n_in)).astype(np.float32),
            random.standard_normal(n_out).astype(np.float32),
        )
        for n_in, n_out in itertools.pairwise(sizes)
    ]


def head(folder: Path, backbone: Path, on: str, made: list[Layer], **told: Any) -> Path:
    """Write the folder of a head as birdfast's own training does."""
    n_classes = len(made[-1].bias)
    classes = [*CLASSES, *(f"class {n}" for n in range(len(CLASSES), n_classes))][:n_classes]
    sha256 = hashlib.sha256(backbone.read_bytes()).hexdigest()
    facts = {"title": "mine", "licence": "CC0", "activation": "sigmoid", "classes": classes, "on": on}
    arrays = {
        f"layer{number}_{name}": getattr(layer, name)
        for number, layer in enumerate(made)
        for name in ("weight", "bias")
    }
    modelfolder.write(folder, {**facts, "on_sha256": sha256, **told}, arrays, modelfolder.HEAD)
    return folder


def on_deep(folder: Path, deep: models.Model, kind: str = "sigmoid", *sizes: int, **told: Any) -> Path:
    return head(
        folder, deep.path, str(deep.path.parent), layers(5, *(sizes or (4,))), activation=kind, **told
    )


@pytest.fixture
def of_onnx(tmp_path: Path) -> models.Model:
    """An ONNX network whose embedding has 8 values."""
    pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: pip install '.[onnx]'")
    return models.find(onnxnetworks.write_folder(tmp_path / "network", onnxnetworks.network()))


def on_onnx(folder: Path, network: models.Model, kind: str = "sigmoid", *sizes: int, **told: Any) -> Path:
    on = str(network.path.parent)
    return head(folder, network.path, on, layers(8, *(sizes or (4,))), activation=kind, **told)


def confidences(pipeline: Pipeline, sound: Float32, rate_hz: int) -> Float32:
    """Return what is believed of each window, by class: float32 [n, classes]."""
    (name,) = {listener.model.name for listener in pipeline.listeners}
    rule = ScoreRule(pipeline.listener().model.activation, 0)
    return rule.confidences(
        np.concatenate([one.outputs["logits"] for one in pipeline.score(sound, rate_hz, name)])
    )


def sigmoid(scores: Float32) -> Float32:
    return 0.5 + 0.5 * np.tanh(scores.astype(float) / 2)


def windows(n: int, n_samples: int, seed: int = 0) -> Float32:
    return (np.random.default_rng(seed).standard_normal((n, n_samples)) * 0.1).astype(np.float32)


def plain(path: Path, some: Float32, *, at_once: bool = False) -> Float32:
    """Return what a file's signature gives, by nothing but LiteRT."""
    interpreter = Interpreter(str(path), num_threads=1)
    runner = interpreter.get_signature_runner("serving_default")
    (name,) = runner.get_input_details()
    if at_once:
        return runner(**{name: some})["predictions"]
    shape = runner.get_input_details()[name]["shape"]
    return np.concatenate([runner(**{name: one.reshape(shape)})["predictions"] for one in some])


def same(exported: Exported, folder: Path, rate: int, n_samples: int, **facts: Any) -> None:
    """Hold an exported file to the head, as `infer` runs both."""
    sound = windows(3, n_samples).ravel()
    found = dataclasses.replace(models.find(exported.network), **facts)
    meant = confidences(Pipeline(models.find(folder), EVERYTHING), sound, rate)
    np.testing.assert_allclose(confidences(Pipeline(found, EVERYTHING), sound, rate), meant, atol=CLOSE)


@pytest.mark.parametrize(("kind", "sizes"), HEADS, ids=str)
def test_a_tflite_file_says_what_the_head_says(
    deep: models.Model, tmp_path: Path, kind: str, sizes: tuple[int, ...]
) -> None:
    folder = on_deep(tmp_path / "h", deep, kind, *sizes)
    exported = export(folder, tmp_path / "out" / "mine.tflite")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("mine.tflite", "mine_Labels.txt", "mine_README.txt")
    }
    same(exported, folder, networks.RATE_HZ, networks.WINDOW_SAMPLES, rate_hz=networks.RATE_HZ)
    some = windows(3, networks.WINDOW_SAMPLES)
    embedding, _ = heads.plain_embedding(deep.path, some)
    meant = ScoreRule(kind, 0).confidences(Classifier(layers(5, *sizes)).logits(embedding))
    np.testing.assert_allclose(plain(exported.network, some), meant, atol=CLOSE)
    assert exported.difference < exporting.TOLERANCE


@pytest.mark.parametrize(("kind", "sizes"), HEADS, ids=str)
def test_an_onnx_file_says_what_the_head_says_and_knows_all(
    of_onnx: models.Model, tmp_path: Path, kind: str, sizes: tuple[int, ...]
) -> None:
    import onnx
    import onnxruntime

    folder = on_onnx(tmp_path / "h", of_onnx, kind, *sizes)
    exported = export(folder, tmp_path / "mine.onnx")
    same(exported, folder, onnxnetworks.RATE_HZ, onnxnetworks.WINDOW_SAMPLES)
    exported.labels.unlink()
    model = models.find(exported.network)
    assert (model.rate_hz, model.window_samples) == (onnxnetworks.RATE_HZ, onnxnetworks.WINDOW_SAMPLES)
    assert model.class_names() == models.find(folder).class_names()
    assert model.licence == exported.whole.licence
    session = onnxruntime.InferenceSession(exported.network)
    assert [one.name for one in session.get_outputs()] == ["predictions", "embeddings"]
    some = windows(3, onnxnetworks.WINDOW_SAMPLES)
    embedding = onnxnetworks.meaning(some)[0].astype(np.float32)
    meant = ScoreRule(kind, 0).confidences(Classifier(layers(8, *sizes)).logits(embedding))
    found = session.run(None, {"sound": some})
    np.testing.assert_allclose(found[0], meant, atol=CLOSE)
    np.testing.assert_allclose(found[1], embedding, atol=1e-5)
    made = onnx.load(exported.network)
    onnx.checker.check_model(made, full_check=True)
    assert "second" not in {one.name for one in made.graph.initializer}, "the network's own last layer"


def test_an_onnx_file_tells_what_opensoundscape_reads(of_onnx: models.Model, tmp_path: Path) -> None:
    import onnx

    exported = export(on_onnx(tmp_path / "h", of_onnx), tmp_path / "mine.onnx")
    told = {one.key: one.value for one in onnx.load(exported.network).metadata_props}
    assert told["sample_rate"] == str(onnxnetworks.RATE_HZ)
    assert float(told["sample_duration"]) == onnxnetworks.WINDOW_SAMPLES / onnxnetworks.RATE_HZ
    assert json.loads(told["classes"]) == list(CLASSES)
    assert (told["class_outputs_key"], told["embedding_outputs_key"]) == ("predictions", "embeddings")
    assert "the head: CC0" in json.loads(told["birdfast"])["licence"]


@pytest.mark.parametrize(
    ("manifest", "shape"),
    [
        ('normalization = "zoo"\nstep_samples = 1000\n', ("batch", onnxnetworks.WINDOW_SAMPLES)),
        (onnxnetworks.PICTURE, onnxnetworks.PICTURE_SHAPE),
    ],
    ids=["level and step", "picture"],
)
def test_an_onnx_file_tells_how_sound_is_prepared(tmp_path: Path, manifest: str, shape: Any) -> None:
    pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: pip install '.[onnx]'")
    n_values = 820 if "front_end" in manifest else onnxnetworks.WINDOW_SAMPLES
    made = onnxnetworks.network(shape, n_values=n_values)
    network = models.find(onnxnetworks.write_folder(tmp_path / "network", made, manifest))
    folder = on_onnx(tmp_path / "h", network)
    exported = export(folder, tmp_path / "mine.onnx")
    exported.labels.unlink()
    same(exported, folder, onnxnetworks.RATE_HZ, onnxnetworks.WINDOW_SAMPLES)
    whole, head_on = (Pipeline(models.find(one)).listener().model for one in (exported.network, folder))
    facts = ("rate_hz", "window_samples", "step_samples", "normalization")
    assert [getattr(whole, one) for one in facts] == [getattr(head_on, one) for one in facts]
    added = main(["models", "add", str(exported.network), "-o", str(tmp_path / "added")])
    assert added == exits.FINE
    again = models.find(tmp_path / "added")
    assert (again.normalization, again.front_end) == (whole.normalization, whole.front_end)
    assert again.licence == whole.licence


def test_an_onnx_file_knows_a_head_of_another_rate(of_onnx: models.Model, tmp_path: Path) -> None:
    folder = on_onnx(tmp_path / "h", of_onnx, rate_hz=64_000)
    exported = export(folder, tmp_path / "mine.onnx")
    assert models.find(exported.network).rate_hz == 64_000
    same(exported, folder, 64_000, onnxnetworks.WINDOW_SAMPLES)


@pytest.mark.long
def test_a_head_on_what_was_exported_is_exported(of_onnx: models.Model, tmp_path: Path) -> None:
    first = export(on_onnx(tmp_path / "h", of_onnx), tmp_path / "first" / "mine.onnx")
    second = head(tmp_path / "second", first.network, str(first.network), layers(8, 3))
    exported = export(second, tmp_path / "again.onnx")
    same(exported, second, onnxnetworks.RATE_HZ, onnxnetworks.WINDOW_SAMPLES)
    third = head(tmp_path / "third", exported.network, str(exported.network), layers(8, 2))
    more = export(third, tmp_path / "more.onnx")
    assert more.difference < exporting.TOLERANCE
    assert [output.names for output in OnnxGraph(more.network).outputs] == [("predictions",), ("embeddings",)]


LEAST = {"Avis prima_First Bird": 0.25, "Avis secunda_Second Bird": 0.5, "grecro": 2.0}
DETECTING = {"background": "Noise", "thresholds": LEAST, "post": ["smooth:0.15", "top2"]}


def test_an_onnx_file_knows_what_is_a_detection(of_onnx: models.Model, tmp_path: Path) -> None:
    folder = on_onnx(tmp_path / "h", of_onnx, **DETECTING)
    exported = export(folder, tmp_path / "mine.onnx")
    meant, found = models.find(folder), models.find(exported.network)
    assert (found.background, found.thresholds, found.post) == (2, (0.25, 0.5, 2.0, 2.0), meant.post)
    assert (meant.background, meant.thresholds) == (found.background, found.thresholds)
    sound = windows(40, onnxnetworks.WINDOW_SAMPLES).ravel()
    rows = [Pipeline(one, Options()).detect(sound, onnxnetworks.RATE_HZ) for one in (meant, found)]
    names = [[(row.start_s, row.scientific_name) for row in some] for some in rows]
    assert names[0] == names[1]
    assert {name for _, name in names[0]} - {"Avis secunda"} == {"Avis prima"}
    assert main(["models", "add", str(exported.network), "-o", str(tmp_path / "added")]) == exits.FINE
    assert models.find(tmp_path / "added").post == meant.post
    exported.labels.write_text("one\ntwo\n")
    with pytest.raises(
        ModelError, match="of other classes than its 2 labels|scores 4 classes, but there are 2"
    ):
        Pipeline(models.find(exported.network))


def test_what_a_tflite_file_cannot_tell_of_detections_is_beside_it(
    deep: models.Model, tmp_path: Path
) -> None:
    readme = export(on_deep(tmp_path / "h", deep, **DETECTING), tmp_path / "mine.tflite").readme.read_text()
    assert "The class Noise is what is none of the others" in readme
    assert "  0.250 Avis prima_First Bird\n  0.500 Avis secunda_Second Bird\n  2.000 grecro\n" in readme


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ("[]", "an object of facts fits"),
        ("{", "no facts in its birdfast"),
        ('{"on": "birdnet-2.4"}', "tells 'on', which this birdfast does not know"),
        ('{"normalization": "loud"}', "normalization = 'loud' does not fit"),
        ('{"step_samples": true}', "step_samples = True does not fit"),
        ('{"background": "c"}', "background = 'c' does not fit"),
        ('{"background": 1}', "background = 1 does not fit"),
        ('{"thresholds": {"a": 0.5}}', "thresholds = .* does not fit"),
        ('{"thresholds": {"a": 0.5, "b": NaN}}', "thresholds = .* does not fit"),
        ('{"post": "loud"}', "post = 'loud' does not fit"),
        ('{"front_end": 5}', "front_end = 5 does not fit"),
        ('{"front_end": {"n_fft": 5}}', "front_end: lacks hop_samples"),
    ],
)
def test_what_a_stranger_tells_in_our_key_is_refused(tmp_path: Path, told: str, reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        onnxfacts.more(tmp_path / "a.onnx", {onnxfacts.MORE: told, onnxfacts.CLASSES: '["a", "b"]'})


@pytest.mark.long
def test_yamnet_with_a_head_is_a_file_that_infer_takes(
    yamnet: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(yamnet.path.parent, tmp_path / "models" / "yamnet")
    monkeypatch.setenv("BIRDFAST_MODELS", str(tmp_path / "models"))
    folder = head(tmp_path / "h", yamnet.path, "yamnet", layers(1024, 20, 4), activation="softmax")
    exported = export(folder, tmp_path / "mine.tflite")
    same(exported, folder, 16_000, 15_600)
    assert models.find(exported.network).labels_path == exported.labels
    model = Pipeline(models.find(exported.network)).listener().model
    assert (model.rate_hz, model.step_samples, model.activation) == (16_000, 15_360, "none")
    assert plain(exported.network, windows(2, 15_600)).shape == (2, 4)
    assert "Apache-2.0" in exported.readme.read_text()


@pytest.fixture(scope="module", params=["softmax", pytest.param("sigmoid", marks=pytest.mark.long)])
def on_birdnet(
    request: pytest.FixtureRequest, birdnet: models.Model, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Exported]:
    """A head on BirdNET, and what was exported of it."""
    place = tmp_path_factory.mktemp(request.param)
    made = layers(1024, 16, 4)
    made[-1].bias[2] = -1e6  # as training writes a class that it never heard
    folder = head(place / "h", birdnet.path, "birdnet-2.4", made, activation=request.param)
    return folder, export(folder, place / "mine.tflite")


@pytest.mark.long
def test_birdnet_with_a_head_is_a_file_that_infer_takes(on_birdnet: tuple[Path, Exported]) -> None:
    folder, exported = on_birdnet
    same(exported, folder, 48_000, 144_000)
    model = Pipeline(models.find(exported.network)).listener().model
    assert (model.rate_hz, model.activation) == (48_000, "sigmoid")


@pytest.mark.long
def test_birdnet_with_a_head_is_as_birdnets_programs_want_it(
    on_birdnet: tuple[Path, Exported], birdnet: models.Model
) -> None:
    """As BirdNET-Analyzer writes them: one input, one output, any number of windows, and no sigmoid."""
    folder, exported = on_birdnet
    interpreter = Interpreter(str(exported.network), num_threads=1)
    (taken,), (given_,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert (taken["name"], taken["shape_signature"].tolist()) == ("INPUT", [-1, 144_000])
    assert given_["shape_signature"].tolist() == [-1, 4]
    some = windows(3, 144_000)
    session = open_session(models.find(folder))
    logits = np.concatenate([session.run(one[None])["logits"] for one in some])
    meant = ScoreRule(exported.whole.kind, 0).confidences(logits)
    for at_once in (False, True):
        scores = plain(exported.network, some, at_once=at_once)
        np.testing.assert_allclose(sigmoid(scores), meant, atol=CLOSE)
    assert exported.network.stat().st_size < birdnet.path.stat().st_size
    told = Graph.parse(exported.network.read_bytes()).model.description.decode()
    assert "CC BY-NC-SA 4.0 (the network, BirdNET V2.4)" in told
    readme = exported.readme.read_text()
    assert "NonCommercial-ShareAlike" in readme
    assert hashlib.sha256(exported.network.read_bytes()).hexdigest() in readme


def test_a_copy_of_birdnet_keeps_birdnets_licence(on_birdnet: tuple[Path, Exported]) -> None:
    """A network that is told by its file has no licence that is known, but looks like BirdNET."""
    whole = on_birdnet[1].whole
    nameless = models.Model(name="mine", title="mine", path=whole.on.path)
    assert "CC BY-NC-SA 4.0" in dataclasses.replace(whole, on=nameless).licence
    other = dataclasses.replace(whole, on=nameless, classifier=Classifier(layers(7, 4)))
    assert "CC BY-NC-SA 4.0" not in other.licence


@pytest.mark.long
def test_birdnet_itself_says_what_the_head_says(on_birdnet: tuple[Path, Exported], tmp_path: Path) -> None:
    heard_by_birdnet(*on_birdnet, tmp_path, 48_000)


@pytest.mark.long
def test_birdnet_takes_a_head_on_an_onnx_network_like_its_own(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: pip install '.[onnx]'")
    made = onnxnetworks.network(("batch", 96_000), n_values=96_000)
    place = onnxnetworks.write_folder(tmp_path / "network", made)
    (place / "model.toml").write_text("rate_hz = 32000\nwindow_samples = 96000\n")
    folder = on_onnx(tmp_path / "h", models.find(place))
    exported = export(folder, tmp_path / "mine.onnx")
    assert 'load_custom("acoustic", "3.0", "onnx", "mine.onnx"' in exported.readme.read_text()
    heard_by_birdnet(folder, exported, tmp_path, 32_000, "3.0", "onnx")


def heard_by_birdnet(folder: Path, exported: Exported, place: Path, rate_hz: int, *how: str) -> None:
    """Hold what birdnet finds with an exported file to what birdfast finds with the head."""
    pytest.importorskip("birdnet", reason="birdnet 1.3.1 comes with the extra [bench]")
    sound, table = place / "a.wav", place / "table.csv"
    write(sound, noise(12 * rate_hz, seed=3), rate_hz, subtype="FLOAT")
    command = (sys.executable, "-m", "tests.golden.make_birdnet", sound, table)
    done = commands.ran(*command, exported.network, exported.labels, *how, cwd=Path(__file__).parents[1])
    assert done.returncode == 0, done.stderr
    rows = {
        (float(row["start_s"]), row["species"]): float(row["confidence"]) for row in commands.table(table)
    }
    found = Pipeline(models.find(folder), Options(min_confidence=0.1)).detect(sound)
    ours = {(row.start_s, f"{row.scientific_name}_{row.common_name}"): row.confidence for row in found}
    assert rows.keys() == ours.keys()
    assert len(rows) >= 4
    for key, confidence in rows.items():
        assert confidence == pytest.approx(ours[key], abs=1e-3), key


finite = st.floats(-1e6, 1e6, width=32)


@given(st.lists(finite, min_size=1, max_size=9))
def test_a_sigmoid_makes_a_softmax_of_what_is_written_for_it(values: list[float]) -> None:
    graph = Graph.parse(networks.tflite(np.eye(len(values), dtype=np.float32)))
    one = Classifier([Layer(np.eye(len(values), dtype=np.float32), np.zeros(len(values), np.float32))])
    data = surgery.whole(graph, graph.inputs[0], one, "softmax", logits=True)
    some = np.array([values], np.float32)
    interpreter = Interpreter(model_content=data, num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], some)
    interpreter.invoke()
    scores = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(
        sigmoid(scores), ScoreRule("softmax", 0).confidences(some.astype(float)), atol=1e-6
    )


@pytest.mark.parametrize(
    ("classes", "lines"),
    [
        (["Parus major_Great Tit", "Noise"], ["Parus major_Great Tit", "Noise_Noise"]),
        (["Parus major", "1139490"], ["Parus major_Parus major", "1139490_1139490"]),
        (["cane_toad", "bull_frog"], ["cane_toad", "bull_frog"]),
        (["x", "x_x"], ["x", "x_x"]),
    ],
    ids=str,
)
def test_labels_are_birdnets_where_they_are_read_alike(
    deep: models.Model, tmp_path: Path, classes: list[str], lines: list[str]
) -> None:
    exported = export(on_deep(tmp_path / "h", deep, "sigmoid", 2, classes=classes), tmp_path / "mine.tflite")
    assert exported.labels.read_text(encoding="utf-8").splitlines() == lines
    assert labels.load(exported.labels) == models.find(tmp_path / "h").class_names()[0]


def test_a_class_that_is_no_line_is_refused(deep: models.Model, tmp_path: Path) -> None:
    folder = on_deep(tmp_path / "h", deep, "sigmoid", 2, classes=["a\nb", "c"])
    refused(folder, tmp_path / "mine.tflite", ConfigError, r"'a\\nb': a class's name that cannot be a line")


def refused(
    folder: Path | str, path: Path, error: type[BirdfastError], reason: str, *, force: bool = False
) -> None:
    before = {one: one.stat().st_mtime_ns for one in path.parent.rglob("*")}
    with pytest.raises(error, match=reason):
        export(folder, path, force=force)
    after = {one: one.stat().st_mtime_ns for one in path.parent.rglob("*")}
    assert before == after


def test_what_is_no_head_of_ours_is_refused(deep: models.Model, tokens: models.Model, tmp_path: Path) -> None:
    path = tmp_path / "mine.tflite"
    refused(tokens.path.parent, path, ModelError, "is a model of spectrogram tokens: there is no network")
    refused(deep.path.parent, path, ModelError, "is a whole network, not a head on one")
    foreign = heads.tflite_folder(tmp_path / "foreign", heads.matrix(5), deep.path)
    refused(foreign, path, ModelError, "is a head, but none that birdfast trained")
    silent = on_deep(tmp_path / "silent", deep, "none")
    refused(silent, path, ModelError, "activation = 'none'; what is exported has a sigmoid or a softmax")


def test_another_network_than_the_heads_is_refused(deep: models.Model, tmp_path: Path) -> None:
    folder = on_deep(tmp_path / "h", deep, on_sha256="0" * 64)
    refused(folder, tmp_path / "mine.tflite", ModelError, "a head on a network whose SHA-256 is 0{12}")


def test_a_network_that_was_rewritten_is_refused(deep: models.Model, tmp_path: Path) -> None:
    shutil.copytree(deep.path.parent, tmp_path / "deep")
    cached = (tmp_path / "deep" / "tiny.tflite").rename(tmp_path / "deep" / "1.graft.tflite")
    folder = head(tmp_path / "h", cached, str(tmp_path / "deep"), layers(5, 4))
    refused(folder, tmp_path / "mine.tflite", ModelError, "was rewritten for speed")
    graph = Graph.parse(deep.path.read_bytes())
    assert not surgery.is_rewritten(graph)
    graph.new_tensor("graft/conv_2d", (1,))
    assert surgery.is_rewritten(graph)


@pytest.mark.parametrize(
    ("manifest", "told", "reason"),
    [
        (
            "",
            {"rate_hz": 64_000},
            "takes sound of 64,000 Hz as if it had 8,000 Hz, which a TFLite file cannot",
        ),
        ('normalization = "zoo"\n', {}, r"takes windows whose level is changed \(zoo\)"),
    ],
)
def test_what_a_tflite_file_cannot_tell_is_refused(
    deep: models.Model, tmp_path: Path, manifest: str, told: dict[str, Any], reason: str
) -> None:
    shutil.copytree(deep.path.parent, tmp_path / "deep")
    with (tmp_path / "deep" / "model.toml").open("a") as file:
        file.write(manifest)
    folder = head(tmp_path / "h", deep.path, str(tmp_path / "deep"), layers(5, 4), **told)
    refused(folder, tmp_path / "mine.tflite", ModelError, reason)


def test_a_file_that_would_be_taken_for_birdnet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    matrices = networks.weights(5, 144_000), networks.weights(window_samples=5)
    networks.write_folder(tmp_path / "other", *matrices)
    (tmp_path / "other" / "model.toml").write_text("rate_hz = 44100\nwindow_samples = 144000\n")
    folder = head(tmp_path / "h", tmp_path / "other" / "tiny.tflite", "../other", layers(5, 4))
    refused(folder, tmp_path / "mine.tflite", ModelError, "44,100 Hz in windows as long as those of another")


def test_a_file_of_another_kind_is_refused(deep: models.Model, of_onnx: models.Model, tmp_path: Path) -> None:
    folder = on_deep(tmp_path / "h", deep)
    refused(folder, tmp_path / "mine.onnx", ConfigError, r"takes a name that ends with \.tflite")
    refused(folder, tmp_path / "mine.pb", ConfigError, r"takes a name that ends with \.tflite")
    other = on_onnx(tmp_path / "o", of_onnx)
    refused(other, tmp_path / "mine.tflite", ConfigError, r"takes a name that ends with \.onnx")


def test_what_is_there_stays_without_force(deep: models.Model, tmp_path: Path) -> None:
    folder = on_deep(tmp_path / "h", deep)
    shutil.copytree(deep.path.parent, tmp_path / "deep")
    network = tmp_path / "deep" / "tiny.tflite"
    on_copy = head(tmp_path / "c", network, str(network.parent), layers(5, 4))
    refused(on_copy, network, ConfigError, "is read, so it cannot be written", force=True)
    (tmp_path / "link.tflite").symlink_to(network)
    refused(on_copy, tmp_path / "link.tflite", ConfigError, "is read, so it cannot be written", force=True)
    for name in ("mine.tflite", "mine_Labels.txt", "mine_README.txt"):
        (tmp_path / name).write_text("something else")
        refused(folder, tmp_path / "mine.tflite", ConfigError, f"{name}: is there; take another name")
        (tmp_path / name).unlink()
    first = export(folder, tmp_path / "mine.tflite")
    second = on_deep(tmp_path / "second", deep, "sigmoid", 2)
    assert export(second, tmp_path / "mine.tflite", force=True).network == first.network
    assert len(labels.load(first.labels)) == 2
    assert not [one for one in tmp_path.iterdir() if one.name.endswith(".part")]


@pytest.mark.parametrize("value", [5, None, b"x", "", "a\0b", [], True], ids=str)
def test_a_place_is_a_path(value: Any, deep: models.Model, tmp_path: Path) -> None:
    folder = on_deep(tmp_path / "h", deep)
    with pytest.raises(BirdfastError, match="path: "):
        export(folder, value)
    with pytest.raises(BirdfastError, match="model: "):
        export(value, tmp_path / "mine.tflite")


def test_a_file_that_says_something_else_is_not_written(
    deep: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, right = on_deep(tmp_path / "h", deep), surgery.whole

    def wrong(graph: Graph, tensor: int, one: Classifier, *how: Any, **more: Any) -> bytes:
        (layer,) = one.layers
        return right(graph, tensor, Classifier([Layer(layer.weight, layer.bias + 0.01)]), *how, **more)

    monkeypatch.setattr(surgery, "whole", wrong)
    refused(folder, tmp_path / "mine.tflite", ModelError, r"says something else than the head: .* by 0\.01")


def test_the_command_writes_and_says_what_it_wrote(
    deep: models.Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, path = on_deep(tmp_path / "h", deep), tmp_path / "out" / "mine.tflite"
    assert main(["export", str(folder), "-o", str(path)]) == exits.FINE
    said = capsys.readouterr().out
    assert "tiny and a head of 1 layer; gives confidences of 4 classes" in said
    assert "says what the head says: on 14 windows" in said
    assert "the head: CC0" in said
    assert main(["export", str(folder), "-o", str(path)]) == exits.USAGE
    assert "is there; take another name, or --force" in capsys.readouterr().err
    assert main(["export", str(folder), "-o", str(path), "--force"]) == exits.FINE
    readme = (tmp_path / "out" / "mine_README.txt").read_text()
    assert "birdfast models add mine.tflite --rate 8000" in readme
