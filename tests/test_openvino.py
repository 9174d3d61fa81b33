"""OpenVINO runs a network where it says what the usual runtime says of it; else it is refused by name."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import birdfast
from birdfast import children, models
from birdfast.arrays import Array, Float32
from birdfast.config import Engine, Options
from birdfast.errors import ConfigError, ModelError, ModelRuntimeError
from birdfast.grafting import trial, verdict
from birdfast.runtimes import openvino
from birdfast.sessions import open_session, proof
from birdfast.sessions.batched import BatchedSession
from birdfast.sessions.openvino import OpenvinoSession
from birdfast.sessions.session import EMBEDDING, LOGITS, Session

from . import graphs, networks, onnxnetworks

if util.find_spec("openvino") is None:  # not imported here: that alone would be reported to its makers
    pytest.skip("OpenVINO is not installed: pip install '.[openvino]'", allow_module_level=True)

NO_SPECTRUM = "OpenVINO lacks the operator RFFT2D, .* not with --no-graft; use --runtime litert$"
BY_OPENVINO = Engine("openvino")
CRASH = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def drawing(tmp_path_factory: pytest.TempPathFactory) -> models.Model:
    """A TFLite network with a spectrogram of its own, which OpenVINO cannot translate."""
    path = tmp_path_factory.mktemp("drawing") / "drawing.tflite"
    path.write_bytes(graphs.network(graphs.Kind()))
    return networks.described(path)


@pytest.fixture(scope="module")
def of_onnx(tmp_path_factory: pytest.TempPathFactory) -> models.Model:
    """An ONNX network that takes any number of windows."""
    made = onnxnetworks.network()
    return models.find(onnxnetworks.write_folder(tmp_path_factory.mktemp("onnx") / "model", made))


@pytest.fixture
def _untried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials take seconds, and these networks are our own."""
    monkeypatch.setattr(trial, "attempt", lambda *_: trial.Verdict(None))


untried = pytest.mark.usefixtures("_untried")


def sound(session: Session, n: int = 4) -> Float32:
    noise = np.random.default_rng(8).standard_normal((n, session.window_samples)) * 0.05
    return noise.astype(np.float32)


def inner(session: Session) -> OpenvinoSession:
    """Return the session that OpenVINO runs."""
    found = session._full if isinstance(session, BatchedSession) else session
    assert isinstance(found, OpenvinoSession)
    return found


def changed(monkeypatch: pytest.MonkeyPatch, change: Callable[[list[Array]], list[Array]]) -> None:
    """Let OpenVINO give other numbers."""
    right = openvino.run

    def run(request: Any, fed: Array, places: Sequence[int]) -> list[Array]:
        return change(right(request, fed, places))

    monkeypatch.setattr(openvino, "run", run)


# ---- the scores ----


@untried
@pytest.mark.parametrize("graft", [True, False])
@pytest.mark.parametrize("name", ["tiny", "deep", "drawing", "of_onnx"])
def test_it_says_what_the_usual_runtime_says(
    request: pytest.FixtureRequest, cache: Path, name: str, graft: bool
) -> None:
    model, kept = request.getfixturevalue(name), cache if graft else None
    usual, cores = open_session(model, cache=kept), os.sched_getaffinity(0)
    if name == "drawing" and not graft:
        with pytest.raises(ModelError, match=rf"drawing\.tflite: {NO_SPECTRUM}"):
            open_session(model, engine=BY_OPENVINO)
        return
    session = open_session(model, cache=kept, engine=BY_OPENVINO)
    assert session.runtime.startswith("openvino ")
    for fact in ("window_samples", "batch", "outputs", "spatial_shape", "ends_in", "ends"):
        assert getattr(session, fact) == getattr(usual, fact)
    for n in range(1, session.batch + 1):
        windows = sound(session, n)
        found, expected = session.run(windows), usual.run(windows)
        for role in usual.outputs:
            np.testing.assert_allclose(found[role], expected[role], atol=1e-3)
    assert os.sched_getaffinity(0) == cores, "it moves nobody"


@untried
def test_outputs_are_taken_by_their_names_in_whatever_order(tmp_path: Path) -> None:
    made = onnxnetworks.network()
    (scores,) = made.graph.output
    hidden = onnxnetworks.helper.make_tensor_value_info("hidden", onnxnetworks.FLOAT, [None, None])
    del made.graph.output[:]
    made.graph.output.extend([hidden, scores])
    (tmp_path / "two.onnx").write_bytes(made.SerializeToString())
    model = networks.described(tmp_path / "two.onnx", kind="onnx", output="scores", embedding="hidden")
    session = open_session(model, engine=BY_OPENVINO)
    embedding, logits = onnxnetworks.meaning(windows := sound(session))
    found = session.run(windows)
    np.testing.assert_allclose(found[LOGITS], logits, atol=1e-3)
    np.testing.assert_allclose(found[EMBEDDING], embedding, atol=1e-3)


@untried
def test_a_user_hears_the_same(tiny: models.Model, wav: Path) -> None:
    usual, other = (
        birdfast.load(tiny.path.parent, runtime=runtime).detect(wav) for runtime in ("litert", "openvino")
    )
    assert usual
    assert [(d.start_s, d.scientific_name) for d in other] == [(d.start_s, d.scientific_name) for d in usual]
    some, others = ([one.confidence for one in found] for found in (usual, other))
    np.testing.assert_allclose(others, some, atol=1e-3)


# ---- the numbers that it computes in ----


@untried
def test_it_computes_in_f32_unless_it_is_told_otherwise(tiny: models.Model, cache: Path) -> None:
    assert inner(open_session(tiny, cache=cache, engine=BY_OPENVINO)).precision == "f32"


@untried
def test_bf16_is_had_where_the_cpu_has_it_and_else_refused(
    tiny: models.Model, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = open_session(tiny, cache=cache)
    windows = sound(usual)
    if openvino.has_bfloat16():
        session = open_session(tiny, cache=cache, engine=Engine("openvino", "bf16"))
        assert inner(session).precision == inner(session.twin()).precision == "bf16"
        gap = np.abs(session.run(windows)[LOGITS] - usual.run(windows)[LOGITS]).max()
        assert 1e-4 < gap < 0.1
    monkeypatch.setattr(openvino, "has_bfloat16", lambda: False)
    with pytest.raises(ModelRuntimeError, match="this CPU does not compute in bf16: leave --precision"):
        openvino.start(tiny.path.read_bytes(), "bf16")


def test_what_is_not_computed_as_asked_is_refused(
    tiny: models.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino, "precision_of", lambda request: "bf16")
    with pytest.raises(ModelRuntimeError, match="does not compute this model in f32"):
        openvino.start(tiny.path.read_bytes())


# ---- what is believed ----


@untried
@pytest.mark.parametrize("name", ["tiny", "of_onnx"])
def test_a_network_of_which_it_says_other_things_is_refused_by_name(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    model = request.getfixturevalue(name)
    changed(monkeypatch, lambda found: [values + np.float32(0.34) for values in found])
    other = {"tiny": "litert", "of_onnx": "onnxruntime"}[name]
    words = f"tiny.*: openvino gives other scores for this network, off by up to 0.34; use --runtime {other}"
    for _ in range(2):
        with pytest.raises(ModelError, match=words):
            open_session(model, cache=tmp_path / "cache", engine=BY_OPENVINO)
    monkeypatch.undo()
    with pytest.raises(ModelError, match=words):  # what came of it is kept
        open_session(model, cache=tmp_path / "cache", engine=BY_OPENVINO)
    open_session(model, engine=BY_OPENVINO)


@untried
def test_yamnet_is_refused(yamnet: models.Model) -> None:
    with pytest.raises(ModelError, match=r"yamnet\.tflite: openvino gives other scores.*off by up to 0\.\d"):
        open_session(yamnet, 521, engine=BY_OPENVINO)


@untried
def test_a_result_of_another_size_is_refused(tiny: models.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(monkeypatch, lambda found: [np.repeat(values, 2, axis=1) for values in found])
    with pytest.raises(ModelError, match=r"openvino gives \{'logits': 6\} values, not \{'logits': 3\}"):
        open_session(tiny, engine=BY_OPENVINO)


@untried
def test_the_first_result_of_each_number_of_windows_is_checked(
    of_onnx: models.Model, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_session(of_onnx, cache=cache, engine=BY_OPENVINO)
    session = open_session(of_onnx, cache=cache, engine=BY_OPENVINO)
    windows = sound(session)
    expected = session.run(windows[:3])
    changed(monkeypatch, lambda found: [values * (len(values) < 4) for values in found])
    with pytest.warns(RuntimeWarning, match="4 windows at once give other scores"):
        found = session.run(windows)
    np.testing.assert_allclose(found[LOGITS][:3], expected[LOGITS], atol=1e-5)
    monkeypatch.undo()
    np.testing.assert_allclose(session.run(windows)[LOGITS], found[LOGITS], atol=1e-5)


@untried
def test_single_windows_are_proved_when_a_network_is_opened(
    tiny: models.Model, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    right, proved = proof.difference, list[int]()

    def difference(usual: Session, other: Session) -> proof.Difference:
        proved.append(usual.batch)
        return right(usual, other) if usual.batch > 1 else proof.Difference(9.0, 9.0, LOGITS)

    monkeypatch.setattr(proof, "difference", difference)
    with pytest.raises(
        ModelError, match=r"tiny.*: openvino gives other scores .* off by up to 9; use --runtime"
    ):
        open_session(tiny, cache=tmp_path, engine=BY_OPENVINO)
    assert proved == [4, 1]


@untried
def test_all_that_is_compiled_is_compiled_when_a_network_is_opened(
    tiny: models.Model, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = open_session(tiny, cache=cache, engine=BY_OPENVINO)
    expected = open_session(tiny, cache=cache).run(sound(session, 3))
    monkeypatch.setattr(openvino, "start", pytest.fail)
    found = session.run(sound(session, 3))
    np.testing.assert_allclose(found[LOGITS], expected[LOGITS], atol=1e-3)


# ---- hostile files, and machines ----


def test_a_verdict_is_of_one_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    names = set()
    for machine in ("with bf16", "without"):
        monkeypatch.setattr(openvino, "machine", lambda machine=machine: machine)
        names.add(verdict._file_name(b"", "openvino", [(1, 2)]))
    assert len(names) == 2


def test_who_waits_for_a_trial_is_told_which_network_it_is(
    tiny: models.Model, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    named = set()

    def attempt(data: bytes, runtime: str, shapes: Any, name: str) -> trial.Verdict:
        named.add((runtime, name))
        return trial.Verdict(None)

    open_session(tiny, cache=tmp_path)
    monkeypatch.setattr(trial, "attempt", attempt)
    open_session(tiny, cache=tmp_path, engine=BY_OPENVINO)
    assert named == {("openvino", str(tiny.path))}


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS])
def test_no_room_for_temporary_files_is_the_machines_fault(
    tiny: models.Model, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    def full(**how: Any) -> Any:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", full)
    monkeypatch.setattr(tempfile, "tempdir", "/tmp")
    with pytest.raises(ModelRuntimeError, match=rf"no room for one in /tmp \({os.strerror(error)}\)"):
        openvino.start(tiny.path.read_bytes())


def test_a_crash_is_a_verdict_on_this_runtime_alone(
    of_onnx: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, shapes = of_onnx.path.read_bytes(), [(1, onnxnetworks.WINDOW_SAMPLES)]
    with monkeypatch.context() as patch:
        patch.setattr(children, "command", lambda *_: [sys.executable, "-c", CRASH])
        with pytest.raises(ModelError, match=r"OpenVINO crashes on this model \(signal 11\)"):
            verdict.check(data, "openvino", shapes, tmp_path)
    with pytest.raises(ModelError, match="OpenVINO crashes on this model"):
        verdict.check(data, "openvino", shapes, tmp_path)
    verdict.check(data, "onnx", shapes, tmp_path)
    assert len([*tmp_path.glob("*.trial")]) == 2


def test_a_spectrogram_that_openvino_lacks_is_named_by_its_trial_too(drawing: models.Model) -> None:
    with pytest.raises(ModelError, match=rf"drawing\.tflite: {NO_SPECTRUM}"):
        open_session(drawing, engine=BY_OPENVINO)


def test_a_network_is_tried_before_it_is_opened(
    tiny: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    attempt = trial.attempt

    def counted(data: bytes, runtime: str, *how: Any) -> trial.Verdict:
        tried.append(runtime)
        return attempt(data, runtime, *how) if runtime != "openvino" else refusal

    refusal = trial.Verdict(ModelError("OpenVINO crashes on this model"))
    monkeypatch.setattr(trial, "attempt", counted)
    monkeypatch.setattr(openvino, "start", pytest.fail)
    for _ in range(2):
        with pytest.raises(ModelError, match=r"tiny\.tflite: OpenVINO crashes .*; use --runtime litert$"):
            open_session(tiny, cache=tmp_path, engine=BY_OPENVINO)
    assert tried.count("openvino") == 1


# ---- the library ----


def test_a_library_that_is_not_there_is_said(
    tiny: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "openvino").mkdir()
    (tmp_path / "openvino" / "__init__.py").write_text("raise ModuleNotFoundError('openvino')\n")
    monkeypatch.setattr(children, "places", lambda: [str(tmp_path), *sys.path])
    with pytest.raises(
        ModelRuntimeError, match=r"OpenVINO is not installed: .*pip install 'birdfast\[openvino\]'"
    ):
        open_session(tiny, engine=BY_OPENVINO)


def test_nobody_is_told_that_it_is_used(tmp_path: Path) -> None:
    """Its import would say so, and leave a name for this user in his home."""
    told = tmp_path / "told"
    spy = tmp_path / "openvino_telemetry"
    spy.mkdir()
    (spy / "__init__.py").write_text(f"open({str(told)!r}, 'w').close()\n")
    code = (
        "from birdfast.runtimes import openvino; print(openvino.machine());"
        "import sys; print('openvino_telemetry' in sys.modules)"
    )
    environment = {key: value for key, value in os.environ.items() if key not in ("CI", "PYTHONPATH")}
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, "HOME": str(tmp_path), "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[-1:] == ["False"], done.stderr
    assert [one.name for one in tmp_path.iterdir()] == ["openvino_telemetry"]
    assert [one.name for one in spy.iterdir()] == ["__init__.py"]


# ---- what fits ----


@pytest.mark.parametrize(
    ("name", "runtime", "words"),
    [
        ("tiny", "onnxruntime", r"onnxruntime does not fit; .*tiny\.tflite runs in litert or openvino"),
        ("of_onnx", "litert", r"litert does not fit; .*\.onnx runs in onnxruntime or openvino"),
        ("stsg", "openvino", "openvino does not fit; .* is birdfast's own, and runs in nothing else"),
    ],
)
def test_a_runtime_that_does_not_run_a_kind_is_refused(
    request: pytest.FixtureRequest, name: str, runtime: str, words: str
) -> None:
    model = request.getfixturevalue(name)
    with pytest.raises(ConfigError, match=f"runtime: {words}"):
        birdfast.load(model.path.parent, runtime=runtime)


def test_precision_needs_a_runtime_that_has_it() -> None:
    for runtime in ("auto", "litert", "onnxruntime"):
        with pytest.raises(ConfigError, match="precision: bf16 goes with .* alone; add --runtime openvino"):
            Options(runtime=runtime, precision="bf16")
    assert Options(runtime="openvino", precision="bf16").engine == Engine("openvino", "bf16")


@untried
def test_a_head_of_our_own_stands_on_a_network_by_openvino(deep: models.Model, tmp_path: Path) -> None:
    heads = pytest.importorskip(
        "tests.heads", reason="a trained model's folder is written by birdfast[train]"
    )
    model = models.find(heads.own_folder(tmp_path, heads.matrix(5), deep.path))
    usual, session = (
        open_session(model, 2, models.cache_folder(), engine=engine) for engine in (Engine(), BY_OPENVINO)
    )
    windows = sound(usual)
    np.testing.assert_allclose(session.run(windows)[LOGITS], usual.run(windows)[LOGITS], atol=1e-3)
