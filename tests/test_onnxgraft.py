"""Front ends inside ONNX networks: found in any spelling, computed by the kernels, or left as they are."""

from __future__ import annotations

import hashlib
import runpy
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install '.[onnx]'")
pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: pip install '.[onnx]'")

from birdfast.__main__ import main  # noqa: E402
from birdfast.errors import ModelMemoryError  # noqa: E402
from birdfast.frontends import compiled  # noqa: E402
from birdfast.frontends.normalization import NetworkNormalization  # noqa: E402
from birdfast.grafting import (  # noqa: E402
    kept,
    onnxcache,
    onnxgraft,
    onnxpieces,
    onnxspectrum,
    places,
    probe,
    verdict,
    verification,
)
from birdfast.grafting.onnxpieces import Pieces  # noqa: E402
from birdfast.grafting.onnxrecognise import recognise  # noqa: E402
from birdfast.runtimes import onnx as runtime  # noqa: E402
from birdfast.sessions.onnx import OnnxSession  # noqa: E402
from birdfast.spectrogram import window_values  # noqa: E402

from . import networks, onnxfrontends, onnxnetworks  # noqa: E402
from .onnxfrontends import (  # noqa: E402
    BINS,
    BODIES,
    FRAMINGS,
    HOP,
    LENGTH,
    LOGS,
    N_CLASSES,
    N_FFT,
    N_MELS,
    PRELUDES,
    SAMPLES,
    TRANSFORMS,
    filters,
    network,
)

WINDOWS = np.random.default_rng(5).standard_normal((4, SAMPLES)).astype(np.float32) / 4
SPELLINGS: list[dict[str, Any]] = [
    *({"transform": kind} for kind in TRANSFORMS),
    *({"framing": kind} for kind in FRAMINGS),
    *({"part": kind} for kind in ("split", "magnitude", "norm")),
    *({"bands": kind} for kind in ("none", "operator", "convolution", "gemm", "left")),
    *({"log": kind} for kind in LOGS),
    *({"prelude": kind} for kind in PRELUDES),
    *({"pad": kind} for kind in ("constant", "reflect", "edge")),
    *(
        {"shape": shape}
        for shape in ((SAMPLES,), ("batch", 1, SAMPLES), (None, SAMPLES, 1), ("batch", "any"))
    ),
    {"shape": (1, SAMPLES), "transform": "stft", "pad": "reflect", "prelude": "peak", "log": "db"},
    {"strands": 2},
    *({"body": kind} for kind in BODIES),
]


@pytest.fixture(autouse=True)
def _no_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks of our own need no process of their own; tests/test_hostile_onnx.py has those that do."""
    monkeypatch.setattr(verdict, "check", lambda *how: None)


def opened(folder: Path, made: Any, cache: bool = True) -> OnnxSession:
    path = folder / "front.onnx"
    path.write_bytes(made.SerializeToString())
    model = networks.described(
        path, kind="onnx", output="scores", embedding="embedding", window_samples=SAMPLES
    )
    return OnnxSession(model, cache=folder / "cache" if cache else None)


def recognised(made: Any) -> Any:
    return recognise(Pieces(made.SerializeToString(), "sound", (1, SAMPLES)))


@pytest.mark.parametrize("spelling", SPELLINGS, ids=str)
def test_a_front_end_is_grafted_however_it_is_spelled(tmp_path: Path, spelling: dict[str, Any]) -> None:
    made = network(**spelling)
    grafted, plain = opened(tmp_path, made), opened(tmp_path, made, cache=False)
    assert grafted.grafted.front_end is not None
    assert plain.grafted.front_end is None
    assert (grafted.outputs, grafted.window_samples, grafted.batch) == (
        plain.outputs,
        plain.window_samples,
        plain.batch,
    )
    windows = WINDOWS[: plain.batch]
    expected = plain.run(windows)
    for role, values in grafted.run(windows).items():
        np.testing.assert_allclose(values, expected[role], atol=1e-4)
    assert not grafted._batches.mix
    loud = windows * np.float32(40_000)
    expected = plain.run(loud)
    for role, values in grafted.run(loud).items():
        np.testing.assert_allclose(values, expected[role], 1e-3, 1e-3 * np.abs(expected[role]).max())


@pytest.mark.parametrize("log", LOGS)
def test_what_the_kernels_have_no_step_for_stays_in_the_body(log: str) -> None:
    front_end = recognised(network(log=log)).front_end
    assert compiled.kernel(front_end) is not front_end
    assert "NumPy" not in compiled.words(front_end)


def test_a_front_end_that_numpy_computes_says_so() -> None:
    front_end = recognised(network()).front_end
    odd = replace(front_end, branches=(replace(front_end.branches[0], n_fft=254, window=np.ones(254)),))
    assert compiled.words(odd).endswith("by NumPy, which is slower: no kernel does this")


def test_a_body_that_fails_at_a_batch_is_refused_before_it_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pieces, "has_windows_first", lambda *_: True)
    made = network(body="frames first")
    with pytest.warns(RuntimeWarning, match="the original graph is used: .*2 windows"):
        session = opened(tmp_path, made)
    assert session.grafted.front_end is None
    assert session.run(WINDOWS)["logits"].shape == (4, N_CLASSES)


class Floored:
    """Bands of a spectrum and the least that they may be, as one piece."""

    shapes: ClassVar = {"power": (1, 40, BINS)}

    def __call__(self, feeds: dict[str, np.ndarray]) -> np.ndarray:
        return np.maximum(feeds["power"].reshape(40, BINS) @ filters(), np.float32(1e-10))


def test_the_least_that_there_is_is_no_bias() -> None:
    assert probe.affine(Floored(), "power", 40) is None


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_low_floor_is_a_step(transform: str) -> None:
    made = network(transform, log="low floor")
    branch = recognised(made).front_end.branches[0]
    assert branch.bias is None
    assert branch.steps[0] == ("maximum", pytest.approx(1e-10))


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_the_tables_are_what_the_graph_was_made_from(transform: str) -> None:
    branch = recognised(network(transform, log="floor")).front_end.branches[0]
    assert (branch.n_fft, branch.hop, branch.part, branch.pad) == (N_FFT, HOP, "power", "zero")
    window = np.hanning(LENGTH + 1)[1:LENGTH]  # without the first sample, which is 0
    assert (branch.window[: LENGTH - 1] == window_values("hann", LENGTH)[1:].astype(np.float32)).all()
    np.testing.assert_allclose(branch.window[: LENGTH - 1], window, atol=1e-6)
    assert branch.start == 1
    assert not branch.window[LENGTH - 1 :].any()
    np.testing.assert_allclose(branch.weights, filters().T, atol=1e-6)
    assert branch.steps == (
        ("maximum", pytest.approx(1e-3)),
        ("log", 0),
        ("multiply", pytest.approx(0.1)),
    )


def test_what_normalises_a_window_is_read_off() -> None:
    found = recognised(network(prelude="peak")).front_end
    assert found.normalization == NetworkNormalization("zero", "peak", 1e-6)


def test_two_spectrograms_beside_one_another_are_one_front_end() -> None:
    found = recognised(network(strands=2)).front_end
    assert [branch.n_fft for branch in found.branches] == [N_FFT, 2 * N_FFT]


@pytest.mark.parametrize(("n_fft", "is_grafted"), [(243, True), (251, False)])
def test_an_odd_transform_is_grafted_if_the_kernels_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n_fft: int, is_grafted: bool
) -> None:
    monkeypatch.setattr(onnxfrontends, "N_FFT", n_fft)
    monkeypatch.setattr(onnxfrontends, "BINS", n_fft // 2 + 1)
    session = opened(tmp_path, network("dft"))
    assert session.is_rewritten == is_grafted
    assert "NumPy" not in session.grafted.proof.front_end


@pytest.mark.parametrize("odd", ["clipped", "drifting", "trained"])
def test_what_only_looks_like_a_front_end_runs_as_it_is(tmp_path: Path, odd: str) -> None:
    made = network(odd=odd)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        session = opened(tmp_path, made)
    assert session.grafted == onnxgraft.AS_IT_IS
    expected = opened(tmp_path, made, cache=False).run(WINDOWS)
    assert all((values == expected[role]).all() for role, values in session.run(WINDOWS).items())


@pytest.mark.parametrize("odd", ["loud", "whole"])
def test_what_does_something_else_to_sound_beyond_1_runs_as_it_is_and_says_so(
    tmp_path: Path, odd: str
) -> None:
    made = network(odd=odd)
    with pytest.warns(RuntimeWarning, match="the original graph is used: logits differ by .* on noise to"):
        session = opened(tmp_path, made)
    assert session.grafted.front_end is None
    for loud in (3, 40_000):
        expected = opened(tmp_path, made, cache=False).run(loud * WINDOWS)
        assert all((values == expected[role]).all() for role, values in session.run(loud * WINDOWS).items())


def test_what_fails_the_proof_runs_as_it_is_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = onnxgraft.recognise

    def wrong(pieces: Pieces) -> Any:
        found = right(pieces)
        assert found is not None
        found.front_end.branches[0].window[3] *= 1.5
        return found

    monkeypatch.setattr(onnxgraft, "recognise", wrong)
    made = network()
    for _ in range(2):  # the second time it is known
        with pytest.warns(RuntimeWarning, match=r"the original graph is used: logits differ by .* on"):
            session = opened(tmp_path, made)
        monkeypatch.setattr(onnxgraft, "recognise", None)
    assert session.grafted.front_end is None
    expected = opened(tmp_path, made, cache=False).run(WINDOWS)
    assert all((values == expected[role]).all() for role, values in session.run(WINDOWS).items())


def test_a_rewritten_network_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = opened(tmp_path, network())
    monkeypatch.setattr(onnxgraft, "verified", None)
    again = opened(tmp_path, network())
    assert str(again.grafted.proof) == str(first.grafted.proof)
    assert (again.run(WINDOWS)["logits"] == first.run(WINDOWS)["logits"]).all()


@pytest.mark.parametrize("cache", [True, False])
def test_another_runtime_is_given_what_is_fed_and_what_is_shown(tmp_path: Path, cache: bool) -> None:
    session = opened(tmp_path, network(), cache=cache)
    bare = session.bare()
    data = bare.data if isinstance(bare.data, bytes) else bare.data.read_bytes()
    runner, fed = runtime.start(data), bare.feeder()(WINDOWS)
    assert fed.shape in [tuple(shape) for shape in bare.shapes]
    names = runtime.outputs(runner)
    found = runtime.run(runner, {runtime.inputs(runner)[0].name: fed}, names)
    for role, expected in session._run(WINDOWS).items():
        np.testing.assert_array_equal(found[bare.places[role]], expected)


@pytest.mark.parametrize("suffix", [".graft", ".graft.onnx"])
def test_what_was_changed_in_the_cache_is_made_anew(tmp_path: Path, suffix: str) -> None:
    expected = opened(tmp_path, network()).run(WINDOWS)["logits"]
    (file,) = (path for path in (tmp_path / "cache").iterdir() if path.name.endswith(suffix))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(kept.UNREADABLE):
        onnxcache.read(file.with_name(file.name.removesuffix(".onnx")))
    session = opened(tmp_path, network())
    assert session.grafted.front_end is not None
    assert (session.run(WINDOWS)["logits"] == expected).all()


def test_what_the_front_end_alone_used_is_not_kept() -> None:
    made = network(transform="convolution")
    pieces = Pieces(made.SerializeToString(), "sound", (1, SAMPLES), open_batch=True)
    found = recognise(pieces)
    assert found is not None
    body = onnx.load_from_string(pieces.body(found.cut))
    assert max(np.prod(one.dims) for one in body.graph.initializer) < BINS * N_MELS
    assert [one.name for one in body.graph.input] == [found.cut]


def test_a_batch_that_cannot_be_chosen_runs_as_it_is(tmp_path: Path) -> None:
    asked = onnxgraft.Asked("sound", (1, SAMPLES), 4, {"logits": "scores"}, {})
    assert onnxgraft.verified(network().SerializeToString(), asked) == onnxgraft.AS_IT_IS
    with pytest.warns(RuntimeWarning, match="the original graph is used: it always takes 4 windows"):
        opened(tmp_path, network(shape=(4, SAMPLES)))


def test_learning_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxpieces, "SECONDS", 0)
    assert recognised(network()) is None
    monkeypatch.undo()
    monkeypatch.setattr(onnxpieces, "MOST_VALUES", SAMPLES - 1)
    assert recognised(network()) is None


@pytest.mark.parametrize(("name", "most"), [("MOST_POINTS", N_FFT - 1), ("MOST_VALUES", 10_000)])
def test_a_transform_larger_than_any_is_none(monkeypatch: pytest.MonkeyPatch, name: str, most: int) -> None:
    monkeypatch.setattr(onnxspectrum, name, most)
    assert recognised(network()) is None


def test_optimize_reports_what_was_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BIRDFAST_CACHE", str(tmp_path / "cache"))
    for made, words in (
        (onnxnetworks.told(network(), class_outputs_key="scores"), "48 frames of 256 every 80, power part"),
        (onnxnetworks.network(), "runs as it is (no front end recognised)"),
    ):
        path = tmp_path / "front.onnx"
        path.write_bytes(made.SerializeToString())
        assert main(["optimize", str(path)]) == 0
        said = capsys.readouterr()
        assert words in said.out + said.err
        assert "kept in birdfast's cache" in said.out + said.err


@pytest.mark.parametrize(
    ("made", "manifest", "words"),
    [
        (
            onnxnetworks.network(onnxnetworks.PICTURE_SHAPE, n_values=820),
            onnxnetworks.PICTURE,
            "takes pictures",
        ),
        (network(shape=(4, SAMPLES)), "", "always takes 4 windows"),
    ],
)
def test_optimize_says_why_a_network_runs_as_it_is(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    made: Any,
    manifest: str,
    words: str,
) -> None:
    monkeypatch.setenv("BIRDFAST_CACHE", str(tmp_path / "cache"))
    folder = onnxnetworks.write_folder(tmp_path / "model", made, manifest or 'output = "scores"\n')
    assert main(["optimize", str(folder)]) == 0
    said = capsys.readouterr()
    assert f"runs as it is (it {words})" in said.out + said.err


def test_optimize_says_that_memory_is_lacking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lacking(*how: Any) -> Any:
        raise ModelMemoryError("cannot be rewritten: too little memory")

    monkeypatch.setenv("BIRDFAST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(onnxgraft, "verified", lacking)
    folder = onnxnetworks.write_folder(tmp_path / "model", network(), 'output = "scores"\n')
    assert main(["optimize", str(folder)]) == 64
    assert "cannot be rewritten: too little memory; tried again next time" in capsys.readouterr().err


def test_optimize_asks_labels_as_a_run_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BIRDFAST_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "front.onnx"
    path.write_bytes(network().SerializeToString())  # of two outputs, of 3 and of 8 values
    path.with_name("front_Labels.txt").write_text("A_a\nB_b\nC_c\n")
    assert main(["optimize", str(path)]) == 0
    assert "rewritten, kept in birdfast's cache" in "".join(capsys.readouterr())


def test_what_another_kept_is_not_what_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BIRDFAST_CACHE", str(tmp_path / "cache"))
    folder = onnxnetworks.write_folder(tmp_path / "model", network(), 'output = "scores"\n')
    assert main(["optimize", str(folder)]) == 0
    (folder / "model.toml").write_text((folder / "model.toml").read_text() + 'embedding = "embedding"\n')
    monkeypatch.setattr(onnxcache, "write", lambda *how: None)
    assert main(["optimize", str(folder)]) == 74
    assert "rewritten, not kept" in "".join(capsys.readouterr())


def test_a_portable_file_is_of_a_tflite_network_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "front.onnx"
    path.write_bytes(network().SerializeToString())
    assert main(["optimize", str(path), "--portable", "-o", str(tmp_path / "fast.tflite")]) == 64
    assert (
        f"{path}: --portable rewrites TFLite networks alone, and this is of kind onnx"
        in capsys.readouterr().err
    )


def test_optimize_refuses_what_fails_the_proof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BIRDFAST_CACHE", str(tmp_path / "cache"))
    worst = dict.fromkeys([*verification.signals(SAMPLES), "tone, pure", "high tone, pure"], 1.0)
    monkeypatch.setattr(onnxgraft, "_differences", lambda *how: dict(worst))
    path = tmp_path / "front.onnx"
    path.write_bytes(onnxnetworks.told(network(), class_outputs_key="scores").SerializeToString())
    assert main(["optimize", str(path)]) == 64
    assert "logits differ by 1.0e+00 on noise, tolerance 1.0e-03" in capsys.readouterr().err


def test_a_network_is_prepared_once_it_was_opened(tmp_path: Path) -> None:
    session = opened(tmp_path, network())
    sha256 = session._asked[2][1].sha256()
    assert places.is_prepared(sha256, tmp_path / "cache", places.AT_ONCE["onnx"])
    assert not places.is_prepared(sha256, tmp_path / "cache")


def test_a_network_is_hashed_once_when_it_is_opened_and_its_body_by_who_starts_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = opened(tmp_path, network())
    model = session._asked[2][1]
    assert places.bodies(model.sha256(), tmp_path / "cache") == [session.grafted.body]
    told: list[tuple[Any, ...]] = []
    monkeypatch.setattr(verdict, "check", lambda *how: told.append(how))
    hashed: list[bytes] = []
    sha256 = hashlib.sha256
    monkeypatch.setattr(hashlib, "sha256", lambda data=b"": hashed.append(data) or sha256(data))
    again = OnnxSession(model, cache=tmp_path / "cache")
    assert again.grafted.body == session.grafted.body
    ((data, *_, digest),) = told
    assert digest == sha256(data).hexdigest()
    assert hashed.count(data) == 1


def test_nodes_in_no_order_are_not_rewritten() -> None:
    made = network()
    made.graph.node.append(made.graph.node.pop(0))
    asked = onnxgraft.Asked("sound", (1, SAMPLES), None, {"logits": "scores"}, {})
    assert onnxgraft.verified(made.SerializeToString(), asked) == onnxgraft.AS_IT_IS


def test_too_little_memory_says_nothing_about_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(pieces: Pieces) -> Any:
        raise MemoryError

    monkeypatch.setattr(onnxgraft, "recognise", lacking)
    with pytest.warns(RuntimeWarning, match="too little memory; tried again next time"):
        assert opened(tmp_path, network()).grafted.front_end is None
    monkeypatch.undo()
    assert opened(tmp_path, network()).grafted.front_end is not None


@pytest.mark.parametrize("kind", ["dft", "matrix"])
def test_a_network_of_perchs_shape_is_grafted(tmp_path: Path, kind: str) -> None:
    bench = runpy.run_path(str(Path(__file__).parents[1] / "bench" / "perchlike.py"))
    made = bench["network"](kind, n_classes=20, channels=bench["SMALL"])
    (tmp_path / "perch.onnx").write_bytes(made.SerializeToString())
    shown = {role: role for role in ("embedding", "spatial_embedding")}
    model = networks.described(tmp_path / "perch.onnx", kind="onnx", output="label", **shown)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        grafted, plain = OnnxSession(model, cache=tmp_path / "cache"), OnnxSession(model)
    (branch,) = grafted.grafted.front_end.branches
    assert (branch.n_fft, branch.hop, branch.frames, branch.bands) == (1024, 320, 500, 128)
    assert grafted.spatial_shape == plain.spatial_shape == (16, 4, 1536)
    sound = np.random.default_rng(2).normal(0, 0.1, (1, 160_000)).astype(np.float32)
    expected = plain.run(sound)
    for role, values in grafted.run(sound).items():
        np.testing.assert_allclose(values, expected[role], atol=1e-5)
