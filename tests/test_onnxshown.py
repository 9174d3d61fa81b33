"""Of an ONNX graph is run what leads to the outputs that are shown, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[onnx]'")
pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: pip install '.[onnx]'")

from onnx import TensorProto, helper  # noqa: E402

from birdfast import models  # noqa: E402
from birdfast.grafting import onnxshown  # noqa: E402
from birdfast.runtimes import onnx as onnx_runtime  # noqa: E402
from birdfast.sessions import open_session  # noqa: E402

from .onnxnetworks import WINDOW_SAMPLES, meaning, network, write_folder  # noqa: E402


def with_another(made: Any) -> Any:
    """Give a network a second output, behind two operators of its own, and one that nobody shows."""
    made.graph.node.append(helper.make_node("Relu", ["product"], ["aside"]))
    made.graph.node.append(helper.make_node("Softmax", ["aside"], ["other"]))
    made.graph.node.append(helper.make_node("Sin", ["aside"], ["nobody's"]))
    made.graph.output.append(helper.make_tensor_value_info("other", TensorProto.FLOAT, [None, None]))
    return made


def outputs(graph: Any) -> list[str]:
    return [one.name for one in graph.output]


def test_the_runtime_is_given_the_outputs_that_are_wanted_and_what_they_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[bytes] = []
    start = onnx_runtime.start

    def seen(data: bytes) -> Any:
        started.append(data)
        return start(data)

    monkeypatch.setattr(onnx_runtime, "start", seen)
    folder = write_folder(tmp_path / "model", with_another(network()), 'output = "scores"\n')
    session = open_session(models.find(folder), 3)
    graph = onnx.load_from_string(started[0]).graph
    assert outputs(graph) == ["scores", "hidden"]
    assert {node.op_type for node in graph.node} == {"Reshape", "MatMul", "Relu", "Gemm", "Identity"}
    sound = np.random.default_rng(1).uniform(-1, 1, (1, WINDOW_SAMPLES)).astype(np.float32)
    embedding, logits = meaning(sound)
    found = session.run(sound)
    np.testing.assert_allclose(found["embedding"], embedding, atol=1e-4)
    np.testing.assert_allclose(found["logits"], logits, atol=1e-4)


def test_what_a_graph_inside_of_an_operator_takes_from_outside_is_needed() -> None:
    number = helper.make_tensor_value_info("number", TensorProto.FLOAT, [])
    inner = helper.make_graph([helper.make_node("Neg", ["outside"], ["number"])], "inner", [], [number])
    branches = {"then_branch": inner, "else_branch": inner}
    nodes = [
        helper.make_node("If", ["is"], ["scores"], **branches),  # before what it takes: not in order
        helper.make_node("Abs", ["sound"], ["outside"]),
        helper.make_node("Cast", ["sound"], ["is"], to=TensorProto.BOOL),
        helper.make_node("Exp", ["sound"], ["nobody's"]),
    ]
    sound, scores = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, []) for name in ("sound", "scores")
    )
    graph = helper.make_graph(nodes, "outer", [sound], [scores])
    onnxshown.leave(graph, ["scores", "outside", "scores"])
    assert [node.op_type for node in graph.node] == ["If", "Abs", "Cast"]
    assert outputs(graph) == ["scores", "outside"]
