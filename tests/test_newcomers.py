"""What somebody meets who is new: others' files stay, counts are of what is shown, advice can be followed."""

from __future__ import annotations

import ast
import re
import shlex
import signal
import subprocess
import sys
import time
import tomllib
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from birdfast import models, words
from birdfast.__main__ import _parser, main
from birdfast.cli import COMMANDS, exits
from birdfast.errors import ConfigError
from birdfast.journal import MERGED, NAME
from birdfast.tables.detections import CsvTable
from birdfast.train import codebooks, folds, recordings
from birdfast.train.recipe import CodebookChoice
from birdfast.train.recordings import Clip

from .commands import LIMIT_S, birdfast, contents, infer, started, table
from .journals import of_two_shards
from .recordings import noise, write

HEADER = ",".join(CsvTable.header)
THEIRS = f"{HEADER}\n0.0,3.0,Parus major,Great Tit,0.9000,dawn.wav\n"  # as BirdNET-Analyzer writes it
ROOT = Path(__file__).parents[1]
FIVE_SECONDS = 5 / 3600


@pytest.mark.parametrize("name", ["detections.csv", "failures.csv", "notes.csv", "detections.parquet"])
@pytest.mark.parametrize("verb", ["infer", "merge"])
def test_what_others_wrote_is_not_replaced(
    verb: str, name: str, tiny: models.Model, wav: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / name).write_text(THEIRS)
    given = of_two_shards(tmp_path) if verb == "merge" else [wav, "--model", tiny.path.parent]
    how = [verb, *map(str, given), "-o", str(out)]
    assert main(how) == 64
    said = capsys.readouterr().err
    assert said.startswith(
        f"birdfast: {out / name}: nothing here tells that birdfast wrote it; move it away,"
    )
    assert "--force" in said
    assert contents(out) == {name: THEIRS.encode()}
    assert not (out / NAME).exists()
    assert main([*how, "--force"]) == 0
    assert main(how) == 0
    assert THEIRS.encode() not in contents(out).values()


def test_merged_tables_can_be_merged_again_and_say_whose_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts, out = of_two_shards(tmp_path), tmp_path / "out"
    how = ["merge", *map(str, parts), "-o", str(out)]
    assert [main(how), main(how)] == [0, 0]
    assert (out / MERGED).read_text().splitlines()[1:] == [str(part) for part in parts]
    capsys.readouterr()
    assert main(["status", str(out)]) == 0
    assert "merged, of 2 shares: see" in capsys.readouterr().out
    assert main(["report", str(out)]) == 64
    said = capsys.readouterr().err
    assert f"{out}: no journal of a run ({NAME}) in it; birdfast merge wrote its tables" in said
    assert "names; give one of those" in said
    assert main(["status", str(tmp_path)]) == 64
    assert "it has to be the output folder of birdfast infer" in capsys.readouterr().err


def test_tables_of_a_merge_are_no_runs(
    tiny: models.Model, wav: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["merge", *map(str, of_two_shards(tmp_path)), "-o", str(out)]) == 0
    how = ["infer", str(wav), "--model", str(tiny.path.parent), "-o", str(out)]
    before = contents(out)
    assert main(how) == 64
    assert contents(out) == before
    assert main([*how, "--force"]) == 0
    assert not (out / MERGED).exists()


@pytest.mark.parametrize("name", ["truth.csv", "soundscape.flac"])
@pytest.mark.long
def test_a_demo_replaces_its_own_alone(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / name).write_text("somebody's")
    assert main(["demo", str(tmp_path)]) == 64
    assert f"{tmp_path / name}: not what this writes" in capsys.readouterr().err
    assert [path.read_text() for path in tmp_path.iterdir()] == ["somebody's"]
    assert main(["demo", str(tmp_path), "--force"]) == 0
    assert main(["demo", str(tmp_path)]) == 0
    assert main(["demo", str(tmp_path), "--seed", "1"]) == 64


@pytest.fixture
def heard(tiny: models.Model, wav: Path, tmp_path: Path) -> Path:
    """A folder with 15 detections in five windows of half a second."""
    pytest.importorskip("matplotlib", reason="pictures need the extra [report]")
    assert infer(tiny, wav, "-o", tmp_path / "heard", "--min-conf", "0").returncode == 0
    return tmp_path / "heard"


def test_a_picture_replaces_pictures_alone(
    heard: Path,
    wav: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content, code in (("a.csv", THEIRS, 64), ("a.png", THEIRS, 64), ("empty", "", 0)):
        Path(name).write_text(content)
        assert main(["plot", str(wav), str(heard), "-o", name]) == code
        if code:
            assert f"birdfast: {name}: is there already, and no PNG" in capsys.readouterr().err
            assert Path(name).read_text() == content
    assert main(["plot", str(wav), str(heard)]) == 0
    assert main(["plot", str(wav), str(heard / "detections.csv")]) == 0
    picture = Path(f"{wav.name}.png")
    good = picture.read_bytes()
    Path("none.csv").write_text(f"{HEADER}\n")
    assert main(["plot", str(wav), "none.csv"]) == 64
    assert f"{picture}: is there already, and none.csv has no detection of {wav}" in capsys.readouterr().err
    assert picture.read_bytes() == good
    assert main(["plot", str(wav), "none.csv", "-o", str(picture)]) == 0
    assert picture.read_bytes() != good


def test_a_picture_counts_what_is_in_it(
    heard: Path, wav: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [(float(row["Start (s)"]), float(row["End (s)"])) for row in table(heard / "detections.csv")]
    n_shown = sum(start < 1.1 and end > 0.6 for start, end in rows)
    assert 0 < n_shown < len(rows) == 15
    how = ["plot", str(wav), str(heard), "-o", str(tmp_path / "x.png"), "--start"]
    for start, count in (("0", "(15 detections in"), ("0.6", f"({n_shown} of 15 detections in")):
        assert main([*how, start, "--length", "9" if start == "0" else "0.5"]) == 0
        assert count in capsys.readouterr().out


def test_files_of_earlier_runs_are_told_when_they_are_left_out(tiny: models.Model, tmp_path: Path) -> None:
    cards = [write(tmp_path / f"{number}.wav", noise(8_000, seed=number), 8_000) for number in range(3)]
    how = ["-o", tmp_path / "out", "--min-conf", "0"]
    first = infer(tiny, *cards[:2], *how)
    assert "left out" not in first.stderr
    second = infer(tiny, cards[2], *how)
    said = "left out of the tables: 2 files of earlier runs, not among these INPUTs; name them too"
    assert said in second.stderr
    assert {row["File"] for row in table(tmp_path / "out" / "detections.csv")} == {str(cards[2])}
    assert (
        "1 file of earlier runs, not among these INPUTs; name it too" in infer(tiny, *cards[1:], *how).stderr
    )
    whole = infer(tiny, *cards, *how)
    assert "left out" not in whole.stderr
    assert "nothing was left to do" in whole.stderr
    assert {row["File"] for row in table(tmp_path / "out" / "detections.csv")} == set(map(str, cards))


def test_a_longer_recording_is_taken_where_its_failure_says(tiny: models.Model, tmp_path: Path) -> None:
    long, out = write(tmp_path / "long.flac", noise(8_000 * 12), 8_000), tmp_path / "out"
    assert infer(tiny, long, "-o", out, "--max-hours", FIVE_SECONDS).returncode == 2
    (failure,) = table(out / "failures.csv")
    assert failure["message"].endswith("takes more, of infer in another folder or with --force")
    assert infer(tiny, long, "-o", out).returncode == 64
    assert infer(tiny, long, "-o", tmp_path / "another").returncode == 0
    assert infer(tiny, long, "-o", out, "--force").returncode == 0


def test_a_failures_duration_is_what_the_file_promises(tiny: models.Model, tmp_path: Path) -> None:
    long, cut = (write(tmp_path / name, noise(8_000 * 12), 8_000) for name in ("long.flac", "cut.wav"))
    cut.write_bytes(cut.read_bytes()[: 8_000 * 8])
    result = infer(tiny, long, cut, "-o", tmp_path / "out", "--max-hours", FIVE_SECONDS)
    assert result.returncode == 2
    told = {Path(row["path"]).name: row["duration_s"] for row in table(tmp_path / "out" / "failures.csv")}
    assert told["long.flac"] == "12.0"
    assert "2 files could be read in part: long.flac (longer than 5 s (12.0 s); " in result.stderr
    assert f"; see {tmp_path / 'out' / 'failures.csv'}" in result.stderr


EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]


def test_no_hint_bypasses_the_one_that_works_from_a_clone_a_wheel_and_an_index() -> None:
    """What is to be installed is said by `words` alone; what a help says is the same, of an extra that is."""
    for path in (ROOT / "birdfast").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"extra_hint\([\"'](\w+)[\"']\)", text):
            assert name in EXTRAS, path
        if path.name == "words.py":
            continue
        named = re.findall(r"pip install (.*)", text)
        docstring = ast.get_docstring(ast.parse(text)) or ""
        assert len(named) == docstring.count("pip install "), path
        for what in named:
            extra = re.fullmatch(r"'birdfast\[(\w+)\]'", what)
            assert extra is not None, (path, what)
            assert extra[1] in EXTRAS, path


@pytest.mark.parametrize("where", ["beside", "elsewhere", "nowhere"])
def test_what_a_hint_says_is_for_the_python_that_runs_this(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("bin", "other"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "pip").write_text("#!/bin/sh\n")
        (tmp_path / folder / "pip").chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setenv("PATH", {"beside": f"{tmp_path}/bin", "elsewhere": f"{tmp_path}/other"}.get(where, ""))
    monkeypatch.chdir(tmp_path)
    pip = "pip" if where == "beside" else "bin/python -m pip"
    assert words.install_hint("scipy") == f"{pip} install scipy"
    assert words.extra_hint("train") == f"{pip} install 'birdfast[train]'"
    monkeypatch.chdir(tmp_path / "other")
    pip = "pip" if where == "beside" else f"{tmp_path}/bin/python -m pip"
    assert words.install_hint("scipy") == f"{pip} install scipy"
    monkeypatch.setattr(metadata, "distribution", _absent)  # a tree that was never installed
    assert words.extra_hint("train") == f"from the folder of birdfast: {pip} install '.[train]'"


def _absent(name: str) -> None:
    raise metadata.PackageNotFoundError(name)


def test_exit_codes_are_one_list() -> None:
    codes = {value for value in vars(exits).values() if isinstance(value, int)} - {exits.BY_SIGNAL}
    assert set(exits.MEANINGS) == codes
    told = _parser().format_help()
    page = " ".join((ROOT / "docs" / "commands.md").read_text(encoding="utf-8").split())
    for code, meaning in exits.MEANINGS.items():
        assert re.search(rf"^  {code} +{re.escape(meaning)}$", told, re.MULTILINE)
        assert f"{code} {meaning}" in page


def test_help_names_the_variables_that_are_read() -> None:
    told = _parser().format_help()
    for path in (ROOT / "birdfast").rglob("*.py"):
        for name in re.findall(r"\bBIRDFAST_(?:MODELS|CACHE)\b", path.read_text(encoding="utf-8")):
            assert f"\n  {name} " in told


def test_help_begins_with_the_commands_in_words_for_people() -> None:
    told = _parser().format_help()
    assert told.index("commands:") < told.index("options:")
    assert told.index("commands:") < 300
    assert not re.search("STSG|Pool|Error|->", told)


@pytest.mark.parametrize("name", ["bench", "compare", "evaluate", "export"])
def test_help_tells_a_command_in_a_line(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert re.search(rf"^ +{name} +{re.escape(COMMANDS[name].HELP)}$", _parser().format_help(), re.MULTILINE)


@pytest.mark.parametrize(("number", "how"), [("INT", "interrupted"), ("TERM", "stopped (SIGTERM)")])
@pytest.mark.parametrize("force", [[], ["--force"]])
def test_whoever_stops_a_run_hears_how_it_goes_on(
    number: str, how: str, force: list[str], tiny: models.Model, tmp_path: Path
) -> None:
    write(tmp_path / "long.wav", noise(8_000 * 1800), 8_000)
    given = ["infer", tmp_path, "--model", tiny.path.parent, "-o", tmp_path / "out", "--step", "0.0005"]
    with started(sys.executable, "-m", "birdfast", *given, *force, stderr=subprocess.PIPE) as process:
        while not (tmp_path / "out" / NAME).exists():
            time.sleep(0.05)
        time.sleep(0.5)
        process.send_signal(getattr(signal, f"SIG{number}"))
        _, said = process.communicate(timeout=LIMIT_S)
    assert process.returncode == exits.BY_SIGNAL + getattr(signal, f"SIG{number}")
    more = ", without --force" if force else ""
    same = shlex.join(["python", "-m", "birdfast", *map(str, given)]).removeprefix("python")
    *_, told, command = said.decode().splitlines()
    assert told == f"birdfast: {how}; the same command goes on{more}:"
    assert (command[:4], command.endswith(same)) == ("    ", True)


def test_clips_that_are_too_few_are_doubted() -> None:
    clips = [Clip(f"{label}{number}", (label,)) for label, n in (("a", 9), ("b", 10)) for number in range(n)]
    few, no_background = recordings.doubts(clips)
    assert few.startswith("fewer than 10 clips of a (9):")
    assert no_background.startswith("no background among the clips")
    assert recordings.doubts([*clips, Clip("a9", ("a",)), Clip("night")]) == []
    assert recordings.doubts(clips, knows_background=True) == [few]
    with pytest.raises(ConfigError, match=r"of a folder, or without folds, --hold-out 20% tests"):
        folds.splits(clips)


@pytest.mark.parametrize(("n_frames", "is_few"), [(40, True), (41, False)])
def test_a_codebook_that_has_each_frame_is_doubted(n_frames: int, is_few: bool) -> None:
    frames = np.random.default_rng(0).standard_normal((n_frames, 16)).astype(np.float32)
    choice = CodebookChoice(n_centroids=40, n_components=0)
    recipe = SimpleNamespace(codebook=choice, front_ends=[None])
    reader = SimpleNamespace(frames=lambda *_: frames)
    said: list[str] = []
    codebooks.find(recipe, lambda _: reader, [Clip("a", ("a",))], 0, 1, say=said.append)
    assert any("every frame is its own centroid" in line for line in said) == is_few


def test_a_class_whose_name_tables_would_part_is_refused(tmp_path: Path) -> None:
    for number, name in enumerate(("bird", "frog;toad")):
        (tmp_path / name).mkdir()
        write(tmp_path / name / f"{number}.wav", noise(800), 8_000)
    with pytest.raises(ConfigError, match="frog;toad: a class's name, but ; parts labels in tables; rename"):
        recordings.find(str(tmp_path))


def test_doubts_are_told_before_a_training(tmp_path: Path) -> None:
    for module in ("numba", "sklearn", "tomli_w"):
        pytest.importorskip(module, reason="training needs the extra [train]")
    for seed, name in enumerate(("bird", "bird", "frog", "frog")):
        (tmp_path / name).mkdir(exist_ok=True)
        write(tmp_path / name / f"{seed}.wav", noise(8_000, seed=seed), 8_000)
    said = birdfast("train", tmp_path, "-o", tmp_path / "model", "--cv")
    assert said.returncode == 64
    assert "--hold-out 20%" in said.stderr
    assert "birdfast: fewer than 10 clips of bird (2), frog (2): such a class is learnt badly" in said.stderr
    assert "birdfast: no background among the clips" in said.stderr
    said = birdfast("train", tmp_path, "-o", tmp_path / "model", "--cv", "--preset", "soundscapes")
    assert "fewer than 10 clips" in said.stderr
    assert "no background" not in said.stderr  # it learns from noise alone, too
