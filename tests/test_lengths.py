"""A recording is heard for so long, and dense rows are kept for so long as the disk has room."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

import birdfast
from birdfast import audio, models
from birdfast.config import Options
from birdfast.errors import AudioError, ConfigError, OutputError
from birdfast.runs import Results

from .commands import contents, infer, table
from .recordings import noise, write

FIVE_SECONDS = 5 / 3600
LONG = noise(8_000 * 9)


@pytest.fixture(params=["wav", "flac", "flac of no length"])
def long(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Nine seconds."""
    path = write(tmp_path / f"long.{request.param[:4].strip()}", LONG, 8_000)
    if request.param == "flac of no length":
        content = bytearray(path.read_bytes())
        content[21] &= 0xF0  # STREAMINFO's number of samples: 0 is unknown
        content[22:26] = bytes(4)
        path.write_bytes(content)
    return path


def test_a_recording_is_heard_as_far_as_it_may_be_long(
    tiny: models.Model, long: Path, tmp_path: Path
) -> None:
    short = write(tmp_path / f"short{long.suffix}", LONG[: 8_000 * 5], 8_000)
    how = ["--min-conf", "0", "--rtype", "csv,scores"]
    result = infer(tiny, long, "-o", tmp_path / "out", *how, "--max-hours", FIVE_SECONDS)
    assert result.returncode == 2, result.stderr
    (failure,) = table(tmp_path / "out" / "failures.csv")
    assert failure["message"].startswith(f"{long}: longer than 0.00138889 h")
    assert "--max-hours" in failure["message"]
    assert infer(tiny, short, "-o", tmp_path / "short", *how).returncode == 0
    rows, wanted = (
        [list(row.values())[:-1] for row in table(tmp_path / out / "detections.csv")]
        for out in ("out", "short")
    )
    assert rows == wanted
    assert len(rows) == 30
    assert infer(tiny, long, "-o", tmp_path / "whole", *how, "--max-hours", "1").returncode == 0


@pytest.mark.filterwarnings("ignore::birdfast.RecordingWarning")
def test_programs_hear_as_far_too(tiny: models.Model, long: Path) -> None:
    pipeline = birdfast.load(tiny.path.parent, max_hours=FIVE_SECONDS)
    with pytest.raises(AudioError, match=r"longer than 0.00138889 h"):
        pipeline.detect(long)
    with audio.Recording(long, max_hours=FIVE_SECONDS) as recording:
        came = []
        with pytest.raises(AudioError, match="longer than"):
            came.extend(block.copy() for block in recording.blocks(8_000))
    assert len(np.concatenate(came)) == 8_000 * 5
    with audio.Recording(long, max_hours=FIVE_SECONDS) as recording:
        assert len(recording.samples(8_000, 0, 8_000)) == 8_000


def test_two_days_are_enough_unless_more_is_asked_for() -> None:
    assert Options().max_hours == 48
    for hours in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match="max_hours: .* does not fit"):
            Options(max_hours=hours)


def test_dense_rows_end_a_run_before_the_disk_is_full(
    tiny: models.Model, long: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    how = {"output": tmp_path / "out", "kinds": ("csv", "scores"), "workers": 1}
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 10**6))
        with pytest.raises(OutputError, match=r"out: 1 MB are free.*what was done is kept"):
            birdfast.run(long, tiny.path.parent, **how)
        assert contents(tmp_path / "out") == {}
        birdfast.run(long, tiny.path.parent, output=tmp_path / "csv", workers=1)  # which needs no room
    assert list(birdfast.run(long, tiny.path.parent, **how).scores())
    assert Results(tmp_path / "out").standing.done == 1
