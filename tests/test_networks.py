"""Networks that are odd: each is run right, or refused in words that say what it is."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from birdfast import models
from birdfast.__main__ import main
from birdfast.cli import optimize
from birdfast.errors import ModelError
from birdfast.grafting import ending, flatbuffer, operators, original, validate
from birdfast.runtimes import litert
from birdfast.sessions import open_session
from birdfast.sessions.session import Session

from . import graphs, networks, recordings

N = len(networks.LABELS)
WINDOWS = np.random.default_rng(1).uniform(-1, 1, (4, networks.WINDOW_SAMPLES)).astype(np.float32)
WAYS = ["as it is", "rewritten"]


def start(window_samples: int = networks.WINDOW_SAMPLES) -> tuple[graphs.Builder, int]:
    """A graph that grows, and the logits of the tiny network in it."""
    b = graphs.Builder()
    samples = b.input((1, window_samples), (-1, window_samples))
    matrix = b.constant(networks.weights(window_samples=window_samples))
    return b, b("FULLY_CONNECTED", [samples, matrix, -1], (1, N), schema.FullyConnectedOptionsT())


def opened(way: str, folder: Path, data: bytes, n_classes: int = 0) -> Session:
    path = folder / "odd.tflite"
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # where the original is used
        cache = models.cache_folder() if way == "rewritten" else None
        return open_session(networks.described(path), n_classes, cache)


def assert_says_the_logits(session: Session) -> None:
    for window in WINDOWS:
        logits = session.run(window[np.newaxis])["logits"]
        np.testing.assert_allclose(logits, window[np.newaxis] @ networks.weights().T, atol=1e-4)
    if session.batch > 1:
        found = session.run(WINDOWS[: session.batch])["logits"]
        np.testing.assert_allclose(found, WINDOWS[: session.batch] @ networks.weights().T, atol=1e-4)


# ---- more than one graph ----


def with_second_subgraph(b: graphs.Builder) -> None:
    b.graph.model.subgraphs.append(copy.deepcopy(b.graph.main))


def with_signatures(b: graphs.Builder) -> None:
    with_second_subgraph(b)
    b.graph.model.signatureDefs = [signature(b"serving_default", 0, b), signature(b"train", 1, b)]


def signature(key: bytes, subgraph: int, b: graphs.Builder) -> Any:
    made = schema.SignatureDefT()
    made.signatureKey, made.subgraphIndex, made.inputs, made.outputs = key, subgraph, [], []
    for entries, tensors in ((made.inputs, b.graph.inputs), (made.outputs, b.graph.outputs)):
        for tensor in tensors:
            entry = schema.TensorMapT()
            entry.name, entry.tensorIndex = f"tensor{tensor}".encode(), tensor
            entries.append(entry)
    return made


def with_code_of_another_subgraph(b: graphs.Builder) -> None:
    with_second_subgraph(b)
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode, code.version = b"FlexAssert", 1
    b.graph.model.operatorCodes.insert(0, code)
    for operator in b.graph.operators:
        operator.opcodeIndex += 1


def with_idle_variable(b: graphs.Builder) -> None:
    """What converters leave of a variable that is set at the start and never read."""
    with_second_subgraph(b)
    once = schema.CallOnceOptionsT()
    once.initSubgraphIndex = 1
    call = b.graph.new_operator("CALL_ONCE", [], [], once)
    call.inputs = call.outputs = None
    b.graph.operators.insert(0, call)
    handle = b.graph.new_tensor("handle", (1,))
    b.graph.tensors[handle].type = schema.TensorType.RESOURCE
    named = schema.VarHandleOptionsT()
    named.container, named.sharedName = b"", b"counter"
    b.graph.operators.insert(1, b.graph.new_operator("VAR_HANDLE", [], [handle], named))


IDLE: dict[str, Callable[[graphs.Builder], None]] = {
    "a second subgraph": with_second_subgraph,
    "a signature of a second subgraph": with_signatures,
    "a custom operator of a second subgraph": with_code_of_another_subgraph,
    "a variable that nothing reads": with_idle_variable,
}


def of_several_graphs() -> bytes:
    b, logits = start(window_samples=4)
    closed = b("LOGISTIC", [logits], (1, N))
    b.finish(closed)
    with_idle_variable(b)
    with_signatures(b)
    return b.finish(closed)


SEVERAL = of_several_graphs()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("idle", IDLE)
def test_what_nothing_calls_is_left_out(tmp_path: Path, idle: str, way: str) -> None:
    b, logits = start()
    b.finish(logits)
    IDLE[idle](b)
    data = b.finish(logits)
    assert_says_the_logits(opened(way, tmp_path, data))
    left = original.read(data)
    assert len(left.model.subgraphs) == 1
    assert [left.name(operator) for operator in left.operators] == ["FULLY_CONNECTED"]
    assert len(left.model.operatorCodes) == 1
    assert [one.subgraphIndex for one in left.model.signatureDefs or []] in ([], [0])


def that_loops(b: graphs.Builder, logits: int) -> int:
    with_second_subgraph(b)
    options = schema.WhileOptionsT()
    options.condSubgraphIndex = options.bodySubgraphIndex = 1
    return b("WHILE", [logits], (1, N), options)


def that_chooses(b: graphs.Builder, logits: int) -> int:
    with_second_subgraph(b)
    options = schema.IfOptionsT()
    options.thenSubgraphIndex = options.elseSubgraphIndex = 1
    return b("IF", [b.constant([True], np.bool_), logits], (1, N), options)


def that_remembers(b: graphs.Builder, logits: int) -> int:
    with_idle_variable(b)
    handle = len(b.graph.tensors) - 1
    bias = b("READ_VARIABLE", [handle], (1, N), schema.ReadVariableOptionsT())
    return b("ADD", [logits, bias], (1, N), schema.AddOptionsT())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("needed", "named"),
    [(that_loops, "WHILE"), (that_chooses, "IF"), (that_remembers, "READ_VARIABLE, VAR_HANDLE")],
)
def test_what_needs_other_graphs_or_a_state_is_not_supported_and_not_damaged(
    tmp_path: Path, needed: Callable[[graphs.Builder, int], int], named: str, way: str
) -> None:
    b, logits = start()
    b.finish(logits)
    data = b.finish(needed(b, logits))
    with pytest.raises(ModelError, match=rf"odd\.tflite: not supported: {named}, which the network needs"):
        opened(way, tmp_path, data)


def test_all_operators_that_run_other_graphs_are_known() -> None:
    options = [name for name in vars(schema) if name.endswith("OptionsT")]
    calling = [name for name in options if "subgraph" in str(vars(getattr(schema, name)())).lower()]
    expected = {name.removesuffix("OptionsT").lower() for name in calling}
    assert {name.replace("_", "").lower() for name in operators.CALLS} == expected


@pytest.mark.parametrize("index", [1, 2, 2**32 - 1])
def test_a_signature_of_a_subgraph_that_is_not_there_is_damage(index: int) -> None:
    b, logits = start()
    b.finish(logits)
    b.graph.model.signatureDefs = [signature(b"serving_default", index, b)]
    with pytest.raises(ModelError, match=f"damaged TFLite model: .*subgraph {index}"):
        original.read(b.finish(logits))


@given(st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_changed_file_of_several_graphs_is_read_or_refused(data: st.DataObject) -> None:
    """No bytes make the reader, or who asks what the network gives, raise anything but ModelError."""
    content = bytearray(SEVERAL)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(8, len(content) - 1) | st.integers(8, 900))
        content[at : at + 1] = data.draw(st.binary(min_size=0, max_size=2))
    try:
        graph = original.read(bytes(content))
    except ModelError:
        return
    assert ending.outputs(graph)
    assert len(original.read(graph.write()).model.subgraphs) == 1


# ---- what the runtime refuses ----


def of_another_shape(b: graphs.Builder, logits: int) -> int:
    return b("ADD", [logits, b.constant([1, 2])], (1, N), schema.AddOptionsT())


def of_a_newer_version(b: graphs.Builder, logits: int) -> int:
    b.graph.model.operatorCodes[0].version = 99
    return logits


def beyond_the_end(b: graphs.Builder, logits: int) -> int:
    options = schema.GatherOptionsT()
    options.axis = 1
    return b("GATHER", [logits, b.constant([99], np.int32)], (1, 1), options)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (of_another_shape, r"refuses the model: .*\[1,3\] and \[2\], are not broadcastable\. Node number 1"),
        (of_a_newer_version, r"refuses the model: .*opcode 'FULLY_CONNECTED' version '99'"),
        (beyond_the_end, r"cannot run the model: .*index out of bounds"),
    ],
)
def test_what_the_runtime_cannot_run_is_refused_with_its_reason(
    tmp_path: Path, wrong: Callable[[graphs.Builder, int], int], reason: str, way: str
) -> None:
    b, logits = start()
    data = b.finish(wrong(b, logits))
    validate.check(graphs.Graph(flatbuffer.read(data)))
    with pytest.raises(ModelError, match=rf"odd\.tflite: the TFLite runtime {reason}"):
        opened(way, tmp_path, data)


@pytest.mark.parametrize(
    "more", [[], ["--portable", "-o", "OUT"], ["--portable", "-o", "OUT", "--audio", "X"]]
)
def test_optimize_says_which_network_the_runtime_cannot_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    path, (b, logits) = tmp_path / "odd.tflite", start()
    made = that_loops(b, logits) if "--audio" in more else of_another_shape(b, logits)
    path.write_bytes(b.finish(made))
    arguments = [str(tmp_path / "fast.tflite") if argument == "OUT" else argument for argument in more]
    assert main(["optimize", str(path), *arguments]) == 64
    said = capsys.readouterr().err
    reason = "not supported: WHILE" if "--audio" in more else "the TFLite runtime refuses the model: "
    assert said.startswith(f"birdfast: {path}: {reason}")
    assert not (tmp_path / "fast.tflite").exists()


def test_a_runtime_without_a_reason_is_quoted_by_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def start_nothing(**_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(litert.runtime()[1], "Interpreter", start_nothing)
    with pytest.raises(ModelError, match="the TFLite runtime refuses the model: MemoryError"):
        litert.start(b"")


# ---- outputs of other shapes and types ----


def reshaped(*shape: int) -> Callable[[graphs.Builder, int], int]:
    return lambda b, logits: b.reshape(logits, shape)


def averaged_over_windows(b: graphs.Builder, logits: int) -> int:
    return b("MEAN", [logits, b.constant([0], np.int32)], (N,), schema.ReducerOptionsT())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "end", [reshaped(N), reshaped(1, 1, N), reshaped(1, N, 1, 1), reshaped(1, N), averaged_over_windows]
)
def test_scores_are_a_row_whatever_their_rank(
    tmp_path: Path, end: Callable[[graphs.Builder, int], int], way: str
) -> None:
    b, logits = start()
    session = opened(way, tmp_path, b.finish(end(b, logits)), N)
    assert session.outputs["logits"] == N
    assert_says_the_logits(session)


def open_to_its_last_axis(b: graphs.Builder, logits: int) -> int:
    made = with_shape_from_a_run(b, logits)
    b.graph.set_shape(made, (1, 1))
    b.graph.tensors[made].shapeSignature = np.array([-1, -1], np.int32)
    return made


def of_open_rank(b: graphs.Builder, logits: int) -> int:
    made = with_shape_from_a_run(b, logits)
    b.graph.tensors[made].shape, b.graph.tensors[made].hasRank = None, False
    return made


def with_shape_from_a_run(b: graphs.Builder, logits: int) -> int:
    options = schema.ShapeOptionsT()
    options.outType = schema.TensorType.INT32
    shape = b("SHAPE", [logits], (2,), options, np.int32)
    halves = [b("MUL", [shape, b.constant([1, 1], np.int32)], (2,), schema.MulOptionsT(), np.int32)]
    return b("RESHAPE", [logits, *halves], (1, N), schema.ReshapeOptionsT())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("end", [open_to_its_last_axis, of_open_rank])
def test_scores_whose_number_shows_in_a_run_are_counted_in_one(
    tmp_path: Path, end: Callable[[graphs.Builder, int], int], way: str
) -> None:
    b, logits = start()
    session = opened(way, tmp_path, b.finish(end(b, logits)), N)
    assert session.outputs["logits"] == N
    assert_says_the_logits(session)


def test_a_rewrite_of_other_classes_than_the_original_is_not_taken(tmp_path: Path) -> None:
    """Of four windows one average of four classes: as many numbers as four rows of one class."""
    b = graphs.Builder()
    samples = b.input((1, networks.WINDOW_SAMPLES), (-1, networks.WINDOW_SAMPLES))
    inputs = [samples, b.constant(networks.weights(4)), -1]
    logits = b("FULLY_CONNECTED", inputs, (1, 4), schema.FullyConnectedOptionsT())
    average = b("MEAN", [logits, b.constant([0], np.int32)], (4,), schema.ReducerOptionsT())
    session = opened("rewritten", tmp_path, b.finish(average), 4)
    assert (session.batch, session.outputs["logits"]) == (1, 4)
    found = session.run(WINDOWS[:1])["logits"]
    np.testing.assert_allclose(found, WINDOWS[:1] @ networks.weights(4).T, atol=1e-4)


def of_a_picture(b: graphs.Builder, logits: int) -> int:
    rows = b("CONCATENATION", [logits, logits], (2, N), schema.ConcatenationOptionsT())
    return b.reshape(rows, (1, 2, N))


def of_a_sum(b: graphs.Builder, logits: int) -> int:
    return b("SUM", [logits, b.constant([0, 1], np.int32)], (), schema.ReducerOptionsT())


def of_nothing(b: graphs.Builder, logits: int) -> int:
    limits = [b.constant(value, np.int32) for value in ([0, 0], [1, 0])]
    return b("SLICE", [logits, *limits], (1, 0), schema.SliceOptionsT())


def of_bytes(b: graphs.Builder, logits: int) -> int:
    options = schema.CastOptionsT()
    options.outDataType = schema.TensorType.INT8
    return b("CAST", [logits], (1, N), options, np.int8)


def of_places(b: graphs.Builder, logits: int) -> int:
    options = schema.ArgMaxOptionsT()
    options.outputType = schema.TensorType.INT32
    return b("ARG_MAX", [logits, b.constant([1], np.int32)], (1,), options, np.int32)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("end", "said"),
    [
        (of_a_picture, "float32 [1, 2, 3]"),
        (of_a_sum, "float32 []"),
        (of_nothing, "float32 [1, 0]"),
        (of_bytes, "int8 [1, 3]"),
        (of_places, "int32 [1]"),
    ],
)
def test_scores_that_are_no_row_of_numbers_are_refused(
    tmp_path: Path, end: Callable[[graphs.Builder, int], int], said: str, way: str
) -> None:
    b, logits = start()
    with pytest.raises(ModelError, match=r"odd\.tflite: its scores are .*float32 \[1, classes\]") as raised:
        opened(way, tmp_path, b.finish(end(b, logits)))
    assert said in str(raised.value)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("n_labels", [1, N - 1, N + 1])
def test_more_or_fewer_labels_than_classes_are_refused(tmp_path: Path, n_labels: int, way: str) -> None:
    b, logits = start()
    with pytest.raises(ModelError, match=f"scores {N} classes, but there are {n_labels} labels"):
        opened(way, tmp_path, b.finish(logits), n_labels)


def test_a_portable_file_is_compared_on_sound_of_the_folders_rate(tiny: models.Model, tmp_path: Path) -> None:
    """Its model.toml says the rate; no listed network takes so many samples, which would say it otherwise."""
    path = recordings.write(tmp_path / "a.wav", recordings.noise(2 * tiny.rate_hz), tiny.rate_hz)
    found = optimize._recorded(optimize._network(str(tiny.path.parent)), [path], 1.0)
    assert list(found) == [f"a.wav {number}" for number in range(4)]
