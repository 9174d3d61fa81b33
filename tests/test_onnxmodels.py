"""ONNX networks from the file to the tables: found by what is in them, and known by all of it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[onnx]'")
pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: pip install '.[onnx]'")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

import birdfast  # noqa: E402
from birdfast import labels, models  # noqa: E402
from birdfast.__main__ import main  # noqa: E402
from birdfast.cli.questions import Nobody  # noqa: E402
from birdfast.config import Options  # noqa: E402
from birdfast.errors import ConfigError, ModelError, RecordingWarning  # noqa: E402
from birdfast.models import onnxfacts  # noqa: E402
from birdfast.pipeline import Pipeline  # noqa: E402
from birdfast.runs import adding  # noqa: E402
from birdfast.runs.facts import fingerprint  # noqa: E402
from birdfast.runs.told import Told  # noqa: E402
from birdfast.sessions import open_session  # noqa: E402
from birdfast.sources import onnxfile  # noqa: E402

from . import commands, networks, onnxnetworks  # noqa: E402
from .commands import infer, table  # noqa: E402
from .onnxnetworks import (  # noqa: E402
    FLOAT,
    LABELS,
    PICTURE,
    PICTURE_SHAPE,
    RATE_HZ,
    WINDOW_SAMPLES,
    network,
    told,
    told_all,
    with_weights_beside,
    write_folder,
)

SOUND = np.ones(WINDOW_SAMPLES, np.float32)
KINDS: dict[str, tuple[Any, str]] = {
    "sound": (("batch", WINDOW_SAMPLES), ""),
    "picture": (PICTURE_SHAPE, PICTURE),
}


@pytest.fixture(params=KINDS)
def model(request: pytest.FixtureRequest, tmp_path: Path) -> models.Model:
    shape, manifest = KINDS[request.param]
    made = network(shape, n_values=820 if manifest else WINDOW_SAMPLES)
    return models.find(write_folder(tmp_path / "model", made, manifest))


# ---- the whole way ----


def test_command_pipeline_and_pool_say_the_same(model: models.Model, wav: Path, tmp_path: Path) -> None:
    assert model.runtime.startswith("onnxruntime ")
    result = infer(model, wav, "-o", tmp_path / "out", "--min-conf", "0", "--workers", "1")
    assert result.returncode == 0, result.stderr
    rows = table(tmp_path / "out" / "detections.csv")
    loaded = birdfast.load(model.path.parent, min_confidence=0.0)
    found = loaded.detect(wav)
    assert len(rows) == len(found) == 15
    assert [float(row["Confidence"]) for row in rows] == pytest.approx(
        [one.confidence for one in found], abs=1e-4
    )
    assert loaded.embed(wav).shape == (5, 8)
    with birdfast.WarmPool(model.path.parent, workers=1, min_confidence=0.0) as pool:
        assert [one.common_name for one in pool.detect(wav)] == [one.common_name for one in found]


def test_a_run_goes_on_and_refuses_other_weights(tmp_path: Path, wav: Path) -> None:
    folder, out = tmp_path / "model", tmp_path / "out"
    folder.mkdir()
    model = models.find(write_folder(folder, with_weights_beside(network(), folder)))
    assert infer(model, wav, "-o", out, "--min-conf", "0").returncode == 0
    assert "1 file done before" in infer(model, wav, "-o", out, "--min-conf", "0").stderr
    weights = folder / "weights.bin"
    weights.write_bytes(bytes(len(weights.read_bytes())))
    result = infer(model, wav, "-o", out, "--min-conf", "0")
    assert result.returncode == 64
    assert "model's file: " in result.stderr


# ---- what decides ----


def test_weights_beside_it_and_the_runtime_are_part_of_what_a_model_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    model = models.find(write_folder(folder, with_weights_beside(network(), folder)))
    meant = [model.digests()]
    usual = fingerprint([model], Options(), meant)
    assert onnxfile.beside(model.path) == ["weights.bin"]
    monkeypatch.setattr("birdfast.runtimes.onnx.version", lambda: "onnxruntime 99")
    other = fingerprint([model], Options(), meant)
    assert {name for name in usual if usual[name] != other[name]} == {"model's runtime"}
    models.check_unchanged([model], meant)
    weights = folder / "weights.bin"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match=r"tiny\.onnx: was replaced or changed"):
        models.check_unchanged([model], meant)
    weights.unlink()
    (tmp_path / "weights.bin").write_bytes(b"")
    weights.symlink_to(tmp_path / "weights.bin")
    with pytest.raises(ModelError, match="which is not beside it"):
        model.digests()


def test_the_two_readers_of_a_file_agree(tmp_path: Path) -> None:
    path, made = tmp_path / "tiny.onnx", told_all(network())
    path.write_bytes(made.SerializeToString())
    assert onnxfile.metadata(path) == {one.key: one.value for one in made.metadata_props}
    assert onnxfile.beside(path) == []
    constant = helper.make_node("Constant", [], ["c"], value=network().graph.initializer[0])
    inner = helper.make_graph([constant], "inner", [], [])
    made.graph.node.append(helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner))
    place = made.graph.node[-1].attribute[0].g.node[0].attribute[0].t.external_data.add()
    place.key, place.value = "location", "deep.bin"
    path.write_bytes(made.SerializeToString())
    assert onnxfile.beside(path) == ["deep.bin"]
    path.write_bytes(made.SerializeToString()[:-5])
    with pytest.raises(ModelError, match="is no ONNX model, or a damaged one"):
        onnxfile.beside(path)


# ---- what is in it decides of what kind it is ----


def test_the_content_decides_whatever_a_file_is_called(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    folders = networks.write_folder(tmp_path / "first"), write_folder(tmp_path / "second", network())
    for folder, name, kind in zip(
        folders, ("renamed.onnx", "renamed.tflite"), ("tflite", "onnx"), strict=True
    ):
        path = models.find(folder).path.rename(folder / name)
        assert models.find(folder).kind == models.find(path, folder / "labels.txt").kind == kind
        found = Pipeline(models.find(folder), Options(min_confidence=0)).detect(SOUND, RATE_HZ)
        assert len(found) == len(LABELS)


def test_what_is_neither_is_refused(tmp_path: Path) -> None:
    for name, said in (("x.onnx", "no ONNX model"), ("x.tflite", "not a TFLite model")):
        path = tmp_path / name
        path.write_bytes(b"nonsense, of some length")
        (tmp_path / "labels.txt").write_text("A_B\n")
        with pytest.raises(ModelError, match=said):
            Pipeline(models.find(path, tmp_path / "labels.txt"))


# ---- what a file tells itself ----


def test_a_file_that_tells_all_of_itself_needs_no_other(tmp_path: Path, wav: Path) -> None:
    path = tmp_path / "mine.onnx"
    path.write_bytes(told_all(network()).SerializeToString())
    for model in (models.find(path), models.find(tmp_path)):
        assert (model.rate_hz, model.window_samples, model.output) == (RATE_HZ, WINDOW_SAMPLES, "scores")
        assert (model.labels_path, model.labels_format) == (path, "onnx")
        found = Pipeline(model, Options(min_confidence=0)).detect(wav)
        assert {one.scientific_name for one in found} == {"Avis prima", "Avis secunda", "Noise"}
    assert infer(models.find(path), wav, "-o", tmp_path / "out").returncode == 0
    (tmp_path / "mine_Labels.txt").write_text("A_B\nC_D\nE_F\n")
    assert models.find(path).class_names()[0].common == ("A_B", "C_D", "E_F")
    (tmp_path / "others.txt").write_text("G_H\nI_J\nK_L\n")
    assert models.find(path, tmp_path / "others.txt").class_names()[0].common == ("G_H", "I_J", "K_L")


def test_a_manifest_is_believed_before_the_file(tmp_path: Path) -> None:
    made = told(told_all(network()), sample_rate="48000")
    model = models.find(write_folder(tmp_path, made))
    assert (model.rate_hz, model.labels_format) == (RATE_HZ, "lines")
    (tmp_path / "labels.txt").unlink()
    (tmp_path / "model.toml").write_text(f"rate_hz = {RATE_HZ}\nlabels_format = 'onnx'\n")
    assert models.find(tmp_path).class_names()[0].common[0] == "First Bird"


def test_what_is_written_is_read_and_the_rest_stays(tmp_path: Path) -> None:
    path, made = tmp_path / "mine.onnx", told(network(), author="me", sample_rate="1")
    path.write_bytes(made.SerializeToString())
    onnxfacts.write(path, RATE_HZ, WINDOW_SAMPLES, LABELS, output="scores", embedding="hidden")
    facts = onnxfacts.read(path)
    assert facts == {
        "rate_hz": RATE_HZ,
        "window_samples": WINDOW_SAMPLES,
        "labels_format": "onnx",
        "output": "scores",
        "embedding": "hidden",
    }
    again = onnx.load(path)
    assert again.graph == made.graph
    words = {one.key: one.value for one in again.metadata_props}
    assert len(words) == len(again.metadata_props) == 6
    assert words["author"] == "me"
    # As OpenSoundscape 0.13's ONNXModel reads them.
    assert int(words["sample_rate"]) == RATE_HZ
    assert float(words["sample_duration"]) == WINDOW_SAMPLES / RATE_HZ
    assert json.loads(words["classes"]) == list(LABELS)
    assert (words["class_outputs_key"], words["embedding_outputs_key"]) == ("scores", "hidden")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"sample_rate": "fast"}, "its sample_rate is 'fast'; a number above 0 fits"),
        ({"sample_rate": "-1"}, "its sample_rate is '-1'"),
        ({"sample_rate": "8000.5"}, "its sample_rate is '8000.5'; a whole number above 0 fits"),
        ({"sample_rate": "8000", "sample_duration": "nan"}, "its sample_duration is 'nan'"),
        ({"sample_rate": "8000", "sample_duration": "1e300"}, "its sample_duration is '1e300'"),
        ({"classes": "[1, 2]"}, "no classes that name its classes by number"),
        ({"classes": "a, b"}, "no classes that name its classes by number"),
        ({"classes": "[" * 100_000}, "no classes that name its classes by number"),
    ],
)
def test_what_a_file_tells_that_cannot_be_is_refused(
    tmp_path: Path, words: dict[str, str], reason: str
) -> None:
    path = tmp_path / "mine.onnx"
    path.write_bytes(told(network(), **words).SerializeToString())
    with pytest.raises(ModelError, match=f"mine.onnx: {reason}".replace("[", r"\[")):
        models.find(path).class_names()


# ---- labels ----


def test_labels_of_a_config_are_by_number(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"id2label": {"10": "k", **{str(n): "abcdefghij"[n] for n in range(10)}}}))
    assert labels.load(path, "json:id2label").scientific == tuple("abcdefghijk")
    path.write_text(json.dumps({"names": ["a", "Avis prima_First Bird"]}))
    assert labels.load(path, "json:names") == labels.Labels(("a", "Avis prima"), ("a", "First Bird"))
    for content in ('{"id2label": {"0": "a", "2": "b"}}', "{}", "[", '{"id2label": 3}', "[1]", "\udc80"):
        path.write_bytes(content.encode("utf-8", "surrogatepass"))
        with pytest.raises(ModelError, match=r"config\.json: n"):
            labels.load(path, "json:id2label")


def test_labels_of_two_columns_are_parted_by_commas_or_semicolons(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    for delimiter in ",;":
        rows = ["id sci com", "0 Parus_x Tit", "1 Corvus "]
        path.write_text("\n".join(row.replace(" ", delimiter) for row in rows) + "\n")
        found = labels.load(path, "csv:sci+com")
        assert found == labels.Labels(("Parus_x", "Corvus"), ("Tit", "Corvus"))
        assert labels.load(path, "csv:sci").common[0] == "Parus_x"


# ---- digital silence ----


def of_silence(made: onnx.ModelProto) -> onnx.ModelProto:
    """Let a network divide its samples by their level, as BirdNET 3.0 does: silence is NaN."""
    made.graph.node[0].input[0] = "levelled"
    made.graph.node.insert(0, helper.make_node("Div", ["sound", "most"], ["levelled"]))
    made.graph.node.insert(0, helper.make_node("ReduceMax", ["loud"], ["most"], axes=[1], keepdims=1))
    made.graph.node.insert(0, helper.make_node("Abs", ["sound"], ["loud"]))
    return made


def test_silence_of_which_a_network_says_no_number_is_silent_and_noted(tmp_path: Path) -> None:
    model = models.find(write_folder(tmp_path, of_silence(network())))
    sound = np.random.default_rng(4).normal(0, 0.1, 10 * WINDOW_SAMPLES).astype(np.float32)
    sound[2 * WINDOW_SAMPLES : 5 * WINDOW_SAMPLES] = 0
    pipeline = Pipeline(model, Options(min_confidence=0))
    with pytest.warns(RecordingWarning, match="tiny: its scores of digital silence are no numbers") as said:
        found = pipeline.detect(sound, RATE_HZ)
    assert len(said) == 1
    assert {one.start_s for one in found} == {0.5 * n for n in (0, 1, 5, 6, 7, 8, 9)}
    path = tmp_path / "gap.wav"
    birdfast.audio.write(path, sound, RATE_HZ)
    result = infer(model, path, "-o", tmp_path / "out", "--min-conf", "0", "--rtype", "csv,scores")
    assert result.returncode == 0, result.stderr
    assert len(table(tmp_path / "out" / "detections.csv")) == 21
    (note,) = table(tmp_path / "out" / "notes.csv")
    assert "nothing is heard there" in str(note)
    assert table(tmp_path / "out" / "failures.csv") == []


# ---- the rows of models.toml ----


def test_every_row_says_whether_it_was_tried(capsys: pytest.CaptureFixture[str]) -> None:
    listed = models.catalogue()
    assert {name for name, model in listed.items() if model.tried == "yes"} == {"birdnet-2.4", "yamnet"}
    assert {model.tried for model in listed.values()} <= {
        "yes",
        "no",
        "same architecture with random weights",
    }
    assert listed["birdset-convnext"].front_end is not None
    assert listed["birdnet-3.0"].kind == "onnx"
    assert main(["models"]) == 0
    said = capsys.readouterr().out
    for model in listed.values():
        assert f"    tried: {model.tried}\n" in said.partition(f"{model.name}: ")[2]


def test_the_first_of_several_files_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIRDFAST_MODELS", str(tmp_path))
    folder = tmp_path / "perch-2"
    folder.mkdir()
    with pytest.raises(ModelError, match=r"perch_v2\.tflite or perch_v2\.onnx or perch_v2_no_dft\.onnx and"):
        models.find("perch-2")
    (folder / "labels.csv").write_text("inat2024_fsd50k\na\n")
    for name in ("perch_v2_no_dft.onnx", "perch_v2.onnx", "perch_v2.tflite"):
        (folder / name).touch()
        model = models.find("perch-2")
        assert (model.path.name, f".{model.kind}") == (name, model.path.suffix)


def test_a_rate_is_one_number_to_whoever_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.onnx"
    path.write_bytes(told(told_all(network()), sample_rate=f"{RATE_HZ}.0").SerializeToString())
    assert models.find(path).rate_hz == RATE_HZ
    assert (
        adding.add(path, Told(activation="sigmoid"), Nobody(), tmp_path / "added").listener.model.rate_hz
        == RATE_HZ
    )
    path.write_bytes(told(told_all(network()), sample_rate="16000.5").SerializeToString())
    with pytest.raises(ConfigError, match="give --rate"):
        adding.add(path, Told(activation="sigmoid"), Nobody(), tmp_path / "other")


def test_perch_2_shows_its_spatial_embedding(tmp_path: Path) -> None:
    """A stand-in with the outputs of its file, of which each is the window's mean."""
    shapes = {"embedding": [1536], "spatial_embedding": [16, 4, 1536], "label": [14_795]}
    nodes = [helper.make_node("ReduceMean", ["inputs"], ["mean"], axes=[1])]
    nodes += [helper.make_node("Reshape", ["mean", "places"], ["every"])]
    for name, shape in shapes.items():
        taken = "every" if len(shape) > 1 else "mean"
        nodes.append(helper.make_node("Mul", [taken, f"{name} ones"], [name]))
    constants = {f"{name} ones": np.ones((1, *shape), np.float32) for name, shape in shapes.items()}
    constants["places"] = np.array([-1, 1, 1, 1])
    graph = helper.make_graph(
        nodes,
        "perch",
        [helper.make_tensor_value_info("inputs", TensorProto.FLOAT, ["batch", 160_000])],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", *s]) for n, s in shapes.items()],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    path = tmp_path / "perch_v2.onnx"
    path.write_bytes(onnxnetworks.model(graph).SerializeToString())
    session = open_session(dataclasses.replace(models.catalogue()["perch-2"], kind="onnx", path=path))
    assert session.outputs == {"logits": 14_795, "embedding": 1536, "spatial_embedding": 16 * 4 * 1536}
    assert session.spatial_shape == (16, 4, 1536)


@pytest.mark.parametrize(
    ("row", "size"), [("birdset-efficientnet-b1", (256, 626)), ("birdset-convnext", (128, 501))]
)
def test_birdsets_pictures_are_of_the_size_that_its_networks_take(row: str, size: tuple[int, int]) -> None:
    from birdfast.frontends.pictures import Pictures

    model = models.catalogue()[row]
    assert model.front_end is not None
    assert Pictures(model.front_end, model.rate_hz, model.window_samples).shape == (1, *size)


@pytest.mark.parametrize(
    ("row", "shape", "labels", "names", "silent"),
    [
        (
            "hawkears",
            (1, 1, 192, 384),
            "Name,Code,AltName\nFirst Bird,FB,Avis prima\nNoise,NO,\n",
            "First Bird",
            0.5,  # a sigmoid of 0
        ),
        (
            "rana-sierrae-cnn",
            ("batch", 3, 224, 224),
            "label\nrana_sierrae\nnegative\n",
            "rana_sierrae",
            1 / (1 + np.exp(2)),  # a softmax of -1, where -100 dB are, and 1
        ),
    ],
)
def test_a_row_of_pictures_hears_with_a_network_of_its_shape(
    row: str,
    shape: tuple[int, ...],
    labels: str,
    names: str,
    silent: float,
    tmp_path: Path,
    wav: Path,
    monkeypatch: Any,
) -> None:
    """A stand-in: its scores are the mean of its picture, and less of it. Silence is heard, too."""
    nodes = [
        helper.make_node("ReduceMean", ["picture"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Unsqueeze", ["mean", "last"], ["column"]),
        helper.make_node("MatMul", ["column", "weights"], ["scores"]),
    ]
    constants = {"last": np.array([1]), "weights": np.array([[1, -1]], np.float32)}
    graph = helper.make_graph(
        nodes,
        "stand-in",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [shape[0], 2])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    monkeypatch.setenv("BIRDFAST_MODELS", str(tmp_path))
    model = models.catalogue()[row]
    (tmp_path / row).mkdir()
    (tmp_path / row / model.labels).write_text(labels)
    (tmp_path / row / "model.onnx").write_bytes(onnxnetworks.model(graph).SerializeToString())
    silence = tmp_path / "silence.wav"
    birdfast.audio.write(silence, np.zeros(3 * model.rate_hz, np.float32), model.rate_hz)
    options = ("--model", row, "-o", tmp_path / "out", "--min-conf", "0")
    result = commands.birdfast("infer", wav, silence, *options)
    assert result.returncode == 0, result.stderr
    heard = [one for one in table(tmp_path / "out" / "detections.csv") if one["Common name"] == names]
    assert {Path(one["File"]).name for one in heard} == {wav.name, "silence.wav"}
    confidences = [float(one["Confidence"]) for one in heard if one["File"].endswith("silence.wav")]
    np.testing.assert_allclose(confidences, silent, atol=1e-4)


def test_a_network_of_sound_alone_takes_no_facts_of_one_of_pictures() -> None:
    known = models.Model(name="mine", title="mine").for_input(160_000)
    assert (known.rate_hz, known.activation) == (32_000, "softmax")
    assert FLOAT == onnx.TensorProto.FLOAT
