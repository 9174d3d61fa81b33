"""A network's graph says what its scores are: they get no second sigmoid, and are found by their name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import birdfast
from birdfast import models
from birdfast.errors import ModelError
from birdfast.grafting import ending, verification
from birdfast.grafting.graph import Graph
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


def quantised(inner: End) -> End:
    def end(b: graphs.Builder, logits: int) -> int:
        eighths = b("QUANTIZE", [inner(b, logits)], (1, N), schema.QuantizeOptionsT(), np.int8)
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
    "two sigmoids": (joined(closed("LOGISTIC"), closed("LOGISTIC")), "sigmoid"),
    "a sigmoid beside logits": (joined(closed("LOGISTIC"), plain), "none"),
    "of a sigmoid's tangent": (lambda b, x: b("TANH", [closed("LOGISTIC")(b, x)], (1, N)), "none"),
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
    pipeline = birdfast.load(path, graft=way == REWRITTEN, min_confidence=0)
    logits = (WINDOW @ networks.weights().T)[0].astype(np.float64)
    powers = np.exp(logits)
    expected = powers / powers.sum() if "softmax" in ends_in else 1 / (1 + np.exp(-logits))
    names = [name.partition("_")[0] for name in networks.LABELS]
    found = {one.scientific_name: one.confidence for one in pipeline.detect(WINDOW[0], networks.RATE_HZ)}
    np.testing.assert_allclose([found[name] for name in names], expected, atol=1e-4)
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


@pytest.mark.parametrize(("end", "told"), [("sigmoid", "none"), ("plain", "softmax"), ("plain", "none")])
def test_a_manifest_that_fits_the_graphs_end_is_followed(tmp_path: Path, end: str, told: str) -> None:
    path = folder(tmp_path, network(ENDS[end][0]), f'activation = "{told}"\n')
    assert birdfast.load(path).listener().model.activation == told


def test_a_plain_graph_of_a_listed_networks_input_gets_the_activation_that_it_lacks() -> None:
    mine = models.Model(name="mine", title="mine")
    assert mine.for_input(15_600, "none").activation == "sigmoid"
    assert mine.for_input(15_600, "sigmoid").activation == "none"
    assert mine.for_input(144_000, "sigmoid").activation == "none"
    assert mine.for_input(160_000, "none").activation == "softmax"


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
