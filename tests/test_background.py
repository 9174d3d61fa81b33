"""Background is a class where classes exclude each other, of clips without a label or of quiet parts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import birdfast
from birdfast import audio, metrics, modelfolder
from birdfast.__main__ import main
from birdfast.errors import ConfigError
from birdfast.train import background, recipe, recordings
from birdfast.train.recordings import Clip

pytest.importorskip("numba", reason="training needs birdfast[train]")
pytest.importorskip("sklearn", reason="training needs birdfast[train]")

RATE_HZ = 32_000
RECIPE = """
window_s = 1.0
[frontend]
n_mels = 16
[codebook]
n_centroids = 24
n_iterations = 3
n_components = 8
[skipgram]
dim = 8
window = 5
epochs = 2
[pooling]
n_nearest = 2
[head]
background = "{}"
"""
BANDS = arrays(
    np.float32, st.tuples(st.integers(0, 90), st.integers(1, 4)), elements=st.floats(-8, 8, width=16)
)


@given(BANDS)
def test_quiet_bands_are_frames_of_the_window_and_as_many(bands: np.ndarray) -> None:
    found = background.quiet(bands)
    assert (found.shape, found.dtype) == (bands.shape, bands.dtype)
    assert {*map(bytes, found)} <= {*map(bytes, bands)}


@pytest.mark.parametrize("n_frames", [1, 15, 16, 17, 64, 250])
@pytest.mark.parametrize("padding", [0, 40])
def test_an_event_and_digital_silence_are_not_in_the_quiet_parts(n_frames: int, padding: int) -> None:
    dice = np.random.default_rng(0)
    bands = dice.normal(-9, 1, (n_frames, 8)).astype(np.float32)
    bands[: n_frames // 2] += 8 if n_frames >= 32 else 0
    padded = np.concatenate([bands, np.full((padding, 8), -11.5, np.float32)])
    found = background.quiet(padded)
    assert len(found) == n_frames + padding
    assert -9.5 < found.mean() < -8.5
    assert np.ptp(found, axis=1).min() > 0
    silent = np.zeros((9, 3), np.float32)
    np.testing.assert_array_equal(background.quiet(silent), silent)


def song(kind: str, seed: int) -> np.ndarray:
    """Two seconds of a whistle or of a hum in noise, or of noise alone."""
    dice, time = np.random.default_rng(seed), np.arange(2 * RATE_HZ) / RATE_HZ
    pitch_hz = {"whistle": 3000, "hum": 700, "nothing": 0}[kind] * dice.uniform(0.95, 1.05)
    return (0.2 * np.sin(2 * np.pi * pitch_hz * time) + 0.02 * dice.standard_normal(len(time))).astype(
        np.float32
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class folders, one of them of background, and `clips.csv` over the same files."""
    folder = tmp_path_factory.mktemp("data")
    rows = ["file,label,fold"]
    for kind, name, label in (
        ("whistle", "whistle", "whistle"),
        ("hum", "hum", "hum"),
        ("nothing", "_background", ""),
    ):
        (folder / "songs" / name).mkdir(parents=True)
        for number in range(6):
            audio.write(folder / f"songs/{name}/{number}.flac", song(kind, number), RATE_HZ)
            rows.append(f"songs/{name}/{number}.flac,{label},{number % 3}")
    (folder / "clips.csv").write_text("\n".join(rows) + "\n")
    for how in recipe.BACKGROUNDS:
        (folder / f"{how}.toml").write_text(RECIPE.format(how))
    return folder


def train(data: Path, source: str, output: Path, how: str = "clips", *more: str) -> dict:
    words = ["train", str(data / source), "-o", str(output), "--recipe", str(data / f"{how}.toml"), "--quiet"]
    assert main([*words, *more]) == 0
    return modelfolder.facts(output)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def names(folder: Path, kind: str) -> set[str]:
    return {
        one.common_name for one in birdfast.load(folder, min_confidence=0.5).detect(song(kind, 77), RATE_HZ)
    }


@pytest.mark.long
def test_background_clips_are_a_class_that_is_never_found(data: Path, tmp_path: Path) -> None:
    facts = train(data, "clips.csv", tmp_path / "m", "clips", "--cv")
    assert (facts["activation"], facts["classes"]) == ("softmax", ["hum", "whistle", "background"])
    assert (facts["background"], [*facts["thresholds"]]) == ("background", ["hum", "whistle"])
    for kind in ("hum", "whistle", "nothing"):
        assert names(tmp_path / "m", kind) == {kind} - {"nothing"}
    every = birdfast.load(tmp_path / "m", min_confidence=0).detect(song("nothing", 78), RATE_HZ)
    assert {one.common_name for one in every} == {"hum", "whistle"}
    told = json.loads((tmp_path / "m/evaluation.json").read_text())
    assert [row["class"] for row in told["folds"][0]["classes"]] == facts["classes"]
    for name, table in (("ece", "reliability"), ("ece_before", "reliability_before")):
        tables = [fold[table] for fold in told["folds"]]
        assert [fold[name] for fold in told["folds"]] == [metrics.error_of([one]) for one in tables]
        assert told["mean"][name] == metrics.error_of(tables)
        assert sum(sum(one["n"]) for one in tables) == 36  # windows


@pytest.mark.long
def test_the_same_model_comes_of_folders_and_any_number_of_workers(data: Path, tmp_path: Path) -> None:
    for n_workers in ("1", "2", "4"):
        train(data, "songs", tmp_path / n_workers / "m", "clips", "--workers", n_workers)
    assert contents(tmp_path / "1/m") == contents(tmp_path / "2/m") == contents(tmp_path / "4/m")
    before = contents(tmp_path / "1/m")
    train(data, "songs", tmp_path / "1/m", "clips", "--force")  # as the stages have it
    assert contents(tmp_path / "1/m") == before


def test_quiet_parts_are_background_where_there_are_no_other_clips(data: Path, tmp_path: Path) -> None:
    rows = [row for row in (data / "clips.csv").read_text().splitlines() if "_background" not in row]
    (data / "songs.csv").write_text("\n".join(rows) + "\n")
    facts = train(data, "songs.csv", tmp_path / "m", "quiet")
    assert (facts["classes"], facts["activation"]) == (["hum", "whistle", "background"], "softmax")
    assert facts["calibration"]["n_windows"] == 24 + 8  # of four clips of twelve
    assert "background" not in train(data, "songs.csv", tmp_path / "none", "clips")


def test_without_a_class_for_it_background_makes_sigmoids(data: Path, tmp_path: Path) -> None:
    facts = train(data, "clips.csv", tmp_path / "m", "none")
    assert (facts["activation"], facts["classes"]) == ("sigmoid", ["hum", "whistle"])
    assert "background" not in facts
    assert facts["calibration"]["n_windows"] == 36


def test_what_is_called_background_is_no_label(tmp_path: Path) -> None:
    rows = ["a.wav,", "b.wav,background", "c.wav,_Background", "d.wav,wren;background", "e.wav,dog"]
    (tmp_path / "clips.csv").write_text("\n".join(["file,label", *rows]) + "\n")
    found = recordings.find(str(tmp_path / "clips.csv"))
    assert [clip.labels for clip in found] == [(), (), (), ("wren",), ("dog",)]


def test_one_class_and_background_are_enough(tmp_path: Path) -> None:
    (tmp_path / "clips.csv").write_text("file,label\na.wav,wren\nb.wav,\n")
    assert len(recordings.find(str(tmp_path / "clips.csv"))) == 2
    for rows in ("a.wav,wren\nb.wav,wren\n", "a.wav,\nb.wav,\n"):
        (tmp_path / "clips.csv").write_text("file,label\n" + rows)
        with pytest.raises(ConfigError, match="two classes or more, or of background"):
            recordings.find(str(tmp_path / "clips.csv"))


@pytest.mark.parametrize(
    ("preset", "labels", "found"),
    [
        ("best", ["a", "b", ""], ["a", "b", "background"]),
        ("best", ["a", "b"], ["a", "b"]),
        ("best", ["a", "a;b", ""], ["a", "b"]),
        ("soundscapes", ["a", "b", ""], ["a", "b"]),
        ("paper", ["a", "b", ""], ["a", "b"]),
    ],
)
def test_background_is_a_class_where_classes_exclude_each_other(
    preset: str, labels: list[str], found: list[str]
) -> None:
    clips = [
        Clip(f"{number}.wav", tuple(filter(None, told.split(";")))) for number, told in enumerate(labels)
    ]
    told, classes = background.classes(clips, recipe.load(preset))
    assert classes == found
    assert all(clip.labels for clip in told) == ("background" in found or "" not in labels)


@pytest.mark.parametrize("told", ['background = "wind"', "folds = 1", "precision = 0.0", "precision = 1.5"])
def test_a_recipe_that_does_not_fit_is_refused(tmp_path: Path, told: str) -> None:
    (tmp_path / "r.toml").write_text(f"[head]\n{told}\n")
    with pytest.raises(ConfigError, match=rf"r\.toml: head\.{told.split()[0]}: .* does not fit"):
        recipe.load("best", tmp_path / "r.toml")
