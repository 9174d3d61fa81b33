"""Several models on the command line: who heard what is told wherever it matters."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from birdfast import models
from birdfast.errors import ConfigError, ModelError
from birdfast.models import check_several
from birdfast.outcomes import Detection
from birdfast.pipeline import Pipeline

from . import networks
from .commands import birdfast, contents, table
from .recordings import noise, write


def folder_of(place: Path, name: str, *, end: str = "softmax") -> Path:
    """Write a folder with a network of windows of 0.35 s whose scores take another activation."""
    folder = place / name
    folder.mkdir(parents=True)
    networks.write_folder(folder, networks.weights(3, 2_800))
    told = f'name = "{name}"\nrate_hz = 8000\nwindow_samples = 2800\nactivation = "{end}"\n'
    (folder / "model.toml").write_text(told)
    return folder


@pytest.fixture
def soft(tmp_path: Path) -> Path:
    return folder_of(tmp_path / "models", "soft")


@pytest.fixture
def both(tiny: models.Model, soft: Path) -> list[object]:
    return ["--model", tiny.path.parent, "--model", soft]


def test_two_models_in_one_command(both: list[object], wav: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ["infer", wav, *both, "-o", out, "--min-conf", "0", "--rtype", "csv,parquet,scores"]
    result = birdfast(*command)
    assert result.returncode == 0, result.stderr
    assert "tiny (licence: as its author says), soft (licence: as its author says); 1 file" in result.stderr
    assert "39 detections, 0 failures" in result.stderr
    assert "detections of each: tiny 15, soft 24" in result.stderr
    rows = table(out / "detections.csv")
    assert [row["Model"] for row in rows] == ["tiny"] * 15 + ["soft"] * 24
    assert {path.name for path in out.glob("scores*")} == {"scores-tiny.parquet", "scores-soft.parquet"}
    said = birdfast("status", out).stdout
    assert "100% of 1 file: 1 done, 0 failed, 0 to do; 2.5 s of sound, 39 detections" in said
    assert "    soft: 1 done, 0 failed, 0 to do; 24 detections" in said
    told = json.loads(birdfast("status", out, "--json").stdout)
    assert told["detections"] == 39
    assert told["models"]["soft"] == {
        "done": 1, "failed": 0, "waiting": 0, "audio_s": 2.5, "detections": 24}  # fmt: skip
    again = birdfast(*command)
    assert "nothing was left to do" in again.stderr


def test_other_models_are_refused_by_name(
    tiny: models.Model, both: list[object], soft: Path, wav: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert birdfast("infer", wav, *both, "-o", out).returncode == 0
    for others, names in (
        (["--model", soft], "soft"),
        ([*both[2:], *both[:2]], "soft, tiny"),
        ([*both, "--model", folder_of(tmp_path, "third")], "tiny, soft, third"),
    ):
        result = birdfast("infer", wav, *others, "-o", out)
        assert result.returncode == 64
        assert f"of a run that differs (models: tiny, soft, now {names}); choose" in result.stderr


def test_shards_of_several_models_are_merged_as_one_run(both: list[object], tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for number in range(5):
        write(tmp_path / "in" / f"{number}.wav", noise(9_000 * number + 500, seed=number), 8_000)
    how = [tmp_path / "in", *both, "--min-conf", "0", "--rtype", "csv,scores"]
    assert birdfast("infer", *how, "-o", tmp_path / "whole").returncode == 0
    parts = [tmp_path / f"part{number}" for number in (1, 2)]
    for number, part in enumerate(parts, 1):
        assert birdfast("infer", *how, "-o", part, "--shard", f"{number}/2").returncode == 0
    result = birdfast("merge", *parts, "-o", tmp_path / "merged", "--rtype", "csv,scores")
    assert result.returncode == 0, result.stderr
    assert contents(tmp_path / "merged") == contents(tmp_path / "whole")


def test_a_models_own_failure_is_told_with_its_name(
    tiny: models.Model, soft: Path, wav: Path, tmp_path: Path
) -> None:
    matrix = networks.weights(3, 2_800)
    matrix[1] = np.inf
    (soft / "tiny.tflite").write_bytes(networks.tflite(matrix))
    out = tmp_path / "out"
    result = birdfast("infer", wav, "--model", tiny.path.parent, "--model", soft, "-o", out)
    assert result.returncode == 2
    assert (
        f"1 file could not be analysed: {wav.name} (soft: the network's scores are not finite"
        in result.stderr
    )
    told = json.loads(birdfast("status", out, "--json").stdout)["models"]
    assert [told[name]["failed"] for name in ("tiny", "soft")] == [0, 1]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        (["--sensitivity", "1.2"], "soft: sensitivity: soft has no sigmoid"),
        (["--overlap", "0.4"], "soft: a step of -0.05 s does not fit"),
        (["--labels", "LABELS"], "labels: 1 for 2 models; there is one for each, in the order of the models"),
        (["--labels", "-", "--labels", "ONE"], "scores 3 classes, but there are 1 labels"),
        (["--model", "TINY"], "tiny, soft, tiny: two of one name"),
        (["--model", "TINY"], 'a model has the name of its model.toml (name = "...")'),
        (["--rtype", "embeddings"], "tiny has no embedding to show; leave embeddings out"),
    ],
)
def test_what_does_not_fit_one_of_the_models_names_it(
    tiny: models.Model, both: list[object], wav: Path, tmp_path: Path, more: list[str], reason: str
) -> None:
    (tmp_path / "one.txt").write_text("A_B\n")
    places = {"LABELS": tiny.labels_path, "ONE": tmp_path / "one.txt", "TINY": tiny.path.parent}
    result = birdfast("infer", wav, *both, *(places.get(one, one) for one in more), "-o", tmp_path / "out")
    assert result.returncode == 64
    assert reason in result.stderr


def test_labels_go_with_the_models_in_their_order(
    both: list[object], tiny: models.Model, wav: Path, tmp_path: Path
) -> None:
    (tmp_path / "other.txt").write_text("Other prima_Other\nC_D\nE_F\n")
    how = ["--labels", "-", "--labels", tmp_path / "other.txt", "--min-conf", "0"]
    assert birdfast("infer", wav, *both, *how, "-o", tmp_path / "out").returncode == 0
    rows = table(tmp_path / "out" / "detections.csv")
    assert {row["Model"] for row in rows if row["Common name"] == "Other"} == {"soft"}
    assert {row["Model"] for row in rows if row["Common name"] == "First Bird"} == {"tiny"}
    with pytest.raises(ModelError, match="labels: 1 for 2 models"):
        models.find_all([tiny.path, tiny.path], tmp_path / "other.txt")
    assert models.find_all([tiny.path], [tmp_path / "other.txt"])[0].labels_path == tmp_path / "other.txt"


@pytest.mark.parametrize(
    "name", ["a/b", "a\\b", "..", ".a", "-a", "a ", "", "a\nb", "a\x1b[2J", "a:b", "a*", "\udcff", "x" * 181]
)
def test_a_name_that_is_part_of_a_files_name_is_safe(tiny: models.Model, name: str) -> None:
    assert not models.is_name(name)
    odd = networks.described(tiny.path, labels_path=tiny.labels_path, name=name)
    check_several([odd])  # alone it is in no file's name
    with pytest.raises(ConfigError, match="cannot be part of a table's name"):
        check_several([tiny, odd])


@pytest.mark.parametrize(("one", "other"), [("Perch", "perch"), ("caf\u00e9", "cafe\u0301")])
def test_names_that_a_file_system_takes_for_one_are_refused(one: str, other: str) -> None:
    with pytest.raises(ConfigError, match="two of one name"):
        check_several([networks.described(Path("x"), name=name) for name in (one, other)])


def test_a_picture_says_who_heard_it_where_several_did() -> None:
    from birdfast.tables.whose import by_name

    rows = [Detection(0, 3, "A", "Bird", 0.9, "x.wav", name) for name in ("one", "two")]
    assert list(by_name(rows)) == ["Bird (one)", "Bird (two)"]
    assert list(by_name(rows[:1])) == ["Bird"]


def test_an_option_that_fits_none_is_told_of_one_model_as_ever(soft: Path) -> None:
    from birdfast.config import Options

    with pytest.raises(ConfigError, match="^sensitivity: "):
        Pipeline(models.find(soft), Options(sensitivity=1.2))


def test_a_model_is_found_by_its_name_where_models_lie(
    soft: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIRDFAST_MODELS", str(soft.parent))
    (soft.parent / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    assert models.own_names() == ["soft"]
    assert models.find("soft").path == soft / "tiny.tflite"
    with pytest.raises(ModelError, match="softer: no such model; it takes birdnet-2.4, .*, soft, a .tflite"):
        models.find("softer")
