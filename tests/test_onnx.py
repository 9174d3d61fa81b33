"""ONNX networks: whatever takes a window of sound or its picture is run, and says what the runtime says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[onnx]'")
pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: pip install '.[onnx]'")

from onnx import helper, numpy_helper  # noqa: E402

from birdfast.errors import ModelError  # noqa: E402
from birdfast.frontends.pictures import Pictures  # noqa: E402
from birdfast.frontends.recipe import Recipe  # noqa: E402
from birdfast.sessions.onnx import OnnxSession  # noqa: E402
from birdfast.sessions.session import EMBEDDING, LOGITS  # noqa: E402

from . import networks  # noqa: E402
from .onnxnetworks import (  # noqa: E402
    DIM,
    FLOAT,
    N_CLASSES,
    WINDOW_SAMPLES,
    matrices,
    meaning,
    model,
    network,
    network_of_nodes,
)

WINDOWS = np.random.default_rng(5).standard_normal((4, WINDOW_SAMPLES)).astype(np.float32) / 4


def opened(path: Path, **facts: Any) -> OnnxSession:
    return OnnxSession(networks.described(path, kind="onnx", **facts))


def written(folder: Path, made: onnx.ModelProto) -> Path:
    path = folder / "tiny.onnx"
    path.write_bytes(made.SerializeToString())
    return path


@pytest.mark.parametrize(
    "shape",
    [
        (WINDOW_SAMPLES,),
        (1, WINDOW_SAMPLES),
        ("batch", WINDOW_SAMPLES),
        (None, WINDOW_SAMPLES, 1),
        ("batch", 1, WINDOW_SAMPLES),
        (1, 1, WINDOW_SAMPLES),
        (3, WINDOW_SAMPLES),
    ],
    ids=str,
)
def test_sound_is_given_in_the_shape_that_a_network_takes(tmp_path: Path, shape: tuple[int, ...]) -> None:
    session = opened(written(tmp_path, network(shape)))
    assert session.window_samples == WINDOW_SAMPLES
    assert session.outputs == {LOGITS: N_CLASSES, EMBEDDING: DIM}
    for n in range(1, session.batch + 1):
        found = session.run(WINDOWS[:n])
        embedding, logits = meaning(WINDOWS[:n])
        np.testing.assert_allclose(found[EMBEDDING], embedding, atol=1e-5)
        np.testing.assert_allclose(found[LOGITS], logits, atol=1e-5)


def test_a_network_of_any_length_takes_the_length_that_its_facts_tell(tmp_path: Path) -> None:
    path = written(tmp_path, network(("batch", "samples")))
    assert opened(path, window_samples=WINDOW_SAMPLES).run(WINDOWS[:2])[LOGITS].shape == (2, N_CLASSES)
    with pytest.raises(ModelError, match=r"any length of sound; its facts have to tell window_samples"):
        opened(path)


def test_a_picture_is_drawn_by_its_recipe(tmp_path: Path) -> None:
    recipe = Recipe(n_fft=256, hop_samples=100, n_mels=20)
    drawn = Pictures(recipe, 16_000, WINDOW_SAMPLES)(WINDOWS).reshape(4, -1)
    path = written(tmp_path, network(("batch", 1, 20, 41), n_values=820))
    session = opened(path, window_samples=WINDOW_SAMPLES, rate_hz=16_000, front_end=recipe)
    np.testing.assert_allclose(session.run(WINDOWS)[LOGITS], meaning(drawn)[1], rtol=1e-4, atol=1e-4)
    with pytest.raises(
        ModelError, match=r"takes float32 \[any, 1, 20, 41\], but its front end makes \[batch, 1, 30"
    ):
        opened(
            path,
            window_samples=WINDOW_SAMPLES,
            rate_hz=16_000,
            front_end=Recipe(n_fft=256, hop_samples=100, n_mels=30),
        )
    with pytest.raises(ModelError, match=r"no window of sound.*or a spectrogram whose recipe stands in"):
        opened(path)


def test_a_batch_that_mixes_its_windows_is_run_one_by_one(tmp_path: Path) -> None:
    session = opened(written(tmp_path, network(mixes_windows=True)))
    with pytest.warns(RuntimeWarning, match="4 windows at once give other scores"):
        found = session.run(WINDOWS)[LOGITS]
    np.testing.assert_allclose(found, 2 * meaning(WINDOWS)[1], atol=1e-4)
    np.testing.assert_allclose(session.run(WINDOWS)[LOGITS], 2 * meaning(WINDOWS)[1], atol=1e-4)


def test_a_twin_says_the_same(tmp_path: Path) -> None:
    session = opened(written(tmp_path, network()))
    assert (session.twin().run(WINDOWS)[LOGITS] == session.run(WINDOWS)[LOGITS]).all()


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (network(("batch", 2, WINDOW_SAMPLES // 2)), "no window of sound"),
        (network((2, 3, 4, 5), n_values=60), "no window of sound"),
        (network(dtype=onnx.TensorProto.INT64), r"takes int64 \[any, 4000\], which is no sound"),
        (network(dtype=onnx.TensorProto.INT8), "does not say what its numbers stand for"),
    ],
)
def test_an_input_that_cannot_be_given_is_told(tmp_path: Path, made: onnx.ModelProto, words: str) -> None:
    if words.startswith("takes int64") or "stand for" in words:
        made.graph.node[0].input[0] = "floats"
        made.graph.node.insert(0, helper.make_node("Cast", ["sound"], ["floats"], to=FLOAT))
    with pytest.raises(ModelError, match=words):
        opened(written(tmp_path, made))


def test_weights_are_read_from_beside_the_model_alone(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    made = network()
    (weights,) = [one for one in made.graph.initializer if one.name == "first"]
    held = bytes(weights.raw_data)
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    place = weights.external_data.add()
    place.key, place.value = "location", "weights.bin"
    (folder / "weights.bin").write_bytes(held)
    found = opened(written(folder, made)).run(WINDOWS[:1])[LOGITS]
    np.testing.assert_allclose(found, meaning(WINDOWS[:1])[1], atol=1e-5)
    (tmp_path / "weights.bin").write_bytes(held)
    for elsewhere in ("../weights.bin", str(tmp_path / "weights.bin"), "missing.bin", ""):
        place.value = elsewhere
        with pytest.raises(ModelError, match="weights"):
            opened(written(folder, made))
    (folder / "link.bin").symlink_to(tmp_path / "weights.bin")
    place.value = "link.bin"
    with pytest.raises(ModelError, match="not beside it"):
        opened(written(folder, made))


def test_operators_of_others_and_endless_ones_are_refused(tmp_path: Path) -> None:
    foreign = helper.make_graph(
        [helper.make_node("Hear", ["x"], ["y"], domain="elsewhere")],
        "g",
        [helper.make_tensor_value_info("x", FLOAT, [1, 100])],
        [helper.make_tensor_value_info("y", FLOAT, [1, 3])],
    )
    with pytest.raises(ModelError, match=r"operator of others: elsewhere\.Hear"):
        opened(written(tmp_path, model(foreign, "elsewhere")))
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Identity", ["x_in"], ["x_out"])],
        "body",
        [
            helper.make_tensor_value_info("i", onnx.TensorProto.INT64, []),
            helper.make_tensor_value_info("go", onnx.TensorProto.BOOL, []),
            helper.make_tensor_value_info("x_in", FLOAT, [1, 100]),
        ],
        [
            helper.make_tensor_value_info("on", onnx.TensorProto.BOOL, []),
            helper.make_tensor_value_info("x_out", FLOAT, [1, 100]),
        ],
    )
    loop = helper.make_graph(
        [helper.make_node("Loop", ["", "true", "x"], ["y"], body=body)],
        "g",
        [helper.make_tensor_value_info("x", FLOAT, [1, 100])],
        [helper.make_tensor_value_info("y", FLOAT, [1, 100])],
        [numpy_helper.from_array(np.array(True), "true")],
    )
    with pytest.raises(ModelError, match="a Loop, which may never end"):
        opened(written(tmp_path, model(loop)))


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    data = network().SerializeToString()
    for damaged in (b"", b"\0" * 100, data[: len(data) // 2], b"ONNX" + data, bytes(1000)):
        path = tmp_path / "damaged.onnx"
        path.write_bytes(damaged)
        with pytest.raises(ModelError):
            opened(path)
    with pytest.raises(ModelError, match="cannot be read"):
        opened(tmp_path / "none.onnx")


def test_an_embedding_may_be_named(tmp_path: Path) -> None:
    made = network()
    made.graph.output.add().name = "product"
    path = written(tmp_path, made)
    found = opened(path, output="scores", embedding="product").run(WINDOWS[:1])
    assert (found[EMBEDDING] < 0).any()
    with pytest.raises(
        ModelError, match=r"embedding = 'hidden' fits no output; there are: #0 scores .*, #1 product "
    ):
        opened(path, output="scores", embedding="hidden")


@pytest.mark.parametrize("first", [np.zeros_like(WINDOWS), np.repeat(WINDOWS[:1], 4, axis=0), WINDOWS])
def test_what_is_heard_first_does_not_decide_whether_a_batch_is_believed(
    tmp_path: Path, first: np.ndarray
) -> None:
    loudest = network_of_nodes(  # dB down to 80 below the loudest of the batch, as a picture often is
        ("Abs", ["sound"], "size"),
        ("Max", ["size", "least"], "some"),
        ("Log", ["some"], "level"),
        ("ReduceMax", ["level"], "top"),
        ("Sub", ["top", "range"], "floor"),
        ("Max", ["level", "floor"], "cut"),
        ("MatMul", ["cut", "first"], "scores"),
        constants={"least": np.float32(1e-10), "range": np.float32(np.log(1e4)), "first": matrices()[0]},
    )
    session = opened(written(tmp_path, loudest))
    with pytest.warns(RuntimeWarning, match="4 windows at once give other scores"):
        session.run(first)
    windows = WINDOWS * np.array([1, 1e-6, 1, 1e-7], np.float32)[:, None]
    expected = np.concatenate([session.run(one[None])[LOGITS] for one in windows])
    assert (session.run(windows)[LOGITS] == expected).all()


def test_twins_share_what_is_known_of_batches(tmp_path: Path) -> None:
    session = opened(written(tmp_path, network(mixes_windows=True)))
    twin = session.twin()
    with pytest.warns(RuntimeWarning, match="4 windows at once give other scores"):
        twin.run(WINDOWS)
    for one in (session, twin.twin()):  # a second warning would be an error
        np.testing.assert_allclose(one.run(WINDOWS)[LOGITS], 2 * meaning(WINDOWS)[1], atol=1e-4)


def test_a_fixed_batch_that_mixes_its_windows_is_run_one_by_one(tmp_path: Path) -> None:
    session = opened(written(tmp_path, network((3, WINDOW_SAMPLES), mixes_windows=True)))
    with pytest.warns(RuntimeWarning, match="3 windows at once give other scores"):
        found = session.run(WINDOWS[:3])[LOGITS]
    np.testing.assert_allclose(found, 2 * meaning(WINDOWS[:3])[1], atol=1e-4)


def test_halves_are_given_and_taken(tmp_path: Path) -> None:
    half = onnx.TensorProto.FLOAT16
    made = network(dtype=half)
    made.graph.node[0].input[0] = "floats"
    made.graph.node.insert(0, helper.make_node("Cast", ["sound"], ["floats"], to=FLOAT))
    made.graph.node[-1].CopyFrom(helper.make_node("Cast", ["linear"], ["scores"], to=half))
    made.graph.output[0].type.tensor_type.elem_type = half
    found = opened(written(tmp_path, made)).run(WINDOWS)
    assert found[LOGITS].dtype == np.float32
    np.testing.assert_allclose(found[LOGITS], meaning(WINDOWS)[1], atol=2e-2)


def test_constants_among_the_inputs_are_none(tmp_path: Path) -> None:
    made = network()
    for one in made.graph.initializer:
        made.graph.input.append(helper.make_tensor_value_info(one.name, one.data_type, list(one.dims)))
    assert opened(written(tmp_path, made)).outputs == {LOGITS: N_CLASSES, EMBEDDING: DIM}
    made.graph.input.append(helper.make_tensor_value_info("other", FLOAT, [1, 3]))
    with pytest.raises(
        ModelError,
        match=r"has 2 inputs \(.* float32 \[.*\], .*\); birdfast has one",
    ):
        opened(written(tmp_path, made))


def test_what_is_no_row_for_each_window_is_run_one_by_one(tmp_path: Path) -> None:
    made = network()
    made.graph.node[-1].CopyFrom(helper.make_node("ReduceSum", ["linear", "axis"], ["sum"], keepdims=1))
    made.graph.node.append(helper.make_node("Concat", ["sum", "linear"], ["scores"], axis=0))
    session = opened(written(tmp_path, made))
    words = r"4 windows at once are refused \(gives float32 \[5, 3\] for 4 windows\): run one by one"
    with pytest.warns(RuntimeWarning, match=words):
        found = session.run(WINDOWS)[LOGITS]
    np.testing.assert_allclose(found[:, 3:], meaning(WINDOWS)[1], atol=1e-4)


AS_IT_IS = [helper.make_node("MatMul", ["sound", "matrix"], ["scores"])]
RESHAPED = [
    helper.make_node("Flatten", ["sound"], ["flat"]),
    helper.make_node("Identity", ["flat"], ["same"]),
    helper.make_node("Gemm", ["same", "matrix"], ["scores"]),
]
WEIGHTS_FIRST = [
    helper.make_node("Transpose", ["matrix"], ["weights"]),
    helper.make_node("Transpose", ["sound"], ["column"]),
    helper.make_node("MatMul", ["weights", "column"], ["product"]),
    helper.make_node("Transpose", ["product"], ["scores"]),
]


@pytest.mark.parametrize("nodes", [AS_IT_IS, RESHAPED, WEIGHTS_FIRST])
def test_neither_the_sound_itself_nor_weights_are_an_embedding(
    tmp_path: Path, nodes: list[onnx.NodeProto]
) -> None:
    graph = helper.make_graph(
        nodes,
        "flat",
        [helper.make_tensor_value_info("sound", FLOAT, [None, WINDOW_SAMPLES])],
        [helper.make_tensor_value_info("scores", FLOAT, [None, N_CLASSES])],
        [numpy_helper.from_array(matrices()[0][:, :N_CLASSES].copy(), "matrix")],
    )
    assert opened(written(tmp_path, model(graph))).outputs == {LOGITS: N_CLASSES}
