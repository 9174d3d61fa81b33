"""TFLite networks of whatever takes sound or its picture: each says what the plain interpreter says."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from birdfast import models
from birdfast.arrays import Array
from birdfast.errors import ModelError
from birdfast.frontends.pictures import Pictures
from birdfast.frontends.recipe import Recipe
from birdfast.grafting.graph import Graph
from birdfast.runtimes import litert
from birdfast.sessions import open_session
from birdfast.sessions.session import EMBEDDING, LOGITS, Session
from birdfast.sessions.tflite import TfliteSession

from . import graphs
from .fetched import from_wheel

SAMPLES, DIM, N_CLASSES = 400, 8, 3
WINDOWS = np.random.default_rng(5).uniform(-1, 1, (4, SAMPLES)).astype(np.float32)
WAYS = ["as it is", "rewritten"]
FIXED = schema.FullyConnectedOptionsT
SCALE, SUM_SCALE = 1 / 128, 1 / 20  # of what is quantised: sound, and sums
TINY = 1e-6  # such a scale behind a product XNNPACK cannot prepare
LIMITS = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}


def matrix(rows: int, columns: int, seed: int = 3) -> Array:
    random = np.random.default_rng(seed)
    return np.asarray(random.standard_normal((rows, columns)) / np.sqrt(columns), np.float32)


def product(b: graphs.Builder, tensor: int, rows: int, columns: int, seed: int = 3) -> int:
    return b("FULLY_CONNECTED", [tensor, b.constant(matrix(rows, columns, seed)), -1], (1, rows), FIXED())


def body(b: graphs.Builder, tensor: int, n_values: int = SAMPLES) -> tuple[int, int]:
    """From a row of floats to the embedding, which has lost its signs, and to the logits."""
    embedding = b("RELU", [product(b, tensor, DIM, n_values)], (1, DIM))
    return embedding, product(b, embedding, N_CLASSES, DIM, 4)


def of_shape(shape: tuple[int, ...], n_values: int = SAMPLES) -> bytes:
    """A network of floats; -1 is an open length, of the batch alone."""
    b = graphs.Builder()
    samples = b.input(tuple(abs(length) for length in shape), shape if -1 in shape else None)
    row = b("RESHAPE", [samples, b.constant([-1, n_values], np.int32)], (1, n_values))
    return b.finish(body(b, row, n_values)[1])


def described(folder: Path, data: bytes, **facts: Any) -> models.Model:
    path = folder / "tiny.tflite"
    path.write_bytes(data)
    return models.Model(**{"name": "tiny", "title": "tiny", "path": path, **facts})


def opened(way: str, folder: Path, data: bytes, n_classes: int = 0, **facts: Any) -> Session:
    cache = models.cache_folder() if way == "rewritten" else None
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "the original graph is used", RuntimeWarning)
        return open_session(described(folder, data, **facts), n_classes, cache)


def by_hand(data: bytes, fed: Array, names: tuple[str, ...] = (), delegate: bool = True) -> list[Array]:
    """What the plain interpreter says: of its outputs, or, without XNNPACK, of inner tensors."""
    module = litert.runtime()[1]
    how: dict[str, Any] = {"model_content": data, "num_threads": 1}
    if names or not delegate:
        how["experimental_op_resolver_type"] = module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = module.Interpreter(**how, experimental_preserve_all_tensors=bool(names))
    place = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(place, fed.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(place, fed)
    interpreter.invoke()
    shown = interpreter.get_output_details()
    if names:
        shown = [one for name in names for one in interpreter.get_tensor_details() if one["name"] == name]
    found = []
    for one in shown:
        scale, zero_point = one["quantization"]
        values = interpreter.get_tensor(one["index"]).astype(np.float32)
        found.append((values - np.float32(zero_point)) * np.float32(scale) if scale else values)
    return found


def assert_says(session: Session, data: bytes, fed: Callable[[Array], Array], bound: float = 1e-4) -> None:
    """Logits are those of the plain interpreter; and so are those of a batch, and a twin's."""
    found = [session.run(window[np.newaxis])[LOGITS][0] for window in WINDOWS]
    expected = [by_hand(data, fed(window))[0].reshape(-1) for window in WINDOWS]
    np.testing.assert_allclose(found, expected, rtol=0, atol=bound)
    assert np.ptp(expected, axis=0).min() > 10 * bound
    n = session.batch
    np.testing.assert_allclose(session.run(WINDOWS[:n])[LOGITS], expected[:n], rtol=0, atol=bound)
    np.testing.assert_array_equal(session.twin().run(WINDOWS[:1])[LOGITS], found[:1])


# ---- what is given ----


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "shape",
    [
        (SAMPLES,),
        (1, SAMPLES),
        (-1, SAMPLES),
        (1, SAMPLES, 1),
        (-1, SAMPLES, 1),
        (1, 1, SAMPLES),
        (-1, 1, SAMPLES),
    ],
    ids=str,
)
def test_sound_is_given_in_the_shape_that_a_network_takes(
    tmp_path: Path, shape: tuple[int, ...], way: str
) -> None:
    data = of_shape(shape)
    session = opened(way, tmp_path, data)
    assert (session.window_samples, session.outputs) == (SAMPLES, {LOGITS: N_CLASSES, EMBEDDING: DIM})
    assert_says(session, data, lambda window: window.reshape([abs(length) for length in shape]))
    if way == "rewritten" and shape[0] == -1:
        assert session.batch == 4


def quantised(dtype: str, zero_point: int) -> Callable[[Array], Array]:
    """Return what turns a window into the numbers that stand for it."""

    def steps(window: Array) -> Array:
        made = np.rint(window / np.float32(SCALE)) + zero_point
        return np.clip(made, *LIMITS[dtype]).astype(dtype)[np.newaxis]

    return steps


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("dtype", "zero_point"), [("int8", 0), ("int8", -7), ("uint8", 128), ("int16", 0)])
def test_quantised_sound_is_given_by_its_scale_and_zero_point(
    tmp_path: Path, dtype: str, zero_point: int, way: str
) -> None:
    b = graphs.Builder()
    samples = b.quantised(b.input((1, SAMPLES), dtype=np.dtype(dtype).type), SCALE, zero_point)
    data = b.finish(body(b, b("DEQUANTIZE", [samples], (1, SAMPLES)))[1])
    assert_says(opened(way, tmp_path, data), data, quantised(dtype, zero_point), 0)


@pytest.mark.parametrize("way", WAYS)
def test_sound_of_half_precision_is_given(tmp_path: Path, way: str) -> None:
    b = graphs.Builder()
    samples = b.input((1, SAMPLES), dtype=np.float16)
    data = b.finish(body(b, b("DEQUANTIZE", [samples], (1, SAMPLES)))[1])
    assert_says(opened(way, tmp_path, data), data, lambda window: window[np.newaxis].astype(np.float16), 0)


def weighed(b: graphs.Builder, tensor: int, rows: int, columns: int, said: Any, scales: Any) -> int:
    """The product with a matrix of int8; what comes out is quantised if `scales` has a scale for it."""
    values = matrix(rows, columns)
    step = float(np.abs(values).max()) / 127
    weights = b.quantised(b.constant(np.rint(values / step), np.int8), step)
    inputs = [tensor, weights, -1]
    if scales[0] and scales[1] > TINY:
        inputs[2] = b.quantised(b.constant(np.zeros(rows), np.int32), scales[0] * step)
    made = b("FULLY_CONNECTED", inputs, (1, rows), FIXED(), said)
    return b.quantised(made, scales[1]) if scales[1] else made


def of_bytes(given: str = "int8", scale: float = SUM_SCALE, loud: bool = False) -> bytes:
    """A network in int8 from end to end, or between floats; a loud one has what XNNPACK cannot prepare."""
    b = graphs.Builder()
    samples = b.input((1, SAMPLES), dtype=np.dtype(given).type)
    if given == "float32":
        samples = b("QUANTIZE", [samples], (1, SAMPLES), schema.QuantizeOptionsT(), np.int8)
    b.quantised(samples, SCALE)
    embedding = weighed(b, samples, DIM, SAMPLES, np.int8, (SCALE, SUM_SCALE))
    b.graph.tensors[embedding].name = b"embedding"
    logits = weighed(b, embedding, N_CLASSES, DIM, np.int8, (SUM_SCALE, scale))
    if loud:
        signs = weighed(b, embedding, N_CLASSES, DIM, np.int8, (SUM_SCALE, TINY))
        logits = b.quantised(b("ADD", [logits, signs], (1, N_CLASSES), dtype=np.int8), scale)
    if given == "float32":
        logits = b("DEQUANTIZE", [logits], (1, N_CLASSES), schema.DequantizeOptionsT())
    return b.finish(logits)


def as_given(given: str) -> Callable[[Array], Array]:
    return quantised("int8", 0) if given == "int8" else lambda window: window[np.newaxis]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("given", ["int8", "float32"])
def test_a_network_of_bytes_says_what_they_stand_for(tmp_path: Path, given: str, way: str) -> None:
    data = of_bytes(given)
    session = opened(way, tmp_path, data)
    assert_says(session, data, as_given(given), 0)
    for window in WINDOWS:
        (expected,) = by_hand(data, as_given(given)(window), ("embedding",))
        found = session.run(window[np.newaxis])[EMBEDDING]
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=0, atol=1.01 * SUM_SCALE)  # a step, by rounding


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("given", ["int8", "float32"])
def test_a_network_that_xnnpack_cannot_prepare_runs_without_it_and_says_so(
    tmp_path: Path, given: str, way: str
) -> None:
    data = of_bytes(given, loud=True)
    with pytest.raises(RuntimeError, match="failed to prepare"):
        by_hand(data, as_given(given)(WINDOWS[0]))
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        session = open_session(
            described(tmp_path, data), 0, models.cache_folder() if way == "rewritten" else None
        )
        found = [session.run(window[np.newaxis])[LOGITS] for window in WINDOWS]
        session.twin().run(WINDOWS[:1])
    told = [str(note.message) for note in notes if "XNNPACK" in str(note.message)]
    assert len(told) == 1
    assert told[0].startswith("runs without XNNPACK, which is slower: failed to create XNNPACK runtime")
    for window, logits in zip(WINDOWS, found, strict=True):
        np.testing.assert_array_equal(logits, by_hand(data, as_given(given)(window), delegate=False)[0])


@pytest.mark.parametrize("way", WAYS)
def test_weights_of_bytes_alone_are_rewritten_as_floats_are(tmp_path: Path, way: str) -> None:
    """Of dynamic range: the runtime quantises each window by itself."""
    b = graphs.Builder()
    samples = b.input((1, SAMPLES), (-1, SAMPLES))
    hidden = b("RELU", [weighed(b, samples, DIM, SAMPLES, np.float32, (0, 0))], (1, DIM))
    data = b.finish(weighed(b, hidden, N_CLASSES, DIM, np.float32, (0, 0)))
    session = opened(way, tmp_path, data)
    assert session.batch == (1 if way == "as it is" else 4)
    assert session.outputs == {LOGITS: N_CLASSES, EMBEDDING: DIM}
    assert_says(session, data, lambda window: window[np.newaxis], 1e-5)


RECIPE = {"n_fft": 64, "hop_samples": 32, "n_mels": 8}


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        ((1, 1, 8, 13), {}),
        ((-1, 1, 8, 13), {}),
        ((1, 3, 8, 13), {"channels": 3}),
        ((1, 8, 13, 1), {"layout": "NHWC"}),
        ((1, 8, 13, 3), {"layout": "NHWC", "channels": 3}),
        ((1, 8, 13), {}),
        ((1, 8, 13), {"layout": "NHWC"}),
    ],
    ids=str,
)
def test_a_picture_is_drawn_by_its_recipe(
    tmp_path: Path, shape: tuple[int, ...], told: dict[str, Any]
) -> None:
    recipe = Recipe(**RECIPE, **told)
    data = of_shape(shape, int(np.prod(np.abs(shape))))
    facts: dict[str, Any] = {"window_samples": SAMPLES, "rate_hz": 16_000, "front_end": recipe}
    session = opened("rewritten", tmp_path, data, **facts)
    assert session.window_samples == SAMPLES
    draw = Pictures(recipe, 16_000, SAMPLES)
    assert_says(session, data, lambda window: draw(window[np.newaxis]).reshape(np.abs(shape)), 0)
    with pytest.raises(ModelError, match=r"takes float32 \[.*, but its front end makes \[batch, 1, 9, 13\]"):
        opened("as it is", tmp_path, data, **{**facts, "front_end": Recipe(**{**RECIPE, "n_mels": 9})})
    with pytest.raises(ModelError, match="takes pictures; its facts have to tell rate_hz and window_samples"):
        opened("as it is", tmp_path, data, **{**facts, "rate_hz": 0})


def test_a_picture_may_be_quantised(tmp_path: Path) -> None:
    b = graphs.Builder()
    picture = b.quantised(b.input((1, 1, 8, 13), dtype=np.uint8), 0.5, 200)
    row = b.reshape(b("DEQUANTIZE", [picture], (1, 1, 8, 13)), (1, 104))
    data, recipe = b.finish(body(b, row, 104)[1]), Recipe(**RECIPE)
    draw = Pictures(recipe, 16_000, SAMPLES)

    def steps(window: Array) -> Array:
        return np.clip(np.rint(draw(window[np.newaxis]) / 0.5) + 200, 0, 255).astype(np.uint8)

    facts: dict[str, Any] = {"window_samples": SAMPLES, "rate_hz": 16_000, "front_end": recipe}
    assert_says(opened("as it is", tmp_path, data, **facts), data, steps, 0)


def of_any_length(shape: tuple[int, ...], held: int = 1) -> bytes:
    """The mean of four convolved stretches, whatever their length: none is one sample long."""
    b = graphs.Builder()
    samples = b.input(tuple(held if length == -1 else 1 for length in shape), shape)
    picture = b("RESHAPE", [samples, b.constant([1, 1, -1, 1], np.int32)], (1, 1, held, 1))
    options = schema.Conv2DOptionsT()
    options.padding, options.strideW, options.strideH = schema.Padding.VALID, 4, 1
    filters, bias = b.constant(matrix(DIM, 10).reshape(DIM, 1, 10, 1)), b.constant(np.zeros(DIM))
    found = b("CONV_2D", [picture, filters, bias], (1, 1, 1, DIM), options)
    row = b("MEAN", [b("RELU", [found], (1, 1, 1, DIM)), b.constant([1, 2], np.int32)], (1, DIM))
    b.graph.operators[-1].builtinOptions = schema.ReducerOptionsT()
    b.graph.operators[-1].builtinOptionsType = schema.BuiltinOptions.ReducerOptions
    return b.finish(product(b, row, N_CLASSES, DIM))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", [(-1,), (1, -1), (1, -1, 1)], ids=str)
def test_a_network_of_any_length_is_given_the_one_that_its_facts_tell(
    tmp_path: Path, shape: tuple[int, ...], way: str
) -> None:
    data = of_any_length(shape)
    session = opened(way, tmp_path, data, window_samples=SAMPLES)
    assert (session.window_samples, session.outputs[LOGITS]) == (SAMPLES, N_CLASSES)
    assert_says(session, data, lambda window: window.reshape([SAMPLES if n == -1 else n for n in shape]), 0)
    with pytest.raises(ModelError, match="any length of sound; its facts have to tell window_samples"):
        opened(way, tmp_path, data)
    longer = of_any_length(shape, 300)
    assert opened(way, tmp_path, longer).window_samples == 300
    assert opened(way, tmp_path, longer, window_samples=SAMPLES).window_samples == SAMPLES


@pytest.mark.parametrize(
    ("data", "fed"),
    [
        (of_shape((-1, SAMPLES, 1)), lambda window: window.reshape(1, SAMPLES, 1)),
        (of_bytes(), quantised("int8", 0)),
        (of_any_length((1, -1)), lambda window: window[np.newaxis]),
    ],
    ids=["shape", "bytes", "any length"],
)
def test_a_runtime_without_a_schema_runs_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, fed: Callable[[Array], Array]
) -> None:
    """Such as tflite-runtime: nobody looks into the graph, so it shows no embedding."""
    other = ("tflite-runtime", litert.runtime()[1])
    monkeypatch.setattr(litert, "runtime", lambda: other)
    session = opened("as it is", tmp_path, data, window_samples=SAMPLES)
    assert session.outputs == {LOGITS: N_CLASSES}
    assert_says(session, data, fed, 0)


# ---- what is refused ----


def of_two_inputs(b: graphs.Builder) -> int:
    samples = b.input((1, SAMPLES))
    shift = b.graph.new_tensor("shift", (1, SAMPLES))
    b.graph.main.inputs = np.array([samples, shift], np.int32)
    return b("ADD", [samples, shift], (1, SAMPLES))


def of_type(dtype: type, *shape: int) -> Callable[[graphs.Builder], int]:
    def taken(b: graphs.Builder) -> int:
        options = schema.CastOptionsT()
        kinds = {np.int32: schema.TensorType.INT32, np.int8: schema.TensorType.INT8}
        options.inDataType = kinds.get(dtype, schema.TensorType.FLOAT32)
        samples = b.input(shape, dtype=dtype)
        row = samples if dtype is np.float32 else b("CAST", [samples], shape, options)
        return b.reshape(row, (1, SAMPLES))

    return taken


def of_strings(b: graphs.Builder) -> int:
    samples = b.input((1, SAMPLES))
    b.graph.tensors[samples].type = schema.TensorType.STRING
    return b("CAST", [samples], (1, SAMPLES), schema.CastOptionsT())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("taken", "said"),
    [
        (
            of_two_inputs,
            r"has 2 inputs \(samples float32 \[1, 400\], shift float32 \[1, 400\]\); birdfast has",
        ),
        (
            of_type(np.int32, 1, SAMPLES),
            r"takes int32 \[1, 400\], which is no sound; it can be given float32",
        ),
        (
            of_type(np.int8, 1, SAMPLES),
            r"takes int8 \[1, 400\], which does not say what its numbers stand for",
        ),
        (
            of_type(np.float32, 1, 20, 20),
            r"takes float32 \[1, 20, 20\], which is no window of sound; .*recipe",
        ),
        (
            of_type(np.float32, 1, 20, 20, 1),
            r"takes float32 \[1, 20, 20, 1\], .* \(front_end: `birdfast models add`\)",
        ),
        (of_type(np.float32, 2, SAMPLES // 2), r"takes samples float32 \[2, 200\]: 2 at a time"),
        (
            of_type(np.float32, 1, 1, 1, SAMPLES),
            r"takes float32 \[1, 1, 1, 400\], which is no window of sound",
        ),
        (of_strings, "not supported: it takes string values; birdfast gives sound, or its picture"),
    ],
)
def test_what_a_network_takes_and_birdfast_has_not_is_told(
    tmp_path: Path, taken: Callable[[graphs.Builder], int], said: str, way: str
) -> None:
    b = graphs.Builder()
    data = b.finish(body(b, taken(b))[1])
    with pytest.raises(ModelError, match=rf"tiny\.tflite: {said}"):
        opened(way, tmp_path, data)


# ---- what is shown ----


def of_two_outputs() -> bytes:
    b = graphs.Builder()
    samples = b.input((1, SAMPLES))
    first, second = (b("RELU", [product(b, samples, DIM, SAMPLES, seed)], (1, DIM)) for seed in (5, 6))
    logits = [product(b, inner, N_CLASSES, DIM, 7) for inner in (first, second)]
    for tensor, name in zip((first, second, *logits), ("one", "two", "first", "second"), strict=True):
        b.graph.tensors[tensor].name = name.encode()
    return b.finish(*logits, second)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("name", "inner"), [("first", "one"), ("second", "two")])
def test_outputs_of_one_length_are_told_apart_by_name_and_have_an_embedding_each(
    tmp_path: Path, name: str, inner: str, way: str
) -> None:
    data = of_two_outputs()
    with pytest.raises(ModelError, match="which output holds the scores"):
        opened(way, tmp_path, data, N_CLASSES)
    session = opened(way, tmp_path, data, N_CLASSES, output=name)
    expected = by_hand(data, WINDOWS[:1], (name, inner))
    found = session.run(WINDOWS[:1])
    np.testing.assert_allclose(found[LOGITS], expected[0], atol=1e-5)
    np.testing.assert_allclose(found[EMBEDDING], expected[1], atol=1e-5)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("place", "seed"), [("#0", 5), ("#1", 5), ("#2", 6)])
def test_outputs_are_numbered_as_the_file_has_them(tmp_path: Path, place: str, seed: int, way: str) -> None:
    b = graphs.Builder()
    samples = b.input((1, SAMPLES))
    one, other = (product(b, samples, N_CLASSES, SAMPLES, number) for number in (5, 6))
    found = opened(way, tmp_path, b.finish(one, one, other), N_CLASSES, output=place).run(WINDOWS[:1])
    expected = WINDOWS[:1] @ matrix(N_CLASSES, SAMPLES, seed).T
    np.testing.assert_allclose(found[LOGITS], expected, atol=1e-4)


def test_an_embedding_may_be_named(tmp_path: Path) -> None:
    session = opened("as it is", tmp_path, of_two_outputs(), output="first", embedding="two")
    (expected,) = by_hand(of_two_outputs(), WINDOWS[:1], ("two",))
    np.testing.assert_allclose(session.run(WINDOWS[:1])[EMBEDDING], expected, atol=1e-5)
    with pytest.raises(ModelError, match="embedding = 'one' fits no output; there are: #0 first float32"):
        opened("as it is", tmp_path, of_two_outputs(), output="first", embedding="one")


@pytest.mark.parametrize("way", WAYS)
def test_sound_in_another_shape_is_no_embedding(tmp_path: Path, way: str) -> None:
    b = graphs.Builder()
    row = b.reshape(b.input((1, SAMPLES, 1)), (1, SAMPLES))
    session = opened(way, tmp_path, b.finish(product(b, row, N_CLASSES, SAMPLES)))
    assert session.outputs == {LOGITS: N_CLASSES}


def test_birdnet_as_it_is_shows_the_embedding_of_the_plain_interpreter(birdnet: models.Model) -> None:
    session, data = TfliteSession(birdnet), birdnet.path.read_bytes()
    assert session.outputs == {LOGITS: 6522, EMBEDDING: 1024}
    noise = np.random.default_rng(2).standard_normal((1, session.window_samples)).astype(np.float32) / 10
    found = session.run(noise)
    np.testing.assert_array_equal(found[LOGITS], by_hand(data, noise)[0])
    graph = Graph.parse(data)
    inner = (graph.tensors[545].name or b"").decode()
    np.testing.assert_allclose(found[EMBEDDING], by_hand(data, noise, (inner,))[0], rtol=1e-3, atol=1e-3)


# ---- a network of others ----


@pytest.fixture(scope="module")
def basic_pitch(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Spotify's Basic Pitch, which hears notes in [1, 43844, 1]: from the package index."""
    folder, member = tmp_path_factory.mktemp("basic_pitch"), "basic_pitch/saved_models/icassp_2022/nmp.tflite"
    return from_wheel(folder, "basic-pitch==0.4.0", member)


@pytest.mark.parametrize("way", WAYS)
def test_a_network_of_notes_a_frame_is_refused_with_what_it_gives(
    tmp_path: Path, basic_pitch: bytes, way: str
) -> None:
    given = r"note float32 \[-?1, 172, 88\]"
    with pytest.raises(ModelError, match=f"which output holds the scores.*{given}"):
        opened(way, tmp_path, basic_pitch, 88)
    with pytest.raises(ModelError, match=f"its scores are .*{given}; birdfast takes a number a class"):
        opened(way, tmp_path, basic_pitch, 88, output="note")


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
def test_the_loudest_notes_of_a_window_are_scores(tmp_path: Path, basic_pitch: bytes, way: str) -> None:
    graph = Graph.parse(basic_pitch)
    notes, axis = graph.outputs[1], graph.new_constant("axis", np.array([1], np.int32))
    loudest = graph.new_tensor("loudest", (1, 88))
    options = schema.ReducerOptionsT()
    graph.operators.append(graph.new_operator("REDUCE_MAX", [notes, axis], [loudest], options))
    graph.main.outputs, graph.model.signatureDefs = np.array([loudest], np.int32), None
    session = opened(way, tmp_path, graph.write(), 88, rate_hz=22_050)
    assert (session.window_samples, session.ends_in) == (43_844, "sigmoid")
    tone = (np.sin(2 * np.pi * 440 / 22_050 * np.arange(43_844)) / 2).astype(np.float32)
    (found,) = session.run(tone[np.newaxis])[LOGITS]
    assert found.argmax() == 48  # A4, of a piano's keys
    expected = by_hand(basic_pitch, tone.reshape(1, -1, 1))[1][0].max(axis=0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3)
