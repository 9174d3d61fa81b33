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
from birdfast.__main__ import main
from birdfast.config import Options
from birdfast.errors import AudioError, ModelError, RecordingWarning
from birdfast.outcomes import Detection
from birdfast.picture.panels import Panels
from birdfast.pipeline import Pipeline
from birdfast.pipeline.stretches import STRETCH_S
from birdfast.tables import About
from birdfast.tables.detections import CsvTable
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


# ---- what commands say ----


def rows(path: Path, table: Path, channels: tuple[int, ...]) -> Path:
    """Write a table of detections that are of channels of a recording."""
    with CsvTable(table, About({}, (), has_channels=True)) as file:
        file.detections([Detection(0, 1, "Parus major", f"Tit {c}", 0.9, str(path), "", c) for c in channels])
    return table / CsvTable.name


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, list[str]]]:
    """What each panel of a picture shows: how loud its sound is, and which names."""
    panels: list[tuple[float, list[str]]] = []

    def drawn(given: Panels) -> object:
        for panel in given.panels:
            loud = float(panel.spectrum.highest_power)
            panels.append((loud, [row.common_name for row in panel.detections]))
        return made(given)

    pytest.importorskip("matplotlib", reason="pictures need the extra [report]")
    made = Panels.drawn
    monkeypatch.setattr(Panels, "drawn", drawn)
    return panels


def test_a_picture_shows_the_channels_that_its_rows_are_of(
    opposite: Path, tmp_path: Path, drawn: list[tuple[float, list[str]]], capsys: pytest.CaptureFixture[str]
) -> None:
    how = [str(rows(opposite, tmp_path, (1, 2))), "-o", str(tmp_path / "x.png"), "--length", "1"]
    for more, names, remarks in (
        ((), [["Tit 1"], ["Tit 2"]], 0),
        (("--channel", "2"), [["Tit 2"]], 0),
        (("--channel", "each"), [["Tit 1"], ["Tit 2"]], 0),
        (("--channel", "mix"), [["Tit 1", "Tit 2"]], 1),
    ):
        drawn.clear()
        assert main(["plot", str(opposite), *how, *more]) == 0
        assert [named for _, named in drawn] == names
        assert all((loud > 1) == (not remarks) for loud, _ in drawn)
        assert capsys.readouterr().err.count(f"birdfast: {opposite}: {QUIETER}") == remarks
    how[0] = str(rows(opposite, tmp_path, (3,)))
    assert main(["plot", str(opposite), *how]) == 64
    assert "no channel 3: it has 2 channels" in capsys.readouterr().err


def test_a_picture_shows_what_there_is_of_a_recording_that_ends_too_early(
    cut: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib", reason="pictures need the extra [report]")
    how = [str(rows(cut, tmp_path, (1,))), "-o", str(tmp_path / "x.png")]
    assert main(["plot", str(cut), *how]) == 2
    assert (tmp_path / "x.png").read_bytes()[:4] == b"\x89PNG"
    assert f"birdfast: {cut}: cut short: ends at" in capsys.readouterr().err
    assert main(["plot", str(cut), *how, "--start", "2"]) == 64


def test_tokens_keep_what_is_before_a_failure(
    stsg: models.Model, cut: Path, wav: Path, tmp_path: Path
) -> None:
    import pyarrow.parquet

    def tokens(*paths: Path) -> dict[str, list[int]]:
        how = ["--model", str(stsg.path.parent), "-o", str(tmp_path / "out")]
        assert main(["tokens", *map(str, paths), *how]) == (2 if cut in paths else 0)
        found = pyarrow.parquet.read_table(tmp_path / "out" / "tokens.parquet").to_pylist()
        return {row["file"]: row["tokens"] for row in found}

    whole, part = tokens(wav)[str(wav)], tokens(cut)[str(cut)]
    assert 0 < len(part) < len(whole)
    assert part == whole[: len(part)]
    (failure,) = table(tmp_path / "out" / "failures.csv")
    infer(stsg, cut, "-o", tmp_path / "run")
    assert [failure] == table(tmp_path / "run" / "failures.csv")
    assert (failure["rate_hz"], failure["bytes"]) == (str(RATE_HZ), str(cut.stat().st_size))


def test_tokens_are_of_the_channel_that_is_chosen(stsg: models.Model, opposite: Path, tmp_path: Path) -> None:
    import pyarrow.parquet

    found = {}
    for channel in ("mix", "1"):
        how = ["--model", str(stsg.path.parent), "-o", str(tmp_path / channel), "--channel", channel]
        assert main(["tokens", str(opposite), *how]) == 0
        found[channel] = pyarrow.parquet.read_table(tmp_path / channel / "tokens.parquet")["tokens"][0]
        assert (tmp_path / channel / "notes.csv").exists() == (channel == "mix")
    assert found["mix"] != found["1"]


def test_a_channel_that_fits_no_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    for command, channel in (("tokens", "each"), ("train", "each"), ("plot", "left"), ("infer", "0")):
        with pytest.raises(SystemExit) as ended:
            main([command, "a", "--channel", channel])
        assert ended.value.code == 64
        told = capsys.readouterr().err
        assert f"usage: birdfast {command}" in told
        assert f"--channel: '{channel}' does not fit; it takes mix" in told


def test_an_option_that_there_is_not_gets_the_usage_of_its_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["infer", "a.wav", "--latitudes", "1"])
    assert ended.value.code == 64
    told = capsys.readouterr().err
    assert "usage: birdfast infer" in told
    assert "birdfast infer: unrecognized arguments: --latitudes 1" in told
