"""A session says what the network says; a file that is no network for sound is refused in words.

Every kind of session keeps one contract: a new one is a line in `SESSIONS`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import util
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from birdfast import models
from birdfast.arrays import Float32
from birdfast.config import Engine, GraphEnd
from birdfast.errors import ModelError
from birdfast.grafting import graft
from birdfast.runtimes import litert
from birdfast.sessions import backbone, open_session
from birdfast.sessions.batched import BatchedSession
from birdfast.sessions.classifier import ClassifierSession
from birdfast.sessions.joined import JoinedSession
from birdfast.sessions.session import Arrays, Session
from birdfast.sessions.shared import SharedSession
from birdfast.sessions.stsg import StsgSession
from birdfast.sessions.tflite import TfliteSession

from . import graphs, heads, networks

BOUND = 1e-4  # of a window's outputs in other company: another batch is another order of sums


def batched(model: models.Model) -> Session:
    return BatchedSession(model, models.cache_folder())


def by_openvino(model: models.Model) -> Session:
    if util.find_spec("openvino") is None:
        pytest.skip("OpenVINO is not installed: pip install '.[openvino]'")
    return open_session(model, cache=models.cache_folder(), engine=Engine("openvino"))


SESSIONS: dict[str, tuple[str, Callable[[models.Model], Session]]] = {
    "tiny as it is": ("tiny", TfliteSession),
    "tiny batched": ("tiny", batched),
    "deep as it is": ("deep", TfliteSession),
    "deep batched": ("deep", batched),
    "deep grafted": ("deep", lambda model: graft.optimize(model.path).session()),
    "own spectrogram grafted": ("tiny", lambda _: graft.optimize(graphs.network(graphs.Kind())).session()),
    "BirdNET as it is": ("birdnet", TfliteSession),
    "BirdNET batched": ("birdnet", batched),
    "YAMNet as it is": ("yamnet", TfliteSession),
    "YAMNet batched": ("yamnet", batched),
    "STSG": ("tokens", lambda model: StsgSession(model.path.parent)),
    "head": ("head", lambda model: open_session(model, 2, models.cache_folder())),
    "head's own network": ("head", lambda model: ClassifierSession(model.path.parent)),
    "joined": ("joined", lambda model: open_session(backbone(model), cache=models.cache_folder())),
    "head on several": ("joined", lambda model: open_session(model, 2, models.cache_folder())),
    "by OpenVINO": ("deep", by_openvino),
    "asked by several": ("deep", lambda model: SharedSession(batched(model))),
}


@pytest.fixture(scope="module")
def head(deep: models.Model, tmp_path_factory: pytest.TempPathFactory) -> models.Model:
    """A head of birdfast's own on the network of two matrices."""
    pytest.importorskip("tomli_w", reason="a trained model's folder is written by birdfast[train]")
    return models.find(heads.own_folder(tmp_path_factory.mktemp("head"), heads.matrix(5), deep.path))


@pytest.fixture(scope="module")
def joined(deep: models.Model, stsg: models.Model, tmp_path_factory: pytest.TempPathFactory) -> models.Model:
    """A head of birdfast's own on three networks: of one's windows five make one of the others'."""
    folder = tmp_path_factory.mktemp("joined")
    short = networks.write_short(folder / "short")
    return models.find(heads.write_joined(folder / "head", [deep, short, stsg]))


@pytest.fixture(scope="module", params=SESSIONS)
def session(request: pytest.FixtureRequest) -> Session:
    model, opened = SESSIONS[request.param]
    return opened(request.getfixturevalue(model))


def sound(session: Session, n: int, seed: int = 0) -> Float32:
    """Return windows of noise, each louder than the one before: none is like another."""
    noise = np.random.default_rng(seed).standard_normal((n, session.window_samples)) * 0.05
    return (noise * np.arange(1, n + 1)[:, None] / n).astype(np.float32)


def assert_equal(found: Arrays, expected: Arrays, bound: float = 0) -> None:
    assert found.keys() == expected.keys()
    for name, values in found.items():
        np.testing.assert_allclose(values, expected[name], rtol=bound, atol=bound)


def test_a_session_says_what_it_is(session: Session) -> None:
    assert isinstance(session.runtime, str)
    assert session.runtime
    sizes = (session.window_samples, session.batch, *session.outputs.values())
    assert {type(size) for size in sizes} == {int}
    assert min(sizes) > 0
    least = "embedding" if isinstance(session, JoinedSession) else "logits"
    assert {least} <= session.outputs.keys() <= {least, "embedding"}
    assert session.ends_in in {*get_args(GraphEnd)} - {""}


def test_every_number_of_windows_up_to_a_batch_is_scored(session: Session) -> None:
    for n in range(1, session.batch + 1):
        found = session.run(sound(session, n))
        shapes = {role: (n, n_values) for role, n_values in session.outputs.items()}
        assert {role: values.shape for role, values in found.items()} == shapes
        assert {values.dtype for values in found.values()} == {np.dtype(np.float32)}
        assert all(np.isfinite(values).all() for values in found.values())


def test_a_windows_outputs_do_not_depend_on_its_company(session: Session) -> None:
    windows = sound(session, session.batch)
    found = session.run(windows)
    turned = session.run(np.ascontiguousarray(windows[::-1]))
    assert_equal({name: values[::-1] for name, values in turned.items()}, found)
    for n in range(1, session.batch + 1):
        first = session.run(windows[:n])
        assert_equal(first, {name: values[:n] for name, values in found.items()}, BOUND)
        assert_equal(session.run(windows[:n]), first)


def test_outputs_stay_what_they_are_when_more_is_run(session: Session) -> None:
    for n in (1, session.batch):
        windows = sound(session, n)
        heard, found = windows.copy(), session.run(windows)
        kept = {name: values.copy() for name, values in found.items()}
        for values in session.run(sound(session, n, seed=1)).values():
            values[...] = 0
        assert_equal(found, kept)
        assert_equal(session.run(windows), kept)
        np.testing.assert_array_equal(windows, heard)


def test_windows_that_a_session_does_not_take_are_refused(session: Session) -> None:
    right = session.window_samples
    for n, n_samples in ((0, right), (session.batch + 1, right), (1, right - 1), (1, right + 1), (1, 0)):
        with pytest.raises(ModelError, match=rf"windows \[{n}, {n_samples}\]: this session takes 1"):
            session.run(np.zeros((n, n_samples), np.float32))


def test_a_twin_says_the_same_bits(session: Session) -> None:
    twin = session.twin()
    assert twin is not session or isinstance(session, ClassifierSession), "which has nothing that is written"
    for name in ("runtime", *Session.__annotations__):
        assert getattr(twin, name) == getattr(session, name)
    for n in {1, session.batch}:
        assert_equal(twin.run(sound(session, n)), session.run(sound(session, n)))


def test_twins_in_two_threads_do_not_disturb_each_other(session: Session) -> None:
    windows = [sound(session, session.batch, seed) for seed in (1, 2)]
    expected = [session.run(some) for some in windows]

    def again(one: Session, some: Float32) -> list[Arrays]:
        return [one.run(some) for _ in range(10)]

    with ThreadPoolExecutor() as threads:
        found = list(threads.map(again, [session, session.twin()], windows))
    for run, result in zip(found, expected, strict=True):
        for outputs in run:
            assert_equal(outputs, result)


def test_logits_are_the_networks(tiny: models.Model) -> None:
    session = open_session(tiny, 3)
    assert (session.window_samples, session.outputs["logits"]) == (networks.WINDOW_SAMPLES, 3)
    window = np.random.default_rng(0).standard_normal((1, networks.WINDOW_SAMPLES)).astype(np.float32)
    logits = session.run(window)["logits"]
    np.testing.assert_allclose(logits, window @ networks.weights().T, rtol=1e-4, atol=1e-4)


def test_yamnet_runs(yamnet: models.Model) -> None:
    session = open_session(yamnet, 521)
    logits = session.run(np.zeros((1, 15_600), np.float32))["logits"]
    assert logits.shape == (1, 521)
    assert logits.argmax() == 494  # "Silence"
    assert session.ends_in == "sigmoid"  # and so its confidences are these


def test_the_number_of_labels_has_to_fit(tiny: models.Model) -> None:
    with pytest.raises(ModelError, match="scores 3 classes, but there are 7 labels"):
        open_session(tiny, 7)


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
    ids=["empty", "sound", "cut", "integers"],
)
def test_what_is_no_network_for_sound_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=rf"model\.tflite: .*({reason})"):
        open_session(networks.described(path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="gone.tflite: cannot be read"):
        open_session(networks.described(tmp_path / "gone.tflite"))


def test_a_missing_runtime_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    monkeypatch.setitem(sys.modules, "tflite_runtime", None)
    with pytest.raises(ModelError, match="pip install ai-edge-litert"):
        litert.runtime()


def test_an_interpreter_that_is_not_the_first_leaves_stderr_alone(
    tiny: models.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the whole process's: another thread may have something to say."""
    session = TfliteSession(tiny)
    with monkeypatch.context() as patch:
        patch.setattr(litert.os, "dup2", lambda *which: pytest.fail("stderr was turned away"))
        twin = session.twin()
    window = np.zeros((1, session.window_samples), np.float32)
    np.testing.assert_array_equal(twin.run(window)["logits"], session.run(window)["logits"])
