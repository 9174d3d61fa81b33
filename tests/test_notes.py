"""What is known of a recording reaches whoever hears it, by whatever way."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import birdfast
from birdfast import models, workers
from birdfast.config import Options
from birdfast.errors import AudioError, ModelError, RecordingWarning
from birdfast.pipeline import Pipeline
from birdfast.pipeline.stretches import STRETCH_S
from birdfast.workers import requests, warm
from birdfast.workers.requests import Requests
from birdfast.workers.warm import WarmPool

from . import encoded, networks
from .commands import infer, table
from .recordings import noise, write

RATE_HZ = networks.RATE_HZ
QUIETER = "the mix of its 2 channels is at least 40 dB quieter"


@pytest.fixture
def opposite(tmp_path: Path) -> Path:
    """More than a stretch of stereo whose mix is silence."""
    one = noise(int(1.2 * STRETCH_S * RATE_HZ))
    return write(tmp_path / "opposite.wav", np.concatenate([one, -one], axis=1), RATE_HZ)


@pytest.fixture
def cut(wav: Path) -> Path:
    """The first half of a recording."""
    content = wav.read_bytes()
    wav.with_name("cut.wav").write_bytes(content[: len(content) // 2])
    return wav.with_name("cut.wav")


@contextmanager
def told() -> Iterator[list[warnings.WarningMessage]]:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        yield seen


@pytest.fixture(params=["Pipeline", "WarmPool"])
def heard(request: pytest.FixtureRequest, deep: models.Model) -> Iterator[Pipeline | WarmPool]:
    """Both ways from a program to what is in a recording."""
    if request.param == "Pipeline":
        yield Pipeline(deep, Options(min_confidence=0))
    else:
        with WarmPool(deep.path.parent, workers=2, min_confidence=0) as pool:
            yield pool


def test_a_program_is_warned_of_a_remark_once_where_it_asks(
    heard: Pipeline | WarmPool, opposite: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for ask in (heard.detect, lambda path: list(heard.score(path)), heard.embed):
        with told() as seen:
            ask(opposite)
        (warning,) = seen
        assert warning.category is RecordingWarning
        assert str(warning.message).startswith(f"{opposite}: {QUIETER}")
        assert warning.filename == __file__
    with told() as seen:
        heard.detect(noise(9_000)[:, 0], RATE_HZ)
    assert seen == []
    assert capfd.readouterr() == ("", "")


def test_a_decoder_that_is_not_the_usual_one_is_noted_without_a_warning(
    deep: models.Model, tmp_path: Path
) -> None:
    path = tmp_path / "a.m4a"
    path.write_bytes(encoded.by_ffmpeg(path, "aac", encoded.sound()))
    with told() as seen:
        Pipeline(deep).detect(path)
    assert seen == []
    results = birdfast.run(path, deep.path.parent, output=tmp_path / "out")
    assert "read with FFmpeg" in [note.text for note in results.notes]


def test_results_have_the_notes_of_the_table(deep: models.Model, opposite: Path, tmp_path: Path) -> None:
    results = birdfast.run(opposite, deep.path.parent, output=tmp_path / "out")
    (note,) = results.notes
    assert (note.path, note.text.startswith(QUIETER)) == (str(opposite), True)
    assert table(tmp_path / "out" / "notes.csv") == [{"path": note.path, "note": note.text}]


def test_the_command_says_how_many_files_are_noted(
    deep: models.Model, opposite: Path, wav: Path, tmp_path: Path
) -> None:
    noted = infer(deep, opposite, wav, "-o", tmp_path / "out")
    assert f"1 file noted: see {tmp_path / 'out' / 'notes.csv'}" in noted.stderr
    assert "noted" not in infer(deep, wav, "-o", tmp_path / "other").stderr


def test_what_was_heard_before_a_failure_goes_with_the_error(
    heard: Pipeline | WarmPool, wav: Path, cut: Path
) -> None:
    with pytest.raises(AudioError, match="cut short") as failed:
        heard.detect(cut)
    found = [row._replace(file="") for row in failed.value.detections]
    whole = [row._replace(file="") for row in heard.detect(wav)]
    assert found
    assert found == whole[: len(found)]
    assert AudioError("another").detections == ()


def test_what_was_heard_before_a_networks_failure_goes_with_the_error(tmp_path: Path) -> None:
    model = models.find(networks.write_folder(tmp_path))
    pipeline = Pipeline(model, Options(min_confidence=0))
    whole = pipeline.detect(noise(90_000)[:, 0], RATE_HZ)
    listener = pipeline.listeners[0]
    pick, n_left = listener.pick, [2]

    def break_off(scored: object) -> object:
        if not n_left[0]:
            raise ModelError("broken")
        n_left[0] -= 1
        return pick(scored)

    listener.pick = break_off
    with pytest.raises(ModelError, match="broken") as failed:
        pipeline.detect(noise(90_000)[:, 0], RATE_HZ)
    assert 0 < len(failed.value.detections) < len(whole)
    assert failed.value.detections == whole[: len(failed.value.detections)]


@pytest.mark.parametrize("end", [WarmPool.cancel, WarmPool.close])
def test_who_still_prepares_a_sound_is_cancelled_too(
    tiny: models.Model, monkeypatch: pytest.MonkeyPatch, end: Callable[[WarmPool], None]
) -> None:
    begun, ended = threading.Event(), threading.Event()
    prepared = requests.job_of

    def prepare(*sound: object) -> object:
        begun.set()
        ended.wait()
        return prepared(*sound)

    monkeypatch.setattr(warm, "job_of", prepare)
    with WarmPool(tiny.path.parent, workers=1) as pool, ThreadPoolExecutor(1) as threads:
        asked = threads.submit(pool.detect, noise(9_000)[:, 0], RATE_HZ)
        begun.wait()
        end(pool)
        ended.set()
        with pytest.raises(CancelledError):
            asked.result()
        if end is WarmPool.cancel:
            assert isinstance(pool.detect(noise(9_000)[:, 0], RATE_HZ), list)


def test_a_ticket_from_before_an_end_is_worth_nothing() -> None:
    work = Requests()
    work.open()
    ticket = work.ticket()
    work.cancel()
    with pytest.raises(CancelledError):
        work.add(workers.Job("a"), ticket)
    work.add(workers.Job("a"), work.ticket())
    ticket = work.ticket()
    work.close(ModelError("broken"), failed=True)
    with pytest.raises(ModelError, match="broken"):
        work.add(workers.Job("a"), ticket)
