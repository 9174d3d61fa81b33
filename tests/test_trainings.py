"""Trainings that follow or meet each other in a folder, and what they say of clips that are not there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from birdfast import audio, modelfolder
from birdfast.__main__ import main
from birdfast.errors import AudioError
from birdfast.models import FOLDERS_VARIABLE
from birdfast.train import mixes, recipe, recordings, stages
from birdfast.train.bands import BandStore

from . import networks
from .test_lengths import FIVE_SECONDS
from .test_train import RATE_HZ, RECIPE, song

pytest.importorskip("numba", reason="training needs birdfast[train]")
pytest.importorskip("sklearn", reason="training needs birdfast[train]")

JUDGED = ("evaluation.csv", "evaluation.json")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tables of clips with folds, `songs.csv` and `others.csv`, over files of their own."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "small.toml").write_text(RECIPE)
    for table, kinds in (("songs", ("whistle", "warble")), ("others", ("warble", "rattle"))):
        rows = ["file,label,fold"]
        for kind in kinds:
            for number in range(4):
                name = f"{table}-{kind}-{number}.flac"
                audio.write(folder / name, song(kind, number), RATE_HZ)
                rows.append(f"{name},{table}-{kind},{number % 2 + 1}")
        (folder / f"{table}.csv").write_text("\n".join(rows) + "\n")
    return folder


def command(data: Path, table: str, output: Path, *more: str) -> list[str]:
    how = ["--recipe", str(data / "small.toml"), "--quiet", "--workers", "1"]
    return ["train", str(data / f"{table}.csv"), "-o", str(output), *how, *more]


def judged(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in JUDGED if (folder / name).exists()}


# ---- a model has its own evaluation, or none ----

KILLED = """
import os, signal, sys
from birdfast.train import evaluation
write = evaluation.write
def killed(*what, **how):
    write(*what, **how)
    os.kill(os.getpid(), signal.SIGKILL)
evaluation.write = killed
from birdfast.__main__ import main
main(sys.argv[1:])
"""


@pytest.mark.long
@pytest.mark.parametrize("more", [[], ["--stage", "head"]])
def test_a_model_never_has_the_evaluation_of_another(data: Path, tmp_path: Path, more: list[str]) -> None:
    first = [sys.executable, "-c", KILLED, *command(data, "songs", tmp_path, "--hold-out", "2")]
    assert subprocess.run(first, check=False).returncode == -signal.SIGKILL
    assert len(judged(tmp_path)) == 2
    assert main(command(data, "others", tmp_path, *more)) == 0
    assert modelfolder.facts(tmp_path)["classes"] == ["others-rattle", "others-warble"]
    assert judged(tmp_path) == {}


@pytest.mark.parametrize("how", [["--cv"], ["--hold-out", "2"]])
@pytest.mark.parametrize("stage", ["codebook", "embedding"])
def test_a_stage_that_writes_no_model_judges_none(
    data: Path, tmp_path: Path, stage: str, how: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for name in JUDGED:
        (tmp_path / name).write_text("of the model that is here")
    before = judged(tmp_path)
    for more in ([], ["--force"]):
        assert main(command(data, "others", tmp_path, "--stage", stage, *how, *more)) == 64
        assert f"--stage {stage} writes no model" in capsys.readouterr().err
    assert judged(tmp_path) == before


# ---- a finished model stays, and what is in the way is told first ----


def test_a_model_that_another_training_finished_meanwhile_stays(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find = recordings.find

    def late(*what: object, **how: object) -> list[recordings.Clip]:
        monkeypatch.setattr(recordings, "find", find)
        assert main(command(data, "others", tmp_path, "--hold-out", "2")) == 0
        return find(*what, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(recordings, "find", late)
    assert main(command(data, "songs", tmp_path)) == 64
    assert f"{tmp_path}: holds a finished model" in capsys.readouterr().err
    assert modelfolder.facts(tmp_path)["classes"] == ["others-rattle", "others-warble"]
    assert len(judged(tmp_path)) == 2


@pytest.mark.parametrize(
    "name",
    [
        *("mean.npy", "layer0_weight.npy", "evaluation.csv", "evaluation.json", "model.toml"),
        *("held_out.csv", "confusion.png"),
        *("stages/codebook.npz", "stages/head.npz", f"stages/skipgram-{'0a' * 16}.npz"),
    ],
)
@pytest.mark.parametrize("more", [[], ["--force"], ["--stage", "codebook"]])
def test_what_is_in_the_way_of_a_training_is_told_before_anything_is_heard(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    more: list[str],
) -> None:
    monkeypatch.setattr(stages.Training, "codebook", lambda *_, **__: pytest.fail("learnt first"))
    (tmp_path / name).mkdir(parents=True)
    assert main(command(data, "songs", tmp_path, *more)) == 64
    assert f"{tmp_path / name}: cannot be written (it is a folder)" in capsys.readouterr().err


def test_a_pipe_in_the_way_is_told_and_what_has_other_names_is_not(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mean.npy.d").mkdir()
    assert main(command(data, "songs", tmp_path, "--stage", "codebook")) == 0
    os.mkfifo(tmp_path / "centroids.npy")
    assert main(command(data, "songs", tmp_path)) == 64
    assert "centroids.npy: cannot be written (it is no regular file)" in capsys.readouterr().err


# ---- a clip that is not there is told ----


@pytest.mark.parametrize(
    ("part", "hours", "said"),
    [
        ("6,8", str(FIVE_SECONDS), "longer than 5 s (9.0 s)"),
        ("6,", str(FIVE_SECONDS), "longer than 5 s (9.0 s)"),
        ("10,12", str(FIVE_SECONDS), "no sound from 10 s to 12 s, as it lasts 9.0 s"),
        ("9,10.5", "48", "no sound from 9 s to 10.5 s, as it lasts 9.0 s"),
        ("9.5,", "48", "no sound from 9.5 s to its end, as it lasts 9.0 s"),
    ],
)
def test_a_clip_behind_the_end_of_its_recording_is_left_out_by_name(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], part: str, hours: str, said: str
) -> None:
    long = tmp_path / "long.flac"
    audio.write(long, song("whistle", 9, 9.0), RATE_HZ)
    rows = [f"{data}/songs-{kind}-{n}.flac,{kind},," for kind in ("whistle", "warble") for n in range(3)]
    table = tmp_path / "clips.csv"
    table.write_text(
        "\n".join(["file,label,start_s,end_s", *rows, f"{long},whistle,0,4", f"{long},warble,{part}"])
    )
    how = command(data, "songs", tmp_path / "m", "--max-hours", hours)
    assert main([how[0], str(table), *how[2:]]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "left out: " in line]
    assert f"left out: {long}: {said}" in line


def test_each_clip_behind_the_end_is_told_and_all_of_them_are_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "small.toml").write_text(RECIPE)
    audio.write(tmp_path / "one.wav", song("whistle", 0), RATE_HZ)
    rows = ["file,label,start_s,end_s", "one.wav,a,3,4", "one.wav,b,5,6"]
    (tmp_path / "clips.csv").write_text("\n".join(rows))
    assert main(command(tmp_path, "clips", tmp_path / "m")) == 64
    said = capsys.readouterr().err
    assert ["from 3 s" in said, "from 5 s" in said, "no recording can be read" in said] == [True] * 3


def test_a_mix_of_a_clip_that_is_not_there_is_none(tmp_path: Path) -> None:
    audio.write(tmp_path / "one.wav", song("whistle", 0), RATE_HZ)
    there, behind = (recordings.Clip(str(tmp_path / "one.wav"), ("a",), start_s) for start_s in (0.0, 3.0))
    front_end = recipe.load("soundscapes").frontend
    mixer = mixes.Mixer(BandStore(front_end, 1.0), front_end)
    with pytest.raises(AudioError, match=r"no sound from 3 s to its end"):
        mixer.of(mixes.Mix((there, behind), (0, 0, 0)), print)


# ---- killed anywhere, with any number of workers: the same model ----

KILLED_AT = """
import os, signal, sys
left, replace = int(sys.argv.pop(1)), os.replace
def replaced(*what, **how):
    global left
    replace(*what, **how)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
os.replace = os.rename = replaced
from birdfast.__main__ import main
main(sys.argv[1:])
"""
SEVERAL = """
streams = [{}, {patch_frames = 3, less = "median"}]
variants = [{shift_mels = 1}]
window_s = 1.0
[mixes]
copies = 1
noise = 0.5
[frontend]
n_mels = 16
[codebook]
n_centroids = 16
n_iterations = 2
n_components = 8
[skipgram]
dim = 8
window = 5
epochs = 2
"""


@pytest.mark.long
def test_a_training_killed_after_any_file_comes_to_the_same_model(data: Path, tmp_path: Path) -> None:
    (tmp_path / "several.toml").write_text(SEVERAL)
    made = ["train", str(data / "songs.csv"), "--recipe", str(tmp_path / "several.toml"), "--quiet"]
    for n_workers in ("1", "4"):
        assert main([*made, "-o", str(tmp_path / n_workers / "m"), "--workers", n_workers]) == 0
    broken = [*made, "-o", str(tmp_path / "broken/m"), "--workers", "2"]
    codes = []
    for n_files in range(1, 40):
        child = [sys.executable, "-c", KILLED_AT, str(n_files), *broken]
        codes.append(subprocess.run(child, check=False).returncode)
        if codes[-1] == 0:
            break
    assert codes == [-signal.SIGKILL] * (len(codes) - 1) + [0]
    assert len(codes) > 4
    folders = [tmp_path / name / "m" for name in ("1", "4", "broken")]
    models = [{path.name: path.read_bytes() for path in folder.glob("*.*")} for folder in folders]
    assert models[0] == models[1] == models[2]
    assert len(models[0]) > 10


@pytest.mark.long
@pytest.mark.parametrize("more", [["--export", "tflite"], ["--on", "short"]])
def test_a_head_killed_after_any_file_comes_to_the_same_model(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: list[str]
) -> None:
    places = tmp_path / "models"
    (places / "deep").mkdir(parents=True)
    networks.write_folder(places / "deep", networks.weights(5), networks.weights(window_samples=5))
    networks.write_short(places / "short")
    monkeypatch.setenv(FOLDERS_VARIABLE, str(places))
    made = ["train", str(data / "songs.csv"), "--on", "deep", *more, "--cv", "--keep-folds", "--quiet"]
    assert main([*made, "-o", str(tmp_path / "whole/m"), "--workers", "2"]) == 0
    broken = [*made, "-o", str(tmp_path / "broken/m"), "--workers", "1"]
    codes = []
    for n_files in range(1, 60, 2):
        child = [sys.executable, "-c", KILLED_AT, str(n_files), *broken]
        codes.append(subprocess.run(child, check=False).returncode)
        if codes[-1] == 0:
            break
    assert codes == [-signal.SIGKILL] * (len(codes) - 1) + [0]
    assert len(codes) > 4
    found = [
        {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}
        for folder in (tmp_path / "whole/m", tmp_path / "broken/m")
    ]
    for files in found:
        for name in [name for name in files if "stages/" in name]:
            del files[name]  # the order in which clips were asked for is in the file of embeddings
    assert found[0] == found[1]
    assert {"evaluation.json", "held_out.csv", "model.toml", "folds/1/layer0_weight.npy"} <= found[0].keys()
