"""What a run says on the terminal: who was heard, what failed, what comes next, at any width."""

from __future__ import annotations

import os
import pty
import re
import sys
import termios
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from birdfast import cli, commandline, models, voice, words
from birdfast.cli import ending
from birdfast.outcomes import Detection, Failure
from birdfast.runs import Results
from birdfast.runs.tally import NAMED, Tally, in_short, in_words
from birdfast.tables import Result

from .commands import infer, ran
from .recordings import noise, write

TEXTS = some.text(some.characters(codec="utf-8"))


def detections(*confidences: float, name: str = "Avis prima", common: str = "First Bird") -> list[Detection]:
    return [
        Detection(float(place), place + 1.0, name, common, confidence, "a.wav", "tiny")
        for place, confidence in enumerate(confidences)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good file, an empty one, and one that ends too early."""
    (tmp_path / "in").mkdir()
    good = write(tmp_path / "in/good.wav", noise(20_000), 8_000)
    (tmp_path / "in/empty.wav").touch()
    (tmp_path / "in/cut.wav").write_bytes(good.read_bytes()[:30_000])
    return tmp_path / "in"


def on_terminal(columns: int, *command: object, **environment: str) -> str:
    """Run a command with a terminal of so many columns for its talk, and return what it said."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    kept = {
        name: text for name, text in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")
    }
    how = {"stderr": theirs, "env": {**kept, "TERM": "xterm", **environment}}
    assert ran(sys.executable, "-m", "birdfast", *command, **how).returncode == 2
    os.close(theirs)
    said = b""
    while True:
        try:
            said += (part := os.read(ours, 100_000))
        except OSError:  # as Linux says that nobody writes any more
            break
        if not part:
            break
    os.close(ours)
    return said.decode()


def test_a_share_of_an_array_says_how_all_are_joined(
    tiny: models.Model, folder: Path, tmp_path: Path
) -> None:
    for name, is_shares in (("shard-1-of-1", True), ("out", False)):
        said = infer(tiny, folder, "-o", tmp_path / "results" / name, "--shard", "1/1").stderr
        joins = f"birdfast merge {tmp_path}/results -o {tmp_path}/results/whole\n"
        assert (joins in said) == is_shares, said


def test_the_end_says_who_was_heard_what_failed_and_what_comes_next(
    tiny: models.Model, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    said = infer(tiny, folder, "-o", out, "--min-conf", "0").stderr
    assert "2 species and 1 other class heard:\n" in said
    assert re.search(r"^    First Bird \(Avis prima\)  +8  +0\.\d\d$", said, re.MULTILINE)
    assert re.search(r"^    Noise  +8  +0\.\d\d$", said, re.MULTILINE)
    assert f"1 file could not be read: empty.wav (empty file (0 bytes)); see {out / 'failures.csv'}\n" in said
    assert "1 file could be read in part: cut.wav (cut short: ends at " in said
    assert re.search(rf"^    \S+ -m birdfast plot {folder}/good.wav {out} --start 0 ", said, re.MULTILINE)
    assert "\x1b" not in said


def test_a_run_that_heard_nothing_says_how_to_ask_for_more(
    tiny: models.Model, folder: Path, tmp_path: Path
) -> None:
    said = infer(tiny, folder, "-o", tmp_path / "out", "--min-conf", "1").stderr
    assert "no species heard\n" in said
    assert f"birdfast tables {tmp_path / 'out'} --min-conf 0.1\n" in said


@pytest.mark.parametrize("columns", [80, 120])
def test_a_terminal_is_not_left_on_its_right(
    columns: int, tiny: models.Model, folder: Path, tmp_path: Path
) -> None:
    command = ("infer", folder, "--model", tiny.path.parent, "-o", tmp_path / "out", "--min-conf", "0")
    said = on_terminal(columns, *command)
    lines = re.sub(r"\x1b\[[\d;]*m", "", said).replace("\r\n", "\n").split("\n")
    folded = [
        line for line in lines if "birdfast " not in line and str(tmp_path) not in line and "\r" not in line
    ]
    assert len(folded) > 8
    assert max(map(words.width, folded)) <= columns
    assert "\x1b[1m2 species and 1 other class heard:\x1b[0m" in said
    assert "\x1b" not in re.sub(r"\x1b\[(A|K)", "", on_terminal(columns, *command, NO_COLOR="1"))


@pytest.mark.parametrize(
    ("environment", "has"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_colour_is_as_the_environment_says(
    environment: dict[str, str],
    has: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    voice.say("said\x1b[2J", style="bad")
    assert capsys.readouterr().err == ("\x1b[31msaid\\x1b[2J\x1b[0m\n" if has else "said\\x1b[2J\n")


def test_commands_that_are_proposed_are_there(folder: Path, tiny: models.Model, tmp_path: Path) -> None:
    for least in ("0", "1"):
        infer(tiny, folder, "-o", tmp_path / "out", "--min-conf", least)
        proposed = list(ending._next(Results(tmp_path / "out"), 0.1))
        assert proposed
        for _, command in proposed:
            called = commandline.called(sys.argv, sys.orig_argv)
            assert command.removeprefix(called).split()[0] in cli.COMMANDS


def test_nothing_is_proposed_that_a_recording_in_a_store_is_refused_by(tmp_path: Path) -> None:
    row = detections(0.9)[0]._replace(file="s3://birds/a.wav")
    tally = Tally.of([Result("s3://birds/a.wav", [[row]])])
    [(purpose, command)] = ending._next(Results(tmp_path, tally=tally), None)
    assert purpose.endswith("once recordings are fetched into FOLDER")
    assert command.endswith(f" clips {tmp_path} --audio FOLDER -o {tmp_path / 'clips'}")


def test_a_stopped_command_goes_on_without_force() -> None:
    assert commandline.again(["infer", "a b.wav", "--force", "-o", "x"]).endswith(" infer 'a b.wav' -o x")
    assert commandline.again(["infer", "a.wav", "--forc", "--f"]).endswith(" infer a.wav --f")
    assert commandline.again(["infer", *map(str, range(1000))]) == ""


@given(TEXTS, some.integers(10, 200))
def test_folding_loses_no_word_and_keeps_to_the_width(text: str, columns: int) -> None:
    line = voice.shown(text)
    parts = list(words.folded(line, columns))
    assert list(filter(None, " ".join(parts).split(" "))) == list(filter(None, line.split(" ")))
    for part in parts:
        assert words.width(part) <= columns or " " not in part.strip(" ") or line.startswith(" ")


@given(TEXTS, some.integers(1, 50))
def test_cells_have_their_width(text: str, columns: int) -> None:
    assert words.width(words.fitted(text, columns)) == columns


def test_wide_signs_take_two_columns() -> None:
    assert words.width("シジュウカラ") == 12
    assert words.width("e\u0301") == 1
    assert words.fitted("シジュウカラ", 8) == "シジュ… "


@given(some.lists(some.lists(some.sampled_from([0.25, 0.5, 0.75]), max_size=5), max_size=5))
def test_a_tally_counts_what_its_results_have(files: list[list[float]]) -> None:
    kinds = ("Avis prima", "Avis secunda")
    rows = [detections(*file, name=kinds[place % 2]) for place, file in enumerate(files)]
    tally = Tally.of(Result(f"{place}.wav", [part]) for place, part in enumerate(rows))
    for one in tally.species:
        own = [
            row.confidence for part in rows for row in part if row.scientific_name == one.best.scientific_name
        ]
        assert (one.n_detections, one.best.confidence) == (len(own), max(own))
    assert sum(one.n_detections for one in tally.species) == sum(map(len, files))
    counts = [one.n_detections for one in tally.species]
    assert counts == sorted(counts, reverse=True)


def test_a_tally_of_many_failures_names_the_first() -> None:
    failed = [Failure(f"{place}.wav", "audio", "AudioError", f"{place}.wav: none") for place in range(1000)]
    tally = Tally.of(Result(one.path, [], [one]) for one in failed)
    ((n, first),) = tally.failures.values()
    assert (n, first) == (1000, failed[:NAMED])
    (line,) = ending.failed(tally, ["tiny"], Path("out"))
    named = "0.wav (none), 1.wav (none), 2.wav (none), and 997 more"
    assert line == f"1,000 files could not be read: {named}; see out/failures.csv"


def test_species_are_told_from_other_classes() -> None:
    birds, more = [("Avis prima", "First"), ("Avis secunda", "Second")], [("Noise", "Noise")]
    assert in_words(birds + more) == "2 species and 1 other class"
    assert in_words(more * 2) == "1 class"
    assert (in_words([]), in_short(birds + more), in_short(more)) == ("0 species", "2 species", "1 class")


def test_a_table_fits_its_columns() -> None:
    tally = Tally.of([Result("a.wav", [detections(0.5, common="A bird with a name that is long " * 5)])])
    for columns in (80, 120, None):
        _, *rows = ending.heard(tally, ["tiny"], columns)
        assert len({words.width(row) for row in rows}) == 1
        assert columns is None or words.width(rows[0]) <= columns
