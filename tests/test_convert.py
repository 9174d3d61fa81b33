"""`birdfast convert`: what a checkpoint says of itself, and all that is refused before torch is asked.

What needs torch is in test_convert_torch.py (`make convert`).
"""

from __future__ import annotations

import dataclasses
import errno
import importlib.util
import io
import json
import pickle
import sys
import tomllib
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from birdfast import models
from birdfast.cli import convert
from birdfast.cli.questions import Nobody
from birdfast.converting import architecture, checkpoint, export, tensors, weights
from birdfast.errors import ConfigError, ModelError, ModelRuntimeError, OutputError
from birdfast.models.model import listed
from birdfast.runs import converting, unfinished
from birdfast.runs.told import Told

from . import checkpoints
from .commands import birdfast

RECIPE = "n_fft = 256\nhop_samples = 100\nn_mels = 20\n"


def test_a_folder_says_what_it_holds(tmp_path: Path) -> None:
    found = checkpoint.read(checkpoints.folder(tmp_path / "birds"))
    assert (found.weights.name, found.kind, found.licence) == (
        "model.safetensors",
        "safetensors",
        "cc-by-4.0",
    )
    assert found.classes == ("Avis prima_First Bird", "Avis secunda_Second Bird", "Noise")
    assert found.architecture.kind == "convnext"
    assert found.architecture.told == {
        "num_channels": 1,
        "hidden_sizes": [8, 16, 24, 32],
        "depths": [1, 1, 1, 1],
    }


def test_only_what_makes_the_network_is_taken_of_a_configuration(tmp_path: Path) -> None:
    """No class, no code and no place to fetch anything from reaches transformers."""
    words = {"auto_map": {"AutoModel": "evil.Net"}, "_attn_implementation": "someone/kernel", "dtype": "int8"}
    found = checkpoint.read(checkpoints.folder(tmp_path / "birds", trust_remote_code=True, **words))
    families = architecture.FAMILIES.values()
    known = {key for family in families for key in (*family.numbers, *family.lists, *family.words)}
    assert set(found.architecture.told) <= known
    assert not known & {*words, "trust_remote_code"}


def test_a_configuration_that_leaves_out_the_channels_means_three(tmp_path: Path) -> None:
    found = checkpoint.read(checkpoints.folder(tmp_path / "birds", num_channels=None))
    assert found.architecture.told["num_channels"] == 3


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model_type": "vit"}, "has the model_type 'vit'; what is converted is efficientnet, convnext"),
        ({"model_type": None}, "has the model_type None"),
        ({"model_type": ["convnext"]}, "has the model_type ['convnext']"),
        ({"architectures": ["ConvNextModel"]}, "has the architectures ['ConvNextModel']"),
        ({"hidden_sizes": "8"}, "has hidden_sizes = '8'"),
        ({"depths": [1, float("inf")]}, "has depths = [1, inf]"),
        ({"depths": [1, float("nan")]}, "has depths = [1, nan]"),
        ({"depths": [1_000_000] * 4}, "has depths = [1000000, 1000000"),
        ({"hidden_sizes": [1] * 33}, "has hidden_sizes = [1, 1"),
        ({"hidden_sizes": [8.5, 16, 24, 32]}, "has hidden_sizes = [8.5, 16"),
        ({"patch_size": 2.0}, "has patch_size = 2.0"),
        ({"num_channels": True}, "has num_channels = True"),
        ({"num_channels": 10**9}, "has num_channels = 1000000000"),
        ({"hidden_act": "someone/kernel"}, "has hidden_act = 'someone/kernel'"),
        ({"id2label": {"0": "a", "2": "b"}}, "no id2label that name its classes by number"),
        ({"id2label": 5}, "no id2label"),
    ],
)
def test_a_configuration_that_is_not_converted_is_refused_by_its_key(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ModelError) as refused:
        checkpoint.read(checkpoints.folder(tmp_path / "birds", **changes))
    assert reason in str(refused.value)
    assert str(refused.value).count(str(tmp_path / "birds" / "config.json")) == 1


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("", "unknown"),
        ("---\nlicense: mit\n---\n", "mit"),
        ("---\nlicense: 'cc-by-nc-sa-4.0'  # or so\n---\n", "cc-by-nc-sa-4.0"),
        ("---\nlicense: other\nlicense_name: birds-only\n---\n", "birds-only"),
        ("---\nlicense: other\n---\n", "unknown"),
        ("---\nlicense:\n- mit\n- apache-2.0\n---\n", "unknown"),
        ("---\ntags: []\n---\nlicense: mit\n", "unknown"),
        ("# Birds\n---\nlicense: mit\n---\n", "unknown"),
    ],
)
def test_the_licence_is_what_the_head_of_its_card_says(tmp_path: Path, card: str, licence: str) -> None:
    assert checkpoint.read(checkpoints.folder(tmp_path / "birds", card=card)).licence == licence


@pytest.mark.parametrize(
    ("problem", "activation"),
    [
        ("single_label_classification", "softmax"),
        ("multi_label_classification", "sigmoid"),
        (None, ""),
        ("regression", ""),
        ([], ""),
    ],
)
def test_the_activation_is_that_of_its_problem(tmp_path: Path, problem: object, activation: str) -> None:
    folder = checkpoints.folder(tmp_path / "birds", problem_type=problem)
    assert checkpoint.read(folder).activation == activation
    alone = checkpoint.read(folder / "model.safetensors", str(folder / "config.json"))
    assert alone.activation == activation
    completed = converting._completed(Told(name="birds"), alone, tmp_path)
    assert completed.activation == (activation or "sigmoid")


def test_a_told_rate_leaves_a_window_its_seconds(tmp_path: Path) -> None:
    found = checkpoint.read(checkpoints.folder(tmp_path / "birds"))
    row = listed()[found.architecture.family.row]
    for rate_hz in (0, 16_000, 48_000):
        sound = converting._sound(converting._completed(Told(rate_hz=rate_hz), found, tmp_path))
        assert sound.rate_hz == (rate_hz or row.rate_hz)
        assert sound.window_samples * row.rate_hz == row.window_samples * sound.rate_hz
    sound = converting._sound(converting._completed(Told(rate_hz=48_000, window_s=2.0), found, tmp_path))
    assert sound.window_samples == 96_000


@pytest.mark.parametrize("name", ["birds-v1.5", "birds"])
def test_a_title_is_a_folders_whole_name_and_a_files_without_its_suffix(tmp_path: Path, name: str) -> None:
    folder = checkpoints.folder(tmp_path / name)
    alone = (folder / "model.safetensors").rename(folder / f"{name}.safetensors")
    (folder / "model.safetensors").write_bytes(alone.read_bytes())
    for path in (folder, alone):
        found = checkpoint.read(path, str(folder / "config.json"))
        assert converting._completed(Told(), found, tmp_path).title == name


def test_weights_alone_need_an_architecture(tmp_path: Path) -> None:
    checkpoints.folder(tmp_path / "birds")
    alone = tmp_path / "birds" / "model.safetensors"
    with pytest.raises(
        ConfigError, match="weights alone tell no architecture; give --architecture, one of eff"
    ):
        checkpoint.read(alone)
    with pytest.raises(ConfigError, match="architecture: 'efficientnet-b9' is none of"):
        checkpoint.read(alone, "efficientnet-b9")
    found = checkpoint.read(alone, "efficientnet-b1")
    assert found.architecture.told["depthwise_padding"] == [16]
    assert (found.architecture.family.row, found.classes) == ("birdset-efficientnet-b1", ())
    config = checkpoint.read(alone, str(tmp_path / "birds" / "config.json"))
    assert (config.architecture.kind, len(config.classes), config.licence) == ("convnext", 3, "unknown")


def test_every_family_has_a_listed_network_whose_pictures_it_takes() -> None:
    for family in architecture.FAMILIES.values():
        row = listed()[family.row]
        assert row.front_end is not None
        assert row.window_samples
        assert row.activation == "sigmoid"
    assert {one.kind for one in architecture.NAMED.values()} == set(architecture.FAMILIES)


def test_a_folder_without_weights_says_what_it_lacks(tmp_path: Path) -> None:
    folder = checkpoints.folder(tmp_path / "birds")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"has no model\.safetensors or pytorch_model\.bin"):
        checkpoint.read(folder)
    (folder / "model.safetensors.index.json").touch()
    with pytest.raises(ModelError, match="its weights are in several files"):
        checkpoint.read(folder)


class TestPickles:
    """A pickle is a program: whatever names more than tensors is refused, and nothing of it runs."""

    def test_an_archive_of_tensors_is_left_to_torch(self, tmp_path: Path) -> None:
        data = pickle.dumps(OrderedDict(a=1), 2)
        assert weights.kind_of(checkpoints.archive(tmp_path / "w.pt", data, "data/0", "version")) == "torch"

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    @pytest.mark.parametrize("inside", [True, False])
    def test_a_program_is_refused_and_does_not_run(self, tmp_path: Path, protocol: int, inside: bool) -> None:
        mark, path = tmp_path / "ran", tmp_path / "birds.pt"
        data = checkpoints.pickled(mark, protocol)
        if inside:
            checkpoints.archive(path, data)
        else:
            path.write_bytes(data)
        folder = checkpoints.folder(tmp_path / "birds")
        (folder / "model.safetensors").unlink()
        (folder / "pytorch_model.bin").write_bytes(path.read_bytes())
        for place, told in ((path, "convnext-tiny"), (folder, "")):
            with pytest.raises(ModelError) as refused:
                checkpoint.read(place, told)
            assert "save its state_dict() as .safetensors" in str(refused.value) or protocol < 2
        assert not mark.exists()
        pickle.loads(data)
        assert mark.exists()  # it would have

    def test_what_it_holds_is_named_and_how_to_export_it(self, tmp_path: Path) -> None:
        data = b"\x80\x02copensoundscape.ml.cnn\nCNN\n)\x81."
        path = checkpoints.archive(tmp_path / "frogs.model", data)
        with pytest.raises(ModelError) as refused:
            weights.kind_of(path)
        assert "holds more than tensors (opensoundscape.ml.cnn.CNN)" in str(refused.value)
        assert "OpenSoundscape: model.save_onnx; otherwise torch.onnx.export" in str(refused.value)

    def test_a_program_of_torch_is_told_from_tensors(self, tmp_path: Path) -> None:
        path = checkpoints.archive(tmp_path / "w.pt", pickle.dumps({}, 2), "code/__torch__.py")
        with pytest.raises(ModelError, match="is TorchScript"):
            weights.kind_of(path)

    @pytest.mark.parametrize(
        "content",
        [b"", b"\0" * 9, b"PK\x03\x04" + b"\0" * 50, b"RIFF....WAVE", b"\xff" * 8 + b"{", b"{}" * 20],
    )
    def test_what_is_no_file_of_weights_is_refused(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "w.pt").write_bytes(content)
        with pytest.raises(ModelError, match=r"w\.pt: is "):
            weights.kind_of(tmp_path / "w.pt")

    def test_a_damaged_archive_is_refused(self, tmp_path: Path) -> None:
        whole = checkpoints.archive(tmp_path / "w.pt", pickle.dumps(OrderedDict(a=1), 2)).read_bytes()
        assert whole
        for place in range(0, len(whole), 3):
            (tmp_path / "w.pt").write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
            with suppress(ModelError):
                assert weights.kind_of(tmp_path / "w.pt") == "torch"


class _Tensor:
    """As much of torch's as the check of names and shapes asks."""

    dtype = "float32"

    def __init__(self, *shape: int, value: float = 0.0) -> None:
        self.shape, self.value = shape, value

    def is_floating_point(self) -> bool:
        return self.dtype == "float32"

    def float(self) -> _Tensor:
        return self

    def isfinite(self) -> Any:
        return np.isfinite(np.full(self.shape, self.value))


EXPECTED: dict[str, Any] = {
    "a.weight": _Tensor(2, 3),
    "a.bias": _Tensor(2),
    "n.num_batches_tracked": _Tensor(),
}


def sets(found: object) -> tensors.Sets:
    return tensors.sets(found, lambda one: isinstance(one, _Tensor))


class TestTensors:
    """Every tensor has its name and its shape, or is named."""

    def test_all_of_them_are_enough_but_for_what_only_counts(self) -> None:
        tensors.check(EXPECTED, {name: EXPECTED[name] for name in ("a.weight", "a.bias")})

    @pytest.mark.parametrize(
        ("left_out", "more", "reason"),
        [
            ("a.bias", {}, "lacks the tensor a.bias"),
            ("", {"b": _Tensor(2)}, "has a tensor b that is none of its architecture"),
            ("a.bias", {"a.b": _Tensor(2)}, "lacks the tensor a.bias, and has a tensor a.b that is none"),
            (
                "",
                {"a.bias": _Tensor(3)},
                "its tensor a.bias has the shape [3]; its architecture and labels make",
            ),
        ],
    )
    def test_what_does_not_fit_is_named(self, left_out: str, more: dict[str, Any], reason: str) -> None:
        found = {name: tensor for name, tensor in EXPECTED.items() if name != left_out} | more
        with pytest.raises(ModelError) as refused:
            tensors.check(EXPECTED, found)
        assert reason in str(refused.value)

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
    def test_what_is_no_number_is_named(self, value: float) -> None:
        with pytest.raises(ModelError, match=r"its tensor a\.bias has values that are no numbers"):
            tensors.check(EXPECTED, {**EXPECTED, "a.bias": _Tensor(2, value=value)})

    @pytest.mark.parametrize(
        ("keys", "taken"),
        [
            ((), ""),
            (("state_dict",), "state_dict"),
            (("anything",), "anything"),
            (("model", "state_dict"), "model.state_dict"),
        ],
    )
    def test_the_only_weights_are_taken_wherever_they_lie(self, keys: tuple[str, ...], taken: str) -> None:
        found: Any = EXPECTED
        for key in reversed(keys):
            found = {key: found, "epoch": 3, "optimizer": {"state": {0: {"step": _Tensor()}}}, "more": {}}
        assert tensors.choose(sets(found), EXPECTED, "") == taken
        assert sets(found)[taken] == EXPECTED

    def test_of_several_networks_weights_one_is_told(self) -> None:
        found = sets({"model": EXPECTED, "state_dict_ema": EXPECTED, "best": {"a.bias": _Tensor(2)}})
        with pytest.raises(ModelError, match="several networks' weights: model, state_dict_ema; say which"):
            tensors.choose(found, EXPECTED, "")
        assert tensors.choose(found, EXPECTED, "state_dict_ema") == "state_dict_ema"
        with pytest.raises(ModelError, match="no weights by the key ema; it has model, state_dict_ema, best"):
            tensors.choose(found, EXPECTED, "ema")
        with pytest.raises(ModelError, match="key ema; it has none by a key"):
            tensors.choose(sets(EXPECTED), EXPECTED, "ema")

    @pytest.mark.parametrize("found", [{}, {"epoch": 3}, [_Tensor(2)], {"a": _Tensor(2), "b": 1}])
    def test_a_file_without_tensors_by_their_names_is_refused(self, found: object) -> None:
        with pytest.raises(ModelError, match="holds something else than tensors by their names"):
            tensors.choose(sets(found), EXPECTED, "")

    def test_a_circle_of_keys_ends(self) -> None:
        found: dict[str, Any] = {}
        found["a"] = found["b"] = found
        assert sets(found) == {}

    def test_names_are_what_they_are_without_what_a_network_was_trained_in(self) -> None:
        wrapped = {"model._orig_mod.a.weight": 1, "model._orig_mod.a.bias": 2}
        assert tensors.bare(wrapped) == {"a.weight": 1, "a.bias": 2}
        assert tensors.bare({"model.a": 1, "loss.b": 2}) == {"model.a": 1, "loss.b": 2}
        assert tensors.bare({}) == {}


@pytest.mark.starts
def test_without_torch_it_is_said_how_to_get_it_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a torch.py in the working folder take its place."""
    mark = tmp_path / "ran"
    for name in ("torch", "transformers", "safetensors"):
        (tmp_path / f"{name}.py").write_text(f"open({str(mark)!r}, 'w')\nraise ImportError('ours')\n")
    checkpoints.folder(tmp_path / "birds")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    result = birdfast("convert", "birds", "-o", "made", cwd=tmp_path)
    assert result.returncode == 64
    assert "Traceback" not in result.stderr
    assert not mark.exists()
    if importlib.util.find_spec("torch") is None:
        assert "birdfast: birds: converting needs torch and transformers" in result.stderr
        assert "pip install 'birdfast[convert]'" in result.stderr
    assert not (tmp_path / "made").exists()
    assert not list(tmp_path.glob("birdfast.*"))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ([], "the following arguments are required: -o/--folder"),
        (["-o", "made", "--name", "../up"], "birds: '../up' cannot be a model's name"),
        (["-o", "birds"], "birds: is there, and no model that was added; take another folder with -o"),
        (["-o", "birds", "--force"], "birds: is there, and no model that was added"),
        (["-o", "recipe.toml"], "recipe.toml: is there, and no model that was added"),
        (["-o", "recipe.toml/made"], "cannot be the output folder"),
        (["-o", "models/hawkears"], "is that of a network that birdfast knows"),
        (["-o", "made", "--front-end", "recipe.toml"], "give --rate and --window"),
        (["-o", "made", "--front-end", "wrong.toml", "--rate", "8000", "--window", "1"], "unknown key nfft"),
        (["-o", "made", "--labels", "labels.csv"], "--column (the column of labels.csv with the names"),
        (["-o", "made", "--activation", "relu"], "activation: 'relu' does not fit"),
        (["-o", "made", "--check", "short.wav"], "check: short.wav is shorter than a window"),
        (["-o", "made", "--check", "gone.wav"], "gone.wav"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_work(
    tmp_path: Path, wav: Path, options: list[str], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIRDFAST_MODELS", str(tmp_path / "models"))
    checkpoints.folder(tmp_path / "birds")
    wav.rename(tmp_path / "short.wav")
    (tmp_path / "recipe.toml").write_text(RECIPE)
    (tmp_path / "wrong.toml").write_text("nfft = 3\n")
    (tmp_path / "labels.csv").write_text("name,code\na,b\n")
    result = birdfast("convert", "birds", *options, cwd=tmp_path)
    assert result.returncode == 64, result.stdout
    assert reason in result.stderr
    assert "Traceback" not in result.stderr


class TestAgreement:
    """A stand-in for torch: a network that was exported, and what torch would have said of the pictures."""

    @pytest.fixture(autouse=True)
    def _needed(self) -> None:
        for library in ("onnx", "onnxruntime"):
            pytest.importorskip(library, reason=f"{library} is not installed: pip install '.[onnx]'")

    def convert(
        self,
        tmp_path: Path,
        patch: pytest.MonkeyPatch,
        off: float,
        scale: float = 1,
        force: bool = False,
        **told: Any,
    ) -> converting.Converted:
        from . import onnxnetworks

        def exported(
            found: checkpoint.Checkpoint, n_classes: int, pictures: np.ndarray, folder: Path, key: str
        ) -> export.Exported:
            assert (n_classes, pictures.shape[1:]) == (3, (1, 20, 41))
            made = onnxnetworks.network(onnxnetworks.PICTURE_SHAPE, n_values=820)
            (folder / "network.onnx").write_bytes(made.SerializeToString())
            logits = onnxnetworks.meaning(pictures.reshape(len(pictures), -1))[1].astype(np.float32)
            logits = logits[:1] + scale * (logits - logits[:1])
            logits[5, 1] += off * max(1, np.abs(logits[5]).max())
            return export.Exported(folder / "network.onnx", logits, "state_dict")

        patch.setattr(export, "export", exported)
        (tmp_path / "recipe.toml").write_text(RECIPE)
        whole = Told(front_end=tmp_path / "recipe.toml", rate_hz=16_000, window_s=0.25, **told)
        source = checkpoints.folder(tmp_path / "birds")
        return converting.convert(source, tmp_path / "made", whole, Nobody(), force=force)

    def test_a_network_that_agrees_is_a_model_that_tells_all(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wav: Path
    ) -> None:
        converted = self.convert(tmp_path, monkeypatch, off=5e-4)
        assert 4e-4 < converted.difference < 6e-4
        text = (tmp_path / "made" / "model.toml").read_text()
        assert text.startswith("# A network for birdfast, as `birdfast convert` made it;")
        facts = tomllib.loads(text)
        assert (facts["licence"], facts["title"], facts["name"]) == ("cc-by-4.0", "birds", "made")
        assert (facts["activation"], facts["embedding_samples"], facts["n_classes"]) == ("sigmoid", 8, 3)
        assert facts["front_end"] == {"n_fft": 256, "hop_samples": 100, "n_mels": 20}
        model = models.find(tmp_path / "made")
        assert model.class_names()[0].common[2] == "Noise"
        result = birdfast(
            "infer", wav, "--model", tmp_path / "made", "-o", tmp_path / "out", "--min-conf", "0"
        )
        assert result.returncode == 0, result.stderr
        assert "birds (licence: cc-by-4.0)" in result.stderr

    def test_the_report_says_where_each_fact_is_from(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        converted = self.convert(tmp_path, monkeypatch, off=0)
        said = "\n".join(convert._said(converted))
        assert "read model.safetensors (state_dict): convnext, 3 classes" in said
        assert "activation sigmoid, as birdset-convnext has it" in said
        assert "of 0.25 s at 16,000 Hz\n" in said
        row = listed()["birdset-convnext"]
        for rate_hz, words in ((row.rate_hz, ", as birdset"), (48_000, ", drawn as for birdset")):
            model = dataclasses.replace(converted.added.listener.model, rate_hz=rate_hz)
            model = dataclasses.replace(model, window_samples=row.window_samples)
            assert convert._whose(row.name, model).startswith(words)

    @pytest.mark.parametrize("module", ["onnxfacts.write", "manifest.text", "tempfile.mkdtemp"])
    def test_a_full_disk_is_said_in_words(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str
    ) -> None:
        def full(*_: object, **__: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / ".made.part" / "x"))

        where, name = module.split(".")
        monkeypatch.setattr(getattr(unfinished if where == "tempfile" else converting, where), name, full)
        with pytest.raises(OutputError, match=r"cannot be written \(No space left on device\); the same"):
            self.convert(tmp_path, monkeypatch, off=0)
        assert sorted(one.name for one in tmp_path.iterdir()) == ["birds", "recipe.toml"]

    @pytest.mark.parametrize("off", [2e-3, float("nan"), float("inf")])
    def test_a_network_that_says_something_else_is_refused_and_leaves_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off: float
    ) -> None:
        with pytest.raises(ModelError, match="says something else than torch: a logit differs by"):
            self.convert(tmp_path, monkeypatch, off=off)
        assert not (tmp_path / "made").exists()

    @pytest.mark.parametrize("scale", [0, 1e-7])
    def test_a_network_that_hears_nothing_is_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scale: float
    ) -> None:
        """Of weights that are all zero, say: the same numbers for silence, noise, tones and birds."""
        with pytest.raises(ModelError, match="birds: says the same whatever it hears: on 14 windows of"):
            self.convert(tmp_path, monkeypatch, off=0, scale=scale)
        assert not (tmp_path / "made").exists()

    def test_a_converted_model_is_replaced_as_an_added_one(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Where it goes was told, so nothing is said of other places."""
        self.convert(tmp_path, monkeypatch, off=0)
        with pytest.raises(ConfigError, match="made: holds a model"):
            self.convert(tmp_path, monkeypatch, off=0)
        self.convert(tmp_path, monkeypatch, off=0, force=True)
        assert models.find(tmp_path / "made").n_classes == 3
        assert "-o takes another" not in capsys.readouterr().err

    def test_labels_and_the_licence_may_be_told(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "names.csv").write_text("name\na\nb\nc\n")
        told = {
            "labels": tmp_path / "names.csv",
            "column": "name",
            "licence": "mine",
            "activation": "softmax",
        }
        self.convert(tmp_path, monkeypatch, off=0, **told)
        model = models.find(tmp_path / "made")
        assert (model.licence, model.activation) == ("mine", "softmax")
        assert model.class_names()[0].common == ("a", "b", "c")

    def test_other_channels_than_those_of_its_pictures_are_refused(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = checkpoints.folder(tmp_path / "birds", num_channels=3)
        with pytest.raises(ModelError, match="takes pictures of 3 channels, and its front end makes 1"):
            converting.convert(folder, tmp_path / "made", Told(), Nobody())


def test_what_the_process_of_torch_cannot_write_is_the_disks_fault(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A stand-in for the process: it says so as `export.main` does."""
    found = checkpoint.read(checkpoints.folder(tmp_path / "birds"))
    program = f"import sys; print('disk full', file=sys.stderr); sys.exit({export.UNWRITTEN})"
    monkeypatch.setattr(export.children, "command", lambda *_: [sys.executable, "-c", program])
    with pytest.raises(OSError, match="^disk full$"):
        export.export(found, 3, np.zeros((2, 1, 4, 4), np.float32), tmp_path)


def test_the_process_of_torch_says_in_a_line_what_it_lacks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # no import of it succeeds
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps({"kind": "torch"})))
    assert export.main(str(tmp_path / "w.pt"), str(tmp_path)) == export.ABSENT
    assert "pip install 'birdfast[convert]'" in capsys.readouterr().err.splitlines()[-1]
    assert export.REFUSALS[export.ABSENT] is ModelRuntimeError
