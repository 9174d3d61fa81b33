"""Trainings that follow or meet each other in a folder, and what they say of clips that are not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from birdfast import audio
from birdfast.__main__ import main
from birdfast.errors import AudioError
from birdfast.train import mixes, recordings

from .test_lengths import FIVE_SECONDS
from .test_train import RATE_HZ, RECIPE, song

pytest.importorskip("numba", reason="training needs birdfast[train]")
pytest.importorskip("sklearn", reason="training needs birdfast[train]")

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
    mix = mixes.Mix((there, behind), 1.0, (0, 0, 0))
    with pytest.raises(AudioError, match=r"no sound from 3 s to its end"):
        list(mix.blocks(RATE_HZ, print))
