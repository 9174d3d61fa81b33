"""Talking never decides how a command ends, and what is written lands where it belongs."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from birdfast import cli, modelfolder, models, voice, workers
from birdfast.cli import exits
from birdfast.config import Options
from birdfast.journal import NAME

from . import networks
from .commands import birdfast as command
from .processes import running
from .recordings import noise, write
from .zygote import Closed

STREAMS = ("stdin", "stdout", "stderr")
# What these print on standard output is what they were asked for.
ANSWERS = ("models", "status", "search", "evaluate", "compare", "bench", "info", "listen")
NEEDS_TORCH = ("convert",)  # as `make convert` has it
COMMANDS = tuple(name for name in cli.COMMANDS if name not in NEEDS_TORCH)
HAVE_A_BAD_FILE = ("infer", "merge", "status", "tables", "tokens")
OGG = rb"data:audio/ogg;base64,[^\"]*"  # libsndfile numbers such streams by chance
RUNS = ([Path(sys.executable).with_name("birdfast")], [sys.executable, "-m", "birdfast"])
RECIPE = "window_s = 0.5\n[codebook]\nn_centroids = 8\nn_components = 0\n[skipgram]\nepochs = 1\ndim = 4\n"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that the commands take: recordings, one of them none, networks, a run and its shard."""
    folder = tmp_path_factory.mktemp("house")
    for name in ("in", "tiny", "tokens", "clips"):
        (folder / name).mkdir()
    for number in range(2):
        write(folder / f"in/{number}.wav", noise(20_000, seed=number), 8_000)
    (folder / "in/2.wav").write_text("no sound")
    networks.write_folder(folder / "tiny")
    for place, kind in enumerate(("whistle", "rattle")):
        (folder / "clips" / kind).mkdir()
        for number in range(3):
            write(folder / f"clips/{kind}/{number}.wav", noise(64_000, seed=10 * place + number), 32_000)
    (folder / "small.toml").write_text(RECIPE)
    pytest.importorskip("tomli_w", reason="a trained model's folder is written by birdfast[train]")
    networks.write_tokens(folder / "tokens")
    write_head(folder / "head", folder / "deep")
    (folder / "truth.csv").write_text("file,start_s,end_s,label\n0.wav,0,1,Avis prima\n1.wav,1,2,Noise\n")
    deep = ["infer", folder / "in", "--model", folder / "deep", "-o", folder / "kept"]
    assert command(*deep, "--rtype", "csv,embeddings").returncode == exits.SOME_FAILED
    for output, more in (("ran", []), ("shard", ["--shard", "1/1"])):
        how = ["infer", folder / "in", "--model", folder / "tiny", "-o", folder / output, "--min-conf", "0"]
        assert command(*how, *more).returncode == exits.SOME_FAILED
    return folder


def write_head(folder: Path, on: Path) -> None:
    """Write a head, and the network that it is on."""
    on.mkdir()
    networks.write_folder(on, networks.weights(5), networks.weights(window_samples=5))
    sha256 = hashlib.sha256((on / "tiny.tflite").read_bytes()).hexdigest()
    facts = {"title": "mine", "licence": "none", "activation": "sigmoid", "classes": list(networks.LABELS)}
    layer = {"layer0_weight": networks.weights(window_samples=5), "layer0_bias": np.zeros(3, np.float32)}
    modelfolder.write(folder, {**facts, "on": str(on), "on_sha256": sha256}, layer, modelfolder.HEAD)


def arguments(name: str, house: Path, out: Path) -> list[object]:
    """Return what a command is asked to do, with its results in `out`."""
    network, recording = house / "tiny", house / "in/0.wav"
    return {
        "infer": [house / "in", "--model", network, "-o", out, "--min-conf", "0", "--progress"],
        "merge": [house / "shard", "-o", out],
        "listen": ["--input", recording, "--model", network, "--min-conf", "0"],
        "train": [house / "clips", "-o", out, "--recipe", house / "small.toml", "--preset", "paper"],
        "optimize": [network / "tiny.tflite", "--portable", "-o", out / "fast.tflite"],
        "tokens": [house / "in", "--model", house / "tokens", "-o", out],
        "plot": [recording, house / "ran/detections.csv", "-o", out / "plot.png"],
        "status": [house / "ran"],
        "tables": [house / "ran", "-o", out, "--min-conf", "0.5", "--rtype", "csv", "raven"],
        "report": [house / "ran", "-o", out / "report.html"],
        "models": [],
        "evaluate": [house / "ran", "--truth", house / "truth.csv", "-o", out],
        "compare": [house / "ran", house / "shard", "-o", out],
        "export": [house / "head", "-o", out / "mine.tflite"],
        "search": [house / "kept", recording, "--model", house / "deep", "-o", out / "like.csv"],
        "clips": [house / "ran", "-o", out, "-n", "2"],
        "bench": [recording, "--model", network, "--minutes", "1", "--sample-minutes", "1"],
        "info": [],
        "demo": [out],
    }[name]


def ended(words: list[object], state: str = "", stream: str = "") -> int:
    """Run a command with one of its standard streams closed, full, or a pipe whose other end has gone."""
    how: dict[str, Any] = dict.fromkeys(STREAMS, subprocess.DEVNULL)
    opened: list[int] = []
    if state == "closed":  # which no argument of `subprocess` says
        how["preexec_fn"] = Closed(STREAMS.index(stream))
    elif state == "full":
        opened = [os.open("/dev/full", os.O_RDWR)]
    elif state == "gone":
        ends = os.pipe()
        os.close(ends[stream == "stdin"])
        opened = [ends[stream != "stdin"]]
    if opened:
        how[stream] = opened[0]
    try:
        return subprocess.run(list(map(str, words)), timeout=120, **how).returncode
    finally:
        for fd in opened:
            os.close(fd)


def tables(out: Path) -> dict[str, bytes]:
    """Return what a command left, but for what tells its place or time."""
    kept = [path for path in out.rglob("*") if path.is_file() and path.name not in (NAME, "model.toml")]
    return {path.name: re.sub(OGG, b"", path.read_bytes()) for path in kept if "stages" not in path.parts}


@pytest.fixture(scope="module")
def whole(house: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, bytes]]:
    """Return what a command leaves in an ordinary run; each is run once."""
    found: dict[str, dict[str, bytes]] = {}

    def of(name: str) -> dict[str, bytes]:
        if name not in found:
            out = tmp_path_factory.mktemp(name)
            assert ended([*RUNS[1], name, *arguments(name, house, out)]) == code(name)
            found[name] = tables(out)
        return found[name]

    return of


def code(name: str, state: str = "", stream: str = "") -> int:
    """Return the exit code that the contract has."""
    if stream == "stdout" and name in ANSWERS and state in ("full", "gone"):
        return exits.OUTPUT if state == "full" else exits.NOBODY_READS
    return exits.SOME_FAILED if name in HAVE_A_BAD_FILE else exits.FINE


@pytest.mark.long
@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("state", ["closed", "full", "gone"])
@pytest.mark.parametrize(
    ("name", "how"),
    [("infer", 0), *((name, 1) for name in COMMANDS)],
)
def test_talking_decides_no_exit_code_and_no_table(
    house: Path,
    whole: Callable[[str], dict[str, bytes]],
    tmp_path: Path,
    name: str,
    how: int,
    state: str,
    stream: str,
) -> None:
    if name == "plot":
        pytest.importorskip("matplotlib", reason="pictures need the extra [report]")
    if name == "train":
        pytest.importorskip("numba", reason="training needs birdfast[train]")
    if name in ("train", "evaluate"):
        pytest.importorskip("sklearn", reason="training needs birdfast[train]")
    words = [*RUNS[how], name, *arguments(name, house, tmp_path)]
    assert ended(words, state, stream) == code(name, state, stream)
    assert tables(tmp_path) == whole(name)


@pytest.mark.long
@pytest.mark.starts
@pytest.mark.parametrize("stream", STREAMS)
def test_so_it_is_where_python_itself_starts_without_a_stream(
    house: Path, whole: Callable[[str], dict[str, bytes]], tmp_path: Path, stream: str
) -> None:
    words = [*RUNS[0], "infer", *arguments("infer", house, tmp_path)]
    assert ended(words, "closed", stream) == code("infer")
    assert tables(tmp_path) == whole("infer")


HOSTILE = "a\x1b[2J\u202egnp.\nbirdfast: all is well\u2066.wav"


def test_a_name_cannot_speak_for_us_or_move_the_cursor(house: Path, tmp_path: Path) -> None:
    (tmp_path / HOSTILE).write_text("no sound")
    network = ["--model", house / "tiny", "-o", tmp_path / "out"]
    clips = ["train", tmp_path / HOSTILE, "-o", tmp_path / "m"]
    for words in (["infer", tmp_path, *network], ["infer", tmp_path, *network, "--fail-fast"], clips):
        result = command(*words)
        assert "\\x1b[2J\\u202egnp.\\nbirdfast: all is well\\u2066.wav" in result.stderr
        assert not {"\x1b", "\u202e", "\u2066"} & {*result.stderr, *result.stdout}
        assert "\nbirdfast: all is well" not in result.stderr
    usage = command("infer", "a.wav", "--workers", HOSTILE)
    assert (usage.returncode, "\x1b" in usage.stderr) == (exits.USAGE, False)


def test_what_is_said_has_letters_of_all_languages_and_one_line() -> None:
    assert voice.shown("Grünspecht ヤマセミ 🦉 a b") == "Grünspecht ヤマセミ 🦉 a b"
    assert voice.shown("\t\r\n\x7f\x9b\u2028\ufeff\udcff") == "\\t\\r\\n\\x7f\\x9b\\u2028\\ufeff\\udcff"


# A program that has closed its standard streams, and looks in the middle of a run what has their numbers.
CARELESS = """
import os, sys
from birdfast import inputs, models
from birdfast.config import Options
from birdfast.runs import Follower, How, Run
for number in range(3):
    os.close(number)
found = set()
class Careless(Follower):
    def add(self, path, outcome):
        found.update(os.readlink(f"/proc/self/fd/{number}") for number in range(3))
run = Run(inputs.find(sys.argv[1:2]), [models.find(sys.argv[2])], Options(), sys.argv[3], How(n_workers=2))
run.work(Careless())
os._exit(found != {os.devnull})
"""


def test_the_numbers_of_closed_streams_are_no_journals_and_no_sockets(house: Path, tmp_path: Path) -> None:
    words = [sys.executable, "-c", CARELESS, str(house / "in"), str(house / "tiny"), str(tmp_path / "out")]
    assert subprocess.run(words, timeout=120).returncode == 0


def test_a_workers_standard_streams_are_open_and_nobodys(house: Path) -> None:
    with workers.Pool([models.find(house / "tiny")], Options(), 1) as pool:
        pool.widths()
        (worker,) = running()
        opened = [str(Path(f"/proc/{worker.pid}/fd/{number}").readlink()) for number in range(3)]
    assert opened[:2] == [os.devnull] * 2
    assert "(deleted)" in opened[2]  # what it says at its end
