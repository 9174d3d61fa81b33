"""A rewritten network says what the original says; what cannot be rewritten or run is refused in words."""

from __future__ import annotations

import errno
import hashlib
import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from birdfast import audio, children, models, sessions, sources
from birdfast.cli import COMMANDS
from birdfast.errors import ModelError, ModelMemoryError
from birdfast.frontends import compiled
from birdfast.frontends.normalization import NetworkNormalization
from birdfast.frontends.tables import FrontEnd
from birdfast.grafting import (
    cache,
    flatbuffer,
    fold,
    graft,
    original,
    places,
    portable,
    surgery,
    trial,
    validate,
    verification,
)
from birdfast.grafting.grafted import Grafted, GraftedSession
from birdfast.grafting.graph import Graph
from birdfast.grafting.recognise import Found, recognise
from birdfast.grafting.roles import Wanted
from birdfast.runtimes import litert

from . import graphs, networks
from .commands import ran
from .graphs import Kind

KINDS = [
    Kind(),
    Kind(part="power", post="floor"),
    Kind(part="real", post="root", normalized=True),
    Kind(part="real", post="root", framing="reshape"),
    Kind(post="none", framing="reshape", normalized=True),
]
TINY = graphs.network(Kind(samples=800, n_fft=64, hop=50, bands=6))


def found_in(data: bytes) -> Found | None:
    return recognise(fold.freeze(Graph.parse(data)))


def original_logits(data: bytes, windows: np.ndarray) -> np.ndarray:
    graph = Graph.parse(data)
    shape = fold.input_shape(graph, 1)
    trials = {str(i): window for i, window in enumerate(windows)}
    return verification.logits(graph, verification.find_logits(graph), trials, shape)


# ---- recognition ----


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_front_end_is_read_off(kind: Kind) -> None:
    found = found_in(graphs.network(kind))
    assert found is not None
    (branch,) = found.front_end.branches
    hop = kind.n_fft if kind.framing == "reshape" else kind.hop
    assert (branch.n_fft, branch.hop, branch.start, branch.frames) == (kind.n_fft, hop, 0, kind.frames)
    window, weights = graphs.tables(kind)
    np.testing.assert_array_equal(branch.window, window)
    np.testing.assert_array_equal(branch.weights, weights)
    assert branch.part == kind.part
    expected = (
        NetworkNormalization("zero", "peak", 0.01, 0.25, 0.0) if kind.normalized else NetworkNormalization()
    )
    assert found.front_end.normalization == expected


def test_birdnets_front_end_is_read_off(birdnet: models.Model) -> None:
    found = found_in(birdnet.path.read_bytes())
    assert found is not None
    assert [(b.n_fft, b.hop, b.frames, b.bands) for b in found.front_end.branches] == [
        (2048, 278, 511, 96),
        (1024, 280, 511, 96),
    ]
    assert found.front_end.normalization == compiled.BIRDNET
    assert found.cut == 265


def test_a_network_without_a_spectrogram_has_no_front_end() -> None:
    assert found_in(networks.tflite(networks.weights())) is None


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_kernels_compute_what_the_tables_say(kind: Kind) -> None:
    found = found_in(graphs.network(kind))
    assert found is not None
    front_end = found.front_end
    kernel = compiled.kernel(front_end)
    assert not isinstance(kernel, FrontEnd), "the kernels lack something"
    samples = np.random.default_rng(1).uniform(-1, 1, (3, kind.samples)).astype(np.float32)
    out = np.full(front_end.batched(3), np.nan, np.float32)
    np.testing.assert_allclose(kernel(samples, out), front_end(samples), rtol=2e-5, atol=2e-5)


def test_tables_survive_a_file() -> None:
    found = found_in(TINY)
    assert found is not None
    back = FrontEnd.from_tables(*found.front_end.tables())
    samples = np.random.default_rng(1).uniform(-1, 1, (1, 800)).astype(np.float32)
    np.testing.assert_array_equal(back(samples), found.front_end(samples))


# ---- the rewritten network ----


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_graft_says_the_same(kind: Kind, batch: int) -> None:
    data = graphs.network(kind)
    grafted = graft.verify(data, graft.optimize(data, batch=batch))
    assert grafted.front_end is not None
    assert grafted.proof.largest_difference is not None
    assert grafted.proof.largest_difference < 1e-4


def test_the_embedding_is_what_the_logits_are_made_from() -> None:
    kind = Kind()
    session = graft.optimize(graphs.network(kind), batch=2).session()
    windows = np.random.default_rng(2).uniform(-1, 1, (2, kind.samples)).astype(np.float32)
    found = session.run(windows)
    matrix = np.random.default_rng(3)
    matrix.normal(0, 0.2, (5, 3, 3, 1))  # the filters come first
    weights = matrix.normal(0, 1, (kind.classes, 5))
    np.testing.assert_allclose(found["embedding"] @ weights.T + 1, found["logits"], rtol=1e-4, atol=1e-4)


def test_a_session_takes_as_many_windows_as_its_batch_has() -> None:
    data = graphs.network(Kind())
    windows = np.random.default_rng(2).uniform(-1, 1, (3, 4000)).astype(np.float32)
    session = graft.optimize(data, batch=3).session()
    np.testing.assert_allclose(session.run(windows)["logits"], original_logits(data, windows), atol=1e-4)
    with pytest.raises(ModelError, match=r"windows \[2, 4000\]: this session takes 3 of 4000"):
        session.run(windows[:2])


@pytest.mark.parametrize("kept", ["bytes", "file"])
def test_twins_in_two_threads_say_what_one_says(tmp_path: Path, kept: str) -> None:
    kind = Kind(part="real", post="root", normalized=True)
    grafted = graft.optimize(graphs.network(kind), batch=2)
    assert grafted.front_end is not None
    assert isinstance(grafted.body, bytes)
    (tmp_path / "body.tflite").write_bytes(grafted.body)
    session = replace(grafted, body=grafted.body if kept == "bytes" else tmp_path / "body.tflite").session()
    stacks = np.random.default_rng(2).uniform(-1, 1, (200, 2, kind.samples)).astype(np.float32)

    def said(by: GraftedSession) -> list[dict[str, np.ndarray]]:
        return [by.run(stack) for stack in stacks]

    expected = said(session)
    with ThreadPoolExecutor(2) as threads:
        for found in threads.map(said, [session, session.twin()]):
            for one, other in zip(expected, found, strict=True):
                assert {name: rows.tobytes() for name, rows in one.items()} == {
                    name: rows.tobytes() for name, rows in other.items()
                }


def test_sessions_may_be_opened_in_several_threads(tmp_path: Path) -> None:
    """The runtime's greeting is kept off the terminal, and what others say afterwards is not."""
    (tmp_path / "tiny.tflite").write_bytes(TINY)
    done = subprocess.run(
        [sys.executable, "-c", OPENED, str(tmp_path / "tiny.tflite")], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "heard\n")


OPENED = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from birdfast.grafting import graft

sys.setswitchinterval(1e-6)
session = graft.optimize(Path(sys.argv[1])).session()
with ThreadPoolExecutor(8) as threads:
    list(threads.map(lambda _: session.twin(), range(64)))
os.write(2, b"heard\\n")
"""


def test_nothing_depends_on_shapes_any_more() -> None:
    frozen = fold.freeze(Graph.parse(graphs.network(Kind(framing="reshape"))), 2)
    names = {frozen.name(op) for op in frozen.operators}
    assert "SHAPE" not in names
    assert "CONCATENATION" not in names
    assert all(t.shapeSignature is None for t in frozen.tensors)


def test_without_a_front_end_the_rest_is_rewritten() -> None:
    data = networks.tflite(networks.weights())
    grafted = graft.verify(data, graft.optimize(data))
    assert grafted.front_end is None
    assert grafted.proof.largest_difference == 0


def test_birdnet_grafted_says_the_same(birdnet: models.Model, real_soundscape: Path) -> None:
    windows = np.stack(_windows(real_soundscape / "soundscape.flac", 144_000, 4))
    names = {f"real {i}": window for i, window in enumerate(windows)}
    grafted = graft.verify(birdnet.path, graft.optimize(birdnet.path, batch=2), names)
    assert grafted.proof.largest_difference is not None
    assert grafted.proof.largest_difference < 1e-3


def test_yamnet_grafted_gives_the_same_bits(yamnet: models.Model) -> None:
    assert yamnet.path is not None
    grafted = graft.verify(yamnet.path, graft.optimize(yamnet.path))
    assert grafted.front_end is not None
    assert grafted.proof.largest_difference == 0


def _windows(path: Path, size: int, count: int) -> list[np.ndarray]:
    samples, _ = audio.read(path)
    return list(samples[: size * count].reshape(count, size))


# ---- verification ----


def test_a_rewrite_that_says_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    right = graft.optimize

    def wrong(*args: object, **options: object) -> Grafted:
        grafted = right(*args, **options)  # type: ignore[arg-type]
        if grafted.front_end is None:
            return grafted
        (branch,) = grafted.front_end.branches
        front_end = replace(grafted.front_end, branches=(replace(branch, scale=branch.scale * 1.01),))
        return replace(grafted, front_end=front_end)

    monkeypatch.setattr(graft, "optimize", wrong)
    grafted = graft.verified(TINY)
    assert grafted is not None
    assert grafted.front_end is None, "only what agrees is used"
    assert "front end: the network's own; ours was refused: logits differ by" in str(grafted.proof)
    with pytest.warns(RuntimeWarning, match="original graph is used: logits differ"):
        assert graft.verified(TINY, tolerance=-1) is None


def test_a_rewrite_that_differs_beyond_1_alone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a network may do something else, as with int16; only parts of its largest number are judged."""
    grafted = graft.verified(TINY)
    assert grafted is not None
    assert set(verification.LOUD) < set(grafted.proof.differences)
    right = graft.GraftedSession.run
    monkeypatch.setattr(graft.GraftedSession, "run", lambda session, x: right(session, np.clip(x, -2, 2)))
    with pytest.warns(RuntimeWarning, match="original graph is used: logits differ"):
        assert graft.verified(TINY) is None


def test_windows_that_do_not_fill_a_batch_have_their_own_logits() -> None:
    data, _ = portable.verified(TINY, batch=None, tolerance=1e-3)
    graph = Graph.parse(data)
    tensor, samples = verification.find_logits(graph), int(np.prod(fold.input_shape(graph, 1)))
    trials = dict([*verification.signals(samples).items()][:5])
    one, three = (verification.logits(graph, tensor, trials, fold.input_shape(graph, n)) for n in (1, 3))
    np.testing.assert_allclose(three, one, atol=1e-4)
    assert np.abs(np.diff(one, axis=0)).max(axis=1).min() > 1e-2, "they differ, so each is its own"


def test_what_is_no_number_is_a_difference() -> None:
    trials = {"a": np.zeros(1), "b": np.zeros(1), "c": np.zeros(1)}
    expected = np.array([[1.0], [np.nan], [np.inf]])
    assert verification.differences(trials, expected, expected) == {"a": 0, "b": 0, "c": 0}
    assert verification.differences(trials, expected, np.array([[np.nan], [1.0], [1.0]])) == dict.fromkeys(
        trials, np.inf
    )


# ---- the cache ----


@pytest.fixture
def tiny_file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.tflite"
    path.write_bytes(TINY)
    return path


def test_the_cache_gives_back_what_was_made(tiny_file: Path, tmp_path: Path) -> None:
    made, read = cache.cached(tiny_file, tmp_path), cache.cached(tiny_file, tmp_path)
    assert made is not None
    assert read is not None
    assert isinstance(read.body, Path)
    assert made.body == read.body.read_bytes()
    assert made.proof == read.proof
    windows = np.random.default_rng(2).uniform(-1, 1, (1, 800)).astype(np.float32)
    np.testing.assert_array_equal(
        made.session().run(windows)["logits"], read.session().run(windows)["logits"]
    )


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "other"])
def test_a_damaged_cache_file_is_made_anew(tiny_file: Path, tmp_path: Path, damage: str) -> None:
    cache.cached(tiny_file, tmp_path)
    (path,) = tmp_path.glob("*.graft")
    whole = path.read_bytes()
    middle = len(whole) // 2
    changed = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    path.write_bytes({"cut": whole[:-9], "changed": changed, "empty": b"", "other": b"a file"}[damage])
    assert cache.cached(tiny_file, tmp_path) is not None
    assert cache.read(path) is not None


def test_a_body_that_is_another_is_made_anew(tiny_file: Path, tmp_path: Path) -> None:
    made = cache.cached(tiny_file, tmp_path)
    assert made is not None
    (body,) = tmp_path.glob("*.graft.tflite")
    body.write_bytes(graphs.network(Kind(samples=400, n_fft=64, hop=50, bands=6)))
    read = cache.cached(tiny_file, tmp_path)
    assert read is not None
    assert body.read_bytes() == made.body


def test_several_outputs_are_told_apart(tmp_path: Path) -> None:
    graph = Graph.parse(TINY)
    inner = graft.find_embedding(graph)
    assert inner is not None
    path = tmp_path / "two.tflite"
    path.write_bytes(surgery.extract(graph, graph.inputs, [inner, *graph.outputs]).write())
    n_classes, n_inner = graph.shape(graph.outputs[0])[-1], graph.shape(inner)[-1]
    assert n_classes != n_inner
    for wanted in (n_classes, n_inner):
        grafted = cache.cached(path, tmp_path, wanted=Wanted(n_classes=wanted))
        assert grafted is not None
        assert grafted.session().outputs["logits"] == wanted
    with pytest.raises(ModelError, match="which output holds the scores"):
        cache.cached(path, tmp_path)


def test_a_refusal_is_kept_and_said_again(tiny_file: Path, tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.warns(RuntimeWarning, match="original graph is used"):
            assert cache.cached(tiny_file, tmp_path, tolerance=-1) is None


def test_all_batches_are_made_when_a_session_is_opened(tiny_file: Path, tmp_path: Path) -> None:
    sha256 = hashlib.sha256(tiny_file.read_bytes()).hexdigest()
    cache.cached(tiny_file, tmp_path, batch=4)
    assert not places.is_prepared(sha256, tmp_path)
    sessions.open_session(networks.described(tiny_file), cache=tmp_path)
    assert places.is_prepared(sha256, tmp_path)
    made = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.graft*")}
    (tmp_path / "any").touch()
    assert {path.stat().st_mode for path in made} == {(tmp_path / "any").stat().st_mode}  # others may read it
    sessions.open_session(networks.described(tiny_file), cache=tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.graft*")} == made


def test_batches_and_networks_do_not_share_a_file(tiny_file: Path, tmp_path: Path) -> None:
    one, two = cache.cached(tiny_file, tmp_path), cache.cached(tiny_file, tmp_path, batch=2)
    assert one is not None
    assert two is not None
    assert (one.batch, two.batch) == (1, 2)


def test_a_rewrite_has_the_name_of_all_that_decides_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def names(sha256: str = "ab", batch: int = 1, tolerance: float = 1e-3, **more: Any) -> list[str]:
        return [path.name for path in places.of(sha256, tmp_path, batch, tolerance, Wanted(**more))]

    every = [names(), names(sha256="cd"), names(batch=4), names(tolerance=1e-4), names(output="logits")]
    monkeypatch.setattr(places, "__version__", "77.7")
    every.append(names())
    assert len({name for some in every for name in some}) == 2 * len(every)


def _make(folder: str) -> int:
    grafted = cache.cached(Path(folder) / "tiny.tflite", Path(folder))
    return 0 if grafted is None else len(cache.pack(grafted, "a.graft"))


def test_several_processes_may_start_at_once(tiny_file: Path, tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        sizes = pool.map(_make, [str(tmp_path)] * 3)
    assert len(set(sizes)) == 1
    assert sizes[0] > 0
    assert len(list(tmp_path.glob("*.graft"))) == 1
    assert not list(tmp_path.glob("*.part"))


# ---- portable files ----


@pytest.mark.parametrize("batch", [1, 2, None])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_portable_network_says_the_same(kind: Kind, batch: int | None) -> None:
    data = graphs.network(kind)
    fast, proof = portable.verified(data, batch=batch, tolerance=1e-3)
    graph = Graph.parse(fast)
    assert "RFFT2D" not in {graph.name(op) for op in graph.operators} or kind.normalized
    assert proof.front_end.startswith("as convolutions")
    assert graph.inputs == Graph.parse(data).inputs
    assert graph.outputs[0] == Graph.parse(data).outputs[0]


@pytest.mark.long
def test_a_portable_birdnet_says_the_same(birdnet: models.Model) -> None:
    """In silence too, which its normalisation makes -1 and whose spectrum is rounding alone."""
    fast, proof = portable.verified(birdnet.path.read_bytes(), batch=None, tolerance=1e-3)
    assert proof.front_end.startswith("as convolutions")
    assert max(proof.differences[name] for name in ("silence", "click", "song, then zeros")) < 1e-4
    assert Graph.parse(fast).outputs == [546, 545], "where birdnet and BirdNET-Go look for them"


def test_a_portable_network_takes_any_batch() -> None:
    data = graphs.network(Kind())
    fast, _ = portable.verified(data, batch=None, tolerance=1e-3)
    windows = np.random.default_rng(2).uniform(-1, 1, (5, 4000)).astype(np.float32)
    expected = original_logits(data, windows)
    for n in (1, 5, 2):
        runner = litert.start(fast, shapes={0: (n, 4000)})
        output = int(runner.get_output_details()[0]["index"])
        (found,) = litert.run(runner, {0: windows[:n]}, [output])
        np.testing.assert_allclose(found, expected[:n], atol=1e-3)


def test_outputs_are_named_as_birdnet_looks_for_them() -> None:
    fast, _ = portable.verified(TINY, batch=None, tolerance=1e-3)
    signature = litert.start(fast).get_signature_list()["serving_default"]
    assert signature["outputs"] == ["embeddings", "predictions"]


def test_a_portable_network_out_of_tolerance_is_not_written(tmp_path: Path) -> None:
    model, fast = tmp_path / "tiny.tflite", tmp_path / "fast.tflite"
    model.write_bytes(TINY)
    with pytest.raises(ModelError, match="nothing was written"):
        portable.verified(TINY, batch=1, tolerance=-1)
    assert _command(model, "--portable", "-o", str(fast)) == 0
    assert Graph.parse(fast.read_bytes()).operators


def test_a_portable_network_is_whole_or_not_there(
    tiny_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _command(tiny_file, "--portable", "-o", tmp_path / "none" / "fast.tflite") == 64
    assert "cannot be written into" in capsys.readouterr().err

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert _command(tiny_file, "--portable", "-o", tmp_path / "fast.tflite") == 74
    assert "fast.tflite: cannot be written (No space left on device)" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.tflite"]


def _command(*arguments: object) -> int:
    from birdfast.__main__ import main

    assert "optimize" in COMMANDS
    return main(["optimize", *map(str, arguments)])


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--portable", "-o", "fast.tflite", "--batch", "0"], "1 to 1024"),
        (["--portable", "-o", "fast.tflite", "--tolerance", "-1"], "not below 0"),
        (["--portable"], "needs -o"),
        (["-o", "fast.tflite"], "go with --portable"),
        (["--batch", "dynamic"], "go with --portable"),
        (["--tolerance", "0.1"], "go with --portable"),
        (["--max-hours", "48"], "--max-hours can only go with --portable"),
        (["--audio", "x.wav", "--batch", "2"], "--batch, --audio can only go with --portable"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    model = tmp_path / "tiny.tflite"
    model.write_bytes(TINY)
    assert _command(model, *arguments) == 64
    assert reason in capsys.readouterr().err


# ---- what the command says of the cache ----


def test_a_rewritten_network_is_kept_and_found_again(
    tiny_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BIRDFAST_CACHE", str(tmp_path / "cache"))
    assert _command(tiny_file) == 0
    assert capsys.readouterr().out.count("kept in birdfast's cache") == 2
    monkeypatch.setattr(graft, "verified", lambda *_, **__: pytest.fail("it is there"))
    assert _command(tiny_file) == 0


@pytest.mark.parametrize("place", ["a file", "below a file", "a folder in its place", "read-only"])
def test_a_cache_that_keeps_nothing_is_told(
    tiny_file: Path,
    tmp_path: Path,
    place: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "cache" / "grafts"
    if place == "a file":
        folder.parent.mkdir()
        folder.touch()
    elif place == "below a file":
        folder.parent.touch()
    elif place == "read-only":
        if os.geteuid() == 0:
            pytest.skip("the administrator may write everywhere")
        folder.mkdir(mode=0o555, parents=True)
    else:
        sha256 = hashlib.sha256(TINY).hexdigest()
        for batch in places.BATCHES:
            for path in places.of(sha256, folder, batch, places.TOLERANCE, Wanted()):
                path.mkdir(parents=True)
    monkeypatch.setenv("BIRDFAST_CACHE", str(folder.parent))
    assert _command(tiny_file) == 74
    said = capsys.readouterr()
    assert said.out.count("rewritten for batch 1, not kept\n") == said.out.count("batch 4, not kept\n") == 1
    assert said.err.startswith(f"birdfast: {folder}")
    assert "so it is made again next time" in said.err


@pytest.mark.parametrize("way", ["MemoryError", "ModelMemoryError"])
def test_too_little_memory_says_nothing_about_the_network(
    tiny_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], way: str
) -> None:
    def lacking(*_: object, **__: object) -> None:
        raise MemoryError if way == "MemoryError" else ModelMemoryError("logits: too little memory")

    monkeypatch.setattr(graft, "verified", lacking)
    monkeypatch.setenv("BIRDFAST_CACHE", str(tiny_file.parent / "cache"))
    assert _command(tiny_file) == 64
    said = capsys.readouterr().err
    assert said.startswith(f"birdfast: {tiny_file}: the original graph is used: ")
    assert said.endswith("too little memory; tried again next time\n")


@pytest.mark.parametrize("kind", [ModelError, ModelMemoryError])
@pytest.mark.parametrize("is_named", [True, False])
def test_a_network_is_named_once_and_the_kind_of_its_error_stays(
    kind: type[ModelError], is_named: bool
) -> None:
    said = "a.tflite: cannot be read" if is_named else "cannot be read"
    with (
        pytest.raises(ModelError, match=r"^a\.tflite: cannot be read$") as caught,
        sessions.named(Path("a.tflite")),
    ):
        raise kind(said)
    assert type(caught.value) is kind


def test_a_network_that_cannot_be_read_is_named_once(
    tiny_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.truncate(tiny_file, sources.DATA_BYTES + 1)
    for more in ([], ["--portable", "-o", str(tmp_path / "fast.tflite")]):
        assert _command(tiny_file, *more) == 64
        assert capsys.readouterr().err.count(str(tiny_file)) == 1


# ---- damaged and hostile files ----


def broken(change: object) -> bytes:
    """The tiny network after a change to its tree."""
    model = flatbuffer.read(TINY)
    change(model)  # type: ignore[operator]
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _set(path: str, value: object) -> object:
    """A change: `path` is Python below the model, such as ``subgraphs[0].tensors[3].buffer``."""
    *steps, last = path.replace("[", ".[").split(".")

    def change(model: object) -> None:
        node = model
        for step in steps:
            node = node[int(step[1:-1])] if step.startswith("[") else getattr(node, step)  # type: ignore[index]
        setattr(node, last, value)

    return change


HOSTILE = {
    "an input beyond the tensors": _set("subgraphs[0].inputs", np.array([999], np.int32)),
    "an output beyond the tensors": _set("subgraphs[0].outputs", np.array([-1], np.int32)),
    "a buffer beyond the buffers": _set("subgraphs[0].tensors[1].buffer", 4_000_000_000),
    "an operator code beyond the codes": _set("subgraphs[0].operators[0].opcodeIndex", 77),
    "an operator that reads beyond": _set(
        "subgraphs[0].operators[1].inputs", np.array([2**31 - 1, 1], np.int32)
    ),
    "an operator that reads -1": _set("subgraphs[0].operators[1].inputs", np.array([-1, -1], np.int32)),
    "an operator that reads nothing": _set("subgraphs[0].operators[1].inputs", np.zeros(0, np.int32)),
    "an operator that reads itself": _set("subgraphs[0].operators[1].inputs", np.array([4, 4], np.int32)),
    "an operator that writes on a constant": _set(
        "subgraphs[0].operators[1].outputs", np.array([1], np.int32)
    ),
    "a huge shape": _set("subgraphs[0].tensors[2].shape", np.array([2**31 - 1] * 4, np.int32)),
    "a negative shape": _set("subgraphs[0].tensors[2].shape", np.array([-5], np.int32)),
    "a shape of many axes": _set("subgraphs[0].tensors[2].shape", np.ones(5000, np.int32)),
    "constants that are cut": _set("buffers[1].data", np.zeros(3, np.uint8)),
    "no buffers": _set("buffers", []),
    "no subgraph": _set("subgraphs", []),
    "no operators": _set("subgraphs[0].operators", []),
    "another schema": _set("version", 99),
    "an unknown operator": _set("operatorCodes[0].builtinCode", 32_000),
    "control flow": _set("operatorCodes[0].builtinCode", schema.BuiltinOperator.WHILE),
    "text as input": _set("subgraphs[0].tensors[0].type", schema.TensorType.STRING),
    "an unknown type": _set("subgraphs[0].tensors[2].type", 100),
    "options of another operator": _set("subgraphs[0].operators[-3].builtinOptions", schema.AddOptionsT()),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_network_is_refused_in_words(name: str) -> None:
    with pytest.raises(ModelError):
        graph = Graph.parse(broken(HOSTILE[name]))
        validate.check(graph)


def test_a_custom_operator_is_named() -> None:
    model = flatbuffer.read(TINY)
    code = model.operatorCodes[0]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = b"FlexRFFT"
    with pytest.raises(ModelError, match="custom operator FlexRFFT"):
        validate.check(Graph(model))


def test_strides_of_nothing_are_refused() -> None:
    model = flatbuffer.read(TINY)
    convolution = next(op for op in model.subgraphs[0].operators if hasattr(op.builtinOptions, "strideW"))
    convolution.builtinOptions.strideW = 0
    with pytest.raises(ModelError, match="strideW 0"):
        validate.check(Graph(model))


def test_a_file_that_grows_when_read_is_refused() -> None:
    """One operator code of 60 KB, referred to 100,000 times: 6 GB for a reader that follows."""
    builder = flatbuffers.Builder(0)
    name = builder.CreateString("x" * 60_000)
    schema.OperatorCodeStart(builder)
    schema.OperatorCodeAddCustomCode(builder, name)
    code = schema.OperatorCodeEnd(builder)
    schema.ModelStartOperatorCodesVector(builder, 100_000)
    for _ in range(100_000):
        builder.PrependUOffsetTRelative(code)
    codes = builder.EndVector()
    schema.ModelStart(builder)
    schema.ModelAddVersion(builder, 3)
    schema.ModelAddOperatorCodes(builder, codes)
    builder.Finish(schema.ModelEnd(builder), b"TFL3")
    with pytest.raises(ModelError, match="more items than bytes"):
        flatbuffer.read(bytes(builder.Output()))


@pytest.mark.parametrize("length", [0, 4, 8, 15, 16, 40, 400, 4000, -1])
def test_a_cut_file_is_refused(length: int) -> None:
    with pytest.raises(ModelError):
        validate.check(Graph.parse(TINY[:length]))


@given(st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_changed_file_is_read_or_refused(data: st.DataObject) -> None:
    """No bytes make the reader or the checks raise anything but ModelError."""
    content = bytearray(TINY)
    for _ in range(data.draw(st.integers(1, 8))):
        # the tree lies all over the file, and more of it at the beginning than of the weights
        at = data.draw(st.integers(0, len(content) - 1) | st.integers(0, 600))
        content[at : at + 1] = data.draw(st.binary(min_size=0, max_size=4))
    try:
        graph = original.read(bytes(content))
    except ModelError:
        return
    original.read(graph.write())


FUZZ = """
import sys
import numpy as np
from birdfast.errors import ModelError, ModelMemoryError
from birdfast.grafting import graft

original, outcomes = open(sys.argv[1], "rb").read(), {"rewritten": 0, "refused": 0}
random = np.random.default_rng(int(sys.argv[2]))
for _ in range(int(sys.argv[3])):
    content = np.frombuffer(original, np.uint8).copy()
    at = random.integers(8, len(content), random.integers(1, 6))
    content[at] = np.where(random.random(len(at)) < 0.5, random.integers(0, 256, len(at)), content[at] ^ 1)
    try:
        graft.verify(content.tobytes(), graft.optimize(content.tobytes()))
        outcomes["rewritten"] += 1
    except ModelError:
        outcomes["refused"] += 1
print(outcomes)
"""


def test_changed_files_do_not_end_the_rewriter(tmp_path: Path) -> None:
    """The whole way through, the runtime included, in a process that may not die."""
    path = tmp_path / "tiny.tflite"
    path.write_bytes(TINY)
    done = ran(sys.executable, "-c", FUZZ, path, "7", "40")
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_network_on_which_the_runtime_crashes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    crash = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    monkeypatch.setattr(children, "command", lambda *_: [sys.executable, "-c", crash])
    with pytest.raises(ModelError, match="crashes on this model"):
        trial.run(TINY)
