"""A folder of tokens says one thing, whatever lay in it before, and nothing that is another's is lost."""

from __future__ import annotations

import errno
import gc
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest

from birdfast import journal, models, tables
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


def test_it_is_said_once_that_other_streams_are_not_written(
    stsg: models.Model, paths: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    written(stsg, tmp_path / "one", paths)
    assert "streams" not in capsys.readouterr().err
    session = tokens.opened(stsg.path.parent)
    session.streams = session.streams * 2
    monkeypatch.setattr(tokens, "opened", lambda model: session)
    assert written(stsg, tmp_path / "two", paths) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if "2 streams of tokens" in line]
    assert len(told) == 1
    assert told[0].endswith(f"written is the first, a token every {session.token_s:g} s")
    assert in_parquet(tmp_path / "two") == in_parquet(tmp_path / "one")


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


class Killed(BaseException):
    """What ends a process: from there on it changes nothing."""


class Steps:
    """The changes of names in a folder, of which the n-th fails: once, or with all that come behind it."""

    def __init__(self, patch: pytest.MonkeyPatch, folder: Path, number: int, *, is_killed: bool) -> None:
        self.n_taken, self._number, self._is_killed = 0, number, is_killed
        self._folder, self.has_failed = str(folder), False
        for name in ("replace", "unlink", "rmdir", "mkdir"):
            patch.setattr(os, name, self._guarded(getattr(os, name)))

    def _guarded(self, step: Callable[..., None]) -> Callable[..., None]:
        def take(path: Any, *more: Any, **how: Any) -> None:
            if str(path).startswith(self._folder) or how.get("dir_fd") is not None:
                self.n_taken += 1
                if self.n_taken == self._number or (self._is_killed and self.n_taken > self._number):
                    self.has_failed = True
                    raise Killed if self._is_killed else OSError(errno.EIO, "Input/output error", str(path))
            step(path, *more, **how)

        return take


@pytest.mark.long
@pytest.mark.parametrize("is_killed", [True, False], ids=["killed", "failing"])
@pytest.mark.parametrize(("earlier", "rtype"), [(0, "npy"), (4, "npy"), (2, "parquet")])
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_ends_at_any_step_can_be_done_again(
    stsg: models.Model, paths: list[str], tmp_path: Path, *, is_killed: bool, rtype: str, earlier: int
) -> None:
    assert written(stsg, tmp_path / "whole", paths[:3]) == 0
    whole = in_parquet(tmp_path / "whole")
    old: dict[str, list[int]] = {}
    if earlier:
        assert written(stsg, tmp_path / "old", paths[::-1][:earlier], "--rtype", "npy") == 0
        old = in_npy(tmp_path / "old")
    for number in count(1 + is_killed, 2):  # every other step, each in one way or in the other
        out = tmp_path / f"{number}"
        if earlier:
            shutil.copytree(tmp_path / "old", out)
        out.mkdir(exist_ok=True)
        with pytest.MonkeyPatch.context() as patch, suppress(Killed):
            steps = Steps(patch, out, number, is_killed=is_killed)
            assert written(stsg, out, paths[:3], "--rtype", rtype) in (0, 74)
        if (out / "tokens.csv").exists():
            assert in_npy(out) in (old, whole), "no table names what is another's, or not there"
        if (out / "tokens.csv").exists() and (out / "tokens.parquet").exists():
            assert in_npy(out) == in_parquet(out), "no tables of two runs lie together"
        assert written(stsg, out, paths[:3], "--rtype", rtype) == 0, f"after step {number}"
        kinds = [("parquet", in_parquet, {"tokens.parquet"})] if rtype == "parquet" else []
        if old or rtype == "npy":
            kinds += [("npy", in_npy, {"tokens.csv", "000000.npy", "000001.npy", "000002.npy"})]
        assert all(read(out) == whole for _, read, _ in kinds), f"after step {number}"
        assert names(out) == {"failures.csv"}.union(*(named for _, _, named in kinds))
        gc.collect()  # what a killed one left open is closed here, and warns in no other test
        if not steps.has_failed:
            break
    assert number > 8


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.long
def test_no_tables_of_two_runs_lie_together_wherever_one_is_killed(
    stsg: models.Model, paths: list[str], tmp_path: Path
) -> None:
    old, tables_of = tmp_path / "old", ("tokens.csv", "tokens.parquet", "failures.csv")
    (bad := tmp_path / "in/bad.wav").write_text("no sound")
    for rtype in ("npy", "parquet"):
        assert written(stsg, old, [paths[0], str(bad)], "--rtype", rtype) == 2
    told = {name: (old / name).read_bytes() for name in tables_of}
    for number in count(1):
        out = tmp_path / f"{number}"
        shutil.copytree(old, out)
        with pytest.MonkeyPatch.context() as patch, suppress(Killed):
            steps = Steps(patch, out, number, is_killed=True)
            assert written(stsg, out, paths[1:], "--rtype", "npy") == 0
        there = [name for name in tables_of if (out / name).exists()]
        assert len({(out / name).read_bytes() == told[name] for name in there}) < 2, f"after step {number}"
        gc.collect()  # what a killed one left open is closed here, and warns in no other test
        if not steps.has_failed:
            break
    assert number > 8


@pytest.mark.parametrize(("kept", "rtype"), [("parquet", "npy"), ("csv", "parquet")])
def test_a_damaged_table_of_the_other_kind_is_refused(
    stsg: models.Model,
    paths: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    kept: str,
    rtype: str,
) -> None:
    out = tmp_path / "out"
    assert written(stsg, out, paths, "--rtype", "npy" if kept == "csv" else kept) == 0
    os.truncate(out / f"tokens.{kept}", 200 if kept == "parquet" else 0)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    assert written(stsg, out, paths[:1], "--rtype", rtype) == 64
    assert f"{out}/tokens.{kept}: damaged" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before


@pytest.mark.parametrize(
    "name",
    ["tokens.parquet", "tokens.csv", "failures.csv", "notes.csv", "000001.npy", "../model/centroids.npy"],
)
def test_vectors_take_no_name_that_is_read_or_written(
    stsg: models.Model, paths: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    out, model = tmp_path / "out", tmp_path / "model"
    shutil.copytree(stsg.path.parent, model)
    before = (model / "centroids.npy").read_bytes()
    more = ("--vectors", str(out / name), "--rtype", "npy")
    assert main(["tokens", *paths, "--model", str(model), "-o", str(out), *more]) == 64
    assert f"{out / name}: is " in capsys.readouterr().err
    assert (model / "centroids.npy").read_bytes() == before
    assert names(out) == set()


def test_a_list_of_names_gives_nobody_elses_away(
    stsg: models.Model, paths: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert written(stsg, out, paths[:2], "--rtype", "npy") == 0
    (out / tables.tokens.NAMING).write_text(
        "sequence\n000002.npy\n"
    )  # as of a run that ended at its last step
    (out / "000002.npy").write_text("mine")
    assert written(stsg, out, paths, "--rtype", "npy") == 64
    assert f"{out}/000002.npy: is there, and no earlier tokens.csv names it" in capsys.readouterr().err
    assert written(stsg, out, paths[:1], "--rtype", "npy") == 0
    assert (out / "000002.npy").read_text() == "mine"


def test_the_folder_of_a_run_keeps_its_failures(
    stsg: models.Model, paths: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name in (journal.NAME, "failures.csv", "notes.csv"):
        (out / name).write_text("an infer's")
    assert written(stsg, out, paths) == 64
    assert f"{out}: holds a run of `birdfast infer` (journal.sqlite)" in capsys.readouterr().err
    assert {path.name: path.read_text() for path in out.iterdir()} == dict.fromkeys(
        (journal.NAME, "failures.csv", "notes.csv"), "an infer's"
    )


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
    with pytest.raises(ConfigError, match=r"000000\.npy: cannot be written \(it is a folder\); move it away"):
        tables.tokens.check(tmp_path, ["npy"], 1)
    tables.tokens.check(tmp_path, ["npy"], 0)
    (tmp_path / "000000.npy").rmdir()
    tables.tokens.check(tmp_path, ["npy"], 1)
