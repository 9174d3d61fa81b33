"""ONNX files of strangers: whatever is in them is a ModelError or runs, and harms nobody."""

from __future__ import annotations

import os
import signal
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[onnx]'")
pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: pip install '.[onnx]'")

from onnx import helper, numpy_helper  # noqa: E402

from birdfast import children, models  # noqa: E402
from birdfast.errors import ModelError, ModelMemoryError, ModelRuntimeError  # noqa: E402
from birdfast.grafting import onnxending, trial, verdict  # noqa: E402
from birdfast.grafting.onnxgraph import OnnxGraph  # noqa: E402
from birdfast.runtimes import onnx as onnx_runtime  # noqa: E402
from birdfast.sessions import open_session  # noqa: E402
from birdfast.sources import onnxfile  # noqa: E402

from .commands import infer, ran  # noqa: E402
from .onnxnetworks import (  # noqa: E402
    FLOAT,
    WINDOW_SAMPLES,
    model,
    network,
    with_weights_beside,
    write_folder,
)

FUZZ = Path(__file__).parents[1] / "bench" / "fuzz_networks.py"
CRASH = "import os, signal; os.kill(os.getpid(), signal.{})"
SHAPES = [(1, WINDOW_SAMPLES)]


def plain() -> bytes:
    return bytes(network().SerializeToString())


@pytest.mark.long
def test_mutated_networks_are_refused_or_run() -> None:
    """bench/fuzz_networks.py at a small size."""
    result = ran(sys.executable, FUZZ, "--files", "150", "--seed", "3")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "150 networks" in result.stdout
    assert "opened and ran" in result.stdout


# ---- the trial ----


def test_a_network_is_tried_once(tmp_path: Path, tries: list[bytes]) -> None:
    found = models.find(write_folder(tmp_path / "model", network()))
    for _ in range(2):
        open_session(found, 3, tmp_path / "cache")
    assert len(tries) == 1
    found.path.write_bytes(network(end="Sigmoid").SerializeToString())
    open_session(found, 3, tmp_path / "cache")
    assert len(tries) == 2
    open_session(found, 3)
    assert len(tries) == 3, "without a place to keep it"


def test_what_was_refused_is_not_tried_again(tmp_path: Path, tries: list[bytes]) -> None:
    broken = network()
    broken.graph.node[1].op_type = "Nonsense"
    found = models.find(write_folder(tmp_path / "model", broken))
    for _ in range(2):
        with pytest.raises(ModelError, match=r"tiny\.onnx: ONNX Runtime refuses the model: .*Nonsense"):
            open_session(found, 3, tmp_path / "cache")
    assert len(tries) == 1


def test_a_verdict_that_others_could_have_written_is_not_believed(tmp_path: Path, tries: list[bytes]) -> None:
    cache = tmp_path / "cache"
    for _ in range(2):
        verdict.check(plain(), "onnx", SHAPES, cache)
    (kept,) = cache.glob("*.trial")
    assert len(tries) == 1
    kept.write_text("another\nfine")
    verdict.check(plain(), "onnx", SHAPES, cache)
    kept.chmod(0o666)
    verdict.check(plain(), "onnx", SHAPES, cache)
    assert len(tries) == 3
    cache.chmod(0o777)
    found = models.find(write_folder(tmp_path / "model", network()))
    with pytest.warns(RuntimeWarning, match="the cache of rewritten networks is not used"):
        open_session(found, 3, cache)
    assert len(tries) == 4


@pytest.mark.parametrize(("sign", "kept"), [("SIGSEGV", 1), ("SIGKILL", 0), ("SIGABRT", 0)])
def test_a_crash_is_a_verdict_and_a_kill_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sign: str, kept: int
) -> None:
    monkeypatch.setattr(children, "command", lambda *_: [sys.executable, "-c", CRASH.format(sign)])
    number = getattr(signal, sign)
    with pytest.raises(ModelError, match=rf"ONNX Runtime crashes on this model \(signal {number}\)"):
        verdict.check(plain(), "onnx", SHAPES, tmp_path)
    assert len([*tmp_path.glob("*.trial")]) == kept


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("ImportError('libgomp.so.1: no room')", r"cannot be loaded: libgomp\.so\.1: no room"),
        ("ModuleNotFoundError('onnxruntime')", "is not installed"),
    ],
)
def test_a_runtime_that_is_not_there_is_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: str, words: str
) -> None:
    broken = tmp_path / "broken" / "onnxruntime"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text(f"raise {error}\n")
    with monkeypatch.context() as patch:
        patch.setattr(children, "places", lambda: [str(broken.parent), *sys.path])
        with pytest.raises(ModelRuntimeError, match=f"ONNX Runtime {words}"):
            verdict.check(plain(), "onnx", SHAPES, tmp_path / "cache")
    verdict.check(plain(), "onnx", SHAPES, tmp_path / "cache")


def test_a_runtime_is_known_by_whatever_package_brought_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name == "onnxruntime-gpu":
            return "1.99"
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)
    assert onnx_runtime.version() == "onnxruntime 1.99"


def test_a_trial_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "SECONDS", 0.2)
    monkeypatch.setattr(children, "command", lambda *_: [sys.executable, "-c", "import time; time.sleep(60)"])
    with pytest.raises(ModelError, match=r"ONNX Runtime did not finish one window in 0\.2 s"):
        verdict.check(plain(), "onnx", SHAPES, tmp_path)
    assert not [*tmp_path.glob("*.trial")]


@pytest.mark.parametrize("where", ["window", "inside"])
def test_memory_without_measure_is_refused_before_it_is_taken(tmp_path: Path, where: str) -> None:
    made, n_values = network(), 2**34
    if where == "window":
        made.graph.input[0].type.tensor_type.shape.dim[1].dim_value = n_values
    else:
        made.graph.initializer.append(numpy_helper.from_array(np.array([n_values]), "many"))
        made.graph.node[-1].input[0] = "sum"
        blown = [("ConstantOfShape", "many", "blown"), ("ReduceMax", "blown", "most")]
        for number, (kind, taken, given) in enumerate(blown):
            made.graph.node.insert(number, helper.make_node(kind, [taken], [given]))
        made.graph.node.insert(len(made.graph.node) - 1, helper.make_node("Add", ["linear", "most"], ["sum"]))
    folder = write_folder(tmp_path / "model", made)
    (folder / "model.toml").write_text("rate_hz = 8000\n")
    with pytest.raises(ModelMemoryError, match=r"tiny\.onnx: needs more than .* of memory"):
        open_session(models.find(folder), 3, tmp_path / "cache")
    assert not [*(tmp_path / "cache").glob("*.trial")]


def test_a_run_with_a_hostile_network_ends_with_its_name(tmp_path: Path, wav: Path) -> None:
    made = network()
    made.graph.node[1].op_type = "Nonsense"
    result = infer(models.find(write_folder(tmp_path / "model", made)), wav, "-o", tmp_path / "out")
    assert result.returncode == 64
    assert "tiny.onnx: ONNX Runtime refuses the model" in result.stderr
    assert "Traceback" not in result.stderr


# ---- what is outside of it ----


def test_nobody_is_told_of_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime keeps what it has to tell its makers in the user's cache folder, and sends it."""
    for variable in ("ORT_DISABLE_TELEMETRY", "CI"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = write_folder(tmp_path / "model", network())
    code = "import sys, birdfast; birdfast.load(sys.argv[1])"
    result = ran(sys.executable, "-c", code, folder)
    assert result.returncode == 0, result.stderr
    assert [path.name for path in tmp_path.glob("cache/*") if path.name != "birdfast"] == []


@pytest.mark.parametrize(
    "name",
    ["../secret.bin", "/etc/passwd", "*/_ORT_MEM_ADDR_/*", "", "a\0b", "circle", "pipe", ".", "a" * 5000],
)
def test_nothing_is_read_that_is_not_beside_the_model(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(4 * 8 * WINDOW_SAMPLES))
    folder = tmp_path / "model"
    folder.mkdir()
    made = with_weights_beside(network(), folder)
    (folder / "circle").symlink_to("circle")
    os.mkfifo(folder / "pipe")
    for one in made.graph.initializer:
        for entry in one.external_data:
            entry.value = name
    found = models.find(write_folder(folder, made))
    for ask in (found.digests, lambda: open_session(found, 3)):
        with pytest.raises(ModelError, match="which is not beside it"):
            ask()


def test_weights_in_a_function_or_a_branch_are_seen_and_those_of_training_left_out(tmp_path: Path) -> None:
    path, made = tmp_path / "tiny.onnx", network()
    tensor = onnx.TensorProto(data_location=onnx.TensorProto.EXTERNAL, name="x")
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../secret.bin"
    constant = helper.make_node("Constant", [], ["c"], value=tensor)
    made.functions.append(helper.make_function("own", "f", [], ["c"], [constant], made.opset_import[:1]))
    path.write_bytes(made.SerializeToString())
    assert onnxfile.beside(path) == ["../secret.bin"]
    with pytest.raises(ModelError, match="which is not beside it"):
        OnnxGraph(path)
    del made.functions[:]
    made.training_info.add().algorithm.initializer.append(tensor)
    path.write_bytes(made.SerializeToString())
    assert not OnnxGraph(path).model.training_info


@pytest.mark.parametrize("word", [b"weights.bin", b"scores", b"hidden", b"Relu"])
def test_text_that_is_none_is_damage(tmp_path: Path, word: bytes) -> None:
    path = tmp_path / "tiny.onnx"
    content = with_weights_beside(network(), tmp_path).SerializeToString()
    assert word in content
    path.write_bytes(content.replace(word, b"\xff" * len(word)))
    with pytest.raises(ModelError, match="is no UTF-8 text"):
        OnnxGraph(path)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe.onnx"
    os.mkfifo(path)
    for ask in (OnnxGraph, onnxfile.beside, onnxfile.metadata):
        with pytest.raises(ModelError, match="not a regular file"):
            ask(path)


def test_a_file_of_nothing_but_fields_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxfile, "MOST_FIELDS", 1_000)
    path = tmp_path / "fields.onnx"
    path.write_bytes(b"\x08\x01" * 2_000)
    for ask in (onnxfile.beside, onnxfile.metadata):
        with pytest.raises(ModelError, match="is no ONNX model, or a damaged one"):
            ask(path)


# ---- how it ends ----


def ending(*names: str) -> str:
    """Return what a row of operators ends in, each of the one before."""
    values = ["linear", *(f"t{number}" for number in range(len(names)))]
    nodes = [
        helper.make_node(
            name, [values[n], "c"] if name in ("Reshape", "Squeeze") else [values[n]], [values[n + 1]]
        )
        for n, name in enumerate(names)
    ]
    return onnxending.of({node.output[0]: node for node in nodes}, {"c"}, values[-1])


@pytest.mark.parametrize(
    ("names", "end"),
    [
        (["Sigmoid"], "sigmoid"),
        (["Softmax", "Identity"], "softmax"),
        (["LogSoftmax", "Cast"], "log-softmax"),
        (["Sigmoid", "Reshape", "Squeeze", "Cast", "Clip", "Transpose", "ReduceMean"], "sigmoid"),
        (["Sigmoid", "Mul"], "none"),
        (["HardSigmoid", "Reshape"], "bounded"),
        (["Sigmoid", "Pad"], "none"),
        *(
            (["LogSoftmax", name], "none")
            for name in ("Slice", "Gather", "Split", "ReduceMax", "Pad", "Clip")
        ),
        (["Sigmoid", "Neg"], "none"),
        (["Relu"], "none"),
        ([], "none"),
    ],
)
def test_an_activation_is_seen_through_what_leaves_its_range(names: list[str], end: str) -> None:
    assert ending(*names) == end


@pytest.mark.parametrize(
    ("second", "end"), [("Sigmoid", "sigmoid"), ("Softmax", "bounded"), ("Relu", "none")]
)
def test_parts_that_are_joined_have_to_be_equal(second: str, end: str) -> None:
    nodes = [
        helper.make_node("Sigmoid", ["a"], ["x"]),
        helper.make_node(second, ["b"], ["y"]),
        helper.make_node("Concat", ["x", "y"], ["z"], axis=1),
    ]
    assert onnxending.of({node.output[0]: node for node in nodes}, set(), "z") == end


@pytest.mark.parametrize(
    ("name", "constants", "end"),
    [
        ("Mul", (1,), "bounded"),
        ("Mul", (2,), "none"),
        ("Add", (0,), "bounded"),
        ("Add", (0.5,), "none"),
        ("Min", (1,), "bounded"),
        ("Max", (0.1,), "bounded"),
        ("Max", (2,), "none"),
        ("Clip", (0.001, 0.999), "sigmoid"),
        ("Clip", (1, 2), "none"),
    ],
)
def test_what_can_only_lie_between_0_and_1_is_bounded(
    tmp_path: Path, name: str, constants: tuple[float, ...], end: str
) -> None:
    made, names = network(end="Sigmoid"), [f"limit{n}" for n in range(len(constants))]
    made.graph.node[-1].output[0] = "closed"
    made.graph.node.append(helper.make_node(name, ["closed", *names], ["scores"]))
    for one, value in zip(names, constants, strict=True):
        made.graph.initializer.append(numpy_helper.from_array(np.array(value, np.float32), one))
    path = tmp_path / "tiny.onnx"
    path.write_bytes(made.SerializeToString())
    assert OnnxGraph(path).outputs[0].ends_in == end


def test_log_softmaxes_that_are_joined_are_none() -> None:
    nodes = [helper.make_node("LogSoftmax", [one], [one * 2]) for one in ("a", "b")]
    nodes.append(helper.make_node("Concat", ["aa", "bb"], ["z"], axis=1))
    assert onnxending.of({node.output[0]: node for node in nodes}, set(), "z") == "none"


def test_a_circle_has_no_end() -> None:
    nodes = [helper.make_node("Identity", ["a"], ["b"]), helper.make_node("Identity", ["b"], ["a"])]
    assert onnxending.of({node.output[0]: node for node in nodes}, set(), "a") == "none"
    graph = helper.make_graph(nodes, "g", [], [helper.make_tensor_value_info("a", FLOAT, [1, 3])])
    assert model(graph).graph.node


@pytest.mark.parametrize("end", ["Sigmoid", "Softmax", "LogSoftmax", None])
def test_what_its_graph_leaves_to_do_is_done(tmp_path: Path, end: str | None) -> None:
    found = models.find(write_folder(tmp_path, network(end=end)))
    session = open_session(found, 3)
    left = {"Sigmoid": "none", "Softmax": "none", "LogSoftmax": "softmax", None: "sigmoid"}
    assert found.for_input(session.window_samples, session.ends_in).activation == left[end]
