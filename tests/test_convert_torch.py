"""`birdfast convert` with torch itself, which no other test needs: `make convert`."""

from __future__ import annotations

import json
import re
import resource
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from birdfast import audio, models, soundscape
from birdfast.frontends.pictures import Pictures
from birdfast.grafting import verification
from birdfast.models.model import listed
from birdfast.sessions import open_session

from . import checkpoints
from .commands import birdfast

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.long
N_CLASSES, WITHIN = 300, 1e-3
SMALL = {key: checkpoints.CONFIG[key] for key in ("num_channels", "hidden_sizes", "depths")}
LABELS = "".join(f"bird {number}\n" for number in range(N_CLASSES))


def windows(row: str) -> np.ndarray:
    """Return noise, tones, and half a minute of birds."""
    model = listed()[row]
    sound = audio.resample(soundscape.make()[0], soundscape.RATE_HZ, model.rate_hz)
    birds = sound[: 6 * model.window_samples].reshape(6, -1)
    return np.stack([*verification.signals(model.window_samples, recorded=True).values(), *birds])


def pictures(row: str) -> Any:
    model = listed()[row]
    assert model.front_end is not None
    return torch.from_numpy(Pictures(model.front_end, model.rate_hz, model.window_samples)(windows(row)))


def named(n_classes: int = N_CLASSES) -> dict[str, Any]:
    return {"id2label": {number: f"bird {number}" for number in range(n_classes)}}


def efficientnet_b1() -> Any:
    """Return one whose batch normalizations know what passes, as those of a trained one do."""
    shape = {
        "width_coefficient": 1.0,
        "depth_coefficient": 1.1,
        "hidden_dim": 1280,
        "depthwise_padding": [16],
    }
    config = transformers.EfficientNetConfig(**shape, num_channels=1, drop_connect_rate=0.0, **named())
    network = transformers.EfficientNetForImageClassification(config)
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = None  # the mean over all that passes
            torch.nn.init.constant_(layer.weight, 0.7)
    with torch.no_grad():
        network.train()(pictures("birdset-efficientnet-b1"))
    return network.eval()


def convnext(n_classes: int = N_CLASSES, **shape: Any) -> Any:
    told = {"num_channels": 1, "layer_scale_init_value": 0.5, **named(n_classes), **shape}
    return transformers.ConvNextForImageClassification(transformers.ConvNextConfig(**told)).eval()


@pytest.fixture(autouse=True)
def _the_same_every_time() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)


def converted(checkpoint: Path, made: Path, *options: object) -> models.Model:
    result = birdfast("convert", checkpoint, "-o", made, *options)
    assert result.returncode == 0, result.stderr
    print(result.stdout)
    said = re.search(r"differs by (\S+) at most", result.stdout)
    assert said is not None
    assert float(said[1]) <= WITHIN
    return models.find(made)


def apart(network: Any, model: models.Model, row: str) -> float:
    """Return the largest difference of a logit between torch and birdfast's session on sound."""
    sound = windows(row)
    with torch.no_grad():
        wanted = np.concatenate([network(some).logits.numpy() for some in torch.split(pictures(row), 4)])
    session = open_session(model, model.n_classes)
    found = np.concatenate([session.run(some)["logits"] for some in np.split(sound, len(sound) // 4)])
    assert np.ptp(wanted, axis=0).max() > 100 * WITHIN  # it hears something
    return float(np.abs(found - wanted).max())


@pytest.mark.parametrize(
    ("make", "row", "size"),
    [(efficientnet_b1, "birdset-efficientnet-b1", 1280), (convnext, "birdset-convnext", 768)],
)
def test_a_folder_of_hugging_faces_says_in_birdfast_what_it_says_in_torch(
    make: Any, row: str, size: int, tmp_path: Path, wav: Path
) -> None:
    network = make()
    network.save_pretrained(tmp_path / "birds")
    (tmp_path / "birds" / "README.md").write_text(checkpoints.CARD)
    model = converted(tmp_path / "birds", tmp_path / "made", "--check", wav_of_birds(tmp_path))
    assert (model.embedding_samples, model.n_classes, model.licence) == (size, N_CLASSES, "cc-by-4.0")
    assert (model.front_end, model.rate_hz) == (listed()[row].front_end, 32_000)
    difference = apart(network, model, row)
    print(f"{row}: {difference:.2g}")
    assert difference <= WITHIN
    result = birdfast("infer", wav, "--model", tmp_path / "made", "-o", tmp_path / "out", "--min-conf", "0")
    assert result.returncode == 0, result.stderr


def wav_of_birds(folder: Path) -> Path:
    audio.write(folder / "birds.wav", soundscape.make()[0][: 30 * soundscape.RATE_HZ], soundscape.RATE_HZ)
    return folder / "birds.wav"


def test_weights_alone_are_those_of_their_architecture(tmp_path: Path) -> None:
    """Wrapped as training leaves them, in half precision; and a bin beside a config."""
    network = convnext().half().float()
    tensors = {f"model._orig_mod.{name}": one.half() for name, one in network.state_dict().items()}
    torch.save({"state_dict": tensors, "epoch": 3}, tmp_path / "birds.ckpt")
    (tmp_path / "labels.txt").write_text(LABELS)
    options = ("--architecture", "convnext-tiny", "--labels", tmp_path / "labels.txt")
    model = converted(tmp_path / "birds.ckpt", tmp_path / "made", *options)
    assert (model.licence, model.title) == ("unknown", "birds")
    assert apart(network, model, "birdset-convnext") <= WITHIN


def test_of_two_networks_in_a_file_the_one_that_is_told_is_converted(tmp_path: Path) -> None:
    folder = tmp_path / "birds"
    network = small(folder)
    (folder / "model.safetensors").unlink()
    tensors = network.state_dict()
    twice = {"model": {name: 2 * one for name, one in tensors.items()}, "state_dict_ema": tensors, "epoch": 3}
    torch.save(twice, folder / "pytorch_model.bin")
    refused(folder, "holds several networks' weights: model, state_dict_ema; say which with --key")
    model = converted(folder, tmp_path / "made", "--key", "state_dict_ema")
    assert apart(network, model, "birdset-convnext") <= WITHIN


def test_scores_become_confidences_as_the_configuration_says(tmp_path: Path) -> None:
    small(tmp_path / "birds", problem_type="single_label_classification")
    assert converted(tmp_path / "birds", tmp_path / "made").activation == "softmax"


def test_a_disk_that_takes_no_network_is_said_in_words(tmp_path: Path) -> None:
    """A limit of a file's size, which the pictures do not reach, stands in."""
    convnext(3, hidden_sizes=[48, 96, 192, 384], depths=[1] * 4).save_pretrained(tmp_path / "birds")
    limits = (5_000_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1])
    result = birdfast(
        *("convert", tmp_path / "birds", "-o", tmp_path / "made"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limits),
    )
    assert result.returncode == 74, result.stderr
    assert "cannot be written (File too large); the same command begins anew" in result.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["birds"]


def test_a_bin_is_read_as_tensors_alone(tmp_path: Path) -> None:
    network = small(tmp_path / "birds")
    (tmp_path / "birds" / "model.safetensors").unlink()
    torch.save(network.state_dict(), tmp_path / "birds" / "pytorch_model.bin")
    assert apart(network, converted(tmp_path / "birds", tmp_path / "made"), "birdset-convnext") <= WITHIN


def small(folder: Path, **more: Any) -> Any:
    network = convnext(3, **SMALL, **more)
    network.save_pretrained(folder)
    return network


def refused(folder: Path, reason: str) -> None:
    made = folder.parent / "made"
    result = birdfast("convert", folder, "-o", made)
    assert result.returncode == 64
    assert reason in result.stderr
    assert "Traceback" not in result.stderr
    assert not made.exists()


def test_a_tensor_that_does_not_fit_is_refused_by_name(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    network, folder = small(tmp_path / "birds"), tmp_path / "birds"
    for left_out, more, reason in (
        ("classifier.bias", {}, "lacks the tensor classifier.bias\n"),
        (
            "classifier.bias",
            {"classifier.b": torch.zeros(3)},
            "and has a tensor classifier.b that is none of",
        ),
        ("", {"classifier.bias": torch.zeros(4)}, "classifier.bias has the shape [4]; its architecture and"),
        ("", {"classifier.bias": torch.zeros(3, dtype=torch.int8)}, "is of torch.int8, which are no weights"),
        ("", {"classifier.bias": torch.full((3,), torch.nan)}, "classifier.bias has values that are no numb"),
        ("", {"classifier.bias": torch.full((3,), torch.inf).half()}, "classifier.bias has values that are"),
        ("", {"classifier.weight": torch.full((3, 32), 3e38)}, "the checkpoint's own scores are no numbers"),
    ):
        tensors = {name: one.clone() for name, one in network.state_dict().items() if name != left_out}
        save_file(tensors | more, folder / "model.safetensors")
        refused(folder, reason)


def test_a_network_of_empty_weights_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    network, folder = small(tmp_path / "birds"), tmp_path / "birds"
    empty = {name: torch.zeros_like(one) for name, one in network.state_dict().items()}
    save_file(empty, folder / "model.safetensors")
    refused(folder, "says the same whatever it hears")


@pytest.mark.parametrize(
    ("key", "value"), [("hidden_sizes", [1_000_000] * 4), ("depths", [1, 1, 1]), ("num_stages", 32)]
)
def test_a_configuration_that_makes_no_such_network_is_refused(tmp_path: Path, key: str, value: Any) -> None:
    """However large it would be."""
    small(tmp_path / "birds")
    config = json.loads((tmp_path / "birds" / "config.json").read_text())
    (tmp_path / "birds" / "config.json").write_text(json.dumps({**config, key: value}))
    result = birdfast("convert", tmp_path / "birds", "-o", tmp_path / "made")
    assert result.returncode == 64
    assert "Traceback" not in result.stderr


def test_no_pickle_is_run_whatever_it_is_called(tmp_path: Path) -> None:
    folder = tmp_path / "birds"
    network = small(folder)
    (folder / "model.safetensors").unlink()
    place, mark = folder / "pytorch_model.bin", tmp_path / "ran"
    torch.save(network, place)
    refused(folder, "is a pickle that holds more than tensors (transformers.models.convnext")
    torch.save(network.state_dict(), place, _use_new_zipfile_serialization=False)
    refused(folder, "is a pickle as torch wrote them before 1.6")
    for call in (
        b"torch.hub\nload",
        b"torch.serialization\nload",
        b"numpy\nload",
        b"collections\nnamedtuple",
    ):
        told = b"X" + len(str(mark)).to_bytes(4, "little") + str(mark).encode()
        checkpoints.archive(place, b"\x80\x02c" + call + b"\n" + told + b"\x85R.", "version")
        refused(folder, "torch reads no tensors from it")
    checkpoints.archive(place, b"\x80\x02}X\x01\x00\x00\x00aK\x01s.", "version")
    refused(folder, "")
    assert not mark.exists()
