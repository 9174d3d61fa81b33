"""A session says what the network says; a file that is no network for sound is refused in words."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from birdfast import models
from birdfast.errors import ModelError
from birdfast.runtimes import litert
from birdfast.sessions import open_session

from . import networks


def test_logits_are_the_networks(tiny: models.Model) -> None:
    session = open_session(tiny.path, n_classes=3)
    assert (session.window_samples, session.n_classes) == (networks.WINDOW_SAMPLES, 3)
    window = np.random.default_rng(0).standard_normal((1, networks.WINDOW_SAMPLES)).astype(np.float32)
    logits = session.run(window)["logits"]
    np.testing.assert_allclose(logits, window @ networks.weights().T, rtol=1e-4, atol=1e-4)


def test_yamnet_runs(yamnet: models.Model) -> None:
    session = open_session(yamnet.path, n_classes=521)
    logits = session.run(np.zeros((1, 15_600), np.float32))["logits"]
    assert logits.shape == (1, 521)
    assert logits.argmax() == 494  # "Silence"


def test_the_number_of_labels_has_to_fit(tiny: models.Model) -> None:
    with pytest.raises(ModelError, match="scores 3 classes, but there are 7 labels"):
        open_session(tiny.path, n_classes=7)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a TFLite model"),
        (b"RIFF0000WAVE", "not a TFLite model"),
        (networks.tflite(networks.weights())[:200], "damaged"),
        (
            networks.tflite(networks.weights(), input_type=schema.TensorType.INT32),
            "refuses the model|takes int32",
        ),
    ],
)
def test_what_is_no_network_for_sound_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=rf"model\.tflite: .*({reason})"):
        open_session(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="gone.tflite: cannot be read"):
        open_session(tmp_path / "gone.tflite")


def test_a_missing_runtime_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    monkeypatch.setitem(sys.modules, "tflite_runtime", None)
    with pytest.raises(ModelError, match="pip install ai-edge-litert"):
        litert.runtime()
