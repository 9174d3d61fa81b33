"""Tables for each file lie as recordings do, replace no stranger's, and come and go all together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import birdfast
from birdfast import inputs, models, tables, voice
from birdfast.errors import ConfigError, OutputError
from birdfast.outcomes import Detection, Failure
from birdfast.tables import OF_FILES, About, Result, perfile, placed
from birdfast.tables.earlier import GONE
from birdfast.tables.kinds import DETECTIONS

from .commands import birdfast as command
from .commands import infer
from .formats import ABOUT, rows
from .journals import TWO, rows_of
from .recordings import noise
from .recordings import write as write_sound

CSV = DETECTIONS["csv"].of_file


def result(path: str, confidence: float = 0.5) -> Result:
    dense = {(model, "scores"): [rows_of(2, 3)] for model in range(2)}
    return Result(path, [rows(path, ((0.0, 0, confidence),))], [], [], dense, duration_s=3.0)


def write(folder: Path, *paths: str, kinds: tuple[str, ...] = ("csv",), base: str | None = "in") -> None:
    tables.write_all(folder, kinds, ABOUT, [result(path) for path in paths], base=base)


def shown(folder: Path) -> set[str]:
    """Return what people see in a folder, but for tables of all files."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(path) for path in found if not path.name.startswith(".")} - {"failures.csv"}


def files_of(path: Path) -> set[str]:
    return {row.file for row in tables.read_csv(path)}


def test_tables_lie_as_recordings_do(tmp_path: Path) -> None:
    write(tmp_path, "in/a/x.wav", "in/a/b/y.z.flac", "in/none")
    assert shown(tmp_path) == {f"a/x{CSV}", f"a/b/y.z{CSV}", f"none{CSV}"}
    assert files_of(tmp_path / f"a/b/y.z{CSV}") == {"in/a/b/y.z.flac"}


def test_recordings_of_one_stem_have_tables_of_their_own(tmp_path: Path) -> None:
    paths = ["in/x.flac", "in/x.wav", "in/x.wav.wav", "in/X.wav", "in/a/x.wav"]
    for kind in OF_FILES:
        (folder := tmp_path / kind).mkdir()
        write(folder, *paths, kinds=(kind,))
        suffix = ".wide.csv" if kind == "wide" else DETECTIONS[kind].of_file
        stems = ("x", "x.wav", "x.wav.wav", "X", "a/x")
        assert shown(folder) == {f"{stem}{suffix}" for stem in stems}
    told = {stem: files_of(tmp_path / "csv" / f"{stem}{CSV}") for stem in stems}
    assert [*told.values()] == [{path} for path in paths]


ODD = ["in/a, b.wav", "in/'q\".wav", "in/t\tab.wav", "in/two\nlines.wav", "in/ä🐦.wav", "in/odd\udcff.wav"]


def test_tables_have_their_recordings_names_whatever_those_are(tmp_path: Path) -> None:
    kinds = ("csv", "raven", "sqlite", "parquet", "wide")
    write(tmp_path, *ODD, kinds=kinds)
    assert len(shown(tmp_path)) == len(ODD) * len(kinds)
    for path in ODD:
        assert files_of(tmp_path / f"{Path(path).stem}{CSV}") == {path}
    write(tmp_path, ODD[0], kinds=kinds, base="")
    assert len(shown(tmp_path)) == len(kinds)


def test_a_name_that_is_too_long_for_its_table_is_cut(tmp_path: Path) -> None:
    paths = [f"in/{'ä' * 120}{end}.wav" for end in ("a", "b")]
    write(tmp_path, *paths, kinds=("csv", "raven"))
    assert len(shown(tmp_path)) == 4
    assert {row for name in shown(tmp_path) if name.endswith(CSV) for row in files_of(tmp_path / name)} == {
        *paths
    }


def test_a_recording_that_lies_elsewhere_is_seen_from_the_root(tmp_path: Path) -> None:
    write(tmp_path, "in/a.wav", "/mnt/card/b.wav", "in/../../c.wav", "in/../in/d.wav", base="in")
    above = str(Path(os.path.abspath("../c")).relative_to("/"))  # noqa: PTH100
    assert shown(tmp_path) == {f"a{CSV}", f"mnt/card/b{CSV}", f"{above}{CSV}", f"d{CSV}"}


PARTS = st.lists(st.sampled_from(["a", "b", "..", ".", "x y"]), min_size=1, max_size=5)


@given(PARTS, PARTS, st.booleans())
def test_no_table_lies_outside_the_output(path: list[str], base: list[str], absolute: bool) -> None:
    place = placed.place_of("/" * absolute + "/".join([*path, "r.wav"]), "/".join(base), CSV)
    assert not place.is_absolute()
    assert ".." not in place.parts
    assert place.name == f"r{CSV}"


@pytest.mark.parametrize(
    ("given", "found", "base"),
    [
        (["rec"], ["rec/a/x.wav", "rec/a/y.wav"], "rec"),
        (["rec/a/x.wav"], ["rec/a/x.wav"], "rec/a"),
        (["x.wav"], ["x.wav"], "."),
        (["one", "two"], ["one/x.wav", "two/x.wav"], "."),
        (["list.txt"], ["d/one/x.wav", "d/two/y.wav"], "d"),
        (["rec", "rec/a"], ["rec/a/x.wav"], "rec"),
        (["rec", "other/x.wav"], ["rec/a/x.wav", "other/x.wav"], "."),
        (["/m/rec"], ["/m/rec/x.wav"], "/m/rec"),
    ],
)
def test_recordings_are_seen_from_what_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list[str], found: list[str], base: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("rec/a", "one", "two"):
        (tmp_path / folder).mkdir(parents=True)
    monkeypatch.setattr(os.path, "isdir", lambda name, known=os.path.isdir: name == "/m/rec" or known(name))
    assert inputs.base(given, found) == base


def test_tables_gather_as_a_script_goes_through_a_folder_file_by_file(tmp_path: Path) -> None:
    for path in ("in/x.wav", "in/y.wav", "in/x.wav"):
        write(tmp_path, path)
    assert shown(tmp_path) == {f"x{CSV}", f"y{CSV}"}
    tables.forget(tmp_path, ABOUT)
    assert shown(tmp_path) == set()


def test_tables_seen_from_another_folder_go_and_folders_that_are_empty_then(tmp_path: Path) -> None:
    write(tmp_path, "in/a/x.wav", "in/b/y.wav")
    (tmp_path / "b" / "mine.txt").touch()
    write(tmp_path, "in/c/z.wav", base="in/c")
    assert shown(tmp_path) == {f"z{CSV}", "b/mine.txt"}
    assert not (tmp_path / "a").exists()
    write(tmp_path, "in/c/u.wav", base="in/c")
    assert shown(tmp_path) == {f"z{CSV}", f"u{CSV}", "b/mine.txt"}


def test_a_recording_that_nobody_could_hear_has_no_table_that_passes_for_silence(tmp_path: Path) -> None:
    failure = Failure("in/bad.wav", "audio", "AudioError", "no sound")
    found = [Result("in/bad.wav", [], [failure]), Result("in/cut.wav", [], [failure], audio_s=3.0)]
    tables.write_all(tmp_path, ["csv"], ABOUT, [*found, Result("in/silent.wav", [])], base="in")
    assert shown(tmp_path) == {f"cut{CSV}", f"silent{CSV}"}


def test_all_tables_in_a_folder_say_the_same(tmp_path: Path) -> None:
    write(tmp_path, "in/x.wav", kinds=("csv", "raven"))
    write(tmp_path, "in/x.wav", kinds=("csv",), base=None)
    later = [result("in/x.wav", confidence=0.25)]
    tables.write_all(tmp_path, ["ndjson"], ABOUT, later)
    assert shown(tmp_path) == {
        f"x{CSV}",
        "x.BirdNET.selection.table.txt",
        "detections.csv",
        "detections.ndjson",
    }
    for name in (f"x{CSV}", "detections.csv"):
        assert [row.confidence for row in tables.read_csv(tmp_path / name)] == [0.25]
    assert "\t0.2500\t" in (tmp_path / "x.BirdNET.selection.table.txt").read_text()


def test_tables_whose_rows_are_not_kept_any_more_go_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "in/x.wav", kinds=("wide", "csv"))
    about = ABOUT._replace(models=(ABOUT.models[0]._replace(widths={}),))
    said = list[str]()
    monkeypatch.setattr(voice, "aside", said.append)
    tables.write_all(tmp_path, ["csv"], about, [result("in/x.wav")])
    assert said == [f"{tmp_path}: tables of each file, of kind wide: {GONE}"]
    assert shown(tmp_path) == {"detections.csv", f"x{CSV}"}


def test_each_model_has_wide_tables_of_its_own(tmp_path: Path) -> None:
    dense = {(model, "scores"): [rows_of(2)] for model in range(2)}
    tables.write_all(tmp_path, ["wide"], TWO, [Result("in/a/x.wav", [], dense=dense)], base="in")
    assert shown(tmp_path) == {"a/x.one.wide.csv", "a/x.two.wide.csv"}


def test_what_is_not_a_table_for_each_file_is_one_for_all(tmp_path: Path) -> None:
    write(tmp_path, "in/x.wav", "in/y.wav", kinds=("scores", "csv"))
    assert shown(tmp_path) == {"scores.parquet", f"x{CSV}", f"y{CSV}"}


# ---- strangers, and what is ours ----


def test_a_strangers_table_is_not_replaced(tmp_path: Path) -> None:
    stranger = tmp_path / "a" / f"x{CSV}"
    stranger.parent.mkdir()
    stranger.write_text("mine")
    paths = ["in/a/x.wav", "in/y.wav"]
    with pytest.raises(ConfigError, match=f"{stranger}: nothing here tells that birdfast wrote it"):
        tables.check_files(tmp_path, ["csv"], ABOUT, "in", paths)
    tables.check_files(tmp_path, ["csv"], ABOUT, None, paths)
    tables.check_files(tmp_path, ["raven", "scores"], ABOUT, "in", paths)
    stranger.unlink()
    write(tmp_path, *paths)
    tables.check_files(tmp_path, ["csv"], ABOUT, "in", paths)


def test_a_strangers_table_is_not_replaced_where_another_of_its_stem_comes_first(tmp_path: Path) -> None:
    stranger = tmp_path / f"a.wav{CSV}"
    stranger.write_text("mine")
    with pytest.raises(ConfigError, match=f"{stranger}: nothing here tells that birdfast wrote it"):
        tables.check_files(tmp_path, ["csv"], ABOUT, "in", ["in/a.WAV", "in/a.wav"])
    tables.check_files(tmp_path, ["csv"], ABOUT, "in", ["in/a.wav", "in/b.wav"])


def test_a_strangers_table_is_not_replaced_by_a_kind_that_lies_there(tmp_path: Path) -> None:
    write(tmp_path, "in/x.wav")
    stranger = tmp_path / f"y{CSV}"
    stranger.write_text("mine")
    with pytest.raises(ConfigError, match=f"{stranger}: nothing here tells that birdfast wrote it"):
        tables.check_files(tmp_path, ["raven"], ABOUT, None, ["in/x.wav", "in/y.wav"])
    tables.check_files(tmp_path, ["raven"], ABOUT, None, ["in/x.wav"])


def test_tables_of_a_runs_own_folder_replace_no_strangers(
    tiny: models.Model, wav: Path, tmp_path: Path
) -> None:
    out, stranger = tmp_path / "out", tmp_path / "out" / f"{wav.stem}{CSV}"
    assert infer(tiny, wav, "-o", out).returncode == 0
    stranger.write_text("mine")
    refused = command("tables", out, "--per-file")
    assert (refused.returncode, "nothing here tells that birdfast wrote it" in refused.stderr) == (64, True)
    assert stranger.read_text() == "mine"
    stranger.unlink()
    for _ in range(2):
        assert command("tables", out, "--per-file").returncode == 0
    stranger.unlink()
    (out / ".birdfast-csv.list").unlink()
    stranger.write_text("mine")
    assert command("tables", out, "--per-file", "--force").returncode == 0
    assert stranger.read_text() != "mine"


@pytest.mark.parametrize("name", ["wide.csv", "scores.parquet", "embeddings.parquet"])
def test_a_file_that_is_not_shaped_as_its_name_says_is_neither_removed_nor_replaced(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / name).write_text("mine")
    for widths in ({}, dict(ABOUT.models[0].widths)):
        about = ABOUT._replace(models=(ABOUT.models[0]._replace(widths=widths),))
        tables.write_all(tmp_path, ["csv"], about, [result("in/x.wav")])
        assert (tmp_path / name).read_text() == "mine"
    with pytest.raises(ConfigError, match=f"{name}: no table of kind"):
        tables.check_forms(tmp_path, [name.partition(".")[0]], ABOUT)
    (tmp_path / name).unlink()
    write(tmp_path, "in/x.wav", kinds=("scores", "wide"), base=None)
    tables.check_forms(tmp_path, tables.KINDS, ABOUT)


def test_a_submission_stays_when_other_tables_are_asked_for(tmp_path: Path) -> None:
    (tmp_path / "submission.csv").write_text("row_id,a\n")
    tables.write_all(tmp_path, ["csv"], ABOUT, [result("in/x.wav")])
    assert (tmp_path / "submission.csv").read_text() == "row_id,a\n"


def test_a_run_that_begins_anew_forgets_the_tables_of_files(tmp_path: Path) -> None:
    write(tmp_path, "in/a/x.wav", "in/y.wav", kinds=OF_FILES)
    (tmp_path / "a" / f"mine{CSV}").touch()
    tables.forget(tmp_path, ABOUT)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")} == {"a", f"a/mine{CSV}"}


@pytest.mark.parametrize("line", ['"../x"', '"/etc/x"', "12", "{", '""', '"a/../../x"', '"journal.sqlite"'])
def test_a_list_that_was_changed_removes_nothing(tmp_path: Path, line: str) -> None:
    folder, outside = tmp_path / "out", tmp_path / "x"
    folder.mkdir()
    outside.touch()
    (folder / "journal.sqlite").touch()
    placed.list_of(folder, "csv").write_text(f'"in"\n{line}\n')
    for touches in (lambda: tables.forget(folder, ABOUT), lambda: write(folder, "in/y.wav")):
        with pytest.raises(ConfigError, match=r"\.birdfast-csv\.list: damaged"):
            touches()
    assert outside.exists()
    assert (folder / "journal.sqlite").exists()


# ---- whole or not there ----


class Break(Exception):
    """What ends a run at any moment."""


STEPS = ("begin", "detections", "end", "finish")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("number", [0, 1])
def test_what_breaks_off_leaves_the_old_tables_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, number: int
) -> None:
    write(tmp_path, "in/a/x.wav", "in/y.wav", kinds=("csv", "sqlite"))
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    called, known = [], getattr(perfile.PerFile, step)

    def breaks(self: perfile.PerFile, *told: object) -> None:
        called.append(self)
        if len(called) > number:
            raise Break
        known(self, *told)

    monkeypatch.setattr(perfile.PerFile, step, breaks)
    with pytest.raises(Break):
        write(tmp_path, "in/a/x.wav", "in/new.wav", kinds=("csv", "sqlite"))
    monkeypatch.undo()
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    lists = {path for path in after if path.suffix == ".list"}
    assert {path: after[path] for path in after.keys() - lists} == {
        path: before[path] for path in before.keys() - lists
    }


KILLED = """
import os, signal, sys
from pathlib import Path
from birdfast.tables import perfile
from tests.test_perfile import write

known, n = Path.replace, [0]
def replace(self, target):
    n[0] += 1
    if n[0] > int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return known(self, target)
Path.replace = replace
write(Path(sys.argv[1]), "in/a/x.wav", "in/z.wav", "in/b/u.wav")
"""


@pytest.mark.parametrize("n", [3, 4, 5, 6])
def test_whoever_is_killed_while_tables_get_their_names_loses_none_of_them(tmp_path: Path, n: int) -> None:
    write(tmp_path, "in/a/x.wav", "in/y.wav")
    ended = subprocess.run([sys.executable, "-c", KILLED, tmp_path, str(n)], cwd=Path(__file__).parents[1])
    assert ended.returncode == -signal.SIGKILL
    tables.check_files(tmp_path, ["csv"], ABOUT, "in", ["in/a/x.wav", "in/y.wav", "in/z.wav", "in/b/u.wav"])
    tables.tidy(tmp_path, ABOUT)
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith(".part")]
    write(tmp_path, "in/a/x.wav", base="in/a")
    assert shown(tmp_path) == {f"x{CSV}"}


def test_a_place_that_is_a_folders_or_lies_below_a_file_is_said_before_any_table_comes(
    tmp_path: Path,
) -> None:
    (tmp_path / f"x{CSV}").mkdir()
    with pytest.raises(OutputError, match=r"x\.BirdNET\.results\.csv: cannot be written \(it is a folder\)"):
        write(tmp_path, "in/a.wav", "in/x.wav")
    (tmp_path / "f").touch()
    with pytest.raises(OutputError, match="f: is no folder"):
        write(tmp_path, "in/a.wav", "in/f/b/x.wav")
    assert shown(tmp_path) == {"f"}


def test_no_file_stays_open_and_none_is_brought_to_the_disk_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []
    monkeypatch.setattr(
        os, "fsync", lambda handle: synced.append(Path(f"/proc/self/fd/{handle}").readlink().name)
    )
    tree = perfile.PerFile(tmp_path, "csv", lambda folder, called: _csv(folder, called), CSV, "in")
    before = len([*Path("/proc/self/fd").iterdir()])
    with tree:
        for number in range(200):
            tree.begin(Result(f"in/{number}.wav", []))
            tree.detections([Detection(0.0, 3.0, "A", "a", 0.5, f"in/{number}.wav")])
            tree.end()
            assert len([*Path("/proc/self/fd").iterdir()]) == before
    assert len(shown(tmp_path)) == 200
    assert all("list" in name or name == tmp_path.name for name in synced)


# ---- of a run ----


def test_a_run_writes_a_table_for_each_file_and_knows_its_own(deep: models.Model, tmp_path: Path) -> None:
    sounds, out, kinds = tmp_path / "in", tmp_path / "out", ("csv", "raven", "wide", "sqlite")
    for number, name in enumerate(("a/x.wav", "a/x.flac", "b/ä, 1.wav")):
        (sounds / name).parent.mkdir(parents=True, exist_ok=True)
        write_sound(sounds / name, noise(9_000 * (number + 1), seed=number), 8_000)
    (sounds / "b" / "none.wav").write_text("no sound")
    how = {"kinds": kinds, "per_file": True, "min_confidence": 0}
    results = birdfast.run(sounds, deep.path.parent, output=out, **how)
    stems = {"a/x", "a/x.wav", "b/ä, 1"}
    endings = (CSV, ".BirdNET.selection.table.txt", ".wide.csv", ".detections.sqlite")
    every = {f"{stem}{ending}" for stem in stems for ending in endings}
    assert shown(out) - {"journal.sqlite"} == every
    assert {path.name for path in results.tables} == {"failures.csv", *(f"*{ending}" for ending in endings)}
    found = [row for stem in ("a/x", "a/x.wav", "b/ä, 1") for row in tables.read_csv(out / f"{stem}{CSV}")]
    assert [(row.file, row.start_s) for row in found] == [(row.file, row.start_s) for row in results]
    assert len((out / "a/x.wide.csv").read_text().splitlines()) > 2

    before = {name: (out / name).read_bytes() for name in every if not name.endswith("sqlite")}
    birdfast.run(sounds, deep.path.parent, output=out, **how)
    assert {name: (out / name).read_bytes() for name in before} == before
    for name in ("journal.sqlite", "failures.csv"):
        (out / name).unlink()
    birdfast.run(sounds, deep.path.parent, output=out, **how)  # the lists tell that they are ours
    for name in ("journal.sqlite", "failures.csv", ".birdfast-csv.list"):
        (out / name).unlink()
    with pytest.raises(ConfigError, match="nothing here tells that birdfast wrote it"):
        birdfast.run(sounds, deep.path.parent, output=out, **how)
    birdfast.run(sounds / "a" / "x.wav", deep.path.parent, output=out, force=True, min_confidence=0)
    assert shown(out) == {f"{stem}{CSV}" for stem in stems} | {"detections.csv", "journal.sqlite"}


def _csv(folder: Path, called: str, about: About = ABOUT) -> tables.Table:
    return tables.CsvTable(folder, about, called=called)
