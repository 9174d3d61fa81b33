"""Heads are learnt from a network's embeddings, asked once, and say in `infer` what they said in training."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from birdfast import audio, modelfolder, models
from birdfast.__main__ import main
from birdfast.classifier import Classifier
from birdfast.config import Options
from birdfast.errors import ConfigError, ModelError
from birdfast.pipeline import Pipeline
from birdfast.train import folds, head, headrecipe, keep, recordings, standardized
from birdfast.train.embeddings import EmbeddingStore
from birdfast.train.heads import HeadTraining
from birdfast.train.network import Network
from birdfast.train.recordings import Clip

from . import commands, networks
from .networks import RATE_HZ, WINDOW_SAMPLES

pytest.importorskip("sklearn", reason="training needs birdfast[train]")
pytest.importorskip("tomli_w", reason="training needs birdfast[train]")

WINDOW_S = WINDOW_SAMPLES / RATE_HZ
PITCHES_HZ = {"low": 300, "mid": 900, "high": 2000}
KINDS = tuple(headrecipe.KINDS)


def song(kind: str, seed: int, seconds: float = 1.5) -> np.ndarray:
    """A whistle that comes and goes, in noise."""
    random, time = np.random.default_rng(seed), np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    noise = 0.02 * random.standard_normal(len(time))
    if kind not in PITCHES_HZ:
        return noise.astype(np.float32)
    return (0.5 * np.sin(2 * np.pi * PITCHES_HZ[kind] * time) + noise).astype(np.float32)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network whose embedding has the songs' pitches, each by its sine over a window."""
    time = np.arange(WINDOW_SAMPLES) / RATE_HZ
    pitches = np.stack([np.sin(2 * np.pi * hz * time) for hz in PITCHES_HZ.values()]) / 100
    others = networks.weights(2) / 10
    folder = tmp_path_factory.mktemp("networks") / "pitches"
    folder.mkdir()
    matrices = np.concatenate([pitches, others]).astype(np.float32), networks.weights(window_samples=5)
    return networks.write_folder(folder, *matrices)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`clips.csv` with folds over 24 songs, `several.csv` with several labels and background."""
    folder = tmp_path_factory.mktemp("data")
    one, several = ["file,label,fold"], ["file,label,fold"]
    for kind in (*PITCHES_HZ, "noise"):
        for number in range(8):
            name = f"{kind}{number}.flac"
            audio.write(folder / name, song(kind, number), RATE_HZ)
            if kind != "noise":
                one.append(f"{name},{kind},{number % 2 + 1}")
            several.append(f"{name},{'' if kind == 'noise' else kind},{number % 2 + 1}")
    for number in range(8):
        both = song("low", number) + song("high", number + 50)
        audio.write(folder / f"both{number}.flac", both / 2, RATE_HZ)
        several.append(f"both{number}.flac,low;high,{number % 2 + 1}")
    (folder / "clips.csv").write_text("\n".join(one) + "\n")
    (folder / "several.csv").write_text("\n".join(several) + "\n")
    return folder


def training(
    data: Path, network: Path | list[str], kind: str = "linear", table: str = "clips.csv", **more: Any
) -> HeadTraining:
    clips = recordings.find(str(data / table))
    on = network if isinstance(network, list) else str(network)
    store = EmbeddingStore(Network(on), more.get("keep"))
    return HeadTraining(
        headrecipe.load(kind),
        clips,
        sorted({label for clip in clips for label in clip.labels}),
        all(len(clip.labels) == 1 for clip in clips),
        store,
        **more,
    )


def train(data: Path, table: str, network: Path, output: Path, *more: str) -> int:
    how = ["--on", str(network), "-o", str(output), "--quiet", "--workers", "2"]
    return main(["train", str(data / table), *how, *more])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("table", ["clips.csv", "several.csv"])
def test_infer_says_what_was_learnt(data: Path, network: Path, tmp_path: Path, kind: str, table: str) -> None:
    learning = training(data, network, kind, table)
    arrays = learning.model()
    learning.write(tmp_path / "m", arrays, "Songs")
    model = models.find(tmp_path / "m")
    assert (model.kind, model.activation) == ("head", "softmax" if table == "clips.csv" else "sigmoid")
    pipeline = Pipeline(model, Options(min_confidence=0, tail="min-1s"))
    for clip in learning.clips[::5]:
        logits = np.concatenate([scored.outputs["logits"] for scored in pipeline.score(clip.path)])
        windows = learning.examples(arrays, [clip])
        meant = Classifier.of(arrays).logits(windows.values)
        np.testing.assert_array_equal(logits, meant)
        right = windows.targets[0]
        if right.any():
            assert logits[:, right].mean() > logits[:, ~right].mean()


def test_infer_says_what_was_learnt_of_several_networks(data: Path, network: Path, tmp_path: Path) -> None:
    short = networks.write_short(tmp_path / "short").path.parent
    output = tmp_path / "m"
    assert train(data, "clips.csv", network, output, "--on", str(short), "--hold-out", "1") == 0
    assert json.loads((output / "evaluation.json").read_text())["mean"]["accuracy"] > 0.9
    facts = modelfolder.facts(output, modelfolder.HEAD)
    assert [(output / on).resolve() for on in facts["on"]] == [network.resolve(), short.resolve()]
    assert facts["on_sha256"] == [models.find(one).sha256() for one in (network, short)]
    assert facts["licence"].count("it runs on ") == 2
    learning = training(data, [str(network), str(short)])
    arrays = modelfolder.arrays(output, facts["arrays"])
    pipeline = Pipeline(models.find(output), Options(min_confidence=0, tail="min-1s"))
    for clip in learning.clips[::5]:
        logits = np.concatenate([scored.outputs["logits"] for scored in pipeline.score(clip.path)])
        windows = learning.examples(arrays, [clip])
        np.testing.assert_array_equal(logits, Classifier.of(arrays).logits(windows.values))


def test_a_test_on_a_model_of_tokens_is_told_to_say_too_much(
    data: Path, network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tokens = tmp_path / "tokens"
    tokens.mkdir()
    networks.write_tokens(tokens)
    how = ["train", str(data / "clips.csv"), "-o", str(tmp_path / "m"), "--on", str(network)]
    assert main([*how, "--on", str(tokens), "--hold-out", "1"]) == 0
    assert f"{tokens}: of tokens; if it has learnt from these clips" in capsys.readouterr().err
    assert main([*how, "--hold-out", "1", "--force"]) == 0
    assert "of tokens" not in capsys.readouterr().err


def test_a_network_is_not_joined_with_itself(
    data: Path, network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(data, "clips.csv", network, tmp_path / "m", "--on", f"{network}/") == 64
    assert "is joined with others, not with itself" in capsys.readouterr().err


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_held_out_is_found(data: Path, network: Path, kind: str) -> None:
    learning = training(data, network, kind)
    clips = list(learning.clips)
    for _, without, tested in folds.trials(learning, clips, folds.splits(clips)):
        arrays = without.model()
        examples = without.examples(arrays, tested)
        logits = without.logits(examples, arrays)
        np.testing.assert_allclose(np.exp(logits).sum(axis=1), 1, rtol=1e-5)
        assert examples.targets[np.arange(len(logits)), logits.argmax(axis=1)].mean() > 0.9
        assert {*without.clips}.isdisjoint(tested)


def test_what_is_held_out_chooses_nothing(data: Path, network: Path, tmp_path: Path) -> None:
    rows = (data / "clips.csv").read_text().splitlines()
    shutil.copytree(data, tmp_path / "d")
    wrong = [row.replace(",low,1", ",high,1").replace(",mid,1", ",low,1") for row in rows]
    (tmp_path / "d/wrong.csv").write_text("\n".join(wrong))
    found = []
    for folder, table in ((data, "clips.csv"), (tmp_path / "d", "wrong.csv")):
        learning = training(folder, network, table=table)
        clips = list(learning.clips)
        (_, without, _), _ = folds.trials(learning, clips, folds.splits(clips))
        found.append({name: array.tobytes() for name, array in without.model().items()})
    assert "losses" in found[0]
    assert found[0] == found[1]


@pytest.mark.long
@pytest.mark.parametrize("kind", KINDS)
def test_any_number_of_workers_learns_the_same_bytes(
    data: Path, network: Path, tmp_path: Path, kind: str
) -> None:
    found = []
    for n_workers in (1, 2, 4):
        learning = training(data, network, kind, n_workers=n_workers)
        learning.write(tmp_path / f"{n_workers}", learning.model(), "Songs")
        found.append(contents(tmp_path / f"{n_workers}"))
    assert found[0] == found[1] == found[2]


def test_a_network_is_asked_once_for_all_folds_trainings_and_copies(
    data: Path, network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    embedded = Network.embedded
    monkeypatch.setattr(
        Network, "embedded", lambda self, clip, tell: asked.append(clip.path) or embedded(self, clip, tell)
    )
    first = training(data, network, keep=tmp_path)
    meant = first.model()
    clips = list(first.clips)
    for _, without, tested in folds.trials(first, clips, folds.splits(clips)):
        without.examples(without.model(), tested)
    assert len(asked) == len(clips)
    copies = tmp_path / "copies"
    shutil.copytree(data, copies)
    (tmp_path / "head.npz").unlink()
    second = training(copies, network, keep=tmp_path)
    found = second.model()
    assert len(asked) == len(clips)
    assert {name: array.tobytes() for name, array in found.items()} == {
        name: array.tobytes() for name, array in meant.items()
    }


def test_another_part_channel_network_or_content_is_asked_anew(
    data: Path, network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Clip] = []
    embedded = Network.embedded
    monkeypatch.setattr(
        Network, "embedded", lambda self, clip, tell: asked.append(clip) or embedded(self, clip, tell)
    )
    path = tmp_path / "a.wav"
    audio.write(path, song("low", 0), RATE_HZ)
    store = EmbeddingStore(Network(str(network)))
    parts = [
        Clip(str(path)),
        Clip(str(path), end_s=1.0),
        Clip(str(path), start_s=0.5),
        Clip(str(path), channel="1"),
    ]
    for clip in parts * 2:
        store.of(clip, print)
    assert asked == parts
    assert [len(store.of(clip, print)) for clip in parts] == [3, 2, 2, 3]
    audio.write(path, song("high", 1), RATE_HZ)
    store.of(parts[0], print)
    assert len(asked) == 5
    other = shutil.copytree(network, tmp_path / "other")
    (other / "tiny.tflite").write_bytes(
        networks.tflite(networks.weights(5) + 1, networks.weights(window_samples=5))
    )
    EmbeddingStore(Network(str(other))).of(parts[0], print)
    assert len(asked) == 6


def test_another_fact_of_a_network_is_another_network(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from . import onnxnetworks  # it needs onnx

    first, second = networks.weights(5), networks.weights(5) + 1
    matrices = {"a": first.T, "b": second.T, "c": networks.weights(window_samples=5).T}
    made = onnxnetworks.network_of_nodes(
        ("MatMul", ["sound", "a"], "emb_a"),
        ("MatMul", ["sound", "b"], "emb_b"),
        ("MatMul", ["emb_a", "c"], "scores"),
        constants={name: np.ascontiguousarray(matrix) for name, matrix in matrices.items()},
    )
    for name in ("emb_a", "emb_b"):
        shape = ["batch", 5]
        made.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape))
    told = 'output = "scores"\nembedding = "{}"\n'
    folder = tmp_path / "two"
    beside = networks.write_short(tmp_path / "short").path
    found = []
    for name in ("emb_a", "emb_b"):
        onnxnetworks.write_folder(folder, made, told.format(name))
        for on in (str(folder), [str(folder), str(beside.parent)]):
            found.append(json.dumps(Network(on).identity, sort_keys=True))
        found.append(Network(str(folder)).embedded(Clip(str(_hum(tmp_path))), print).tobytes())
    assert len({*found}) == 6
    onnxnetworks.write_folder(folder, made, told.format("emb_a"))
    assert json.dumps(Network(str(folder)).identity, sort_keys=True) == found[0]


def _hum(folder: Path) -> Path:
    audio.write(folder / "hum.wav", song("low", 0), RATE_HZ)
    return folder / "hum.wav"


def test_what_cannot_be_read_is_left_out_by_name_and_told_again(
    data: Path, network: Path, tmp_path: Path
) -> None:
    shutil.copytree(data, tmp_path / "d")
    (tmp_path / "d/low0.flac").write_bytes(b"no sound")
    learning = training(tmp_path / "d", network, keep=tmp_path)
    learning.model()
    again = training(tmp_path / "d", network, keep=tmp_path)
    again.model()
    assert [*learning.failures] == [*again.failures] == [str(tmp_path / "d/low0.flac")]
    with pytest.raises(ConfigError, match="no recording can be read"):
        learning.examples({}, [clip for clip in learning.clips if clip.path.endswith("low0.flac")])


KILLED = """
import os, sys
from pathlib import Path
from birdfast import modelfolder, atomicfile
from birdfast.train import embeddings, keep, standardized, vectorfile
from tests.test_networkheads import training
where, data, network, output = sys.argv[1:]
vectorfile.COMMIT_EVERY_S = 0.0
def killed_after(of, name, n):
    does = getattr(of, name)
    def counted(*what, **how):
        nonlocal n
        n -= 1
        if n < 0:
            os._exit(9)
        return does(*what, **how)
    setattr(of, name, counted)
if where == "network":
    killed_after(embeddings.Network, "embedded", 10)
elif where == "vectors":
    killed_after(vectorfile, "_digest", 11)
elif where == "head":
    killed_after(standardized, "fit", 0)
elif where == "choice":
    killed_after(standardized, "fit", 8)
elif where == "kept":
    killed_after(keep.checkpoint, "write", 0)
elif where == "folder":
    killed_after(modelfolder.np, "save", 1)
elif where == "manifest":
    killed_after(modelfolder.hashlib, "sha256", 2)
output = Path(output)
(output / "stages").mkdir(parents=True, exist_ok=True)
learning = training(Path(data), Path(network), "mlp", keep=output / "stages")
learning.write(output, learning.model(), "Songs")
"""


@pytest.mark.parametrize(
    "where",
    [
        "vectors",
        *(
            pytest.param(one, marks=pytest.mark.long)
            for one in ("network", "head", "choice", "kept", "folder", "manifest")
        ),
    ],
)
@pytest.mark.long
def test_killed_anywhere_it_resumes_to_the_same_bytes(
    data: Path, network: Path, tmp_path: Path, where: str
) -> None:
    meant = training(data, network, "mlp")
    meant.write(tmp_path / "meant", meant.model(), "Songs")
    how = [sys.executable, "-c", KILLED, where, str(data), str(network), str(tmp_path / "m")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(how, check=False, env=environment, capture_output=True)
    assert done.returncode == 9, done.stderr
    learning = training(data, network, "mlp", keep=tmp_path / "m/stages")
    learning.write(tmp_path / "m", learning.model(), "Songs")
    assert contents(tmp_path / "m") == contents(tmp_path / "meant") | {
        name: content for name, content in contents(tmp_path / "m").items() if name.endswith(".part")
    }


@pytest.mark.parametrize("kind", KINDS)
def test_scaling_is_in_the_layers(kind: str) -> None:
    dice = np.random.default_rng(0)
    values = (dice.standard_normal((60, 4)) * [1, 1e3, 1e-3, 0] + [0, 1e4, 1, 5]).astype(np.float32)
    targets = np.eye(3, dtype=bool)[np.arange(60) % 3]
    values[:, 0] += 3 * (np.arange(60) % 3)
    layers = standardized.fit(values, targets, True, headrecipe.load(kind).head, 0)
    logits = Classifier(layers).logits(values)
    mean, share = standardized.factors(values)
    scaled = ((values - mean) * share * standardized.lengths((4,), 0)).astype(np.float32)
    assert np.sqrt(np.square(scaled).sum(axis=1).mean()) == pytest.approx(np.sqrt(3 / 4), rel=1e-3)
    if kind != "ridge":
        meant = head.fit(scaled, targets, True, headrecipe.load(kind).head, 0, head.balance(targets))
        np.testing.assert_allclose(logits, Classifier(meant).logits(scaled), atol=1e-2)
    assert np.isfinite(logits).all()
    louder = standardized.fit(values * np.float32(8), targets, True, headrecipe.load(kind).head, 0)
    np.testing.assert_allclose(Classifier(louder).logits(values * np.float32(8)), logits, atol=1e-2)


def test_weights_make_classes_count_the_same() -> None:
    targets = np.array([[1, 0], [1, 0], [1, 0], [0, 1], [1, 1], [0, 0], [0, 0]], bool)
    weight = head.balance(targets)
    assert weight.mean() == pytest.approx(1)
    alone = np.eye(3, dtype=bool)[[0] * 6 + [1] * 3 + [2]]
    weight = head.balance(alone)
    np.testing.assert_allclose([weight[some].sum() for some in alone.T], 10 / 3, rtol=1e-6)


def test_a_rare_class_is_not_outweighed() -> None:
    dice = np.random.default_rng(1)
    rare = np.arange(400) < 8
    values = (dice.standard_normal((400, 2)) + 2 * rare[:, None]).astype(np.float32)
    targets = np.stack([~rare, rare], axis=1)
    found = {}
    for balanced in (False, True):
        choice = headrecipe.NetworkHead(balanced=balanced)
        logits = Classifier(standardized.fit(values, targets, True, choice, 0)).logits(values)
        found[balanced] = (logits.argmax(axis=1) == 1)[rare].mean()
    assert found[True] > found[False]


def test_a_head_names_its_network_and_states_its_licence(data: Path, network: Path, tmp_path: Path) -> None:
    learning = training(data, network)
    arrays = learning.model()
    learning.write(tmp_path / "m", arrays, "Songs")
    facts = modelfolder.facts(tmp_path / "m", modelfolder.HEAD)
    assert (tmp_path / "m" / facts["on"]).resolve() == network.resolve()
    assert facts["on_sha256"] == models.find(network).sha256()
    assert facts["licence"].startswith("as its trainer says; it runs on ")
    shutil.move(network, tmp_path / "elsewhere")
    try:
        with pytest.raises(ModelError, match="there is no such network"):
            models.find(tmp_path / "m")
    finally:
        shutil.move(tmp_path / "elsewhere", network)


def test_a_file_a_name_and_tokens_are_networks(
    network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = tmp_path / "models" / "mine"
    shutil.copytree(network, alone)
    monkeypatch.setenv(models.FOLDERS_VARIABLE, str(tmp_path / "models"))
    assert Network("mine").told_from(tmp_path)["on"] == "mine"
    assert Network(str(alone)).told_from(tmp_path)["on"] == "models/mine"
    tokens = tmp_path / "tokens"
    tokens.mkdir()
    networks.write_stsg(tokens)
    assert Network(str(tokens)).size == 6


def test_what_is_no_network_for_heads_is_refused(data: Path, network: Path, tmp_path: Path) -> None:
    learning = training(data, network)
    learning.write(tmp_path / "m", learning.model(), "Songs")
    with pytest.raises(ModelError, match="is a head itself"):
        Network(str(tmp_path / "m"))
    with pytest.raises(ModelError, match="no such model"):
        Network(str(tmp_path / "nothing"))
    plain = tmp_path / "plain"
    plain.mkdir()
    networks.write_folder(plain)
    with pytest.raises(ModelError, match="has no embedding to show"):
        Network(str(plain))


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ("[frontend]\nn_mels = 3", "frontend: unknown"),
        ("head = 3", "head: a table is wanted"),
        ("[head]\nkind = 'tree'", "head.kind"),
        ("[head]\nhidden = 3", "hidden: 3 does not fit the kind linear"),
        ("[head]\nbalanced = 1", "head.balanced"),
        ("[head]\nstrength = 0.0", "strength"),
    ],
)
def test_a_recipe_that_does_not_fit_is_refused(tmp_path: Path, told: str, named: str) -> None:
    (tmp_path / "r.toml").write_text(told)
    with pytest.raises(ConfigError, match=named) as refused:
        headrecipe.load("linear", tmp_path / "r.toml")
    assert "r.toml" in str(refused.value)
    with pytest.raises(ConfigError, match="head: .*forest"):
        headrecipe.load("forest")


@pytest.mark.parametrize(
    "kind", [one if one == "linear" else pytest.param(one, marks=pytest.mark.long) for one in KINDS]
)
def test_the_command_trains_tests_and_calibrates_a_head(
    data: Path, network: Path, tmp_path: Path, kind: str
) -> None:
    model = tmp_path / "m"
    assert train(data, "clips.csv", network, model, "--head", kind, "--cv", "--keep-folds") == 0
    told = json.loads((model / "evaluation.json").read_text())
    assert told["mean"]["accuracy"] > 0.9
    assert 0 <= told["mean"]["ece"] <= 1
    for folder, known in ((model, keep.MODEL), (model / "stages", keep.STAGES)):
        assert [
            path.name for path in folder.iterdir() if path.is_file() and not re.fullmatch(known, path.name)
        ] == []
    facts = modelfolder.facts(model, modelfolder.HEAD)
    assert facts["thresholds"].keys() == {*PITCHES_HZ}
    assert facts["training"]["head"]["kind"] == kind
    (key,) = {*facts["candidates"][0]} - {"loss"}
    assert [one[key] for one in facts["candidates"]] == headrecipe.KINDS[kind][key]
    least = min(facts["candidates"], key=lambda one: one["loss"])
    assert facts["training"]["head"][key] == least[key]
    assert [fold["chosen"].keys() for fold in told["folds"]] == [{key}, {key}]
    rows = commands.table(model / "held_out.csv")
    assert [(row["start_s"], row["end_s"]) for row in rows[:3]] == [("0", "0.5"), ("0.5", "1"), ("1", "1.5")]
    for fold in ("1", "2"):
        assert models.find(model / "folds" / fold).backbone is not None
    out = tmp_path / "out"
    assert main(["infer", rows[0]["file"], "--model", str(model), "-o", str(out), "--quiet"]) == 0
    assert {row["Scientific name"] for row in commands.table(out / "detections.csv")} == {"low"}


def test_rows_of_what_is_held_out_are_a_networks_windows(data: Path, network: Path, tmp_path: Path) -> None:
    closer = shutil.copytree(network, tmp_path / "closer")
    manifest = closer / "model.toml"
    manifest.write_text(manifest.read_text() + f"step_samples = {WINDOW_SAMPLES // 2}\n")
    assert train(data, "clips.csv", closer, tmp_path / "m", "--hold-out", "1") == 0
    rows = commands.table(tmp_path / "m/held_out.csv")
    assert [(row["start_s"], row["end_s"]) for row in rows[:2]] == [("0", "0.5"), ("0.25", "0.75")]


def test_background_is_a_class_where_classes_exclude_each_other(
    data: Path, network: Path, tmp_path: Path
) -> None:
    rows = [row for row in (data / "several.csv").read_text().splitlines() if "low;high" not in row]
    shutil.copytree(data, tmp_path / "d")
    (tmp_path / "d/alone.csv").write_text("\n".join(rows))
    assert train(tmp_path / "d", "alone.csv", network, tmp_path / "m") == 0
    facts = modelfolder.facts(tmp_path / "m", modelfolder.HEAD)
    assert (facts["background"], facts["activation"]) == ("background", "softmax")
    assert models.find(tmp_path / "m").background == facts["classes"].index("background")
    assert train(data, "several.csv", network, tmp_path / "several") == 0
    assert modelfolder.facts(tmp_path / "several", modelfolder.HEAD)["activation"] == "sigmoid"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--preset", "best"), "--preset is of tokens"),
        (("--unlabelled", "."), "--unlabelled is of tokens"),
        (("--stage", "codebook"), "--stage codebook is of tokens"),
    ],
)
def test_options_of_tokens_do_not_go_with_a_network(
    data: Path,
    network: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    said: str,
) -> None:
    assert train(data, "clips.csv", network, tmp_path / "m", *more) == 64
    assert said in capsys.readouterr().err


def test_a_head_without_a_network_is_refused(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(data / "clips.csv"), "-o", str(tmp_path / "m"), "--head", "mlp"]) == 64
    assert "it goes with --on" in capsys.readouterr().err
    assert train(data, "clips.csv", tmp_path / "nothing", tmp_path / "m") == 64
    assert "no such model" in capsys.readouterr().err


def test_the_stage_head_learns_anew(
    data: Path, network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits: list[int] = []
    fit = standardized.fit
    monkeypatch.setattr(standardized, "fit", lambda *what, **how: fits.append(1) or fit(*what, **how))
    for more, n in (((), 16), (("--force",), 16), (("--force", "--stage", "head"), 32)):
        assert train(data, "clips.csv", network, tmp_path / "m", *more) == 0
        assert len(fits) == n


def test_a_group_that_straddles_folds_is_refused(
    data: Path, network: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    header, *rows = (data / "clips.csv").read_text().splitlines()
    shutil.copytree(data, tmp_path / "d")
    (tmp_path / "d/sites.csv").write_text("\n".join([f"{header},group", *(f"{row},site" for row in rows)]))
    assert train(tmp_path / "d", "sites.csv", network, tmp_path / "m", "--cv") == 64
    assert "of the same group) and 2; one it is" in capsys.readouterr().err


def test_a_training_exports_the_head_and_its_network(data: Path, network: Path, tmp_path: Path) -> None:
    output = tmp_path / "m"
    assert train(data, "clips.csv", network, output, "--export", "tflite") == 0
    assert {path.name for path in output.glob("whole*")} == {
        *("whole.tflite", "whole_Labels.txt", "whole_README.txt")
    }
    assert (output / "whole_Labels.txt").read_text().split() == ["high_high", "low_low", "mid_mid"]
    assert train(data, "several.csv", network, output, "--force") == 0
    assert [*output.glob("whole*")] == []


def test_what_cannot_be_exported_is_refused_before_anything_is_heard(
    data: Path,
    network: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(Network, "embedded", lambda *_: pytest.fail("heard first"))
    short = networks.write_short(tmp_path / "short").path.parent
    for more, said in (
        (("--export", "onnx"), "it takes a name that ends with .tflite"),
        (("--export", "tflite", "--on", str(short)), "is on several networks (tiny and tiny)"),
    ):
        assert train(data, "clips.csv", network, tmp_path / "m", *more) == 64
        assert said in capsys.readouterr().err
    assert main(["train", str(data / "clips.csv"), "-o", str(tmp_path / "m"), "--export", "onnx"]) == 64
    assert "--export is of a head on a network: it goes with --on" in capsys.readouterr().err
