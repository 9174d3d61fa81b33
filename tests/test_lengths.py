"""A recording is heard for so long, and dense rows are kept for so long as the disk has room."""

from __future__ import annotations

import shutil
from argparse import Namespace
from collections import namedtuple
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

import birdfast
from birdfast import audio, models
from birdfast.__main__ import _parser, main
from birdfast.audio import refusal
from birdfast.cli import train
from birdfast.config import Options
from birdfast.errors import AudioError, ConfigError, OutputError
from birdfast.runs import Results
from birdfast.train import recordings

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
    assert failure["message"].startswith(f"{long}: longer than 5 s")
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
    with pytest.raises(AudioError, match="longer than 5 s"):
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


def test_a_command_that_hears_takes_what_its_failures_advise(capsys: pytest.CaptureFixture[str]) -> None:
    given = {
        "infer": ["x.wav"],
        "tokens": ["x.wav", "--model", "m", "-o", "o"],
        "train": ["x", "-o", "o"],
        "plot": ["x.wav", "x.csv"],
        "optimize": ["m"],
    }
    for command, how in given.items():
        assert _parser().parse_args([command, *how]).max_hours == 48
        assert _parser().parse_args([command, *how, "--max-hours", "0.5"]).max_hours == 0.5
        for hours in ("0", "-1", "nan", "inf", "1e9", "x"):
            with pytest.raises(SystemExit) as ended:
                _parser().parse_args([command, *how, "--max-hours", hours])
            assert ended.value.code == 64
            assert "argument --max-hours: " in capsys.readouterr().err


def test_tokens_and_pictures_go_as_far_as_a_recording_may_be_long(
    stsg: models.Model, long: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib", reason="pictures need the extra [report]")
    how = ["tokens", str(long), "--model", str(stsg.path.parent), "-o"]
    assert main([*how, str(tmp_path / "whole")]) == 0
    assert main([*how, str(tmp_path / "part"), "--max-hours", str(FIVE_SECONDS)]) == 2
    whole, part = (
        pyarrow.parquet.read_table(tmp_path / out / "tokens.parquet")["tokens"][0].as_py()
        for out in ("whole", "part")
    )
    assert 0.5 < len(part) / len(whole) < 0.6
    assert part == whole[: len(part)]
    (failure,) = table(tmp_path / "part" / "failures.csv")
    assert failure["message"].startswith(f"{long}: longer than 5 s")
    (tmp_path / "none.csv").write_text("Start (s),End (s),Scientific name,Common name,Confidence,File\n")
    how = ["plot", str(long), str(tmp_path / "none.csv"), "-o", str(tmp_path / "x.png")]
    capsys.readouterr()
    for hours, code in (("1", 0), (str(FIVE_SECONDS), 2)):
        assert main([*how, "--max-hours", hours]) == code
        assert (f"{long}: longer than 5 s" in capsys.readouterr().err) == bool(code)


def test_a_clip_is_as_long_as_its_recording_may_be(long: Path) -> None:
    part, whole = (recordings.Clip(str(long), end_s=end_s, max_hours=FIVE_SECONDS) for end_s in (4.0, None))
    assert sum(map(len, part.blocks(8_000, print))) == 8_000 * 4
    with pytest.raises(AudioError, match="longer than 5 s"):
        list(whole.blocks(8_000, print))
    (clip,) = train._heard([recordings.Clip(str(long))], Namespace(channel="2", max_hours=3.0))
    assert (clip.channel, clip.max_hours) == ("2", 3.0)


@pytest.mark.parametrize(
    ("hours", "duration_s", "said"),
    [
        (0.01, 40, "longer than 36 s (40.0 s), and"),
        (0.01, 0, "longer than 36 s, and"),
        (0.5, 4000, "longer than 30 min (1 h 06 min), and"),
        (48, 200_000, "longer than 48 h (55 h 33 min), and"),
        (1.5, 0, "longer than 1.5 h, and"),
        (1e-5, 0, "longer than 0.036 s, and"),
    ],
)
def test_times_are_told_so_that_they_can_be_read(hours: float, duration_s: float, said: str) -> None:
    assert said in str(refusal.too_long(Path("a.wav"), hours, duration_s))


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
