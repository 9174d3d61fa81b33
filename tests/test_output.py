"""What the disk cannot do is said of the file that it is about."""

from __future__ import annotations

import argparse
import errno
import hashlib
import os
import shutil
from functools import cache
from importlib.metadata import PackageNotFoundError
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from birdfast import models, picture, sources, tables
from birdfast.__main__ import _parser, main
from birdfast.cli import status, values
from birdfast.config import Options
from birdfast.errors import ConfigError, ModelError, OutputError
from birdfast.runs import How, Run
from birdfast.runs.output import telling

from .journals import of_two_shards


@pytest.mark.parametrize("name", ["detections.csv", "sub/x.npy", "", None])
def test_what_the_output_cannot_take_is_its_fault(tmp_path: Path, name: str | None) -> None:
    named = () if name is None else (str(tmp_path / name),)
    reason = r"cannot be written \(No space left\); what was done is kept"
    with pytest.raises(OutputError, match=reason), telling(tmp_path):
        raise OSError(errno.ENOSPC, "No space left", *named)


@pytest.mark.parametrize("name", ["/elsewhere/net.tflite", b"/elsewhere/net.tflite"])
def test_what_another_file_does_not_do_is_not_the_outputs_fault(tmp_path: Path, name: str | bytes) -> None:
    reason = r"^/elsewhere/net\.tflite: Permission denied$"
    with pytest.raises(ConfigError, match=reason), telling(tmp_path / "out"):
        raise PermissionError(errno.EACCES, "Permission denied", name)


@pytest.mark.parametrize("name", ["/elsewhere/numpy/fft.py", None])
def test_too_few_open_files_are_no_files_fault(tmp_path: Path, name: str | None) -> None:
    named = () if name is None else (name,)
    with pytest.raises(ConfigError, match=r"^too few files may be open .*ulimit -n"), telling(tmp_path):
        raise OSError(errno.EMFILE, "Too many open files", *named)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (MemoryError(), 64, "too little memory"),
        (ImportError("libx.so: failed to map segment"), 64, "libx.so: failed to map segment; too little mem"),
        (
            ImportError("IMPORTANT: READ THIS\n\nlibx.so: cannot allocate memory\n"),
            64,
            "libx.so: cannot allocate m",
        ),
        (
            OSError("libLiteRt.so: failed to map segment"),
            64,
            "libLiteRt.so: failed to map segment; too little",
        ),
        (PackageNotFoundError("av"), 64, "No package metadata was found for av; too little memory"),
        (SystemError("error return without exception set"), 64, "too little memory"),
        (SystemError("<function f> returned NULL without setting an exception"), 64, "too little memory"),
        (RuntimeError("can't start new thread"), 64, "no thread can be started"),
        (OSError(errno.EMFILE, "Too many open files", "numpy/fft.py"), 64, "too few files may be open"),
        (OSError(errno.EFBIG, "File too large"), 74, "the output: cannot be written (File too large)"),
        (PermissionError(errno.EACCES, "no", "a"), 74, "a: the system refuses what is asked of it (no)"),
        (BlockingIOError(errno.EAGAIN, "no more"), 74, "the system refuses what is asked of it (no more)"),
    ],
)
def test_what_the_machine_does_not_allow_is_told_in_words(
    error: Exception,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(_: object) -> int:
        raise error

    monkeypatch.setattr(status, "run", fail)
    assert main(["status", "out"]) == code
    assert capsys.readouterr().err.startswith(f"birdfast: {said}")


def test_a_picture_that_finds_no_room_is_the_outputs_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> object:
        raise OSError(errno.EFBIG, "File too large")

    monkeypatch.setattr(picture, "draw", fail)
    table = tmp_path / "detections.csv"
    table.write_text("start_s,end_s,scientific_name,common_name,confidence,file\n")
    monkeypatch.setattr(tables, "read_csv", lambda _: [])
    assert main(["plot", "a.wav", str(table), "-o", str(tmp_path / "a.png")]) == 74
    assert f"{tmp_path / 'a.png'}: cannot be written (File too large)" in capsys.readouterr().err


@pytest.mark.parametrize(("module", "what"), [(os, "open"), (hashlib, "file_digest")])
def test_a_network_that_cannot_be_read_is_the_models_fault(
    tiny: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: ModuleType, what: str
) -> None:
    """As on a share that goes offline: before it is opened, or while it is read."""
    does = getattr(module, what)

    def fail(of: Any, *how: Any, **more: Any) -> Any:
        if what == "open" and of != tiny.path:
            return does(of, *how, **more)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setenv("BIRDFAST_CACHE", str(tmp_path / "cache"))  # no digest of earlier processes
    monkeypatch.setattr(module, what, fail)
    monkeypatch.setattr(sources, "_KNOWN", {})
    run = Run(["a.wav"], [tiny], Options(), tmp_path / "out", How(n_workers=1))
    with pytest.raises(ModelError, match=r"tiny\.tflite: cannot be read \(Input/output error\)"):
        run.work()


JOURNALS = ("journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm", "journal.sqlite-journal")
TABLES = ("detections.csv", "failures.csv", "notes.csv")
TAKEN = [
    *product(["infer", "infer --force"], [*JOURNALS, *TABLES]),
    *product(["infer --rtype scores --force"], ["scores.parquet", *TABLES[1:]]),
    *product(["merge"], TABLES),
    *product(["tokens"], ["tokens.parquet", *TABLES[1:]]),
    *product(["tokens --rtype npy"], ["tokens.csv", "000000.npy", "000001.npy", *TABLES[1:]]),
]


@pytest.mark.parametrize(("command", "name"), TAKEN)
def test_a_folder_where_the_output_is_to_be_is_named_before_anything_is_done(
    command: str,
    name: str,
    tiny: models.Model,
    stsg: models.Model,
    wav: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, (verb, *more) = tmp_path / "out", command.split()
    (out / name).mkdir(parents=True)
    (out / "detections.parquet").write_text("of the run before")
    model = {"infer": ["--model", tiny.path.parent], "tokens": ["--model", stsg.path.parent], "merge": []}[
        verb
    ]
    if verb == "tokens":
        more += ["--vectors", str(out / "vectors.txt")]
    given = of_two_shards(tmp_path) if verb == "merge" else [wav, shutil.copy(wav, tmp_path / "other.wav")]
    before = sorted(out.rglob("*"))
    assert main([verb, *map(str, given), *map(str, model), "-o", str(out), *more]) == 64
    said = capsys.readouterr()
    assert said.err.startswith(f"birdfast: {out / name}: ")
    assert "is a folder" in said.err
    assert said.err.endswith("; move it away, or choose another output\n")
    assert sorted(out.rglob("*")) == before


UNSET = "it is empty, as an unset variable leaves it"


@cache
def parsers() -> dict[str, argparse.ArgumentParser]:
    (commands,) = (one for one in _parser()._actions if isinstance(one, argparse._SubParsersAction))
    return dict(commands.choices)


# Every argument of every command that takes a word, so that none that is to come can be forgotten.
WORDS = [
    pytest.param(command, action, id=f"{command}-{action.dest}")
    for command, parser in parsers().items()
    for action in parser._actions
    if action.nargs != 0
]


def test_arguments_that_take_a_word_are_found() -> None:
    found = {word.id for word in WORDS}
    outputs = {f"{command}-output" for command in ("infer", "merge", "tokens", "train", "plot", "optimize")}
    others = {"status-output", "merge-parts", "tokens-vectors", "demo-folder", "infer-model", "train-data"}
    assert outputs | others < found


@pytest.mark.parametrize(("command", "action"), WORDS)
def test_an_unset_variable_is_no_argument(
    command: str,
    action: argparse.Action,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in action.option_strings or [""]:
        words = [command]
        for one in parsers()[command]._actions:
            if one.dest == action.dest:
                words += [name, ""] if name else [""]
            elif one.required:
                words += [*one.option_strings[:1], "x"]
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == 64
        said = capsys.readouterr().err
        assert f"argument {'/'.join(action.option_strings) or action.metavar}: " in said
        assert UNSET in said or action.type not in (None, values.text, values.folder, values.file)
    assert not [*tmp_path.iterdir()]
