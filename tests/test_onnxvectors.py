"""Front ends of ONNX networks mean what the vectors of ONNX's own tests say that their operators mean."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[onnx]'")
pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: pip install '.[onnx]'")

from birdfast.grafting.onnxpieces import Pieces  # noqa: E402
from birdfast.grafting.onnxrecognise import recognise  # noqa: E402

from .onnxfrontends import Nodes  # noqa: E402

Vector = tuple[Any, list[np.ndarray], np.ndarray]


def vector(monkeypatch: pytest.MonkeyPatch, case: str, export: str, name: str) -> Vector:
    """Return a test of ONNX's own by its name: the operator, its inputs, and what it makes of them."""
    module = importlib.import_module(f"onnx.backend.test.case.node.{case.lower()}")
    found: dict[str, Vector] = {}

    def heard(node: Any, inputs: list[Any], outputs: list[Any], name: str, **_: Any) -> None:
        found[name] = (node, [np.asarray(one) for one in inputs], outputs[0])

    monkeypatch.setattr(module, "expect", heard)
    getattr(getattr(module, case), export)()
    return found[name]


def placed(graph: Nodes, sound: str, node: Any, inputs: list[np.ndarray]) -> str:
    """Add the operator of a vector behind the sound, its other inputs constants."""
    made = onnx.NodeProto.FromString(node.SerializeToString())
    named = [place for place, name in enumerate(node.input) if name]
    for place, value in zip(named, inputs, strict=True):
        made.input[place] = graph.constant(value) if place else sound
    graph.nodes.append(made)
    return str(made.output[0])


def power(graph: Nodes, spectrum: str) -> str:
    return str(graph.add("ReduceSum", graph.add("Mul", spectrum, spectrum), np.array([3]), keepdims=0))


def front_end(graph: Nodes, n_samples: int) -> Any:
    """Return what is read off a graph whose last node gives its picture."""
    shape = graph.model({graph.nodes[-1].output[0]: [None, None, None]}, [1, n_samples])
    found = recognise(Pieces(shape.SerializeToString(), "sound", (1, n_samples)))
    assert found is not None
    return found.front_end


@pytest.mark.parametrize("name", ["test_stft", "test_stft_with_window"])
def test_a_short_time_transform(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    node, inputs, expected = vector(monkeypatch, "STFT", "export", name)
    graph = Nodes()
    power(graph, placed(graph, graph.add("Reshape", "sound", np.array([1, -1, 1])), node, inputs))
    found = front_end(graph, inputs[0].size)(inputs[0].reshape(1, -1))
    np.testing.assert_allclose(found, (expected**2).sum(axis=3), rtol=1e-4, atol=1e-1)  # of up to 3e6


def test_a_transform(monkeypatch: pytest.MonkeyPatch) -> None:
    node, inputs, expected = vector(monkeypatch, "DFT", "export_opset19", "test_dft_opset19")
    graph, frames = Nodes(), inputs[0].reshape(10, 10).T  # it transforms columns
    row = graph.add("Reshape", "sound", np.array([1, 10, 10, 1]))
    both = placed(graph, graph.add("Transpose", row, perm=[0, 2, 1, 3]), node, inputs)
    power(graph, graph.add("Slice", both, np.array([0]), np.array([6]), np.array([1])))
    found = front_end(graph, 100)(np.ascontiguousarray(frames).reshape(1, -1))
    np.testing.assert_allclose(found, (expected[:, :6] ** 2).sum(axis=3), rtol=1e-4, atol=1e-1)


def test_a_matrix_of_mel_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    node, inputs, expected = vector(monkeypatch, "MelWeightMatrix", "export", "test_melweightmatrix")
    stft, values, _ = vector(monkeypatch, "STFT", "export", "test_stft")
    graph = Nodes()
    bins = power(graph, placed(graph, graph.add("Reshape", "sound", np.array([1, -1, 1])), stft, values))
    made = onnx.NodeProto.FromString(node.SerializeToString())
    made.input[:], made.output[:] = [graph.constant(value) for value in inputs], ["weights"]
    graph.nodes.append(made)
    graph.add("MatMul", bins, "weights")
    (branch,) = front_end(graph, values[0].size).branches
    np.testing.assert_allclose(branch.weights, expected.T, atol=1e-6)
