"""A folder of tokens says one thing, whatever lay in it before, and nothing that is another's is lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from birdfast import models, tables
from birdfast.__main__ import main
from birdfast.errors import ConfigError
from birdfast.journal import Folder
from birdfast.runs import output, tokens

from . import networks
from .commands import table
from .recordings import noise, write

RATE_HZ = networks.RATE_HZ


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    """Four recordings, none like another."""
    (tmp_path / "in").mkdir()
    return [
        str(write(tmp_path / f"in/{number}.wav", noise(9_000 + 900 * number, seed=number), RATE_HZ))
        for number in range(4)
    ]


def written(stsg: models.Model, out: Path, given: list[str], *more: str) -> int:
    return main(["tokens", *given, "--model", str(stsg.path.parent), "-o", str(out), *more])


def in_parquet(out: Path) -> dict[str, list[int]]:
    rows = pyarrow.parquet.read_table(out / "tokens.parquet").to_pylist()
    return {row["file"]: row["tokens"] for row in rows}


def in_npy(out: Path) -> dict[str, list[int]]:
    rows = table(out / "tokens.csv")
    return {row["file"]: np.load(out / row["tokens"], allow_pickle=False).tolist() for row in rows}


def names(out: Path) -> set[str]:
    return {path.name for path in out.iterdir()}


def test_nothing_stays_of_recordings_that_are_not_given_any_more(
    stsg: models.Model, paths: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert written(stsg, out, paths, "--rtype", "npy") == 0
    mine = {"mine.npy": b"1", "000007.npy": b"2", "12345.npy": b"3"}
    for name, content in mine.items():
        (out / name).write_bytes(content)
    assert written(stsg, out, paths[2:], "--rtype", "npy") == 0
    assert names(out) == {"000000.npy", "000001.npy", "tokens.csv", "failures.csv", *mine}
    assert {name: (out / name).read_bytes() for name in mine} == mine
    assert written(stsg, tmp_path / "fresh", paths[2:]) == 0
    assert in_npy(out) == in_parquet(tmp_path / "fresh")


@pytest.mark.parametrize(("first", "second"), [("npy", "parquet"), ("parquet", "npy")])
def test_tokens_of_the_other_kind_say_the_same(
    stsg: models.Model, paths: list[str], tmp_path: Path, first: str, second: str
) -> None:
    assert written(stsg, tmp_path / "out", paths, "--rtype", first) == 0
    assert written(stsg, tmp_path / "out", paths[:2], "--rtype", second) == 0
    assert in_npy(tmp_path / "out") == in_parquet(tmp_path / "out")
    assert list(in_parquet(tmp_path / "out")) == paths[:2]
    assert not (tmp_path / "out/000002.npy").exists()


def test_a_table_of_that_name_that_is_none_of_tokens_stays_as_it_is(
    stsg: models.Model, paths: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for name, rtype in (("tokens.csv", "parquet"), ("tokens.parquet", "npy")):
        (out / rtype).mkdir(parents=True)
        (out / rtype / name).write_text("file,000000.npy\n")
        assert written(stsg, out / rtype, paths, "--rtype", rtype) == 0
        assert (out / rtype / name).read_text() == "file,000000.npy\n"


def test_a_sequence_that_is_none_of_ours_is_not_replaced(
    stsg: models.Model, paths: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "000003.npy").write_text("mine")
    assert written(stsg, out, paths, "--rtype", "npy") == 64
    assert f"{out}/000003.npy: is there, and no earlier tokens.csv names it" in capsys.readouterr().err
    assert names(out) == {"000003.npy"}
    assert written(stsg, out, paths) == 0, "parquet has no such name"
    assert written(stsg, out, paths[:3], "--rtype", "npy") == 0
    assert (out / "000003.npy").read_text() == "mine"


def test_what_breaks_off_leaves_the_earlier_tokens_as_they_were(
    stsg: models.Model, paths: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    for rtype in ("npy", "parquet"):
        assert written(stsg, out, paths, "--rtype", rtype) == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    heard = tokens._heard

    def break_off(session: object, path: str, *how: object) -> object:
        if path == paths[0]:
            raise KeyboardInterrupt
        return heard(session, path, *how)  # type: ignore[arg-type]

    monkeypatch.setattr(tokens, "_heard", break_off)
    assert written(stsg, out, paths[::-1], "--rtype", "npy") == 130
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


def test_what_a_killed_one_began_is_removed_and_nothing_else(
    stsg: models.Model, paths: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (out / ".tokens.abc_1234.part").mkdir(parents=True)
    (out / ".tokens.abc_1234.part/000000.npy").touch()
    for name in (".tokens.csv.abc_1234.part", ".failures.csv.abc_1234.part"):
        (out / name).touch()
    (out / ".tokens.abc_1234.part/.000001.npy.abc_1234.part").touch()
    (out / ".tokens.mine.part").mkdir()
    (out / ".tokens.mine.part/mine.npy").touch()
    mine = {".tokens.A.part", ".notes.txt.abc_1234.part", ".x.part"}
    for name in mine:
        (out / name).touch()
    assert written(stsg, out, paths) == 0
    assert names(out) == {"tokens.parquet", "failures.csv", ".tokens.mine.part", *mine}
    assert (out / ".tokens.mine.part/mine.npy").exists()


def test_two_do_not_write_into_one_folder(
    stsg: models.Model, paths: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = output.output_folder(tmp_path / "out")
    with Folder(out):
        assert written(stsg, out, paths) == 64
    assert f"{out}: another birdfast is at work in it" in capsys.readouterr().err
    assert names(out) == set()


def test_a_spreadsheet_runs_nothing_of_safe_tokens(
    stsg: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("=1.wav", "'=1.wav"):
        write(Path(name), noise(9_000), RATE_HZ)
    Path("-bad.wav").write_text("no sound")
    given = ["=1.wav", "'=1.wav", "./-bad.wav"]
    assert written(stsg, tmp_path / "out", given, "--rtype", "npy", "--csv-safe") == 2
    assert [row["file"] for row in table(tmp_path / "out/tokens.csv")] == ["'=1.wav", "''=1.wav"]
    assert written(stsg, tmp_path / "out", given[:1], "--rtype", "npy") == 0, "safe tables are ours, too"
    assert [row["file"] for row in table(tmp_path / "out/tokens.csv")] == ["=1.wav"]
    assert not (tmp_path / "out/000001.npy").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("birdnet-2.4", "birdnet-2.4: BirdNET V2.4, a network without tokens; "),
        ("tiny/tiny.tflite", "tiny.tflite: a TFLite network without tokens; "),
        ("tiny", "tiny: a TFLite network without tokens; "),
        ("nothing", "nothing: no such folder; "),
        ("x" * 300, "no such folder; "),
    ],
)
def test_a_model_without_tokens_is_told_what_it_is_and_which_have_them(
    paths: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], given: str, said: str
) -> None:
    (tmp_path / "tiny").mkdir()
    networks.write_folder(tmp_path / "tiny")
    model = given if given == "birdnet-2.4" else str(tmp_path / given)
    assert main(["tokens", *paths, "--model", model, "-o", str(tmp_path / "out")]) == 64
    error = capsys.readouterr().err
    assert said in error
    assert "tokens are of models that `birdfast train` wrote: --model takes the folder of one" in error
    assert not (tmp_path / "out").exists()


def test_a_program_that_chooses_hours_wrongly_is_told(stsg: models.Model, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="max_hours: 0 does not fit"):
        tokens.write([], stsg.path.parent, tmp_path / "out", max_hours=0)


def test_a_folder_of_a_sequences_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "000000.npy").mkdir()
    with pytest.raises(ConfigError, match=r"000000\.npy: is there"):
        tables.tokens.check(tmp_path, ["npy"], 1)
    tables.tokens.check(tmp_path, ["npy"], 0)
    (tmp_path / "000000.npy").rmdir()
    tables.tokens.check(tmp_path, ["npy"], 1)
