"""Each detection has its clip, whole and under its own name, however slow sound is and long its blocks."""

from __future__ import annotations

import csv
import errno
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from birdfast import models
from birdfast.__main__ import main
from birdfast.audio.pcm import Pcm, put_floats
from birdfast.cli import exits
from birdfast.live.ring import Ring
from birdfast.outcomes import Detection
from birdfast.runs import clips
from birdfast.runs.clipnames import Names
from birdfast.runs.clips import Cut
from birdfast.runs.keepsakes import Keepsakes

SECONDS = 50


def heard(start_s: float, **more: object) -> Detection:
    row = Detection(start_s, start_s + 1, "Avis prima", "First Bird", 0.5, "pond.wav")
    return row._replace(**more)


def check(folder: Path, sound: np.ndarray, rate_hz: int, context_s: float = 0) -> int:
    """Return how many clips a folder has, all of them listed and as the sound was."""
    rows = [*csv.DictReader((folder / "clips.csv").read_text().splitlines())]
    assert {row["file"] for row in rows} == {
        path.relative_to(folder).as_posix() for path in folder.glob("*/*")
    }
    for row in rows:
        begin_s, end_s = (float(row[f"recording_{name}_s"]) for name in ("start", "end"))
        first = round(max(0, begin_s - context_s) * rate_hz)
        clip, _ = soundfile.read(folder / row["file"], dtype="int16")
        assert (clip == sound[first : round((end_s + context_s) * rate_hz)]).all(), row["file"]
    return len(rows)


@pytest.mark.parametrize("rate_hz", [1_000, 2_000])
def test_slow_sound_has_all_its_clips(rate_hz: int, tiny: models.Model, tmp_path: Path) -> None:
    """A pipe is read in blocks of 64 KiB, which are half a minute at 1 kHz."""
    sound = np.random.default_rng(1).integers(-9_999, 9_999, SECONDS * rate_hz).astype("<i2")
    given = tmp_path / "sound.raw"
    sound.tofile(given)
    how = ["--rate", rate_hz, "--min-conf", 0, "--clips", tmp_path / "kept", "--clips-most", 1_000]
    how += ["--model", tiny.path.parent, "--input", given, "-o", tmp_path / "rows.ndjson"]
    assert main([*map(str, ["listen", *how])]) == 0
    n_rows = (tmp_path / "rows.ndjson").read_text().count("\n")
    assert check(tmp_path / "kept", sound, rate_hz) == n_rows > SECONDS


@given(
    lengths=st.lists(st.integers(0, 60_000), max_size=3),
    context_s=st.sampled_from([0, 0.3, 4]),
    late_s=st.sampled_from([0, 2.5]),
)
@settings(max_examples=15)
def test_blocks_may_be_of_any_length(
    lengths: Sequence[int], context_s: float, late_s: float, tmp_path_factory
) -> None:
    """A second's detections are told of when it is there, or so much later as the resampler holds back."""
    rate_hz, n_told, n_pushed = 1_000, 0, 0
    sound = np.random.default_rng(2).integers(-9_999, 9_999, (sum(lengths), 1)).astype(np.int16)
    folder = tmp_path_factory.mktemp("kept")
    with Keepsakes(folder, 1_000, Cut(context_s)) as keep:
        keep.begin(Pcm(rate_hz), 7.5, 1.0)
        for length in lengths:
            n_pushed += length
            n_there = max(0, int(n_pushed / rate_hz - late_s))
            keep.push(
                sound[n_pushed - length : n_pushed], [heard(7.5 + at_s) for at_s in range(n_told, n_there)]
            )
            n_told = max(n_told, n_there)
        keep.end([heard(7.5 + at_s) for at_s in range(n_told, n_pushed // rate_hz)])
    before = np.zeros(round(7.5 * rate_hz), np.int16)
    rows = [*csv.DictReader((folder / "clips.csv").read_text().splitlines())]
    assert len(rows) == n_pushed // rate_hz
    if not context_s:
        assert check(folder, np.concatenate([before, sound[:, 0]]), rate_hz) == len(rows)
    for row in rows:
        n_samples = soundfile.info(folder / row["file"]).frames
        first = max(0, round((float(row["recording_start_s"]) - context_s - 7.5) * rate_hz))
        last = round((float(row["recording_end_s"]) + context_s - 7.5) * rate_hz)
        assert n_samples == min(last, n_pushed) - first


def test_clips_of_one_name_are_told_apart(tmp_path: Path) -> None:
    """Two models may be as sure of the same second; so may one be of moments that are named alike."""
    sound = np.arange(3_000, dtype=np.int16)[:, None]
    with Keepsakes(tmp_path / "kept") as keep:
        keep.begin(Pcm(1_000), 0, 1.0)
        keep.push(sound[:2_000], [heard(0.5, model="a"), heard(0.5, model="b"), heard(0.502, model="a")])
        keep.push(sound[2_000:], [heard(0.504, model="a")])
        keep.end([])
    assert check(tmp_path / "kept", sound[:, 0], 1_000) == 4
    folder = "Avis prima_First Bird"
    names = Names("wav")
    assert [names.of(heard(0.5, common_name=name)) for name in ("First Bird", "First bird")] == [
        f"{folder}/0.500_pond_00000.50s.wav",
        "Avis prima_First bird/0.500_pond_00000.50s-2.wav",
    ]


def test_a_ring_has_the_floats_that_are_heard() -> None:
    every = np.arange(-32_768, 32_768).astype(np.int16)
    floats = put_floats(every, np.empty(len(every), np.float32))
    assert (floats * 32_768 == every).all()
    assert (put_floats(floats, np.empty_like(floats)) == floats).all()
    ring = Ring(Pcm(32_768), 1.5)
    ring.push(every[:, None])
    assert (ring.cut(30_000, 65_536) == floats[30_000:]).all()


@pytest.mark.parametrize("full_at", [0, 3])
def test_a_folder_that_takes_no_more_clips_costs_no_row(
    full_at: int,
    tiny: models.Model,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is said at the end, with the exit code of what was lost; the clips before have their table."""
    sound = np.random.default_rng(1).integers(-9_999, 9_999, 20 * 8_000).astype("<i2")
    sound.tofile(tmp_path / "sound.raw")
    put, n_put = clips.put, []

    def put_until_full(path: Path, what: object) -> float:
        n_put.append(path)
        if len(n_put) > full_at:
            raise OSError(errno.ENOSPC, "No space left on device")
        return put(path, what)

    monkeypatch.setattr(clips, "put", put_until_full)
    how = ["--rate", 8_000, "--min-conf", 0, "--clips", tmp_path / "kept", "--clips-most", 1_000]
    how += ["--model", tiny.path.parent, "--input", tmp_path / "sound.raw", "-o", tmp_path / "rows.ndjson"]
    assert main([*map(str, ["listen", *how])]) == exits.SOME_FAILED
    assert (tmp_path / "rows.ndjson").read_text().count("\n") > 20
    assert "kept: no more clips are kept (No space left on device)" in capsys.readouterr().err
    assert len(n_put) == full_at + 1
    assert check(tmp_path / "kept", sound, 8_000) == full_at


def test_the_table_has_each_clip_as_soon_as_it_is_there(tmp_path: Path) -> None:
    sound = np.random.default_rng(1).integers(-9_999, 9_999, 8_000).astype("<i2")
    with Keepsakes(tmp_path / "kept") as keep:
        keep.begin(Pcm(1_000, 1, "s16"), 0.0, 1.0)
        for second in range(4):
            keep.push(sound[second * 1_000 : (second + 1) * 1_000, np.newaxis], [heard(second)])
            assert check(tmp_path / "kept", sound, 1_000) == second + 1
