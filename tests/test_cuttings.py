"""Clips of what was heard: the samples of their recording, in files whose names sort, and which to take."""

from __future__ import annotations

import csv
import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as some

from birdfast import audio, models
from birdfast.audio import cutting, ogg
from birdfast.audio.cutting import Stretch
from birdfast.errors import AudioError, ConfigError
from birdfast.journal import stamp
from birdfast.journal.stamp import Stamp
from birdfast.outcomes import Detection
from birdfast.runs import clips
from birdfast.runs.choosing import Choice, chosen
from birdfast.runs.whereabouts import Was, Whereabouts
from birdfast.train import recordings

from .commands import birdfast, infer, table
from .recordings import noise, write

RATE_HZ = 8_000
# Not sorted, one ends behind the end, and one begins where floats fall short of a sample.
PLACES = [(1.0, 2.5), (0.0, 0.5), (2.0, 9.0), (1.0, 1.25), (1.001, 1.25)]


def heard(
    file: object, start_s: float = 1.0, confidence: float = 0.5, name: str = "First", **how: object
) -> Detection:
    return Detection(start_s, start_s + 1, f"Avis {name.lower()}", name, confidence, str(file), "tiny", **how)


@pytest.mark.parametrize("kind", ["wav", "flac", "mp3"])
@pytest.mark.parametrize("n_channels", [1, 2])
def test_stretches_are_the_recordings_samples(kind: str, n_channels: int, tmp_path: Path) -> None:
    path = write(tmp_path / f"a.{kind}", noise(3 * RATE_HZ, n_channels), RATE_HZ)
    stretches = [Stretch(*place, channel) for place in PLACES for channel in range(n_channels + 1)]
    with audio.Recording(path) as recording:
        found = dict(cutting.cut(recording, stretches))
    assert found.keys() == {*range(len(stretches))}
    for number, (start_s, end_s, channel) in enumerate(stretches):
        whole, _ = audio.read(path, channel=channel or "mix")
        np.testing.assert_array_equal(found[number], whole[round(start_s * RATE_HZ) : round(end_s * RATE_HZ)])


@pytest.mark.parametrize("kind", ["wav", "mp3"])
def test_what_is_not_there_is_an_error_of_its_stretch_alone(kind: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"a.{kind}", noise(3 * RATE_HZ), RATE_HZ)
    with audio.Recording(path) as recording:
        found = dict(cutting.cut(recording, [Stretch(7, 8), Stretch(0, 1), Stretch(2, 2)]))
    assert [isinstance(found[number], AudioError) for number in range(3)] == [True, False, True]
    assert "no sound from 7 s to 8 s, as it lasts 3.0 s" in str(found[0])


@pytest.mark.parametrize("seeks_slowly", [False, True])
def test_what_is_behind_an_end_that_nobody_knew_is_an_error_too(seeks_slowly: bool, tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", noise(3 * RATE_HZ), RATE_HZ)
    with audio.Recording(path) as recording:
        recording.n_frames, recording.seeks_slowly = None, seeks_slowly
        found = dict(cutting.cut(recording, [Stretch(7, 8), Stretch(0, 1), Stretch(2, 9)]))
    assert "no sound from 7 s to 8 s" in str(found[0])
    assert [len(found[number]) for number in (1, 2)] == [RATE_HZ, RATE_HZ]


@pytest.mark.parametrize("seeks_slowly", [False, True])
def test_a_fault_costs_the_stretches_that_have_it(seeks_slowly: bool, tmp_path: Path) -> None:
    """In one pass those behind it, too; and what came before it is no stretch."""
    sound = noise(60 * RATE_HZ)
    sound[50 * RATE_HZ + 7] = np.nan
    path = write(tmp_path / "a.wav", sound, RATE_HZ, subtype="FLOAT")
    with audio.Recording(path) as recording:
        recording.seeks_slowly = seeks_slowly
        found = dict(cutting.cut(recording, [Stretch(0, 1), Stretch(2, 58), Stretch(58, 60)]))
    assert [isinstance(found[number], AudioError) for number in range(3)] == [False, True, seeks_slowly]
    assert "no sound from" not in str(found[1])


@given(
    some.lists(some.tuples(some.integers(0, 99), some.sampled_from("abc"), some.integers(0, 100))),
    some.integers(1, 5),
    some.sampled_from(["confidence", "random", "balanced"]),
    some.randoms(use_true_random=False),
)
def test_a_choice_hangs_on_no_order(
    rows: list[tuple[int, str, int]], most: int, mode: str, chance: object
) -> None:
    every = list(
        {(file, name): heard(f"{file}.wav", 1, place / 100, name) for file, name, place in rows}.values()
    )
    choice = Choice(most, mode, n_bins=3)
    found = chosen(every, choice)
    shuffled = every.copy()
    chance.shuffle(shuffled)
    by_place = Counter((row.confidence, row.common_name) for row in every)
    if mode != "confidence" or max(by_place.values(), default=0) < 2:  # of equals the first ones are taken
        assert chosen(shuffled, choice) == found
    counts = Counter(row.common_name for row in every)
    assert Counter(row.common_name for row in found) == {name: min(n, most) for name, n in counts.items()}
    for name in counts if mode == "confidence" else ():
        own = sorted((row.confidence for row in every if row.common_name == name), reverse=True)
        assert [row.confidence for row in found if row.common_name == name] == own[:most]


def test_a_balanced_choice_has_of_each_bin() -> None:
    rows = [heard(f"{place}.wav", 1, 0.999 if place else 0.05) for place in range(1000)]
    rows += [heard(f"{place}.flac", 1, place / 10) for place in range(1, 10)]
    found = chosen(rows, Choice(10, "balanced"))
    assert sorted(int(row.confidence * 10) for row in found) == list(range(10))
    assert len(chosen(rows, Choice(10, "balanced", 0.5, 0.7))) == 3
    seeds = [{row.file for row in chosen(rows, Choice(10, "random", seed=seed))} for seed in (0, 0, 1)]
    assert seeds[0] == seeds[1] != seeds[2]


@pytest.mark.parametrize(
    "choice",
    [Choice(0), Choice(1, "best"), Choice(1, min_confidence=0.6, max_confidence=0.5), Choice(1, n_bins=0)],
)
def test_a_choice_that_is_none_is_refused(choice: Choice, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        clips.write([], tmp_path / "out", choice)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg"])
def test_a_clip_has_its_context_and_says_where_in_it_the_detection_is(kind: str, tmp_path: Path) -> None:
    path = write(tmp_path / "dawn.wav", noise(5 * RATE_HZ, 2), RATE_HZ)
    rows = [heard(path, 2.0, 0.75, channel=2), heard(path, 0.0, 0.5)]
    found = clips.write(rows, tmp_path / "out", cut=clips.Cut(context_s=1.5, format=kind))
    assert (found.n_clips, found.n_recordings, found.failures) == (2, 1, [])
    first, second = table(found.table)
    assert first["file"] == f"Avis first_First/0.750_dawn_00002.00s_ch2.{kind}"
    assert (first["start_s"], first["end_s"], second["start_s"], second["end_s"]) == ("1.5", "2.5", "0", "1")
    sound, rate_hz = soundfile.read(tmp_path / "out" / first["file"], dtype="float32")
    whole, _ = audio.read(path, channel=2)
    assert (rate_hz, len(sound)) == (RATE_HZ, 4 * RATE_HZ)
    if kind != "ogg":
        np.testing.assert_array_equal(sound, whole[RATE_HZ // 2 : RATE_HZ * 9 // 2])
    assert len(soundfile.read(tmp_path / "out" / second["file"])[0]) == RATE_HZ * 5 // 2


def test_clips_are_what_a_training_reads(tmp_path: Path) -> None:
    rows = []
    for number, name in enumerate(["First", "Second"] * 2):
        path = write(tmp_path / f"{number}.wav", noise(3 * RATE_HZ, seed=number), RATE_HZ)
        rows += [heard(path, start_s, 0.5, name) for start_s in (0.0, 1.0)]
    clips.write(rows, tmp_path / "out", cut=clips.Cut(length_s=2))
    found = recordings.find(str(tmp_path / "out" / "clips.csv"))
    assert len(found) == 8
    assert {clip.labels for clip in found} == {("Avis first_First",), ("Avis second_Second",)}
    assert {clip.end_s - clip.start_s for clip in found} == {1.0}
    assert {clip.groups for clip in found} == {(str(tmp_path / f"{number}.wav"),) for number in range(4)}
    assert {clip.labels for clip in recordings.find(str(tmp_path / "out"))} == {clip.labels for clip in found}


def test_bad_recordings_are_rows_and_the_rest_is_cut(tmp_path: Path) -> None:
    good = write(tmp_path / "good.wav", noise(3 * RATE_HZ), RATE_HZ)
    (tmp_path / "bad.wav").write_text("no sound")
    rows = [heard(tmp_path / name, start_s) for name in ("bad.wav", "gone.wav") for start_s in (0.0, 1.0)]
    rows += [heard(good), heard(good, 9.0), heard(good, channel=3)]
    found = clips.write(rows[:-1], tmp_path / "out")
    assert (found.n_clips, len(found.failures)) == (1, 3)
    assert [row["path"] for row in table(tmp_path / "out" / "failures.csv")] == [
        str(tmp_path / "bad.wav"),
        str(tmp_path / "gone.wav"),
        str(good),
    ]
    (failure,) = clips.write(rows[-1:], tmp_path / "other").failures
    assert "channel 3" in failure.message


def test_clips_of_before_go_and_what_is_none_stays(tmp_path: Path) -> None:
    path, out = write(tmp_path / "a.wav", noise(3 * RATE_HZ), RATE_HZ), tmp_path / "out"
    clips.write([heard(path), heard(path, name="Second")], out)
    own = out / "Avis first_First" / "mine.txt"
    own.write_text("a note")
    clips.write([heard(path, name="Third")], out)
    left = {str(file.relative_to(out)) for file in out.rglob("*") if file.is_file()}
    third = "Avis third_Third/0.500_a_00001.00s.wav"
    assert left == {"clips.csv", "failures.csv", "Avis first_First/mine.txt", third}
    (out / "clips.csv").unlink()
    with pytest.raises(ConfigError, match="not empty"):
        clips.write([heard(path)], out)


@pytest.mark.parametrize(
    "name", ["../../x", "/etc/x", "..", "a/b", ".hidden", "x;y", "b\udcff", "シ" * 200, "", " . "]
)
def test_names_of_species_and_files_lead_nowhere(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", noise(3 * RATE_HZ), RATE_HZ)
    row = heard(path)._replace(scientific_name=name, common_name=name)
    found = clips.write([row], tmp_path / "deep" / "out")
    assert (found.n_clips, found.failures) == (1, [])
    (clip,) = (file for file in tmp_path.rglob("0.500_*"))
    assert clip.parent.parent == tmp_path / "deep" / "out"
    with found.table.open(newline="", encoding="utf-8") as file:
        assert len(list(csv.reader(file))) == 2


def test_clips_of_one_name_do_not_replace_each_other(tmp_path: Path) -> None:
    rows = []
    for place in "ab":
        (tmp_path / place).mkdir()
        rows.append(heard(write(tmp_path / place / "dawn.wav", noise(3 * RATE_HZ), RATE_HZ)))
    clips.write(rows, tmp_path / "out")
    names = [row["file"] for row in table(tmp_path / "out" / "clips.csv")]
    assert names == [f"Avis first_First/0.500_dawn_00001.00s{more}.wav" for more in ("", "-2")]


def test_each_recording_is_opened_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [write(tmp_path / f"{number}.wav", noise(9 * RATE_HZ), RATE_HZ) for number in range(2)]
    opened = Counter[str]()

    class Counting(audio.Recording):
        def __init__(self, path: str, **how: object) -> None:
            opened[path] += 1
            super().__init__(path, **how)

    monkeypatch.setattr(cutting, "Recording", Counting)
    rows = [heard(path, float(place), name=name) for place in range(8) for path in paths for name in "AB"]
    assert clips.write(rows, tmp_path / "out").n_clips == 20
    assert set(opened.values()) == {1}


@pytest.mark.parametrize("kind", ["wav", "flac", "ogg"])
def test_a_clip_is_the_same_bytes_each_time(kind: str, tmp_path: Path) -> None:
    samples = noise(5 * RATE_HZ)[:, 0]
    first = audio.encoded(samples, RATE_HZ, kind)
    assert {audio.encoded(samples, RATE_HZ, kind) for _ in range(4)} == {
        first
    }  # Ogg's encoder takes a number
    (tmp_path / f"a.{kind}").write_bytes(first)
    with audio.Recording(tmp_path / f"a.{kind}") as recording:
        assert sum(map(len, recording.blocks(RATE_HZ))) == len(samples)
        assert recording.remarks() == []
    if kind == "ogg":
        (link,), _ = ogg.links(tmp_path / "a.ogg")
        assert len(link.serials) == 1
        other = audio.encoded(-samples, RATE_HZ, kind)
        assert first[ogg.SERIAL_AT :][:4] != other[ogg.SERIAL_AT :][:4]  # so that two may be joined


def of_size(n_bytes: int) -> Was:
    return Was(Stamp(n_bytes, 0))


def test_recordings_that_moved_are_found(tmp_path: Path) -> None:
    for place, n_bytes in (("old", 5), ("new/a", 5), ("new/b", 7), ("new/c/day", 9), ("new/d/day", 9)):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "dawn.wav").write_bytes(bytes(n_bytes))
    there, gone = str(tmp_path / "old/dawn.wav"), str(tmp_path / "gone/dawn.wav")
    new = tmp_path / "new"
    assert Whereabouts([new], {there: of_size(7)}).of(there) == there
    assert Whereabouts([new], {gone: of_size(7)}).of(gone) == str(new / "b/dawn.wav")
    assert Whereabouts([new], {gone: of_size(5)}).of(gone) == str(new / "a/dawn.wav")
    assert Whereabouts([new]).of("x/c/day/dawn.wav") == str(new / "c/day/dawn.wav")
    assert Whereabouts([new]).of("other.wav") == "other.wav"
    assert Whereabouts().of(gone) == gone
    with pytest.raises(AudioError, match="2 files may be it"):
        Whereabouts([new], {gone: of_size(9)}).of(gone)


def test_the_command_and_the_analyzers(tiny: models.Model, tmp_path: Path) -> None:
    day, run = tmp_path / "day", tmp_path / "run"
    day.mkdir()
    write(day / "a.wav", noise(20_000, 2), RATE_HZ)  # larger than its head
    assert infer(tiny, day, "-o", run, "--min-conf", "0").returncode == 0
    result = birdfast("clips", run, "-o", tmp_path / "clips", "-n", "2", "--format", "flac")
    assert result.returncode == 0, result.stderr
    assert f"written: {tmp_path / 'clips' / 'clips.csv'} (6 clips of 1 recording)" in result.stdout
    shutil.move(day, tmp_path / "moved")
    for more, code in (([], 3), (["--audio", tmp_path / "moved"], 0)):
        result = birdfast("clips", run, "-o", tmp_path / "clips", *more)
        assert result.returncode == code, result.stderr
        assert "doubtful" not in result.stderr
    assert len(table(tmp_path / "clips" / "clips.csv")) == 15
    place = tmp_path / "moved/a.wav"
    again = ("clips", run, "-o", tmp_path / "clips", "--audio", place.parent)
    os.utime(place, ns=(0, place.stat().st_mtime_ns + 1_000_000))
    assert f"doubtful: {place}: {stamp.TOUCHED}" in birdfast(*again).stderr
    write(place, noise(19_000, 2), RATE_HZ)
    assert f"doubtful: {place}: {stamp.CHANGED}" in birdfast(*again).stderr
    how = ["--max_segments", "1", "--seg_length", "2.0", "--min_conf", "0", "-t", "4", "--n_bins", "3"]
    how += ["--collection_mode", "balanced"]
    out = tmp_path / "segments"
    result = birdfast(
        "segments", tmp_path / "moved", "-r", run, "-o", out, *how, "--collection_mode", "balanced"
    )
    assert result.returncode == 0, result.stderr
    assert "-t: clips are cut one after the other" in result.stderr
    assert len(table(out / "clips.csv")) == 3
    assert birdfast("segments", "x", "-r", run, "-o", out, "--audio_speed", "2").returncode == 64
    assert birdfast("clips", run).returncode == 64
