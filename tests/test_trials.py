"""A network is tried once in a process of its own; whoever waits is told so; files are read once a run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from birdfast import children, models, runs, sources, voice, workers
from birdfast.config import Options
from birdfast.errors import ModelError
from birdfast.grafting import graft, places, trial, verdict
from birdfast.runs import said
from birdfast.sessions import open_session
from birdfast.workers import ahead

from . import networks
from .recordings import noise, write

TINY = networks.tflite(networks.weights())
REFUSED = "import sys; sys.stderr.write('not this one'); sys.exit(3)"
SLOW = "import sys, time; time.sleep(0.5)"


@pytest.fixture
def own(tmp_path: Path) -> models.Model:
    (tmp_path / "own").mkdir()
    return models.find(networks.write_folder(tmp_path / "own"))


def no_graft(*_: object, **__: object) -> None:
    """Nothing that helps agrees with the original."""


# ---- what trials came to ----


@pytest.mark.filterwarnings("ignore:the original graph is used:RuntimeWarning")
def test_a_network_that_runs_as_it_is_is_tried_at_its_first_opening_alone(
    own: models.Model, tmp_path: Path, tries: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graft, "verified", no_graft)
    for _ in range(3):
        open_session(own, cache=tmp_path / "cache")
    assert len(tries) == 1
    (kept,) = (tmp_path / "cache").glob("*.trial")
    own.path.write_bytes(networks.tflite(-networks.weights()))
    open_session(own, cache=tmp_path / "cache")
    assert len(tries) == 2, "another network"
    own.path.write_bytes(TINY)
    kept.chmod(0o666)
    open_session(own, cache=tmp_path / "cache")
    assert len(tries) == 3, "a verdict that others could have written"
    open_session(own)
    assert len(tries) == 4, "without a place to keep it"


def test_a_tflite_network_that_was_refused_is_refused_again_without_a_trial(
    tmp_path: Path, tries: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "command", lambda *_: [sys.executable, "-c", REFUSED])
    for shape in ((1, 400), (1, 400), (1, 800)):
        with pytest.raises(ModelError, match="not this one"):
            verdict.check(TINY, "tflite", [shape], tmp_path / "cache")
    assert len(tries) == 2, "of each shape one"


# ---- what is told meanwhile ----


def tried_for(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let trials take half a second, and who waits be told of them after so many."""
    monkeypatch.setattr(children, "command", lambda *_: [sys.executable, "-c", SLOW])
    monkeypatch.setattr(trial, "QUIET_S", seconds)


@pytest.mark.parametrize(("quiet_s", "n_lines"), [(0.05, 1), (60.0, 0)])
def test_whoever_waits_for_a_slow_trial_is_told_once(
    monkeypatch: pytest.MonkeyPatch, quiet_s: float, n_lines: int
) -> None:
    tried_for(monkeypatch, quiet_s)
    heard: list[str] = []
    monkeypatch.setattr(voice, "_hearers", [heard.append])
    assert trial.attempt(TINY, "tflite", name="tiny.tflite") == trial.Verdict(None)
    assert heard == ["tiny.tflite: tried once in a process of its own, for 120 s at most"] * n_lines


def test_what_a_worker_says_meanwhile_comes_to_who_waits_for_it() -> None:
    heard: list[str] = []
    worker = workers.Worker(heard.append)
    order = b'{"aside": "tiny: tried once", "n_bytes": 0}\n'
    try:
        worker._inbox._held += order[:-1]
        worker._inbox._source = type("Source", (), {"recv": lambda *_: order[-1:]})()  # type: ignore[assignment]
        assert list(worker.receive()) == []
    finally:
        worker.end()
    assert heard == ["tiny: tried once"]


def test_a_run_passes_on_what_its_workers_say_once() -> None:
    heard: list[str] = []
    follower = type("Heard", (runs.Follower,), {"say": lambda _, text: heard.append(text)})()
    hear = said.once([follower])
    for text in ("tiny: tried", "tiny: tried", "other: tried"):
        hear(text)
    assert heard == ["tiny: tried", "other: tried"]


def test_asides_are_a_programs_warnings_or_go_where_they_are_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    monkeypatch.setattr(voice, "_hearers", [voice._warn])
    with pytest.warns(RuntimeWarning, match="first"):
        voice.aside("first")
    voice.tell_asides(heard.append)
    voice.aside("second")
    assert heard == ["second"]


@pytest.mark.filterwarnings("ignore:the original graph is used:RuntimeWarning")
def test_a_network_that_is_to_be_rewritten_is_refused_again_without_a_trial(
    own: models.Model, tmp_path: Path, tries: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "command", lambda *_: [sys.executable, "-c", REFUSED])
    for _ in range(3):
        with pytest.raises(ModelError, match="not this one"):
            open_session(own, cache=tmp_path / "cache")
    assert len(tries) == 1


# ---- what is read once ----


def test_workers_read_no_large_file_for_a_digest_that_their_parent_made(
    own: models.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_session(own, cache=models.cache_folder())  # rewritten
    monkeypatch.setattr(sources, "SETTLED_S", -1.0)
    monkeypatch.setattr(sources, "_KNOWN", {})
    digests, told = ahead.digests([own], Options()), sources.known()
    assert digests == [own.digests()]
    monkeypatch.setattr(sources, "_KNOWN", {})
    sources.believe(told)
    reads: list[object] = []
    monkeypatch.setattr(sources.hashlib, "file_digest", lambda file, _: reads.append(file.name))
    models.check_unchanged([own], digests)
    session = open_session(own, cache=models.cache_folder())
    assert not reads
    assert session.batch == places.BATCHES[-1], "it was rewritten"


def test_a_file_that_changed_since_is_read_whatever_was_told_of_it(
    own: models.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "SETTLED_S", -1.0)
    digests, told = ahead.digests([own], Options()), sources.known()
    own.path.write_bytes(networks.tflite(-networks.weights()))
    monkeypatch.setattr(sources, "_KNOWN", {})
    sources.believe(told)
    with pytest.raises(ModelError, match="was replaced or changed"):
        models.check_unchanged([own], digests)


def test_a_run_goes_on_in_workers_that_believe_their_parent(own: models.Model, tmp_path: Path) -> None:
    paths = [str(write(tmp_path / f"{n}.wav", noise(20_000, seed=n), 8_000)) for n in range(2)]
    results = runs.Run(paths, [own], Options(min_confidence=0), tmp_path / "out").work()
    assert not list(results.failures)
    assert {detection.file for detection in results} == {*paths}
