"""A network's graph says what its scores are: they get no second sigmoid, and are found by their name."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import birdfast
from birdfast import models
from birdfast.errors import ModelError
from birdfast.grafting import ending, interval, ranges, verification
from birdfast.grafting.graph import Graph
from birdfast.pipeline import plausibility
from birdfast.runtimes import litert
from birdfast.sessions import open_session
from birdfast.sessions.session import Session

from . import graphs, networks

N = len(networks.LABELS)
WINDOW = np.random.default_rng(1).uniform(-1, 1, (1, networks.WINDOW_SAMPLES)).astype(np.float32)
AS_IT_IS, REWRITTEN = "as it is", "rewritten"
End = Callable[[graphs.Builder, int], int]


def product(b: graphs.Builder, samples: int, n_classes: int = N) -> int:
    options = schema.FullyConnectedOptionsT()
    matrix = b.constant(networks.weights(n_classes))
    return b("FULLY_CONNECTED", [samples, matrix, -1], (1, n_classes), options)


def closed(name: str) -> End:
    def end(b: graphs.Builder, logits: int) -> int:
        options = schema.SoftmaxOptionsT() if name == "SOFTMAX" else None
        if options is not None:
            options.beta = 1.0
        return b(name, [logits], (1, N), options)

    return end


def reshaped(inner: End) -> End:
    def end(b: graphs.Builder, logits: int) -> int:
        long = b.reshape(inner(b, logits), (1, 1, N))
        return b("RESHAPE", [long, b.constant((1, N), np.int32)], (1, N), schema.ReshapeOptionsT())

    return end


def averaged(inner: End) -> End:
    def end(b: graphs.Builder, logits: int) -> int:
        frames = b.reshape(inner(b, logits), (1, 1, N))
        return b("MEAN", [frames, b.constant([1], np.int32)], (1, N), schema.ReducerOptionsT())

    return end


def stepped(b: graphs.Builder, tensor: int, scale: float = 1 / 256, zero: int = -128) -> int:
    """Let a tensor's whole numbers stand for others."""
    steps = schema.QuantizationParametersT()
    steps.scale, steps.zeroPoint = np.array([scale], np.float32), np.array([zero], np.int64)
    b.graph.tensors[tensor].quantization = steps
    return tensor


def quantised(inner: End) -> End:
    def end(b: graphs.Builder, logits: int) -> int:
        eighths = stepped(b, b("QUANTIZE", [inner(b, logits)], (1, N), schema.QuantizeOptionsT(), np.int8))
        return b("DEQUANTIZE", [eighths], (1, N), schema.DequantizeOptionsT())

    return end


def split(inner: End) -> End:
    def end(b: graphs.Builder, logits: int) -> int:
        inputs = [b.constant(1, np.int32), inner(b, logits)]
        halves = [b.graph.new_tensor(name, (1, N)) for name in ("half", "other half")]
        options = schema.SplitOptionsT()
        options.numSplits = 2
        b.graph.operators.append(b.graph.new_operator("SPLIT", inputs, halves, options))
        return halves[1]

    return end


def joined(*inner: End) -> End:
    def end(b: graphs.Builder, logits: int) -> int:
        rows = [b.reshape(one(b, logits), (N,)) for one in inner]
        options = schema.ConcatenationOptionsT()
        return b.reshape(b("CONCATENATION", rows, (len(rows) * N,), options), (1, len(rows) * N))

    return end


def plain(b: graphs.Builder, logits: int) -> int:
    return logits


def network(end: End = plain) -> bytes:
    b = graphs.Builder()
    return b.finish(end(b, product(b, b.input((1, networks.WINDOW_SAMPLES)))))


def folder(path: Path, data: bytes, told: str = "") -> Path:
    """A model folder, whose manifest tells more than the rate."""
    networks.write_folder(path)
    (path / "tiny.tflite").write_bytes(data)
    with (path / "model.toml").open("a") as manifest:
        manifest.write(told)
    return path


def opened(way: str, path: Path, **chosen: Any) -> Session:
    n_classes = chosen.pop("n_classes", 0)
    cache = models.cache_folder() if way == REWRITTEN else None
    return open_session(networks.described(path, **chosen), n_classes, cache)


ENDS = {
    "plain": (plain, "none"),
    "sigmoid": (closed("LOGISTIC"), "sigmoid"),
    "softmax": (closed("SOFTMAX"), "softmax"),
    "log-softmax": (closed("LOG_SOFTMAX"), "log-softmax"),
    "sigmoid, reshaped": (reshaped(closed("LOGISTIC")), "sigmoid"),
    "sigmoid, averaged": (averaged(closed("LOGISTIC")), "sigmoid"),
    "sigmoid, quantised": (quantised(closed("LOGISTIC")), "sigmoid"),
    "half of a softmax": (split(closed("SOFTMAX")), "softmax"),
    "log-softmax, reshaped": (reshaped(closed("LOG_SOFTMAX")), "log-softmax"),
    "half of a log-softmax": (split(closed("LOG_SOFTMAX")), "none"),
    "log-softmax, averaged": (averaged(closed("LOG_SOFTMAX")), "none"),
    "two log-softmaxes": (joined(closed("LOG_SOFTMAX"), closed("LOG_SOFTMAX")), "none"),
    "two sigmoids": (joined(closed("LOGISTIC"), closed("LOGISTIC")), "sigmoid"),
    "a sigmoid beside logits": (joined(closed("LOGISTIC"), plain), "none"),
    "of logits' tangent": (lambda b, x: b("TANH", [x], (1, N)), "none"),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_graphs_end_is_seen_through_what_keeps_its_values(end: str) -> None:
    made, expected = ENDS[end]
    (output,) = ending.outputs(Graph.parse(network(made)))
    assert output.ends_in == expected


@pytest.mark.parametrize("end", ["plain", "sigmoid", "softmax", "log-softmax", "sigmoid, reshaped"])
def test_a_rewrite_is_judged_by_its_logits(end: str) -> None:
    graph = Graph.parse(network(ENDS[end][0]))
    makers = graph.producer()
    assert graph.name(graph.operators[makers[verification.find_logits(graph)]]) == "FULLY_CONNECTED"


@pytest.mark.parametrize("way", [AS_IT_IS, REWRITTEN])
@pytest.mark.parametrize("end", ["plain", "sigmoid", "softmax", "log-softmax", "sigmoid, reshaped"])
def test_confidences_have_been_through_one_activation(tmp_path: Path, end: str, way: str) -> None:
    made, ends_in = ENDS[end]
    path = folder(tmp_path, network(made))
    logits = (WINDOW @ networks.weights().T)[0].astype(np.float64)
    powers = np.exp(logits)
    expected = powers / powers.sum() if "softmax" in ends_in else 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(confidences(path, way), expected, atol=1e-4)
    assert opened(way, path / "tiny.tflite").ends_in == ends_in


@pytest.mark.parametrize(
    ("end", "told", "takes"),
    [
        ("sigmoid", "sigmoid", "none"),
        ("sigmoid", "softmax", "none"),
        ("softmax", "softmax", "none"),
        ("sigmoid, reshaped", "sigmoid", "none"),
        ("log-softmax", "sigmoid", "softmax"),
        ("log-softmax", "none", "softmax"),
    ],
)
def test_a_manifest_that_the_graphs_end_contradicts_is_refused(
    tmp_path: Path, end: str, told: str, takes: str
) -> None:
    made, ends_in = ENDS[end]
    path = folder(tmp_path, network(made), f'activation = "{told}"\n')
    said = rf'its graph ends in a {ends_in}, and activation = "{told}" was told; it takes "{takes}"'
    with pytest.raises(ModelError, match=rf"tiny\.tflite: {said}"):
        birdfast.load(path)


@pytest.mark.parametrize(("end", "told"), [("sigmoid", "none"), ("plain", "softmax")])
def test_a_manifest_that_fits_the_graphs_end_is_followed(tmp_path: Path, end: str, told: str) -> None:
    path = folder(tmp_path, network(ENDS[end][0]), f'activation = "{told}"\n')
    assert birdfast.load(path).listener().model.activation == told


def test_a_plain_graph_of_a_listed_networks_input_gets_the_activation_that_it_lacks() -> None:
    mine = models.Model(name="mine", title="mine")
    assert mine.for_input(15_600, "none").activation == "sigmoid"
    assert mine.for_input(15_600, "sigmoid").activation == "none"
    assert mine.for_input(144_000, "sigmoid").activation == "none"
    assert mine.for_input(160_000, "none").activation == "softmax"


# ---- numbers that can only lie between 0 and 1 ----

SIGMOID, T = closed("LOGISTIC"), 5
FUSED = schema.ActivationFunctionType


class Sum:
    """Arithmetic on a tensor and what it is joined with: numbers, or tensors of the same graph."""

    def __init__(self, b: graphs.Builder, tensor: int, shape: tuple[int, ...] = (1, N)) -> None:
        self.b, self.tensor, self.shape = b, tensor, shape

    def __call__(self, name: str, other: Any = None, *, first: Any = None, fused: int = 0) -> Sum:
        inputs = [self._tensor(one) for one in (first, self, other) if one is not None]
        made = Sum(self.b, self.b(name, inputs, self.shape), self.shape)
        if fused:
            self.b.graph.operators[-1].builtinOptions.fusedActivationFunction = fused
        return made

    def _tensor(self, one: Any) -> int:
        return one.tensor if isinstance(one, Sum) else self.b.constant(one)

    def reduced(self, name: str, axis: int, *, keep: bool = False) -> Sum:
        options = schema.ReducerOptionsT()
        options.keepDims = keep
        kept = [1 if place == axis else n for place, n in enumerate(self.shape) if keep or place != axis]
        inputs = [self.tensor, self.b.constant([axis], np.int32)]
        return Sum(self.b, self.b(name, inputs, tuple(kept), options), tuple(kept))

    def reshaped(self, *shape: int) -> Sum:
        return Sum(self.b, self.b.reshape(self.tensor, shape), shape)

    def transposed(self, *order: int) -> Sum:
        shape = tuple(self.shape[place] for place in order)
        inputs = [self.tensor, self.b.constant(order, np.int32)]
        return Sum(self.b, self.b("TRANSPOSE", inputs, shape, schema.TransposeOptionsT()), shape)

    def softmax(self) -> Sum:
        options = schema.SoftmaxOptionsT()
        options.beta = 1.0
        return Sum(self.b, self.b("SOFTMAX", [self.tensor], self.shape, options), self.shape)

    def dense(self, matrix: np.ndarray) -> Sum:
        shape = (1, len(matrix))
        inputs = [self.tensor, self.b.constant(matrix), -1]
        return Sum(self.b, self.b("FULLY_CONNECTED", inputs, shape, schema.FullyConnectedOptionsT()), shape)


Made = Callable[[Sum], Sum]


def ending_in(made: Made) -> End:
    return lambda b, logits: made(Sum(b, logits)).tensor


def frames(x: Sum, slope: float = 1.0) -> Sum:
    """Logits of T frames, [1, T, N], that differ."""
    slopes = np.linspace(-slope, slope, T)[None, :, None]
    return Sum(x.b, x.reshaped(1, 1, N)("MUL", slopes).tensor, (1, T, N))


def mixed(*weights: float) -> Made:
    """The weighted sum of as many sigmoids."""

    def made(x: Sum) -> Sum:
        each = [x("MUL", k + 1.0)("LOGISTIC")("MUL", weight) for k, weight in enumerate(weights)]
        total = each[0]
        for one in each[1:]:
            total = total("ADD", one)
        return total

    return made


def attended(weights: Callable[[Sum], Sum]) -> Made:
    """The sum over time of weights times sigmoids: the head of a network that detects sound events."""
    return lambda x: weights(frames(x, 2.0))("MUL", frames(x)("LOGISTIC")).reduced("SUM", 1)


def softmax_over_time(x: Sum) -> Sum:
    return x.transposed(0, 2, 1).softmax().transposed(0, 2, 1)


def spelled_softmax(axis: int, *, keep: bool = True, more: float = 0.0) -> Made:
    def made(x: Sum) -> Sum:
        powers = x("EXP")
        total = powers.reduced("SUM", axis, keep=keep)
        total = total if keep else total.reshaped(*(n if k != axis else 1 for k, n in enumerate(x.shape)))
        return powers("DIV", total("ADD", more) if more else total)

    return made


def averaged_by(weights: Made) -> Made:
    """A sum of weighted sigmoids, divided by the sum of the weights."""

    def made(x: Sum) -> Sum:
        each = weights(frames(x, 2.0))
        return each("MUL", frames(x)("LOGISTIC")).reduced("SUM", 1)("DIV", each.reduced("SUM", 1))

    return made


def noisy_or(x: Sum) -> Sum:
    nots = frames(x)("LOGISTIC")("SUB", first=1.0)("LOG").reduced("SUM", 1)
    return nots("EXP")("SUB", first=1.0)


def multiplied(x: Sum) -> Sum:
    """Attention as a product of matrices: weights [N, 1, T] times sigmoids [N, T, 1]."""
    weights = frames(x, 2.0).transposed(0, 2, 1).softmax().reshaped(N, 1, T)
    values = frames(x)("LOGISTIC").transposed(0, 2, 1).reshaped(N, T, 1)
    options = schema.BatchMatMulOptionsT()
    product = x.b("BATCH_MATMUL", [weights.tensor, values.tensor], (N, 1, 1), options)
    return Sum(x.b, product, (N, 1, 1)).reshaped(1, N)


def spelled(x: Sum) -> Sum:
    return x("NEG")("EXP")("ADD", 1.0)("DIV", first=1.0)


def padded(x: Sum, value: float) -> Sum:
    wide = x.b("PADV2", [x.tensor, x.b.constant([[0, 0], [0, 1]], np.int32), x.b.constant(value)], (1, N + 1))
    options = schema.StridedSliceOptionsT()
    limits = [x.b.constant(v, np.int32) for v in ([0, 1], [1, N + 1], [1, 1])]
    return Sum(x.b, x.b("STRIDED_SLICE", [wide, *limits], (1, N), options))


def spread(x: Sum) -> Sum:
    """Parts of a whole, [1, N], each over T frames, and their sum, which is T."""
    powers = x("EXP")
    spread = Sum(x.b, powers.reduced("SUM", 0, keep=True)("ADD", np.zeros((T, N))).tensor, (T, N))
    parts = Sum(x.b, x.b("DIV", [powers.tensor, spread.tensor], (T, N)), (T, N))
    return parts.reduced("SUM", 0, keep=True)


def weighed(x: Sum, *, open_length: bool) -> Sum:
    """A sum of weighted sigmoids over the sum of the weights; of those there is one for all frames."""
    weight, each = x("EXP").reshaped(1, 1, N), frames(x)("LOGISTIC")
    product = Sum(x.b, x.b("MUL", [weight.tensor, each.tensor], (1, T, N)), (1, T, N))
    for one in (weight, each, product) if open_length else ():
        x.b.graph.tensors[one.tensor].shapeSignature = np.array([1, -1, N], np.int32)
    return product.reduced("SUM", 1)("DIV", weight.reduced("SUM", 1))


def whole(x: Sum) -> Sum:
    """As whole numbers, none below 0, and back."""
    there, back = schema.CastOptionsT(), schema.CastOptionsT()
    there.inDataType, there.outDataType = schema.TensorType.FLOAT32, schema.TensorType.UINT8
    back.inDataType, back.outDataType = schema.TensorType.UINT8, schema.TensorType.FLOAT32
    return Sum(x.b, x.b("CAST", [x.b("CAST", [x.tensor], (1, N), there, np.uint8)], (1, N), back))


def in_steps(x: Sum, scale: float) -> Sum:
    steps = stepped(x.b, x.b("QUANTIZE", [x.tensor], (1, N), schema.QuantizeOptionsT(), np.int8), scale, 0)
    return Sum(x.b, x.b("DEQUANTIZE", [steps], (1, N), schema.DequantizeOptionsT()))


CONFIDENCES: dict[str, Made] = {
    "sigmoid, clipped": lambda x: x("LOGISTIC")("MINIMUM", 1 - 1e-7)("MAXIMUM", 1e-7),
    "sigmoid, clipped to 0..1": lambda x: x("LOGISTIC")("RELU_0_TO_1"),
    "sigmoid, rectified": lambda x: x("LOGISTIC")("RELU"),
    "sigmoid, scaled": lambda x: x("LOGISTIC")("MUL", 0.98)("ADD", 0.01),
    "one less a sigmoid": lambda x: x("LOGISTIC")("SUB", first=1.0),
    "sigmoid, calibrated": lambda x: x("LOGISTIC")("POW", 1.7),
    "a sigmoid's tangent": lambda x: x("LOGISTIC")("TANH"),
    "mean of two": mixed(0.5, 0.5),
    "mean of three, rounded": mixed(1 / 3, 1 / 3, 1 / 3),
    "sum of two, halved": lambda x: mixed(1, 1)(x)("DIV", 2.0),
    "product of two": lambda x: x("LOGISTIC")("MUL", x("MUL", 2.0)("LOGISTIC")),
    "mean of a sigmoid and a softmax": lambda x: x("LOGISTIC")("ADD", x.softmax())("MUL", 0.5),
    "attention": attended(softmax_over_time),
    "attention, spelled out": attended(spelled_softmax(1)),
    "attention, spelled out with a little more": attended(spelled_softmax(1, keep=False, more=1e-6)),
    "attention, as matrices": multiplied,
    "mean by sigmoids": averaged_by(lambda x: x("LOGISTIC")),
    "mean by clipped softmax": averaged_by(lambda x: x.softmax()("MAXIMUM", 1e-7)("MINIMUM", 1.0)),
    "mean by powers": averaged_by(lambda x: x("EXP")),
    "linear softmax": lambda x: averaged_by(lambda _: frames(x)("LOGISTIC"))(x),
    "noisy or": noisy_or,
    "sigmoid, 1 / (1 + exp(-x))": spelled,
    "sigmoid, exp(x) / (1 + exp(x))": lambda x: powers_over_more(x),
    "sigmoid, as a tangent": lambda x: x("MUL", 0.5)("TANH")("MUL", 0.5)("ADD", 0.5),
    "softmax, exp(x) / sum(exp(x))": spelled_softmax(1),
    "softmax, its sum reshaped": spelled_softmax(1, keep=False),
    "exp of a log-softmax": lambda x: Sum(x.b, closed("LOG_SOFTMAX")(x.b, x.tensor))("EXP"),
    "hard sigmoid": lambda x: x("ADD", 3.0, fused=FUSED.RELU6)("MUL", 1 / 6),
    "logits, clipped to 0..1": lambda x: x("MAXIMUM", 0.0)("MINIMUM", 1.0),
    "classes, grouped": lambda x: x.softmax().dense(np.array([[1, 1, 0], [0, 1, 1], [1, 1, 1]])),
    "sigmoid, beside zeros": lambda x: padded(x("LOGISTIC"), 0.0),
    "sigmoid, in 256 steps": lambda x: in_steps(x("LOGISTIC")("MUL", 0.4), 1 / 256),
    "largest over time": lambda x: frames(x)("LOGISTIC").reduced("REDUCE_MAX", 1),
    "classes, put in order": lambda x: x("LOGISTIC").dense(np.eye(N)[::-1]),
}
LOGITS: dict[str, Made] = {
    "clipped": lambda x: x("MINIMUM", 15.0)("MAXIMUM", -15.0),
    "scaled": lambda x: x("MUL", 0.125)("ADD", 0.5),
    "rectified": lambda x: x("RELU"),
    "rectified, to 6": lambda x: x("RELU6"),
    "rectified, in an addition": lambda x: x("ADD", 1.0, fused=FUSED.RELU6),
    "between -1 and 1": lambda x: x("RELU_N1_TO_1"),
    "a tangent": lambda x: x("TANH"),
    "a sigmoid, stretched": lambda x: x("LOGISTIC")("MUL", 30.0)("SUB", 15.0),
    "a sigmoid, and some": lambda x: x("LOGISTIC")("ADD", 0.05),
    "sum of two sigmoids": mixed(1, 1),
    "sum over time of sigmoids": lambda x: frames(x)("LOGISTIC").reduced("SUM", 1),
    "weights of another axis": attended(lambda x: x.softmax()),
    "attention to logits": lambda x: softmax_over_time(frames(x, 2.0))("MUL", frames(x)).reduced("SUM", 1),
    "attention, doubled": lambda x: attended(softmax_over_time)(x)("MUL", 2.0),
    "logit of a sigmoid": lambda x: x("LOGISTIC")("DIV", x("LOGISTIC")("SUB", first=1.0))("LOG"),
    "powers over those of another": lambda x: x("EXP")("DIV", x("MUL", 2.0)("EXP")("ADD", 1.0)),
    "powers over less": lambda x: powers_over_more(x, -0.5),
    "a layer after a sigmoid": lambda x: x("LOGISTIC").dense(networks.weights(N, N)),
    "classes, grouped, of sigmoids": lambda x: x("LOGISTIC").dense(np.ones((N, N))),
    "log of a sigmoid": lambda x: x("LOGISTIC")("LOG"),
    "a fused tangent": lambda x: x("ADD", 0.0, fused=FUSED.TANH)("MUL", 0.5)("ADD", 0.5),
    "a sigmoid beside 50": lambda x: padded(x("LOGISTIC"), 50.0),
    "a sum over the frames of what is spread over them": spread,
    "a weight for all frames": lambda x: weighed(x, open_length=True),
    "a root of no number": lambda x: x("SQRT")("MAXIMUM", x)("MINIMUM", 1.0),
    "a logarithm of no number": lambda x: x("NEG")("LOG")("MAXIMUM", x)("MINIMUM", 1.0),
    "whole numbers": lambda x: whole(x("MAXIMUM", -3.0)("MINIMUM", 0.5)),
    "steps of 1.5": lambda x: in_steps(x("LOGISTIC"), 1.5),
}


def powers_over_more(x: Sum, more: float = 1.0) -> Sum:
    powers = x("EXP")
    return powers("DIV", powers("ADD", more))


def plainly(data: bytes, window: np.ndarray = WINDOW) -> np.ndarray:
    """What the interpreter alone says of a window."""
    runner = litert.start(data)
    (source,), (scores,) = runner.get_input_details(), runner.get_output_details()
    return litert.run(runner, {source["index"]: window}, [scores["index"]])[0].reshape(-1)


def confidences(path: Path, way: str) -> np.ndarray:
    """What birdfast makes of the window, in the order of the classes."""
    found = birdfast.load(path, graft=way == REWRITTEN, min_confidence=0).detect(WINDOW[0], networks.RATE_HZ)
    by_name = {one.scientific_name: one.confidence for one in found}
    return np.array([by_name[name.partition("_")[0]] for name in networks.LABELS])


@pytest.mark.parametrize("way", [AS_IT_IS, REWRITTEN])
@pytest.mark.parametrize("end", CONFIDENCES)
def test_what_can_only_lie_between_0_and_1_is_a_confidence(tmp_path: Path, end: str, way: str) -> None:
    data = network(ending_in(CONFIDENCES[end]))
    assert ending.outputs(Graph.parse(data))[0].ends_in in ending.CONFIDENT
    np.testing.assert_allclose(confidences(folder(tmp_path, data), way), plainly(data), atol=1e-5)


@pytest.mark.parametrize("end", LOGITS)
def test_what_may_lie_elsewhere_stays_logits(tmp_path: Path, end: str) -> None:
    data = network(ending_in(LOGITS[end]))
    assert ending.outputs(Graph.parse(data))[0].ends_in == "none"
    path = folder(tmp_path, data, 'activation = "sigmoid"\n')
    logits = np.clip(plainly(data).astype(float), -15, 15)
    np.testing.assert_allclose(confidences(path, AS_IT_IS), 1 / (1 + np.exp(-logits)), atol=1e-5)


@pytest.mark.parametrize("way", [AS_IT_IS, REWRITTEN])
def test_an_activation_that_was_told_is_believed_where_only_the_range_says_otherwise(
    tmp_path: Path, way: str
) -> None:
    data = network(ending_in(CONFIDENCES["logits, clipped to 0..1"]))
    path = folder(tmp_path, data, 'activation = "sigmoid"\n')
    with pytest.warns(RuntimeWarning, match=r'can only lie between 0 and 1.*logits.*activation = "sigmoid"'):
        found = confidences(path, way)
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-plainly(data))), atol=1e-5)


APPLIED = ("RELU", "RELU_N1_TO_1", "RELU6")
FUSING = {
    "ADD": lambda x: x("ADD", 0.0),
    "SUB": lambda x: x("SUB", 0.0),
    "MUL": lambda x: x("MUL", 1.0),
    "DIV": lambda x: x("DIV", 1.0),
    "FULLY_CONNECTED": lambda x: x.dense(np.eye(N)),
    "AVERAGE_POOL_2D": lambda x: pooled(x, "AVERAGE_POOL_2D"),
    "MAX_POOL_2D": lambda x: pooled(x, "MAX_POOL_2D"),
    "CONV_2D": lambda x: convolved(x, "CONV_2D"),
    "DEPTHWISE_CONV_2D": lambda x: convolved(x, "DEPTHWISE_CONV_2D"),
}


def pooled(x: Sum, name: str) -> Sum:
    options = schema.Pool2DOptionsT()
    options.filterWidth = options.filterHeight = options.strideW = options.strideH = 1
    shape = (1, 1, 1, N)
    return Sum(x.b, x.b(name, [x.reshaped(*shape).tensor], shape, options), shape)


def convolved(x: Sum, name: str) -> Sum:
    options = schema.Conv2DOptionsT() if name == "CONV_2D" else schema.DepthwiseConv2DOptionsT()
    options.strideW = options.strideH = 1
    options.dilationWFactor = options.dilationHFactor = 1
    filters = np.eye(N).reshape(N, 1, 1, N) if name == "CONV_2D" else np.ones((1, 1, 1, N))
    if name == "DEPTHWISE_CONV_2D":
        options.depthMultiplier = 1
    inputs = [x.reshaped(1, 1, 1, N).tensor, x.b.constant(filters), x.b.constant(np.zeros(N))]
    return Sum(x.b, x.b(name, inputs, (1, 1, 1, N), options), (1, 1, 1, N))


def fused(name: str, activation: str) -> Made:
    def made(x: Sum) -> Sum:
        found = FUSING[name](x("MUL", 4.0))
        x.b.graph.operators[-1].builtinOptions.fusedActivationFunction = getattr(FUSED, activation)
        return found.reshaped(1, N)

    return made


@pytest.mark.parametrize("activation", [*APPLIED, "TANH", "SIGN_BIT"])
@pytest.mark.parametrize("name", FUSING)
def test_a_fused_activation_bounds_what_the_runtime_lets_it(name: str, activation: str) -> None:
    data = network(ending_in(fused(name, activation)))
    graph = Graph.parse(data)
    found = ranges.of(graph, graph.outputs[0])
    assert (found.low > -np.inf) == (activation in APPLIED)
    for loudness in (-2, 0.01, 2):
        try:
            scores = plainly(data, np.float32(loudness) * WINDOW)
        except ModelError:  # the runtime takes no such thing
            assert activation not in APPLIED
            return
        assert interval.of_array(scores).within(found)


def test_a_cells_own_activation_bounds_nothing() -> None:
    b = graphs.Builder()
    cells = product(b, b.input((1, networks.WINDOW_SAMPLES)))
    options = schema.UnidirectionalSequenceLSTMOptionsT()
    options.fusedActivationFunction = FUSED.RELU6
    graph = Graph.parse(b.finish(b("UNIDIRECTIONAL_SEQUENCE_LSTM", [cells], (1, N), options)))
    assert ranges.of(graph, graph.outputs[0]) == interval.Interval()


def test_a_length_that_is_open_is_like_no_other() -> None:
    for is_open in (True, False):
        graph = Graph.parse(network(ending_in(lambda x, is_open=is_open: weighed(x, open_length=is_open))))
        assert ending.of(graph, graph.outputs[0]) == "none"


@pytest.mark.parametrize(
    "end",
    [
        "attention",
        "attention, spelled out",
        "mean by sigmoids",
        "softmax, exp(x) / sum(exp(x))",
        "mean of two",
    ],
)
def test_a_network_for_any_number_of_windows_ends_as_that_for_one(end: str) -> None:
    graph = Graph.parse(network(ending_in(CONFIDENCES[end])))
    for number, tensor in enumerate(graph.tensors):
        if not graph.is_constant(number):
            tensor.shapeSignature = np.array([-1, *graph.shape(number)[1:]], np.int32)
    assert ending.of(graph, graph.outputs[0]) == "bounded"


def test_confidences_are_compared_as_strictly_as_logits() -> None:
    for moved, ends in itertools.product((3e-4, 3e-3), ((-6, 0), (0, 6))):
        logits = np.linspace(*ends, 13)[None]
        pair = (1 / (1 + np.exp(-(logits + shift))) for shift in (0, moved))
        expected, found = (one.astype(np.float32) for one in pair)
        gap = verification.differences(["song"], expected, found, confidences=True)["song"]
        assert gap == pytest.approx(moved, rel=0.2)
    rounded = np.nextafter(expected, 2)
    assert verification.differences(["song"], expected, rounded, confidences=True)["song"] < 1e-4


@pytest.mark.parametrize("end", ["sigmoid, clipped", "mean of two", "attention", "sigmoid, as a tangent"])
def test_it_is_known_where_a_rewrite_is_judged_by_confidences(end: str) -> None:
    graph = Graph.parse(network(ending_in(CONFIDENCES[end])))
    assert verification.are_confidences(graph, verification.find_logits(graph))
    graph = Graph.parse(network(ENDS["sigmoid, reshaped"][0]))
    assert not verification.are_confidences(graph, verification.find_logits(graph))


@pytest.mark.parametrize("end", [*CONFIDENCES, *LOGITS])
def test_what_a_graph_gives_lies_in_its_range(end: str) -> None:
    data = network(ending_in({**CONFIDENCES, **LOGITS}[end]))
    graph = Graph.parse(data)
    found = ranges.of(graph, graph.outputs[0])
    for loudness in (-2, -0.3, 0, 0.3, 2):
        scores = plainly(data, np.float32(loudness) * WINDOW)
        assert interval.of_array(scores).within(found, 1e-5)


# ---- where nothing tells ----


def gated(x: Sum) -> Sum:
    """Between two sigmoids, as a third says: confidences, which no interval shows."""
    gate = x("MUL", 3.0)("LOGISTIC")
    one, two = x("LOGISTIC"), x("MUL", 2.0)("LOGISTIC")
    return gate("MUL", one)("ADD", gate("SUB", first=1.0)("MUL", two))


@pytest.mark.parametrize("way", [AS_IT_IS, REWRITTEN])
def test_scores_that_look_like_confidences_are_refused_until_someone_says_what_they_are(
    tmp_path: Path, way: str
) -> None:
    data = network(ending_in(gated))
    path = folder(tmp_path, data)
    said = (
        r'tiny\.tflite: its scores look like confidences already .*activation = "none".*"sigmoid" as logits'
    )
    with pytest.raises(ModelError, match=said):
        birdfast.load(path, graft=way == REWRITTEN)
    told = (path / "model.toml").read_text()
    for activation, expected in {
        "none": plainly(data),
        "sigmoid": 1 / (1 + np.exp(-plainly(data))),
    }.items():
        (path / "model.toml").write_text(f'{told}activation = "{activation}"\n')
        np.testing.assert_allclose(confidences(path, way), expected, atol=1e-5)


@pytest.mark.parametrize(
    "made",
    [
        lambda x: x,
        lambda x: x("MUL", 0.1),  # of a network that hardly answers, but below 0 too
        lambda x: x("RELU"),
        lambda x: x("MUL", 0.0)("ADD", 1.5),
    ],
    ids=["logits", "small", "rectified", "one number"],
)
def test_scores_that_may_well_be_logits_are_taken_as_such(tmp_path: Path, made: Made) -> None:
    assert birdfast.load(folder(tmp_path, network(ending_in(made)))).listener().model.activation == "sigmoid"


@pytest.mark.parametrize(
    "made",
    [
        lambda x: x("MUL", 0.0),
        lambda x: x("MUL", 0.0)("ADD", 0.5),
        lambda x: gated(x("SUB", 30.0))("MUL", 64.0)("FLOOR")("MUL", 1 / 64),
        lambda x: gated(x("MUL", 30.0))("MUL", 1.004),
        lambda x: gated(x("MUL", 30.0))("SUB", 0.004),
    ],
    ids=["zeros", "one number", "in steps", "rounded up", "rounded down"],
)
def test_confidences_of_no_bird_are_still_no_logits(tmp_path: Path, made: Made) -> None:
    with pytest.raises(ModelError, match="look like confidences already"):
        birdfast.load(folder(tmp_path, network(ending_in(made))))


@pytest.mark.parametrize("way", [AS_IT_IS, REWRITTEN])
def test_logits_that_are_told_to_be_confidences_are_taken_as_told_with_a_warning(
    tmp_path: Path, way: str
) -> None:
    data = network(ending_in(lambda x: x("MUL", 4.0)))
    path = folder(tmp_path, data, 'activation = "none"\n')
    said = r'tiny\.tflite: its scores are no confidences \(.* -[0-9.]+ to [0-9.]+\).* activation = "none" was'
    with pytest.warns(RuntimeWarning, match=said):
        pipeline = birdfast.load(path, graft=way == REWRITTEN)
    assert pipeline.listener().model.activation == "none"


@pytest.mark.parametrize("made", [gated, lambda x: gated(x("MUL", 30.0))("MUL", 1.004)], ids=["", "rounded"])
def test_confidences_that_are_told_to_be_such_are_not_doubted(tmp_path: Path, made: Made) -> None:
    birdfast.load(folder(tmp_path, network(ending_in(made)), 'activation = "none"\n'))


def test_a_networks_scores_are_tried_only_where_nothing_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []
    sounds = plausibility.sounds
    monkeypatch.setattr(plausibility, "sounds", lambda n: tried.append(n) or sounds(n))
    for end, told in (("plain", 'activation = "sigmoid"\n'), ("sigmoid", ""), ("log-softmax", "")):
        (tmp_path / end).mkdir()
        birdfast.load(folder(tmp_path / end, network(ENDS[end][0]), told))
    assert not tried
    birdfast.load(folder(tmp_path, network()))
    assert tried == [networks.WINDOW_SAMPLES]


# ---- which output ----


def several(names: Sequence[str], sizes: Sequence[int], signed: Sequence[str] = ()) -> bytes:
    """A network with outputs of these names and sizes, and the names that its signature gives them."""
    b = graphs.Builder()
    samples = b.input((1, networks.WINDOW_SAMPLES))
    tensors = [product(b, samples, size) for size in sizes]
    for tensor, name in zip(tensors, names, strict=True):
        b.graph.tensors[tensor].name = name.encode()
    if signed:
        signature = schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = b"serving_default", 0
        signature.inputs = [named("inputs", samples)]
        signature.outputs = [named(*pair) for pair in zip(signed, tensors, strict=True)]
        b.graph.model.signatureDefs = [signature]
    return b.finish(*tensors)


def named(name: str, tensor: int) -> Any:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name.encode(), tensor
    return entry


CALL = "StatefulPartitionedCall"


@pytest.mark.parametrize("way", [AS_IT_IS, REWRITTEN])
@pytest.mark.parametrize(
    ("names", "signed", "asked", "expected"),
    [
        ((CALL, f"{CALL}:1"), (), CALL, 2),
        ((CALL, f"{CALL}:1"), (), f"{CALL}:1", 3),
        ((f"{CALL}:1", CALL), (), CALL, 3),
        (("label", "label_genus"), (), "label", 2),
        (("embedding", "model/label"), (), "label", 3),
        ((f"{CALL}:1", CALL), ("embedding", "label"), "label", 3),
        ((f"{CALL}:1", CALL), ("label_genus", "label"), "label", 3),
    ],
)
def test_an_output_is_found_by_its_name_first(
    tmp_path: Path, names: Sequence[str], signed: Sequence[str], asked: str, expected: int, way: str
) -> None:
    path = tmp_path / "several.tflite"
    path.write_bytes(several(names, (2, 3), signed))
    assert opened(way, path, output=asked).outputs["logits"] == expected


@pytest.mark.parametrize("way", [AS_IT_IS, REWRITTEN])
@pytest.mark.parametrize(
    ("names", "sizes", "asked", "said"),
    [
        (("label_genus", "label_order", "embedding"), (2, 4, 3), "label", "several outputs"),
        (("label", "embedding"), (2, 3), "logits", "no output"),
        (("scores",), (3,), "logits", "no output"),
        (("a", "b"), (3, 3), "", "which output holds the scores"),
    ],
)
def test_a_name_that_fits_none_or_several_is_an_error_that_lists_them(
    tmp_path: Path, names: Sequence[str], sizes: Sequence[int], asked: str, said: str, way: str
) -> None:
    path = tmp_path / "several.tflite"
    path.write_bytes(several(names, sizes))
    if len(names) == 1:
        opened(way, path, n_classes=3)  # what was found without a name is not what is found by it
    with pytest.raises(ModelError, match=rf"several\.tflite: .*{said}") as raised:
        opened(way, path, output=asked, n_classes=3)
    for name, size in zip(names, sizes, strict=True):
        assert f"{name} float32 [1, {size}]" in str(raised.value)
