"""`birdfast models add`: a network's file becomes a model's folder, whole or not at all."""

from __future__ import annotations

import dataclasses
import errno
import gc
import os
import pty
import shlex
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from birdfast import models, sources, voice
from birdfast.cli import add
from birdfast.cli.questions import Likely, Nobody
from birdfast.config import Options
from birdfast.errors import ConfigError, ModelError, OutputError
from birdfast.frontends import recipe
from birdfast.frontends.recipe import Recipe
from birdfast.models import manifest
from birdfast.pipeline.listener import Listener
from birdfast.runs import adding, facts_of_file, guesses
from birdfast.runs.output import alone
from birdfast.runs.told import Told

from . import heads, networks
from .commands import birdfast, ended, ran

LABELS = "\n".join(networks.LABELS)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where models lie."""
    monkeypatch.setenv("BIRDFAST_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A network with an embedding, of windows of 4,000 samples; its labels lie beside it."""
    (tmp_path / "its labels.txt").write_text(LABELS)
    (tmp_path / "more labels.txt").write_text("A\nB\n")
    path = tmp_path / "mine.tflite"
    path.write_bytes(networks.tflite(networks.weights(5), networks.weights(window_samples=5)))
    return path


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_file_becomes_a_model_that_its_name_finds(home: Path, file: Path, wav: Path) -> None:
    result = birdfast("models", "add", file, "--rate", "8000", "--yes")
    assert result.returncode == 0, result.stderr
    assert "takes float32 [1, 4000]: windows of 0.5 s at 8,000 Hz" in result.stdout
    assert "3 classes, and its scores go through a sigmoid" in result.stdout
    assert "its embedding has 5 values" in result.stdout
    assert "birdfast infer --model mine" in result.stdout
    assert left(home) == ["mine"]
    assert left(home / "mine") == ["its labels.txt", "mine.tflite", "model.toml"]
    told = tomllib.loads((home / "mine" / "model.toml").read_text())
    assert told == {
        "name": "mine", "title": "mine", "licence": "as its author says", "model": "mine.tflite",
        "labels": "its labels.txt", "labels_format": "lines", "rate_hz": 8_000, "window_samples": 4_000,
        "activation": "sigmoid", "embedding_samples": 5, "n_classes": 3}  # fmt: skip
    assert models.find("mine").rate_hz == 8_000
    listed = birdfast("models").stdout
    assert "mine: mine, licence as its author says\n    8,000 Hz, windows of 0.5 s, 3 classes\n" in listed
    heard = birdfast("infer", wav, "--model", "mine", "-o", home / "out", "--min-conf", "0")
    assert "15 detections" in heard.stderr


def test_every_key_of_a_manifest_has_its_meaning_and_is_one_that_a_manifest_takes(tmp_path: Path) -> None:
    examples = {key: example for key, (_, example) in manifest.MEANINGS.items() if key[:2] != "on"}
    networks.write_folder(tmp_path)
    facts = {key: example or {int: 8_000, str: "tiny"}[type(example)] for key, example in examples.items()}
    facts |= {
        "model": "tiny.tflite",
        "labels": "labels.txt",
        "labels_format": "lines",
        "activation": "softmax",
        "window_samples": 4_000,
    }
    facts["title"] = 'a "title" \\ with\ttabs, \u00e9 \U0001f426 and \x7f'
    drawn = Recipe(n_fft=256, hop_samples=100, amin=1e-10, top_db=80.0, center=False, window="hamming")
    (tmp_path / "model.toml").write_text(manifest.text(facts, drawn), encoding="utf-8")
    model = models.find(tmp_path)
    assert {key: getattr(model, key) for key in facts if key not in ("model", "labels")} == {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in facts.items()
        if key not in ("model", "labels")
    }
    assert model.front_end == drawn
    (tmp_path / "model.toml").write_text(manifest.text({"rate_hz": 8_000}))
    assert "# licence = " in (tmp_path / "model.toml").read_text()
    assert models.find(tmp_path).licence == "as its author says"


def test_no_comment_of_a_manifest_stands_alone() -> None:
    """What is not told is shown as it could stand there."""
    lines = [line.removeprefix("# ") for line in manifest.text({}).splitlines()]
    shown = {line.partition(" = ")[0] for line in lines if " = " in line}
    assert {"on", "rate_hz", "window_samples", "step_samples", "activation", "embedding_samples"} <= shown
    assert not [line for line in lines if line.endswith(" = 0")]


def test_what_is_missing_is_refused_by_its_flags_where_nobody_can_be_asked(home: Path, file: Path) -> None:
    result = birdfast("models", "add", file, "--rate", "8000", stdin=-3)
    assert result.returncode == 64
    assert (
        "--labels (the file with its labels, one a line, a CSV or JSON, likely"
        f" {file.parent / 'its labels.txt'}" in result.stderr
    )
    assert "--activation (what makes confidences of its scores" in result.stderr
    assert "--yes takes what is likely" in result.stderr
    result = birdfast("models", "add", file, "--yes", stdin=-3)
    assert (result.returncode, "--rate is needed" in result.stderr) == (64, True)
    assert left(home) == []


def test_a_terminal_is_asked_until_the_answer_fits(home: Path, file: Path) -> None:
    ours, theirs = pty.openpty()
    os.write(ours, b"\nfast\n8000\nrelu\nsoftmax\n")
    result = ran(sys.executable, "-m", "birdfast", "models", "add", file, stdin=theirs)
    os.close(theirs)
    os.close(ours)
    assert result.returncode == 0, result.stderr
    for said in (
        f"the file with its labels, one a line, a CSV or JSON [{file.parent / 'its labels.txt'}] (or ",
        "rate: 'fast' is not a number",
        "sigmoid, softmax or none [sigmoid] (or softmax, none)?",
        "activation: 'relu' does not fit",
    ):
        assert said in result.stderr
    assert models.find("mine").activation == "softmax"


def test_a_known_length_tells_the_likely_rate(file: Path, home: Path) -> None:
    file.write_bytes(networks.tflite(networks.weights(3, 144_000)))
    adding.add(file, Told(), Likely())
    assert models.find("mine").rate_hz == 48_000
    with pytest.raises(ConfigError, match="--rate.*likely 48000"):
        adding.add(file, Told(name="other", activation="sigmoid"), Nobody())
    adding.add(file, Told(name="said", window_s=4.5, activation="sigmoid"), Likely())
    assert models.find("said").rate_hz == 32_000


def test_a_folder_that_is_there_is_replaced_by_force_alone_and_only_if_it_is_a_model(
    home: Path, file: Path
) -> None:
    told = Told(rate_hz=8_000)
    adding.add(file, told, Likely())
    with pytest.raises(ConfigError, match="mine: holds a model.*--force"):
        adding.add(file, told, Likely())
    adding.add(file, told, Likely(), force=True)
    assert left(home / "mine") == ["its labels.txt", "mine.tflite", "model.toml"]
    for force in (False, True):
        with pytest.raises(ConfigError, match="is there, and no model that was added"):
            adding.add(file, told, Likely(), file.parent, force=force)
    assert left(home) == ["mine"]
    (home / "empty").mkdir()
    adding.add(file, told, Likely(), home / "empty")
    assert models.find("empty").name == "empty"


@pytest.mark.parametrize(
    "mine", ["notes.txt", "deep/notes.txt", "its labels.txt", "model.toml", "mine.tflite", ".hidden"]
)
def test_force_replaces_nothing_that_birdfast_did_not_write(home: Path, file: Path, mine: str) -> None:
    told = Told(rate_hz=8_000)
    adding.add(file, told, Likely())
    (home / "mine" / mine).parent.mkdir(exist_ok=True)
    with (home / "mine" / mine).open("a") as edited:
        edited.write("# mine\n")
    before = {path: path.read_bytes() for path in (home / "mine").rglob("*") if path.is_file()}
    with pytest.raises(ConfigError, match=f"mine: has {mine}, which birdfast did not write, or which was ch"):
        adding.add(file, told, Likely(), force=True)
    assert {path: path.read_bytes() for path in (home / "mine").rglob("*") if path.is_file()} == before
    (home / "mine" / "model.toml").write_text(
        manifest.text({}) + "\n# sha256 " + "0" * 64 + " ..%2Fits%20labels.txt\n"
    )
    with pytest.raises(ConfigError, match="model.toml"):
        adding.add(file, told, Likely(), force=True)


class Killed(BaseException):
    """What ends a process: from there on it changes nothing."""


class Steps:
    """The changes of names, from the n-th of which on nothing is done."""

    def __init__(self, patch: pytest.MonkeyPatch, number: int) -> None:
        self.n_taken, self._number = 0, number
        for name in ("replace", "rename", "unlink", "rmdir", "mkdir"):
            patch.setattr(os, name, self._guarded(getattr(os, name)))

    @property
    def is_killed(self) -> bool:
        return self.n_taken >= self._number

    def _guarded(self, step: Callable[..., None]) -> Callable[..., None]:
        def take(*given: Any, **how: Any) -> None:
            self.n_taken += 1
            if self.is_killed:
                raise Killed
            step(*given, **how)

        return take


def _content(folder: Path) -> tuple[bytes, bytes] | None:
    model = models.find("mine") if (folder / "mine").exists() else None
    return model and (model.path.read_bytes(), model.labels_path.read_bytes())


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("is_there", [False, True])
@pytest.mark.long
def test_wherever_it_is_killed_the_earlier_model_or_the_new_one_is_there(
    home: Path, file: Path, tmp_path: Path, *, is_there: bool
) -> None:
    old = (file.read_bytes(), (tmp_path / "its labels.txt").read_bytes()) if is_there else None
    if is_there:
        adding.add(file, Told(rate_hz=8_000), Likely())
    home.mkdir(exist_ok=True)
    home.rename(tmp_path / "before")
    file.write_bytes(networks.tflite(networks.weights(4), networks.weights(window_samples=4)))
    (tmp_path / "its labels.txt").write_text("D\nE\nF\n")
    new, found = (file.read_bytes(), b"D\nE\nF\n"), set()
    told = Told(rate_hz=8_000, labels=tmp_path / "its labels.txt")
    for number in count(1):
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(tmp_path / "before", home)
        with pytest.MonkeyPatch.context() as patch, suppress(Killed):
            steps = Steps(patch, number)
            adding.add(file, told, Likely(), force=True)
        found.add(_content(home))
        assert _content(home) in (old, new), f"after step {number}"
        adding.add(file, told, Likely(), force=True)
        assert _content(home) == new
        assert len(left(home / "mine")) == 3, f"after step {number}"
        gc.collect()  # what a killed one left open is closed here, and warns in no other test
        if not steps.is_killed:
            break
    assert found == {old, new}
    assert number > (8 if is_there else 3)


def test_what_is_replaced_twice_and_back_is_whole(home: Path, file: Path) -> None:
    first = file.read_bytes()
    second = networks.tflite(networks.weights(4), networks.weights(window_samples=4))
    for content in (first, second, first, first):
        file.write_bytes(content)
        adding.add(file, Told(rate_hz=8_000), Likely(), force=True)
        assert models.find("mine").path.read_bytes() == content
        assert len(left(home / "mine")) == 3


def test_the_recipe_that_help_shows_is_one(tmp_path: Path) -> None:
    shown = (add.__doc__ or "").split("--window 5\n")[1]
    (tmp_path / "mel.toml").write_text("\n".join(line.strip() for line in shown.splitlines()))
    assert facts_of_file.recipe(tmp_path / "mel.toml") == Recipe(
        n_fft=1024, hop_samples=320, n_mels=128, fmin_hz=50.0, level="db", top_db=80.0
    )


def test_the_place_is_told_before_the_first_question(home: Path, file: Path) -> None:
    result = birdfast("models", "add", file, stdin=-3)
    first, second = result.stderr.split("not a terminal")
    assert f"the model's folder will be {home / 'mine'} (-o takes another)" in first
    assert "--rate" in second


def test_a_name_that_is_a_listed_one_but_for_its_capitals_is_refused(home: Path, file: Path) -> None:
    for name, said in (
        ("BirdNET-2.4", r"knows \(birdnet-2.4\), but for its capitals"),
        ("yamnet", "knows; give"),
    ):
        for folder in (None, home / name):
            with pytest.raises(ConfigError, match=f"name: {name} is that of a network that birdfast {said}"):
                adding.add(file, Told(rate_hz=8_000, name=name), Likely(), folder)


@pytest.mark.parametrize(
    ("name", "place", "said"),
    [
        ("foo", "yamnet", "name: yamnet is that of a network"),
        ("foo", "YAMNet", "yamnet"),
        ("foo", "x/../yamnet", "yamnet"),
        ("foo", "yamnet/x/..", "yamnet"),
        ("foo", "../link/yamnet", "yamnet"),
        ("yamnet", "x/../foo", "yamnet"),
        ("", "yamnet/x/..", "name: yamnet"),
        ("foo", "bar", "bar: lies among the models, where --model finds one by its folder's name.*name foo"),
    ],
)
def test_no_folder_among_the_models_is_called_otherwise_than_its_model_or_as_a_listed_one(
    home: Path, file: Path, tmp_path: Path, name: str, place: str, said: str
) -> None:
    home.mkdir()
    (tmp_path / "link").symlink_to(home)
    with pytest.raises(ConfigError, match=said):
        adding.add(file, Told(rate_hz=8_000, name=name), Likely(), home / place)
    assert left(home) == []


def test_what_cannot_be_run_leaves_nothing_and_takes_nothing_away(home: Path, file: Path) -> None:
    told = Told(rate_hz=8_000)
    adding.add(file, told, Likely())
    before = (home / "mine" / "mine.tflite").read_bytes()
    file.write_bytes(b"no network")
    with pytest.raises(ModelError, match=f"{file}: not a TFLite model"):
        adding.add(file, told, Likely(), force=True)
    file.write_bytes(before)
    with pytest.raises(ModelError, match=f"{file}: output = 'x' fits no output"):
        adding.add(file, dataclasses.replace(told, output="x"), Likely(), force=True)  # its copy is there
    assert left(home) == ["mine"]
    assert (home / "mine" / "mine.tflite").read_bytes() == before
    (file.parent / "its labels.txt").write_text("A\nB\n")
    with pytest.raises(
        ModelError, match="no output has the scores of 2 classes; there are: product2 float32"
    ):
        adding.add(file, told, Likely(), force=True)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--name", "../up"], "'../up' cannot be a model's name; give another with --name"),
        (["--name", "yamnet"], "yamnet is that of a network that birdfast knows"),
        (["--rate", "fast"], "rate: 'fast' is not a number"),
        (["--window", "-1"], "window: -1.0 does not fit"),
        (["--window", "1e-9"], "window: 1e-09 does not fit; it takes 0.001 to 600"),
        (["--window", "7200"], "window: 7200.0 does not fit"),
        (["--rate", "1"], "rate: 1.0 does not fit; it takes 100 to 1,000,000"),
        (["--rate", "1e12"], "rate: 1000000000000.0 does not fit"),
        (["--rate", "1,000,000", "--window-samples", "600"], "windows of 4,000 samples, not 600"),
        (["--window-samples", "x"], "'x' is not a whole number"),
        (["--window-samples", "3999"], "takes windows of 4,000 samples, not 3,999"),
        (["--activation", "relu"], "activation: 'relu' does not fit"),
        (["--labels", "nowhere.txt"], "nowhere.txt: no such file of labels"),
        (["--output", "other"], "output = 'other' fits no output"),
        (["--front-end", "RECIPE"], "recipe.toml: unknown key nfft"),
        (["--what"], "unrecognized arguments: --what"),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_nothing(
    home: Path,
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    reason: str,
) -> None:
    (tmp_path / "recipe.toml").write_text("nfft = 3\n")
    given = [str(tmp_path / "recipe.toml") if one == "RECIPE" else one for one in options]
    monkeypatch.chdir(tmp_path)
    assert ended("models", "add", file, "--rate", "8000", "--yes", *given) == 64
    assert reason in capsys.readouterr().err
    assert left(home) == []


def test_a_csv_tells_its_column_or_is_asked_for_it(home: Path, file: Path, tmp_path: Path) -> None:
    for path in tmp_path.glob("*.txt"):
        path.unlink()
    (tmp_path / "labels.csv").write_text("index,scientific_name\n0,A b\n1,C d\n2,E f\n")
    adding.add(file, Told(rate_hz=8_000), Likely())
    assert models.find("mine").class_names()[0].scientific == ("A b", "C d", "E f")
    with pytest.raises(ConfigError, match=r"--column \(the column of labels.csv .*likely scientific_name"):
        adding.add(file, Told(name="b", rate_hz=8_000, labels=tmp_path / "labels.csv"), Nobody())
    (tmp_path / "labels.csv").write_text("index,who\n2,E f\n0,A b\n1,C d\n")
    adding.add(file, Told(name="b", rate_hz=8_000), Likely())
    assert models.find("b").class_names()[0].scientific == ("A b", "C d", "E f")
    adding.add(file, Told(name="c", rate_hz=8_000, column="index"), Likely())
    assert models.find("c").class_names()[0].scientific == ("0", "1", "2")


@pytest.mark.parametrize(
    "rows",
    [
        "class,bird\n2,A\n0,B\n1,C\n",
        "name;bird\n7;A\n;B\n6.0;C\n",
        "scientific_name,id\n-1,A\n0.5,B\nNaN,C\n",
        "species,bird\n,A\n,B\n,C\n",
    ],
)
def test_a_column_without_names_is_the_last_guess_for_them(file: Path, tmp_path: Path, rows: str) -> None:
    (tmp_path / "labels.csv").write_text(rows)
    assert guesses.columns(tmp_path / "labels.csv")[0] in ("bird", "id")
    assert guesses.labels_beside(file, [3])[-1] != tmp_path / "labels.csv"


def test_guesses_take_no_numbers_for_names(home: Path, file: Path, tmp_path: Path) -> None:
    (tmp_path / "its.csv").write_text("class,bird\n2,A\n0,B\n1,C\n")
    adding.add(file, Told(rate_hz=8_000, labels=tmp_path / "its.csv"), Likely())
    assert models.find("mine").class_names()[0].common == ("B", "C", "A")


def test_a_table_of_labels_may_be_as_large_as_tables_are(file: Path, tmp_path: Path) -> None:
    note = "x" * 100_000
    (tmp_path / "labels.csv").write_text("note,name\n" + f"{note},A\n" * 170)
    assert (tmp_path / "labels.csv").stat().st_size > sources.TEXT_BYTES
    assert guesses.columns(tmp_path / "labels.csv") == ["name", "note"]


def test_labels_of_the_networks_own_name_do_not_take_its_place(
    home: Path, file: Path, tmp_path: Path
) -> None:
    (_made(tmp_path / "d") / file.name).write_text("A\nB\nC\n")
    with pytest.raises(ConfigError, match=r"two files of one name: mine\.tflite, mine\.tflite"):
        adding.add(file, Told(rate_hz=8_000, labels=tmp_path / "d" / file.name), Likely())
    assert left(home) == []


def test_labels_in_json_come_along_with_their_key(home: Path, file: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(
        '{"id2label": {"2": "C", "0": "A", "1": "B"}, "x": ["D", "E", "F"]}'
    )
    told = Told(rate_hz=8_000, labels=tmp_path / "config.json")
    adding.add(file, told, Likely())
    assert models.find("mine").class_names()[0].common == ("A", "B", "C")
    adding.add(file, dataclasses.replace(told, name="b", column="x"), Likely())
    assert models.find("b").class_names()[0].common == ("D", "E", "F")
    (tmp_path / "config.json").write_text('{"rate": 3, "birds": ["A", "B", "C"], "x": {}}')
    with pytest.raises(ModelError, match=r'"json:KEY", or --column of models add, takes one of birds, x'):
        adding.add(file, dataclasses.replace(told, name="c"), Likely())


def test_a_column_of_a_list_is_refused_and_so_are_tables_of_other_kinds(
    home: Path, file: Path, tmp_path: Path
) -> None:
    told = Told(rate_hz=8_000, labels=tmp_path / "its labels.txt", column="name")
    with pytest.raises(ConfigError, match="column: 'name' does not fit .*its labels.txt, which has no col"):
        adding.add(file, told, Likely())
    (tmp_path / "labels.tsv").write_text("A\nB\nC\n")
    with pytest.raises(ModelError, match=r"labels.tsv: labels are a list \(.txt"):
        adding.add(file, Told(rate_hz=8_000, labels=tmp_path / "labels.tsv"), Likely())
    assert left(home) == []


def test_the_command_that_is_suggested_can_be_typed(home: Path, file: Path, tmp_path: Path) -> None:
    place = tmp_path / "my models; $HOME"
    result = birdfast("models", "add", file, "--rate", "8000", "--yes", "-o", place)
    assert shlex.split(result.stdout.splitlines()[-1]) == [
        *(sys.executable, "-m", "birdfast", "infer", "--model", str(place), "...")
    ]


def test_a_model_that_is_damaged_later_is_listed_as_such(home: Path, file: Path) -> None:
    adding.add(file, Told(rate_hz=8_000), Likely())
    (home / "mine" / "its labels.txt").unlink()
    result = birdfast("models")
    assert result.returncode == 0
    assert "mine: cannot be used" in result.stdout


def test_a_name_in_the_working_folder_comes_first(
    home: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adding.add(file, Told(rate_hz=8_000), Likely())
    monkeypatch.chdir(file.parent)
    assert models.find("mine").path == home / "mine" / "mine.tflite"
    _made(file.parent / "mine")
    assert models.find("mine").path == home / "mine" / "mine.tflite", "a folder without a model is none"
    networks.write_folder(file.parent / "mine")
    heard: list[str] = []
    monkeypatch.setattr(voice, "_hearers", [heard.append])
    assert models.find("mine").path == Path("mine/tiny.tflite")
    assert heard == [f"mine: {file.parent / 'mine'} is taken, not the model of that name in {home / 'mine'}"]


def test_what_a_killed_command_left_goes_and_what_another_works_on_stays(home: Path, file: Path) -> None:
    home.mkdir()
    for name in (".mine.0a_b.part", ".mine.zz.part", ".yours.0a_b.part"):
        (_made(home / name) / "model.toml").touch()
    with alone(home / ".mine.zz.part"):
        adding.add(file, Told(rate_hz=8_000), Likely())
    assert left(home) == [".mine.zz.part", ".yours.0a_b.part", "mine"]


def test_what_is_guessed_is_told(home: Path, file: Path) -> None:
    result = birdfast("models", "add", file, "--rate", "8000", "--yes")
    labels = shlex.quote(str(file.parent / "its labels.txt"))
    assert f"guessed: --labels {labels}, --activation sigmoid\n" in result.stderr


def test_what_is_doubted_is_said_of_the_users_file(home: Path, file: Path) -> None:
    (file.parent / "its labels.txt").write_text("A\nB\nA\n")
    result = birdfast("models", "add", file, "--rate", "8000", "--yes")
    assert result.returncode == 0, result.stderr
    assert f"{file.parent / 'its labels.txt'}: several classes are called A" in result.stderr
    assert ".part" not in result.stderr
    assert "Warning" not in result.stderr


@pytest.mark.parametrize("is_there", [False, True])
def test_a_full_disk_is_the_disks_fault_whether_a_model_is_replaced_or_not(
    home: Path, file: Path, monkeypatch: pytest.MonkeyPatch, *, is_there: bool
) -> None:
    """What is in the way is a neighbour of its folder."""
    if is_there:
        adding.add(file, Told(rate_hz=8_000), Likely())

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(home / ".mine.x.part"))

    monkeypatch.setattr(tempfile, "mkdtemp", full)
    with pytest.raises(OutputError, match=r"cannot be written \(No space left on device\); the same"):
        adding.add(file, Told(rate_hz=8_000), Likely(), force=is_there)


def test_a_name_that_is_too_long_for_the_disk_is_not_to_be_tried_again(home: Path, file: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot be written \(File name too long\)$"):
        adding.add(file, Told(rate_hz=8_000, name="mine"), Likely(), file.parent / ("x" * 250))


def test_scientific_and_common_names_are_the_first_guess(home: Path, file: Path, tmp_path: Path) -> None:
    (tmp_path / "its.csv").write_text("id|Common Name|Scientific Name\n0|Ab_b|A_a b\n1|Cd|C d\n2|Ef|E f\n")
    adding.add(file, Told(rate_hz=8_000, labels=tmp_path / "its.csv"), Likely())
    (found,) = models.find("mine").class_names()
    assert found.scientific == ("A_a b", "C d", "E f")
    assert found.common == ("Ab_b", "Cd", "Ef")
    told = Told(name="b", rate_hz=8_000, labels=tmp_path / "its.csv", column="Common Name+id")
    adding.add(file, told, Likely())
    assert models.find("b").class_names()[0].common == ("0", "1", "2")


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


class TestHead:
    """A file whose input is as long as an embedding is a head, and what it is on is written down."""

    @pytest.fixture
    def bats(self, tmp_path: Path) -> Path:
        (tmp_path / "bats_Labels.txt").write_text("\n".join(heads.LABELS))
        (tmp_path / "bats.tflite").write_bytes(heads.tflite(heads.matrix(1024)))
        return tmp_path / "bats.tflite"

    def test_its_input_tells_what_it_is_on(self, home: Path, bats: Path, birdnet: models.Model) -> None:
        wanted = ("models", "add", bats, "--rate", "144000", "--activation", "sigmoid")
        result = birdfast(*wanted, stdin=-3)
        assert result.returncode == 64
        assert "--on (the network whose embedding it takes, likely birdnet-2.4)" in result.stderr
        result = birdfast(*wanted, "--on", "birdnet-2.4")
        assert result.returncode == 0, result.stderr
        assert "the embedding of birdnet-2.4, of windows of 1 s at 144,000 Hz" in result.stdout
        listed = birdfast("models").stdout
        assert "a head on birdnet-2.4 (144,000 Hz, windows of 1 s), 2 classes\n" in listed
        model = models.find("bats")
        assert (model.on, model.backbone, model.rate_hz) == (("birdnet-2.4",), birdnet, 144_000)
        assert model.window_samples == 0
        adding.add(bats, Told(name="slow"), Likely())
        told = tomllib.loads((home / "slow" / "model.toml").read_text())
        assert (told["on"], "rate_hz" in told, "window_samples" in told) == ("birdnet-2.4", False, False)

    def test_a_rate_in_its_name_is_asked_for(self, bats: Path, home: Path, birdnet: models.Model) -> None:
        fast = bats.rename(bats.with_name("bats-256kHz.tflite"))
        told = Told(labels=bats.with_name("bats_Labels.txt"), activation="sigmoid", on="birdnet-2.4")
        with pytest.raises(ConfigError, match="--rate.*likely 256000"):
            adding.add(fast, told, Nobody())
        adding.add(fast, told, Likely())
        assert models.find("bats-256kHz").rate_hz == 256_000

    def test_what_it_is_on_may_be_told(self, home: Path, deep: models.Model, tmp_path: Path) -> None:
        (tmp_path / "own_Labels.txt").write_text("\n".join(heads.LABELS))
        (tmp_path / "own.tflite").write_bytes(heads.tflite(heads.matrix(5)))
        told = Told(on=str(deep.path.parent), activation="sigmoid")
        adding.add(tmp_path / "own.tflite", told, Nobody())
        assert models.find("own").backbone == models.find(deep.path.parent.resolve())
        home.mkdir(exist_ok=True)
        shutil.copytree(deep.path.parent, home / "below")
        adding.add(tmp_path / "own.tflite", dataclasses.replace(told, name="c", on="below"), Nobody())
        written = tomllib.loads((home / "c" / "model.toml").read_text())
        assert (written["on"], written["on_sha256"]) == ("below", models.find("below").sha256())
        manifest_text = (home / "c" / "model.toml").read_text()
        digest = written["on_sha256"]
        (home / "c" / "model.toml").write_text(manifest_text.replace(f'"{digest}"', f'"{digest.upper()}"'))
        assert Listener(models.find("c"), Options()).model.backbone == models.find("below")
        with models.find("below").path.open("ab") as file:
            file.write(b"another")
        with pytest.raises(ModelError, match="is a head on a network whose SHA-256 is"):
            Listener(models.find("c"), Options())
        with pytest.raises(ConfigError, match="on: 'x{300}' does not fit; it takes birdnet-2.4, "):
            adding.add(tmp_path / "own.tflite", dataclasses.replace(told, name="b", on="x" * 300), Nobody())
        with pytest.raises(ConfigError, match="on: 'gone' does not fit; it takes birdnet-2.4, "):
            adding.add(tmp_path / "own.tflite", dataclasses.replace(told, name="b", on="gone"), Nobody())
        with pytest.raises(ConfigError, match="on: a head takes the sound of the network that it is on"):
            adding.add(tmp_path / "own.tflite", dataclasses.replace(told, name="b", window_s=1), Nobody())


class TestOnnx:
    """What an ONNX file says itself, and what lies beside it."""

    @pytest.fixture(autouse=True)
    def _needed(self) -> None:
        for library in ("onnx", "onnxruntime"):
            pytest.importorskip(library, reason=f"{library} is not installed: pip install '.[onnx]'")

    @staticmethod
    def big(folder: Path, *places: str) -> Path:
        """Write a network with weights in files of those places, and its labels beside it."""
        from onnx import TensorProto

        from .onnxnetworks import network

        folder.mkdir(exist_ok=True)
        made = network()
        for name, place in zip(("first", "second"), places, strict=False):
            (weights,) = [one for one in made.graph.initializer if one.name == name]
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            with (folder / place).open("ab") as file:
                told = {"location": place, "offset": file.tell(), "length": file.write(weights.raw_data)}
            weights.ClearField("raw_data")
            weights.data_location = TensorProto.EXTERNAL
            for key, value in told.items():
                entry = weights.external_data.add()
                entry.key, entry.value = key, str(value)
        (folder / "big.onnx").write_bytes(made.SerializeToString())
        (folder / "big_Labels.txt").write_text(LABELS)
        return folder / "big.onnx"

    def test_metadata_and_the_graphs_end_leave_nothing_to_ask(self, home: Path, tmp_path: Path) -> None:
        from .onnxnetworks import network

        made = network(("batch", "samples"), end="Sigmoid")
        told = {"sample_rate": "16000", "sample_duration": "0.25", "classes": '["a_b", "c", "d\\ne"]'}
        for key, value in told.items():
            entry = made.metadata_props.add()
            entry.key, entry.value = key, value
        (tmp_path / "wise.onnx").write_bytes(made.SerializeToString())
        added = adding.add(tmp_path / "wise.onnx", Told(), Nobody())
        model = models.find("wise")
        assert (model.rate_hz, model.window_samples, model.activation) == (16_000, 4_000, "none")
        assert model.class_names()[0].common == ("a_b", "c", "d\ne")
        assert left(home / "wise") == ["model.toml", "wise.onnx"]
        adding.add(tmp_path / "wise.onnx", Told(), Nobody(), force=True)
        assert models.find("wise").class_names() == models.find(tmp_path / "wise.onnx").class_names()
        assert added.listener.embedding_size == 8

    def test_the_labels_are_those_that_running_the_file_takes(self, home: Path, tmp_path: Path) -> None:
        from .onnxnetworks import network, told_all

        file = tmp_path / "big.onnx"
        file.write_bytes(told_all(network()).SerializeToString())
        for name, beside in (("a", ""), ("b", "A\nTyto alba_Barn Owl\nC_D\n")):
            (tmp_path / "big_Labels.txt").write_text(beside) if beside else None
            adding.add(file, Told(name=name, activation="sigmoid"), Nobody())
            assert models.find(name).class_names() == models.find(file).class_names()
        assert models.find("b").class_names()[0].common == ("A", "Barn Owl", "C_D")

    def test_metadata_that_contradicts_the_network_is_refused_by_both(
        self, home: Path, tmp_path: Path
    ) -> None:
        from .onnxnetworks import network, told, told_all

        file, telling = tmp_path / "odd.onnx", Told(activation="sigmoid")
        file.write_bytes(told(told_all(network()), sample_duration="0.125").SerializeToString())
        with pytest.raises(ModelError, match="takes windows of 4000 samples, not 1000"):
            Listener(models.find(file), Options())
        with pytest.raises(ModelError, match="takes windows of 4,000 samples, not 1,000"):
            adding.add(file, telling, Nobody())
        adding.add(file, dataclasses.replace(telling, rate_hz=16_000), Nobody())
        assert models.find("odd").window_samples == 4_000

    def test_weights_beside_it_come_along(self, home: Path, tmp_path: Path) -> None:
        file = self.big(tmp_path, "weights.bin", "deep/down/more.bin")
        adding.add(file, Told(rate_hz=16_000), Likely())
        assert left(home / "big") == ["big.onnx", "big_Labels.txt", "deep", "model.toml", "weights.bin"]
        assert (home / "big" / "deep" / "down" / "more.bin").is_file()
        assert left(home) == ["big"]

    @pytest.mark.parametrize("taken", ["model.toml", "Model.TOML/w.bin", "big_labels.txt", "BIG.onnx"])
    def test_weights_take_no_name_that_another_file_has(self, home: Path, tmp_path: Path, taken: str) -> None:
        file = self.big(tmp_path, taken)
        with pytest.raises(ConfigError, match=f"cannot hold two files of one name: .*(?i:{taken[:10]})"):
            adding.add(file, Told(rate_hz=16_000), Likely())
        assert left(home) == []

    def test_a_file_of_weights_comes_along_once_and_may_begin_with_dots(
        self, home: Path, tmp_path: Path
    ) -> None:
        adding.add(self.big(tmp_path, "..w.bin", "./..w.bin"), Told(rate_hz=16_000), Likely())
        assert left(home / "big") == ["..w.bin", "big.onnx", "big_Labels.txt", "model.toml"]

    @pytest.mark.parametrize(
        ("old", "new"), [("q", "q/w"), ("q/w", "q"), ("q", "Q"), ("Q/w", "q"), ("other", "q")]
    )
    def test_weights_that_cannot_lie_beside_the_earlier_ones_are_refused_before_anything_moves(
        self, home: Path, tmp_path: Path, old: str, new: str
    ) -> None:
        adding.add(self.big(tmp_path / "old", old), Told(rate_hz=16_000), Likely())
        if old == "other":
            (home / "big" / new).mkdir()
        before = {path: path.read_bytes() for path in (home / "big").rglob("*") if path.is_file()}
        file = self.big(tmp_path / "new", new)
        with pytest.raises(ConfigError, match="big: its model has other weights, or a folder, of.* (?i:q)"):
            adding.add(file, Told(rate_hz=16_000), Likely(), force=True)
        assert {path: path.read_bytes() for path in (home / "big").rglob("*") if path.is_file()} == before

    @pytest.mark.parametrize("key", ["class_outputs_key", "embedding_outputs_key", "sample_rate"])
    @pytest.mark.parametrize("blank", ["", " "])
    def test_metadata_that_is_blank_tells_nothing(
        self, home: Path, tmp_path: Path, key: str, blank: str
    ) -> None:
        from .onnxnetworks import network

        made = network()
        entry = made.metadata_props.add()
        entry.key, entry.value = key, blank
        (tmp_path / "big.onnx").write_bytes(made.SerializeToString())
        (tmp_path / "big_Labels.txt").write_text(LABELS)
        adding.add(tmp_path / "big.onnx", Told(rate_hz=16_000), Likely())
        for model in (models.find("big"), models.find(tmp_path / "big.onnx")):
            assert (model.output, model.embedding) == ("", "")

    def test_an_output_may_be_told_in_every_way_and_its_end_is_read(self, home: Path, tmp_path: Path) -> None:
        from onnx import helper

        from .onnxnetworks import FLOAT, network

        made = network(end="Sigmoid")
        made.graph.output.insert(0, helper.make_tensor_value_info("linear", FLOAT, [None, 3]))
        made.graph.output.append(helper.make_tensor_value_info("hidden", FLOAT, [None, 8]))
        (tmp_path / "model.onnx").write_bytes(made.SerializeToString())
        (tmp_path / "model_Labels.txt").write_text(LABELS)
        with pytest.raises(
            ConfigError, match="--output .which output has the scores, linear, scores, likely lin"
        ):
            adding.add(tmp_path / "model.onnx", Told(rate_hz=16_000), Nobody())
        for which in ("#1", "scores", "score"):
            told = Told(name=f"n{which[1:]}", rate_hz=16_000, output=which)
            adding.add(tmp_path / "model.onnx", told, Nobody())
            model = models.find(told.name)
            assert (model.output, model.activation, model.title) == (which, "none", told.name)
        with pytest.raises(ModelError, match="output = 'hidden' is hidden .*, and there are 3 labels"):
            adding.add(tmp_path / "model.onnx", Told(name="h", rate_hz=16_000, output="hidden"), Nobody())

    def test_a_network_of_two_inputs_is_refused(self, home: Path, tmp_path: Path) -> None:
        from onnx import helper

        from .onnxnetworks import FLOAT, network

        made = network()
        made.graph.input.append(helper.make_tensor_value_info("other", FLOAT, [1, 3]))
        (tmp_path / "two.onnx").write_bytes(made.SerializeToString())
        with pytest.raises(
            ModelError, match=r"two.onnx: has 2 inputs \(float32 \[any, 4000\], float32 \[1, 3\]"
        ):
            adding.add(tmp_path / "two.onnx", Told(rate_hz=16_000), Likely())

    def test_a_recipe_is_copied_into_the_manifest(self, home: Path, tmp_path: Path) -> None:
        from .onnxnetworks import network

        made = network(("batch", 1, 20, 41), n_values=820)
        (tmp_path / "seen.onnx").write_bytes(made.SerializeToString())
        (tmp_path / "seen_Labels.txt").write_text(LABELS)
        with pytest.raises(ModelError, match=r"takes float32 \[any, 1, 20, 41\].*--front-end"):
            adding.add(tmp_path / "seen.onnx", Told(rate_hz=16_000), Likely())
        wanted = Recipe(n_fft=256, hop_samples=100, n_mels=20)
        lines = "".join(f"{key} = {value}\n" for key, value in recipe.plain(wanted).items())
        for number, head in enumerate(("", "[front_end]\n")):
            (tmp_path / "recipe.toml").write_text(head + lines)
            told = Told(name=f"n{number}", rate_hz=16_000, window_s=0.25, front_end=tmp_path / "recipe.toml")
            adding.add(tmp_path / "seen.onnx", told, Likely())
            model = models.find(f"n{number}")
            assert (model.front_end, model.window_samples) == (wanted, 4_000)
