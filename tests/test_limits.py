"""Little memory, few open files, nowhere to keep anything: what a cluster allows is enough."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from functools import partial
from itertools import product
from pathlib import Path
from typing import NoReturn

import pytest
from ai_edge_litert import interpreter

from birdfast import models
from birdfast.cli import exits
from birdfast.errors import ModelMemoryError
from birdfast.grafting import cache, flatbuffer, fold, verification
from birdfast.runtimes import litert

from .recordings import song, write

GB = 1 << 20  # in the kibibytes that a shell counts


def infer(limits: str, model: models.Model, wav: Path, out: Path, **environment: str) -> None:
    """Run infer in a shell that was limited; it has to find something."""
    words = [sys.executable, "-m", "birdfast", "infer", wav, "--model", model.path.parent, "-o", out]
    command = f"{limits}; exec {shlex.join(map(str, words))} --workers 2 --min-conf 0"
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    assert (out / "detections.csv").read_text().count("\n") > 5


@pytest.mark.parametrize("n_gb", [2, 4, 8])
def test_a_hard_limit_of_address_space_refuses_no_network(
    tiny: models.Model, wav: Path, tmp_path: Path, n_gb: int
) -> None:
    cache = tmp_path / "cache"
    infer(f"ulimit -v {n_gb * GB}", tiny, wav, tmp_path / "out", BIRDFAST_CACHE=str(cache))
    assert len([*cache.glob("grafts/*.graft")]) == 2


def test_few_open_files_are_enough(tiny: models.Model, wav: Path, tmp_path: Path) -> None:
    infer("ulimit -n 32", tiny, wav, tmp_path / "out", BIRDFAST_CACHE=str(tmp_path / "cache"))


def test_places_that_take_nothing_are_done_without(tiny: models.Model, wav: Path, tmp_path: Path) -> None:
    """A file stands where a folder would have to be: so not even the administrator can write there."""
    (tmp_path / "full").touch()
    nowhere = str(tmp_path / "full/home")
    infer("unset TMPDIR", tiny, wav, tmp_path / "out", BIRDFAST_CACHE=nowhere)
    taken = {"HOME": nowhere, "XDG_CACHE_HOME": nowhere, "XDG_DATA_HOME": nowhere, "TMPDIR": nowhere}
    infer("unset BIRDFAST_CACHE", tiny, wav, tmp_path / "again", **taken)


@pytest.mark.parametrize("locale", ["C", "POSIX", "tr_TR.UTF-8", "no such locale"])
def test_any_locale_will_do(tiny: models.Model, wav: Path, tmp_path: Path, locale: str) -> None:
    name = wav.rename(tmp_path / "İstanbul ışık.WAV")
    infer("true", tiny, name, tmp_path / "out", LC_ALL=locale, LANG=locale)


def lacks(*_: object, **__: object) -> NoReturn:
    raise MemoryError


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (verification, "logits"),
        (fold, "freeze"),
        (flatbuffer.flatbuffers, "Builder"),
        (flatbuffer.schema.ModelT, "InitFromObj"),
        (interpreter.Interpreter, "invoke"),
    ],
)
def test_a_rewrite_for_which_memory_was_too_little_is_tried_again(
    tiny: models.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: object, name: str
) -> None:
    cached = partial(cache.cached, tiny.path, tmp_path / "cache")
    with monkeypatch.context() as patch:
        patch.setattr(module, name, lacks)
        with pytest.warns(RuntimeWarning, match="(?i)memory.*; tried again"):
            assert cached() is None
    assert not list((tmp_path / "cache").glob("*.graft"))
    assert cached() is not None


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("xnn_status_out_of_memory: out of memory")])
def test_a_runtime_that_lacks_memory_says_nothing_about_the_network(
    tiny: models.Model, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    runner = litert.start(tiny.path.read_bytes())

    def fails() -> NoReturn:
        raise error

    monkeypatch.setattr(runner, "invoke", fails)
    with pytest.raises(ModelMemoryError, match="cannot run the model"):
        litert.run(runner, {}, [])


@pytest.mark.long
@pytest.mark.parametrize("n_mb", [250, 400, 700])  # `make faults FAULTS="--memory 20"`: more
@pytest.mark.parametrize("command", ["infer", "train"])
def test_too_little_memory_is_told_in_words_or_in_rows(
    tiny: models.Model, wav: Path, tmp_path: Path, command: str, n_mb: int
) -> None:
    """Whatever is there for a command: no traceback, an exit code that is documented, and a word with it."""
    for kind, number in product(("whistle", "rattle"), range(2)):
        clip = tmp_path / "clips" / kind / f"{number}.wav"
        clip.parent.mkdir(parents=True, exist_ok=True)
        write(clip, song(kind, number)[:, None], 32_000)
    out = tmp_path / "out"
    words = {
        "infer": ["infer", wav, "--model", tiny.path.parent],
        "train": ["train", tmp_path / "clips", "--preset", "paper"],
    }[command]
    line = shlex.join(map(str, [sys.executable, "-m", "birdfast", *words, "-o", out, "--workers", "1"]))
    done = subprocess.run(
        ["/bin/sh", "-c", f"ulimit -v {n_mb * GB // 1024}; exec {line}"],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "BIRDFAST_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode in exits.MEANINGS, done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == exits.FINE or done.stderr.strip()
    if done.returncode in (exits.SOME_FAILED, exits.NONE_WORKED) and command == "infer":
        assert str(wav) in (out / "failures.csv").read_text()
