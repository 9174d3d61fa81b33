"""Training, from recordings to a model that `infer` runs; all sound is made here."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import birdfast
from birdfast import audio, keyedvectors, metrics, modelfolder, models, words
from birdfast.__main__ import main
from birdfast.classifier import Classifier, Layer
from birdfast.errors import AudioError, ConfigError, ModelError
from birdfast.journal import Folder
from birdfast.sessions import open_session
from birdfast.stsg.pooling import Pooler
from birdfast.train import evaluation, folds, head, keep, recipe, recordings, whitening

from . import commands, encoded
from . import recordings as made
from .recordings import SONG_HZ as RATE_HZ
from .recordings import song

pytest.importorskip("numba", reason="training needs birdfast[train]")
pytest.importorskip("sklearn", reason="training needs birdfast[train]")

RECIPE = """
streams = []
variants = []
window_s = 1.0
[frontend]
n_mels = 16
patch_step = 3
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
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of class folders, and `clips.csv` with folds over the same files."""
    folder = tmp_path_factory.mktemp("data")
    rows = ["file,label,fold"]
    for kind in ("whistle", "warble", "rattle"):
        (folder / "songs" / kind).mkdir(parents=True)
        for number in range(8):
            audio.write(folder / f"songs/{kind}/{number}.flac", song(kind, number), RATE_HZ)
            rows.append(f"songs/{kind}/{number}.flac,{kind},{number % 2 + 1}")
    (folder / "clips.csv").write_text("\n".join(rows) + "\n")
    (folder / "small.toml").write_text(RECIPE)
    return folder


def train(data: Path, source: str, output: Path, *more: str) -> int:
    arguments = ["train", str(data / source), "-o", str(output), "--recipe", str(data / "small.toml")]
    return main([*arguments, "--quiet", "--workers", "2", *more])


@pytest.fixture(scope="module")
def model(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "songs"
    assert train(data, "clips.csv", folder, "--cv") == 0
    return folder


def arrays(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.npy"))}


def test_infer_names_the_songs(data: Path, model: Path, tmp_path: Path) -> None:
    long = np.concatenate([song("whistle", 50), song("rattle", 51), song("warble", 52)])
    audio.write(tmp_path / "new.wav", long, RATE_HZ)
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    output = tmp_path / "out"
    code = main(["infer", str(tmp_path), "--model", str(model), "-o", str(output), "--quiet", "--top-k", "1"])
    assert code == 2
    with (output / "detections.csv").open() as file:
        found = [(row["Start (s)"], row["Common name"]) for row in csv.DictReader(file)]
    songs = ["whistle", "whistle", "rattle", "rattle", "warble", "warble"]
    assert found == [(f"{second}.0", name) for second, name in enumerate(songs)]
    assert "broken.wav" in (output / "failures.csv").read_text()


def test_a_window_has_the_same_scores_alone_and_in_a_batch(model: Path) -> None:
    session = open_session(models.find(model))
    windows = np.stack([song("warble", seed, 1.0) for seed in range(5)])
    together = session.run(windows)
    alone = [session.run(window[np.newaxis]) for window in windows]
    for name in ("logits", "embedding"):
        np.testing.assert_allclose(together[name], np.concatenate([one[name] for one in alone]), atol=1e-5)


@pytest.mark.parametrize("peak", [1e15, 1e19, 3e38])
@pytest.mark.parametrize("preset", ["best", "paper", pytest.param("soundscapes", marks=pytest.mark.long)])
def test_a_recording_louder_than_sound_can_be_is_left_out_by_name(
    peak: float, preset: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in ("whistle", "rattle"):
        (tmp_path / "songs" / kind).mkdir(parents=True)
        for number in range(3):
            audio.write(tmp_path / f"songs/{kind}/{number}.flac", song(kind, number), RATE_HZ)
    loud = (np.float32(peak) * song("rattle", 9))[:, np.newaxis]
    made.write(tmp_path / "songs/rattle/loud.wav", loud, RATE_HZ, subtype="FLOAT")
    small = RECIPE
    if preset == "paper":
        small = RECIPE.replace("n_components = 8", "n_components = 0").replace("n_mels = 16", "")
    (tmp_path / "small.toml").write_text(small)
    assert train(tmp_path, "songs", tmp_path / "model", "--preset", preset) == 2
    assert re.search(r"left out: \S*loud\.wav: samples up to .*e\+", capsys.readouterr().err)
    models.find(tmp_path / "model")


def test_whole_numbers_that_were_written_as_floats_are_learnt_from(tmp_path: Path) -> None:
    path = made.write(
        tmp_path / "a.wav", 2.0**30 * song("rattle", 9)[:, np.newaxis], RATE_HZ, subtype="FLOAT"
    )
    assert sum(len(block) for block in recordings.Clip(str(path)).blocks(RATE_HZ, print)) == 2 * RATE_HZ


def test_whitening_holds_values_whose_squares_overflow() -> None:
    dice = np.random.default_rng(0)
    part = (1e25 * dice.standard_normal((500, 6))).astype(np.float32)
    mean, projection = whitening.fit([part], 6)
    white = (part.astype(np.float64) - mean) @ projection.T.astype(np.float64)
    np.testing.assert_allclose(np.cov(white.T), np.eye(6), atol=0.02)
    with pytest.raises(ConfigError, match="frames: .* not finite"):
        whitening.fit([np.full((3, 2), np.inf, np.float32)], 2)


def test_load_takes_the_folder(model: Path) -> None:
    pipeline = birdfast.load(str(model))
    assert pipeline.listener().model.activation == "softmax"
    assert pipeline.embed(song("rattle", 9), RATE_HZ).shape == (2, 24 + 8 + 48)


def test_cross_validation_holds_each_fold_out(model: Path) -> None:
    told = json.loads((model / "evaluation.json").read_text())
    assert [fold["fold"] for fold in told["folds"]] == [1, 2]
    for name in ("accuracy", "macro_roc_auc"):
        assert told["mean"][name] == pytest.approx(np.mean([fold[name] for fold in told["folds"]]))
        assert told["mean"][name] > 0.9
    with (model / "evaluation.csv").open() as file:
        assert [row["class"] for row in csv.DictReader(file)] == ["rattle", "warble", "whistle"] * 2


def test_all_that_a_training_writes_is_known_by_name(model: Path) -> None:
    for folder, known in ((model, keep.MODEL), (model / "stages", keep.STAGES)):
        written = [path.name for path in folder.iterdir() if path.is_file()]
        assert written
        assert [name for name in written if not re.fullmatch(known, name)] == []


def test_two_trainings_do_not_share_a_folder(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = tmp_path / "m/stages/.head.npz.abc_1234.part"
    part.parent.mkdir(parents=True)
    part.touch()
    with Folder(tmp_path / "m"):
        assert train(data, "clips.csv", tmp_path / "m") == 64
    assert f"{tmp_path / 'm'}: another birdfast is at work in it" in capsys.readouterr().err
    assert part.exists()


def test_a_spreadsheet_runs_nothing_of_a_safe_evaluation(tmp_path: Path) -> None:
    judged = {"class": "=1+1", "n": 1, "roc_auc": -0.5, "recall": math.nan}
    for csv_safe, names in ((False, ("=1+1", "-a")), (True, ("'=1+1", "'-a"))):
        told = {"folds": [{"fold": "-a", "classes": [judged]}], "mean": {}}
        evaluation.write(tmp_path, told, csv_safe=csv_safe)
        (row,) = commands.table(tmp_path / "evaluation.csv")
        assert (row["class"], row["fold"]) == names
        assert (row["roc_auc"], row["recall"]) == ("-0.5", "nan")


def test_nothing_of_the_fold_is_seen_in_training(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from birdfast.train import stages

    seen: list[set[str]] = []
    learn = stages.Training.model

    def watched(training: stages.Training) -> keep.Arrays:
        seen.append({clip.fold for clip in training.clips})
        return learn(training)

    monkeypatch.setattr(stages.Training, "model", watched)
    assert train(data, "clips.csv", tmp_path / "m", "--hold-out", "2") == 0
    assert seen == [{"1"}, {"1", "2"}]


def test_a_copy_without_labels_of_what_is_held_out_is_not_heard(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from birdfast.train import stages

    heard: list[set[str]] = []
    learn = stages.Training.model

    def watched(training: stages.Training) -> keep.Arrays:
        heard.append({clip.path for clip in training.unlabelled})
        return learn(training)

    for number in range(2):
        (tmp_path / f"{number}.flac").symlink_to(data / f"songs/whistle/{number}.flac")
    monkeypatch.setattr(stages.Training, "model", watched)
    more = ("--unlabelled", str(tmp_path), "--hold-out", "2")
    assert train(data, "clips.csv", tmp_path / "m", *more) == 0
    assert heard == [{str(tmp_path / f"{number}.flac") for number in some} for some in ([0], [0, 1])]


def test_a_file_is_in_one_fold(tmp_path: Path) -> None:
    (tmp_path / "b.wav").symlink_to(tmp_path / "a.wav")
    names = [str(tmp_path / "a.wav"), f"{tmp_path}/../{tmp_path.name}/a.wav", str(tmp_path / "b.wav")]
    others = [recordings.Clip(f"{number}.wav", ("x",), fold="1") for number in range(5)]
    for other in names:
        clips = [recordings.Clip(names[0], ("x",), 0, 1, "1"), recordings.Clip(other, ("y",), 1, 2, "2")]
        with pytest.raises(ConfigError, match=r"a\.wav: in the folds 1 and 2|b\.wav: in the folds 1 and 2"):
            folds.splits([*others, *clips])
        for seed in range(20):
            *_, one, two = folds.held_out([*others, *clips], 0.5, seed)
            assert one.fold == two.fold


def test_a_share_that_is_no_file_is_refused(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert train(data, "songs", tmp_path / "m", "--hold-out", "1%") == 64
    assert "1% of each class's files" in capsys.readouterr().err


@pytest.mark.long
def test_a_class_of_one_fold_alone_is_tested_without_being_found(data: Path, tmp_path: Path) -> None:
    rows = (data / "clips.csv").read_text().splitlines()
    kept = [row for row in rows if not row.endswith("rattle,1")]
    (data / "late.csv").write_text("\n".join(kept) + "\n")
    assert train(data, "late.csv", tmp_path / "m", "--cv") == 0
    told = json.loads((tmp_path / "m/evaluation.json").read_text())
    first, second = ({row["class"]: row for row in fold["classes"]} for fold in told["folds"])
    assert (first["rattle"]["n"], first["rattle"]["roc_auc"]) == (0, None)
    assert (second["rattle"]["n"], second["rattle"]["recall"]) == (4, 0)
    for fold, rows in zip(told["folds"], (first, second), strict=True):
        areas = [row["roc_auc"] for row in rows.values() if row["n"]]
        assert fold["macro_roc_auc"] == pytest.approx(np.mean(areas))


@pytest.mark.parametrize(
    ("rows", "more", "named"),
    [
        (["whistle/0", "warble/0"], ["--hold-out", "60%"], "no recordings with labels are left"),
        (["whistle/0,1", "whistle/1,2", "warble/0,2"], ["--hold-out", "2"], "all recordings .* have whistle"),
        (["whistle/0,1", "whistle/1,2", "warble/0,2"], ["--cv"], "without the fold '2': .* have whistle"),
    ],
)
def test_one_class_alone_is_refused_before_anything_is_learnt(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    rows: list[str], more: list[str], named: str,
) -> None:  # fmt: skip
    from birdfast.train import stages

    parts = [row.partition(",") for row in rows]
    table = [f"songs/{name}.flac,{name.partition('/')[0]},{fold}" for name, _, fold in parts]
    (data / "few.csv").write_text("\n".join(["file,label,fold", *table]) + "\n")
    monkeypatch.setattr(stages.Training, "model", lambda _: pytest.fail("learns"))
    assert train(data, "few.csv", tmp_path / "m", *more) == 64
    assert re.search(named, capsys.readouterr().err)
    assert not (tmp_path / "m").exists()


def test_a_class_that_cannot_be_read_is_never_found(data: Path, tmp_path: Path) -> None:
    (data / "bad.wav").write_bytes(b"no sound")
    rows = [f"songs/{kind}/{n}.flac,{kind}" for kind in ("whistle", "warble") for n in range(4)]
    (data / "lost.csv").write_text("\n".join(["file,label", "bad.wav,vireo", *rows]) + "\n")
    assert train(data, "lost.csv", tmp_path / "m") == 2
    pipeline = birdfast.load(str(tmp_path / "m"), min_confidence=1e-6)
    assert pipeline.listener().label_spaces[0].common == ("vireo", "warble", "whistle")
    found = {detection.common_name for detection in pipeline.detect(song("whistle", 81), RATE_HZ)}
    assert "whistle" in found
    assert "vireo" not in found


def test_a_models_name_need_not_be_text(data: Path, tmp_path: Path) -> None:
    assert train(data, "clips.csv", tmp_path / "m\udcff") == 0
    assert birdfast.load(str(tmp_path / "m\udcff")).listener().model.title == "m\\xff"


def test_one_class_that_can_be_read_is_refused(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "bad.wav").write_bytes(b"no sound")
    (data / "lost.csv").write_text("file,label\nbad.wav,vireo\nsongs/whistle/0.flac,whistle\n")
    assert train(data, "lost.csv", tmp_path / "m") == 64
    assert "two classes" in capsys.readouterr().err


def test_the_head_is_what_the_manifest_says(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clip of two classes makes a sigmoid, even if it cannot be read."""
    (data / "bad.wav").write_bytes(b"no sound")
    rows = [f"songs/{kind}/{n}.flac,{kind}" for kind in ("whistle", "warble") for n in range(4)]
    (data / "lost.csv").write_text("\n".join(["file,label", "bad.wav,whistle;warble", *rows]) + "\n")
    one_by_one: list[Layer] = []
    fit = head._one_by_one
    monkeypatch.setattr(head, "_one_by_one", lambda *given: one_by_one.append(fit(*given)) or one_by_one[0])
    assert train(data, "lost.csv", tmp_path / "m") == 2
    assert birdfast.load(str(tmp_path / "m")).listener().model.activation == "sigmoid"
    share = np.float32(1 / modelfolder.facts(tmp_path / "m")["calibration"]["temperature"])
    np.testing.assert_array_equal(np.load(tmp_path / "m/layer0_weight.npy"), one_by_one[0].weight * share)


def test_a_class_that_is_named_twice_is_one_class(data: Path) -> None:
    (data / "twice.csv").write_text("file,label\na.wav,x;x\nb.wav,y\n")
    assert [clip.labels for clip in recordings.find(str(data / "twice.csv"))] == [("x",), ("y",)]


def test_a_seed_repeats_to_the_bit(data: Path, model: Path, tmp_path: Path) -> None:
    assert train(data, "clips.csv", tmp_path / "again") == 0
    assert arrays(tmp_path / "again") == arrays(model)
    assert train(data, "clips.csv", tmp_path / "other", "--seed", "1") == 0
    assert arrays(tmp_path / "other") != arrays(model)


STREAMS = """
mixes = {copies = 1}
streams = [{}, {patch_frames = 3, patch_step = 5, less = "median"}]
variants = [{shift_mels = 1}, {stretch = 1.2, shift_mels = -1}]
"""
POOLING = """
[pooling]
n_nearest = 2
loudest = 0.5
averaged = true
"""
SEVERAL_STREAMS = STREAMS + re.sub("(streams|variants) = .*", "", RECIPE).partition("[pooling]")[0] + POOLING


@pytest.mark.long
def test_a_model_of_several_streams_and_variants(data: Path, tmp_path: Path) -> None:
    (tmp_path / "streams.toml").write_text(SEVERAL_STREAMS)
    command = ["train", str(data / "clips.csv"), "--quiet", "--recipe", str(tmp_path / "streams.toml")]
    for n_workers in ("1", "2"):
        assert main([*command, "-o", str(tmp_path / n_workers), "--workers", n_workers, "--cv"]) == 0
    assert arrays(tmp_path / "1") == arrays(tmp_path / "2")
    assert {"centroids.npy", "centroids_1.npy", "embeddings_1.npy", "mean_1.npy"} <= {*arrays(tmp_path / "1")}
    assert json.loads((tmp_path / "1/evaluation.json").read_text())["mean"]["macro_roc_auc"] > 0.9
    session = open_session(models.find(str(tmp_path / "1")))
    sound = np.stack([song("warble", 90, 1.0), song("rattle", 91, 1.0)])
    alone = [session.run(one[np.newaxis])["logits"] for one in sound]
    np.testing.assert_allclose(session.run(sound)["logits"], np.concatenate(alone), atol=1e-5)


def test_a_session_hears_what_was_learnt_from(data: Path, model: Path) -> None:
    """What a clip's window is in training and while inferring: the same votes, to the bit."""
    from birdfast.train import stages

    clips = recordings.find(str(data / "clips.csv"))
    classes = sorted({label for clip in clips for label in clip.labels})
    training = stages.Training(recipe.load("best", data / "small.toml"), clips, [], classes, exclusive=True)
    facts = modelfolder.facts(model)
    held = modelfolder.arrays(model, facts["arrays"])
    examples = training.examples(held, clips[:1])
    windows = np.concatenate(list(clips[0].blocks(RATE_HZ, print)))[: 2 * RATE_HZ].reshape(2, RATE_HZ)
    (pooled,) = [examples.each(Pooler(training.recipe.pooling, held))]
    assert open_session(models.find(str(model))).run(windows)["embedding"].tobytes() == pooled.tobytes()


def test_stages_run_singly_come_to_the_same(data: Path, model: Path, tmp_path: Path) -> None:
    for stage in ("codebook", "embedding", "head"):
        assert train(data, "clips.csv", tmp_path / "m", "--stage", stage) == 0
    assert arrays(tmp_path / "m") == arrays(model)


def test_a_stage_that_is_done_is_not_done_again(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from birdfast.train import codebook

    assert train(data, "clips.csv", tmp_path / "m", "--stage", "codebook") == 0
    monkeypatch.setattr(codebook, "fit", lambda *_, **__: pytest.fail("found the codebook again"))
    assert train(data, "clips.csv", tmp_path / "m") == 0


@pytest.mark.parametrize(
    ("classes", "exclusive"),
    [(["other", "rattle", "warble", "whistle"], True), (["rattle", "warble", "whistle"], False)],
    ids=["another class", "no softmax"],
)
def test_a_kept_head_is_of_the_same_classes(
    data: Path, tmp_path: Path, classes: list[str], exclusive: bool
) -> None:
    """Classes of clips that are held out come and go without a change to those that are learnt from."""
    from birdfast.train import stages

    clips = recordings.find(str(data / "clips.csv"))[::4]
    how: dict[str, Any] = {"recipe": recipe.load("best", data / "small.toml"), "clips": clips}
    how |= {"unlabelled": [], "keep": tmp_path}
    first = stages.Training(**how, classes=["rattle", "warble", "whistle"], exclusive=True).model()
    found = stages.Training(**how, classes=classes, exclusive=exclusive).model()
    meant = stages.Training(**how | {"keep": None}, classes=classes, exclusive=exclusive).model()
    assert {name: array.tobytes() for name, array in found.items()} == {
        name: array.tobytes() for name, array in meant.items()
    }
    assert found["centroids"].tobytes() == first["centroids"].tobytes()
    last = max(name for name in meant if name.endswith("_weight"))
    assert found[last].tobytes() != first[last].tobytes()


def test_a_clip_that_is_no_longer_to_be_learnt_from_makes_another_run() -> None:
    from birdfast.train import stages

    clips = [recordings.Clip(f"{label}.wav", tuple(label)) for label in ("a", "b", "")]
    how: dict[str, Any] = {"recipe": recipe.load("best"), "classes": ["a", "b"], "exclusive": False}
    runs = [
        stages.Training(clips=clips[:n], unlabelled=clips[n:], **how)._run("codebook", stages.OF_CODEBOOK)
        for n in (2, 3)
    ]
    assert runs[0] != runs[1]


def test_what_was_left_out_is_told_again(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "no sound.wav").write_bytes(b"no sound")
    clips = (data / "clips.csv").read_text().replace("songs/", f"{data}/songs/")
    (tmp_path / "clips.csv").write_text(f"{clips}no sound.wav,whistle,1\n")
    for more in (("--hold-out", "2"), ("--force",)):
        assert train(data, str(tmp_path / "clips.csv"), tmp_path / "m", *more) == 2
        assert capsys.readouterr().err.count("left out:") == 1


def test_a_clip_that_can_be_read_again_is_learnt_from(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that passes leaves nothing behind: the model is as if there had been none."""
    assert train(data, "clips.csv", tmp_path / "meant") == 0
    blocks, lost = recordings.Clip.blocks, "whistle/0.flac"

    def failing(clip: recordings.Clip, *how: Any) -> Any:
        if clip.path.endswith(lost):
            raise AudioError(f"{clip.path}: cannot be read (Input/output error)")
        return blocks(clip, *how)

    with monkeypatch.context() as patch:
        patch.setattr(recordings.Clip, "blocks", failing)
        assert train(data, "clips.csv", tmp_path / "m") == 2
    assert arrays(tmp_path / "m") != arrays(tmp_path / "meant")
    assert train(data, "clips.csv", tmp_path / "m", "--force") == 0
    assert arrays(tmp_path / "m") == arrays(tmp_path / "meant")


def test_a_clip_that_no_stage_takes_is_not_healed(data: Path, tmp_path: Path) -> None:
    """A stage that left it out is not learnt anew each time: what decodes may be no sound all the same."""
    loud = np.sin(np.arange(2 * RATE_HZ) * 2.9).astype(np.float32) * 5 * recordings.LOUDEST
    soundfile.write(tmp_path / "loud.wav", loud, RATE_HZ, subtype="FLOAT")
    clips = (data / "clips.csv").read_text().replace("songs/", f"{data}/songs/")
    (tmp_path / "clips.csv").write_text(f"{clips}loud.wav,whistle,1\n")
    kept = []
    for more in ((), ("--force",)):
        assert train(data, str(tmp_path / "clips.csv"), tmp_path / "m", *more) == 2
        kept.append([path.stat().st_ino for path in sorted((tmp_path / "m" / "stages").glob("*.npz"))])
    assert kept[0] == kept[1]


def test_what_is_remarked_of_a_clip_is_told_again_and_a_channel_can_be_chosen(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = song("whistle", 0)[:, np.newaxis]
    soundfile.write(tmp_path / "opposite.wav", np.concatenate([one, -one], axis=1), RATE_HZ)
    clips = (data / "clips.csv").read_text().replace("songs/", f"{data}/songs/")
    (tmp_path / "clips.csv").write_text(f"{clips}opposite.wav,whistle,1\n")
    (tmp_path / "mixed.toml").write_text(RECIPE + "\n[mixes]\ncopies = 1\n")
    for channel, times in (("mix", 1), ("mix", 1), ("1", 0)):
        assert train(data, str(tmp_path / "clips.csv"), tmp_path / "m", "--channel", channel, "--force") == 0
        told = capsys.readouterr().err
        assert told.count(f"birdfast: noted: {tmp_path}/opposite.wav: the mix of its 2 channels") == times
    how = ("--recipe", str(tmp_path / "mixed.toml"), "--force")
    assert train(data, str(tmp_path / "clips.csv"), tmp_path / "m", *how) == 0
    assert capsys.readouterr().err.count("birdfast: noted: ") >= 1


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no more"], ids=["empty", "cut"])
def test_a_damaged_stage_is_learnt_anew(data: Path, model: Path, tmp_path: Path, damage: bytes) -> None:
    assert train(data, "clips.csv", tmp_path / "m") == 0
    for path in (tmp_path / "m/stages").iterdir():
        path.write_bytes(damage)
    assert train(data, "clips.csv", tmp_path / "m", "--force") == 0
    assert arrays(tmp_path / "m") == arrays(model)


def test_damaged_epochs_are_learnt_anew(
    data: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from birdfast.train import skipgram

    learn = skipgram.train

    seen: list[bool] = []

    def damaged(*given: Any, checkpoint: Path, **options: Any) -> Any:
        if not seen:
            checkpoint.write_bytes(b"no checkpoint")
        seen.append(checkpoint.exists())
        return learn(*given, checkpoint=checkpoint, **options)

    monkeypatch.setattr(skipgram, "train", damaged)
    assert train(data, "clips.csv", tmp_path / "m") == 0
    assert seen == [True, False]
    assert arrays(tmp_path / "m") == arrays(model)


def test_a_finished_model_is_replaced_if_that_is_said_and_leaves_nothing_behind(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "m"
    assert train(data, "clips.csv", out, "--hold-out", "2") == 0
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    for more in ((), ("--stage", "head"), ("--seed", "1")):
        assert train(data, "clips.csv", out, *more) == 64
        assert "holds a finished model" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    for left in ("stages/.codebook.npz.x1y2.part", ".centroids.npy.x1y2.part"):  # by one that was killed
        (out / left).touch()
    assert train(data, "clips.csv", out, "--force") == 0
    assert list(out.rglob("*.part")) == list(out.glob("evaluation.*")) == []
    assert {path.name for path in before} - {path.name for path in out.rglob("*")} == {
        *("evaluation.json", "evaluation.csv", "confusion.csv", "held_out.csv", "held_out_truth.csv"),
    }


def test_what_cannot_be_read_is_named_before_what_is_too_short(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "small.toml").write_text(RECIPE)
    rows = ["file,label"]
    for number, kind in enumerate(("whistle", "warble")):
        (tmp_path / f"bad{number}.wav").write_text(f"no sound {number}")
        audio.write(tmp_path / f"short{number}.wav", song(kind, 0, 0.001), RATE_HZ)
        rows.append(f"bad{number}.wav,{kind}")
    short = [f"short{number}.wav,{kind}" for number, kind in enumerate(("whistle", "warble"))]
    for more, reason in (([], "no recording can be read"), (short, "shorter than")):
        (tmp_path / "clips.csv").write_text("\n".join([*rows, *more]) + "\n")
        assert train(tmp_path, "clips.csv", tmp_path / "m") == 64
        said = capsys.readouterr().err
        assert 0 <= said.index("left out: ") < said.index("bad1.wav") < said.index(reason)


def test_what_was_repaired_to_hear_a_clip_is_told(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = (data / "songs/whistle/0.flac").read_bytes()
    hole = len(cut) // 2
    (tmp_path / "hole.flac").write_bytes(cut[:hole] + bytes(3000) + cut[hole + 3000 :])
    clips = (data / "clips.csv").read_text().replace("songs/", f"{data}/songs/")
    (tmp_path / "clips.csv").write_text(f"{clips}hole.flac,whistle,1\n")
    command = ["train", str(tmp_path / "clips.csv"), "-o", str(tmp_path / "m")]
    assert main([*command, "--recipe", str(data / "small.toml"), "--stage", "codebook"]) == 0
    assert re.search("hole.flac: .*lost", capsys.readouterr().err)


@pytest.mark.parametrize("where", ["model", "."])
def test_a_model_among_its_classes_is_no_class(data: Path, tmp_path: Path, where: str) -> None:
    for kind in ("whistle", "warble"):
        (tmp_path / kind).symlink_to(data / "songs" / kind)
    for _ in range(2):
        assert train(data, str(tmp_path), tmp_path / where, "--stage", "codebook") == 0
    for again in ((), ("--force",)):
        assert train(data, str(tmp_path), tmp_path / where, *again) == 0
    assert birdfast.load(str(tmp_path / where)).listener().label_spaces[0].common == ("warble", "whistle")
    if where == "model":  # and none of another
        assert train(data, str(tmp_path), tmp_path / "other") == 0


def test_what_is_missing_is_told_before_anything_is_read(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(recordings, "find", lambda *_, **__: pytest.fail("looked for recordings"))
    for module, package in (("tomli_w", "tomli-w"), ("sklearn", "scikit-learn"), ("numba", "numba")):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, module, None)
            assert train(data, "songs", tmp_path / "m") == 64
        assert f"training needs {package}: {words.extra_hint('train')}" in capsys.readouterr().err


@pytest.mark.long
def test_kernels_that_no_folder_keeps_are_compiled_all_the_same() -> None:
    code = (
        "from numba.core.caching import FunctionCache as Cache\nCache._impl_class._locator_classes = []\n"
        "import numpy as np\nfrom birdfast.train import skipgram\n"
        "print(skipgram.train([np.arange(9)], 9, dim=2, epochs=1).shape)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("(9, 2)\n", 0), done.stderr


FULL = """
import resource, sys
from birdfast.__main__ import main
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
sys.exit(main(sys.argv[1:]))
"""


def test_a_full_disk_is_told_in_words(data: Path, model: Path, tmp_path: Path) -> None:
    small = ("--recipe", str(data / "small.toml"))
    clip = str(data / "songs/whistle/0.flac")
    for command in (
        ["train", str(data / "clips.csv"), *small, "-o", str(tmp_path / "m")],
        ["tokens", clip, "--model", str(model), "-o", str(tmp_path / "t")],
        ["tokens", clip, "--model", str(model), "-o", str(tmp_path / "t"), "--rtype", "npy"],
        ["tokens", clip, "--model", str(model), "-o", str(tmp_path / "t"), "--vectors", str(tmp_path / "v")],
    ):
        done = subprocess.run([sys.executable, "-c", FULL, *command], capture_output=True, text=True)
        assert done.returncode == 74, done.stderr
        assert "cannot be written (File too large)" in done.stderr
        assert "Traceback" not in done.stderr
        assert "Exception" not in done.stderr


def test_an_output_that_is_a_file_is_refused(
    data: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")
    clip = str(data / "songs/whistle/0.flac")
    for output in (tmp_path / "file", tmp_path / "file/below"):
        assert train(data, "clips.csv", output) == 64
        assert main(["tokens", clip, "--model", str(model), "-o", str(output)]) == 64
        assert capsys.readouterr().err.count("cannot be the output folder") == 2
    for vectors in (tmp_path / "nowhere/v.txt", tmp_path):
        how = ["--model", str(model), "-o", str(tmp_path / "t"), "--vectors", str(vectors)]
        assert main(["tokens", clip, *how]) == 64
        assert "cannot be written" in capsys.readouterr().err
        assert not (tmp_path / "t/tokens.parquet").exists()


def test_another_recipe_in_the_same_folder_learns_anew(data: Path, model: Path, tmp_path: Path) -> None:
    assert train(data, "clips.csv", tmp_path / "m", "--seed", "1") == 0
    assert train(data, "clips.csv", tmp_path / "m", "--force") == 0
    assert arrays(tmp_path / "m") == arrays(model)
    assert sorted(path.name for path in (tmp_path / "m/stages").iterdir()) == [
        "codebook.npz", "embedding.npz", "head.npz"]  # fmt: skip


def test_folders_of_classes_and_unlabelled_recordings(data: Path, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    audio.write(tmp_path / "more/a.wav", song("whistle", 70), RATE_HZ)
    (tmp_path / "more/b.wav").write_bytes(b"no sound")
    code = train(data, "songs", tmp_path / "m", "--unlabelled", str(tmp_path / "more"), "--hold-out", "25%")
    assert code == 2  # one recording was left out
    told = json.loads((tmp_path / "m/evaluation.json").read_text())
    assert told["folds"][0]["n"] == 6


def test_several_labels_make_a_sigmoid(data: Path, tmp_path: Path) -> None:
    rows = [f"songs/{kind}/{n}.flac,{kind};bird" for kind in ("whistle", "warble") for n in range(4)]
    rows += [f"songs/rattle/{n}.flac,," for n in range(4)]
    (data / "several.csv").write_text("\n".join(["file,label,start_s", *rows]) + "\n")
    assert train(data, "several.csv", tmp_path / "m") == 0
    pipeline = birdfast.load(str(tmp_path / "m"))
    assert pipeline.listener().model.activation == "sigmoid"
    found = {detection.common_name for detection in pipeline.detect(song("whistle", 80), RATE_HZ)}
    assert {"whistle", "bird"} <= found


def test_the_papers_preset_learns(data: Path, tmp_path: Path) -> None:
    (tmp_path / "short.toml").write_text("[skipgram]\nepochs = 2\ndim = 8\n[codebook]\nn_centroids = 50\n")
    output = tmp_path / "m"
    chosen = ["--preset", "paper", "--recipe", str(tmp_path / "short.toml"), "--quiet"]
    assert main(["train", str(data / "songs"), "-o", str(output), *chosen]) == 0
    assert open_session(models.find(output)).window_samples == 5 * RATE_HZ


def test_centroids_and_vectors_from_elsewhere_take_the_place_of_our_own(data: Path, tmp_path: Path) -> None:
    (tmp_path / "short.toml").write_text("[skipgram]\nepochs = 2\ndim = 8\n[codebook]\nn_centroids = 50\n")
    clips, learnt, output = str(data / "songs"), tmp_path / "m", tmp_path / "given"
    chosen = ["--preset", "paper", "--recipe", str(tmp_path / "short.toml"), "--quiet"]
    assert main(["train", clips, "-o", str(learnt), *chosen]) == 0
    shuffled = np.load(learnt / "centroids.npy")[::-1]
    np.save(tmp_path / "centroids.npy", shuffled)  # as faiss' users do
    keyedvectors.write(tmp_path / "vectors.txt", np.load(learnt / "embeddings.npy")[::-1])
    given = ["--centroids", str(tmp_path / "centroids.npy"), "--vectors", str(tmp_path / "vectors.txt")]
    assert main(["train", clips, "-o", str(output), *chosen, *given]) == 0
    assert np.array_equal(np.load(output / "centroids.npy"), shuffled)
    sound = song("warble", 90)
    again, before = (birdfast.load(str(folder)).embed(sound, RATE_HZ) for folder in (output, learnt))
    np.testing.assert_allclose(again, before, atol=1e-5)


def test_centroids_that_do_not_fit_the_recipe_are_refused(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "centroids.npy", np.zeros((4, 7), np.float32))
    given = ["-o", str(tmp_path / "m"), "--centroids", str(tmp_path / "centroids.npy"), "--quiet"]
    assert main(["train", str(data / "songs"), *given]) == 64
    assert "whitening" in capsys.readouterr().err
    assert main(["train", str(data / "songs"), *given, "--preset", "paper"]) == 64
    assert "7 values" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("file,name\na.wav,x\n", "lacks the column label"),
        ("file,label,start_s\na.wav,x,soon\n", "line 2: start_s"),
        ("file,label,start_s,end_s\na.wav,x,3,2\n", "line 2: 3.0 to 2.0"),
        ("file,label\na.wav,x\n", "two classes"),
        ("file,label\n,x\n", "line 2: no file"),
        ("file,label\na\0.wav,x\n", r"line 2: no file: 'a\\x00\.wav'"),
        ("file,label,start_s,end_s\na.wav,x,0,inf\n", "line 2: 0.0 to inf"),
        ("file,label,start_s,end_s\na.wav,x,0,1e300\n", "line 2: 0.0 to 1e[+]300"),
        ("file,label,start_s,end_s\na.wav,x,nan,\n", "line 2: nan to None"),
        ("file,label,start_s,end_s\na.wav,x,0,nan\n", "line 2: 0.0 to nan"),
        ("file,label,start_s,end_s\na.wav,x,-1,1\n", "line 2: -1.0 to 1.0"),
        ("file,label,start_s,end_s\na.wav,x,inf,\n", "line 2: inf to None"),
    ],
)
def test_a_csv_that_does_not_fit_is_refused(tmp_path: Path, content: str, named: str) -> None:
    (tmp_path / "clips.csv").write_text(content)
    with pytest.raises(ConfigError, match=named):
        recordings.find(str(tmp_path / "clips.csv"))


def test_a_class_whose_name_is_no_text_is_refused(data: Path, tmp_path: Path) -> None:
    (tmp_path / "good").symlink_to(data / "songs/whistle")
    (tmp_path / "bad\udcff").symlink_to(data / "songs/warble")
    with pytest.raises(ConfigError, match=r"bad\\xff: .* not UTF-8"):
        recordings.find(str(tmp_path))


def test_clips_are_parts_of_recordings(data: Path) -> None:
    clip = recordings.Clip(str(data / "songs/whistle/0.flac"), ("whistle",), 0.5, 1.25)
    assert sum(map(len, clip.blocks(RATE_HZ, print))) == 24_000


def test_tokens_are_written_both_ways(data: Path, model: Path, tmp_path: Path) -> None:
    import pyarrow.parquet

    paths = [str(data / f"songs/whistle/{n}.flac") for n in range(2)]
    vectors = tmp_path / "vectors.txt"
    how = ["--model", str(model), "-o", str(tmp_path)]
    assert main(["tokens", *paths, *how, "--vectors", str(vectors)]) == 0
    assert main(["tokens", *paths, *how, "--rtype", "npy"]) == 0
    table = pyarrow.parquet.read_table(tmp_path / "tokens.parquet").to_pylist()
    assert [row["file"] for row in table] == paths
    assert table[0]["frame_s"] == pytest.approx(0.06)
    for number, row in enumerate(table):
        assert row["tokens"] == np.load(tmp_path / f"{number:06d}.npy").tolist()
        assert len(row["tokens"]) == ((2 * RATE_HZ - 1024) // 640 + 1 - 8) // 3 + 1
    np.testing.assert_array_equal(
        keyedvectors.read(vectors).by_token(24), np.load(model / "embeddings.npy", allow_pickle=False)
    )


def test_tokens_lists_what_failed(model: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(b"")
    assert main(["tokens", str(tmp_path / "bad.wav"), "--model", str(model), "-o", str(tmp_path)]) == 3
    assert "bad.wav" in (tmp_path / "failures.csv").read_text()


def test_tokens_notes_what_was_repaired(data: Path, model: Path, tmp_path: Path) -> None:
    content = encoded.by_libsndfile(tmp_path / "whole.flac", encoded.sound())
    (tmp_path / "hole.flac").write_bytes(encoded.with_hole(content, 0.5))
    for name, noted in (("whole", False), ("hole", True), ("whole", False)):
        how = ["--model", str(model), "-o", str(tmp_path / "out")]
        assert main(["tokens", str(tmp_path / f"{name}.flac"), *how]) == 0
        assert (tmp_path / "out/notes.csv").exists() == noted
        if noted:
            rows = commands.table(tmp_path / "out/notes.csv")
            assert {row["path"] for row in rows} == {str(tmp_path / "hole.flac")}
            assert [row for row in rows if row["note"].startswith("lost from")]


def test_a_folder_of_another_shape_is_no_model(model: Path, tmp_path: Path) -> None:
    facts = modelfolder.facts(model)
    parts = modelfolder.arrays(model, facts.pop("arrays"))
    parts["centroids"] = parts["centroids"][:, :-1]
    modelfolder.write(tmp_path / "m", facts, parts)
    with pytest.raises(ModelError, match="do not fit together"):
        open_session(models.find(tmp_path / "m"))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("window_s", value) for value in (1e9, 0.0, math.nan, math.inf, "5", True, [])),
        *(("activation", value) for value in ("foo", 1, ["softmax"])),
        *(("classes", value) for value in ("abc", [], [1, 2, 3], ["a", "a", "b"], {})),
        *(("arrays", value) for value in ([], {"x": 1})),
        *(("title", value) for value in (1, [])),
        ("licence", False),
        *(("frontend", value) for value in (1, [], "x")),
        ("pooling", 5),
        *(("frontend.rate_hz", value) for value in ("x", 0, -1, 10**12, 32000.0)),
        pytest.param("frontend.rate_hz", 10**400, id="no float"),
        *(("frontend.log", value) for value in ("yes", 1)),
        *(("frontend.n_mels", value) for value in (0, 10**9, 2.5)),
        *(("frontend.hop_samples", value) for value in (0, 10**30, "a")),
        *(("frontend.fmax_hz", value) for value in (math.nan, math.inf, "high", True)),
        *(("frontend.offset", value) for value in (math.nan, -1.0)),
        ("frontend.colour", 1),
        *(("pooling.n_nearest", value) for value in (0, 9, 1.5, True)),
        *(("pooling.embedding", value) for value in (math.nan, math.inf, -1.0, "x")),
        *(("pooling.kind", value) for value in ("max", 1)),
    ],
)
def test_a_manifest_that_is_sealed_but_silly_is_refused_by_name(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], key: str, value: Any
) -> None:
    facts = modelfolder.facts(model)
    parts = modelfolder.arrays(model, facts["arrays"])
    table, _, below = key.rpartition(".")
    place = facts[table] if table else facts
    place[below] = value
    seal(tmp_path / "m", facts, parts)
    with pytest.raises(ModelError, match=rf"{below}\b"):
        open_session(models.find(tmp_path / "m"), 3)
    audio.write(tmp_path / "a.wav", song("warble", 1), RATE_HZ)
    for command in (["infer"], ["tokens"]):
        how = [*command, str(tmp_path / "a.wav"), "--model", str(tmp_path / "m"), "-o", str(tmp_path / "o")]
        assert main(how) == 64
        assert re.search(rf"{below}\b", capsys.readouterr().err)


@pytest.mark.parametrize("key", [*modelfolder.WANTED, "frontend.rate_hz"])
def test_a_manifest_that_lacks_a_key_says_which(model: Path, tmp_path: Path, key: str) -> None:
    facts = modelfolder.facts(model)
    parts = modelfolder.arrays(model, facts["arrays"])
    table, _, below = key.rpartition(".")
    del (facts[table] if table else facts)[below]
    seal(tmp_path / "m", facts, parts)
    with pytest.raises(ModelError, match=rf"lacks {key}$"):
        models.find(tmp_path / "m")


def seal(folder: Path, facts: dict[str, Any], parts: dict[str, np.ndarray]) -> None:
    """Write a model's folder with any manifest at all under a right seal."""
    import tomli_w

    folder.mkdir()
    for name, array in parts.items():
        np.save(folder / f"{name}.npy", array)
    told = tomli_w.dumps(facts).encode().rstrip()
    end = modelfolder.SEAL + hashlib.sha256(told).hexdigest().encode() + b'"\n'
    (folder / "model.toml").write_bytes(told + end)


def test_whitening_makes_the_covariance_the_identity() -> None:
    random = np.random.default_rng(0)
    values = (random.standard_normal((5000, 6)) @ random.standard_normal((6, 6)) + 3).astype(np.float32)
    mean, projection = whitening.fit([values[:100], values[100:]], 4)
    white = (values.astype(np.float64) - mean) @ projection.T
    np.testing.assert_allclose(white.T @ white / len(white), np.eye(4), atol=1e-3)
    _, rows = whitening.fit([values.astype(np.float32)], 4)
    np.testing.assert_allclose(rows, projection, rtol=1e-3, atol=1e-4)


def test_whitening_drops_directions_that_hold_nothing() -> None:
    _, projection = whitening.fit([np.ones((50, 5), np.float32)], 3)
    assert projection.shape == (1, 5)
    assert np.isfinite(projection).all()


def test_two_classes_get_two_logits() -> None:
    values = np.array([[-1.0], [-2.0], [1.0], [2.0]], np.float32)
    targets = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], bool)
    (layer,) = head.fit(values, targets, True, recipe.Head(), 0)
    assert (values @ layer.weight.T + layer.bias).argmax(axis=1).tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("hidden", [0, 4])
@pytest.mark.parametrize("n_there", [2, 3])
def test_classes_without_windows_have_a_logit_below_all(hidden: int, n_there: int) -> None:
    there = [0, 2, 5][:n_there]
    values = np.repeat(np.eye(n_there, dtype=np.float32), 4, axis=0)
    targets = np.zeros((len(values), 7), bool)
    targets[np.arange(len(values)), np.repeat(there, 4)] = True
    layers = head.fit(values, targets, True, recipe.Head(hidden=hidden, learning_rate=0.1), 0)
    logits = Classifier(layers).logits(values)
    assert logits.argmax(axis=1).tolist() == np.repeat(there, 4).tolist()
    assert np.delete(logits, there, axis=1).max() < logits[:, there].min() - 1000


@pytest.mark.parametrize(("n", "n_classes"), [(120, 2), (90, 2), (120, 30)])
def test_a_class_of_one_window_trains(n: int, n_classes: int) -> None:
    labels = np.append(np.arange(n - 1) % (n_classes - 1), n_classes - 1)
    targets = np.eye(n_classes, dtype=bool)[labels]
    values = np.random.default_rng(0).standard_normal((n, 3)).astype(np.float32)
    *_, last = head.fit(values, targets, True, recipe.Head(hidden=4), 0)
    assert len(last.bias) == n_classes


def test_windows_that_are_all_alike_are_refused() -> None:
    values = np.zeros((3, 1), np.float32)
    for targets in (np.eye(3, dtype=bool)[[1, 1, 1]], np.ones((3, 2), bool), np.zeros((3, 2), bool)):
        with pytest.raises(ConfigError, match="two classes"):
            head.fit(values, targets, bool((targets.sum(axis=1) == 1).all()), recipe.Head(), 0)


def test_a_class_without_a_clip_has_no_area() -> None:
    scores = np.array([[0.9, 0.1, 0], [0.2, 0.8, 0]])
    truth = np.array([[1, 0, 0], [0, 1, 0]], bool)
    judged = metrics.judge(scores, truth, ["a", "b", "c"])
    assert judged["macro_roc_auc"] == judged["accuracy"] == 1.0
    assert np.isnan(judged["classes"][2]["roc_auc"])
