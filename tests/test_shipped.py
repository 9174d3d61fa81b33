"""ONNX networks that packages ship, fetched for the tests: real graphs that nobody made for us."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[onnx]'")
pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: pip install '.[onnx]'")

from onnx import helper, numpy_helper  # noqa: E402

from birdfast.errors import ModelError  # noqa: E402
from birdfast.runtimes import onnx as runtime  # noqa: E402
from birdfast.sessions.onnx import OnnxSession  # noqa: E402
from birdfast.sessions.session import LOGITS  # noqa: E402

from . import networks  # noqa: E402
from .fetched import from_wheel  # noqa: E402


def shipped(folder: Path, package: str, member: str) -> onnx.ModelProto:
    return onnx.load_from_string(from_wheel(folder, package, member))


def opened(folder: Path, made: onnx.ModelProto, **facts: object) -> OnnxSession:
    path = folder / "shipped.onnx"
    path.write_bytes(made.SerializeToString())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # its front end may stay its own
        return OnnxSession(networks.described(path, kind="onnx", **facts), cache=folder / "cache")


def loudest(made: onnx.ModelProto, output: str) -> None:
    """Make the largest numbers of all frames the only output."""
    is_input = next(one.version for one in made.opset_import if not one.domain) >= 18  # or an attribute
    axes = {} if is_input else {"axes": [1]}
    made.graph.initializer.append(numpy_helper.from_array(np.array([1]), "frames"))
    taken = [output, "frames"] if is_input else [output]
    made.graph.node.append(helper.make_node("ReduceMax", taken, ["scores"], keepdims=0, **axes))
    del made.graph.output[:]
    made.graph.output.append(helper.make_tensor_value_info("scores", onnx.TensorProto.FLOAT, None))


def says_what_the_runtime_says(session: OnnxSession, made: onnx.ModelProto, shape: tuple[int, ...]) -> None:
    sound = np.random.default_rng(4).normal(0, 0.1, (1, session.window_samples)).astype(np.float32)
    plain = runtime.start(made.SerializeToString())
    (expected,) = runtime.run(plain, {made.graph.input[0].name: sound.reshape(shape)}, ["scores"])
    np.testing.assert_allclose(session.run(sound)[LOGITS], expected.reshape(1, -1), atol=1e-3)


@pytest.mark.long
def test_basic_pitchs_notes(tmp_path: Path) -> None:
    made = shipped(tmp_path, "basic-pitch==0.4.0", "basic_pitch/saved_models/icassp_2022/nmp.onnx")
    with pytest.raises(ModelError, match="which output holds the scores"):
        opened(tmp_path, made)
    loudest(made, made.graph.output[0].name)
    session = opened(tmp_path, made, rate_hz=22_050)
    assert session.window_samples == 43_844
    says_what_the_runtime_says(session, made, (1, 43_844, 1))


def test_swift_f0_of_any_length(tmp_path: Path) -> None:
    made = shipped(tmp_path, "swift-f0==0.3.0", "swift_f0/model.onnx")
    with pytest.raises(ModelError, match=r"has 3 inputs \(.*\); birdfast has one to give"):
        opened(tmp_path, made)
    for name, value in (("fmin", 46.875), ("fmax", 2093.75)):
        made.graph.initializer.append(numpy_helper.from_array(np.float32(value), name))
    kept = [one for one in made.graph.input if one.name == "audio"]
    del made.graph.input[:]
    made.graph.input.extend(kept)
    loudest(made, "confidence")
    for samples in (16_000, 40_000):
        session = opened(tmp_path, made, rate_hz=16_000, window_samples=samples)
        says_what_the_runtime_says(session, made, (1, samples))
