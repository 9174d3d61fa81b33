"""What the disk cannot do is said of the file that it is about."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from birdfast import models, sources
from birdfast.__main__ import main
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


@pytest.mark.parametrize("how", [["infer", "x.wav"], ["merge", "part"], ["tokens", "x.wav", "--model", "m"]])
def test_an_unset_variable_is_no_output(
    how: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main([*how, "-o", ""])
    assert ended.value.code == 64
    assert "-o/--output: an empty name; it takes a folder" in capsys.readouterr().err
    assert not [*tmp_path.iterdir()]
