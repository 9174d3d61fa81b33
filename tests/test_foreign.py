"""Nothing foreign runs: a folder of recordings may hold files that are named as modules are."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from birdfast import children, models

from .recordings import noise, write

HOSTILE = """
from pathlib import Path
Path({ran!r}).open("a").write(__name__ + " ")
raise SystemExit("foreign code runs")
"""
# What Python itself imports before us, where PYTHONPATH has the working folder, or -m: python -P -m does not.
FIRST = ("typing", "collections", "importlib", "__future__")
NAMES = (
    "numpy",
    "soundfile",
    "json",
    "hashlib",
    "flatbuffers",
    "ai_edge_litert",
    "av",
    "pyarrow",
    "argparse",
)
SCRIPT = "import sys\nfrom birdfast.__main__ import main\nsys.exit(main())\n"
PROJECT = Path(__file__).parents[1]


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """A folder with a recording, and a file for each of many modules that tells when it is run."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    write(folder / "a.wav", noise(8_000), 8_000)
    for name in NAMES:
        (folder / f"{name}.py").write_text(HOSTILE.format(ran=str(tmp_path / "ran")))
    return folder


def command(how: str, folder: Path) -> list[str]:
    """Return how a person calls birdfast: the script that an installation makes, or the module."""
    if how == "module":
        return [sys.executable, "-m", "birdfast"]
    script = folder / "birdfast"
    script.write_text(SCRIPT)
    return [sys.executable, str(script)]


def call(arguments: list[str], folder: Path, cache: Path, **more: str) -> None:
    environment = {**os.environ, "BIRDFAST_CACHE": str(cache), **more}
    how = {"cwd": folder, "env": environment, "capture_output": True, "text": True, "timeout": 120}
    done = subprocess.run(arguments, check=False, **how)
    assert done.returncode == 0, done.stderr


@pytest.mark.starts
@pytest.mark.parametrize(
    ("how", "python_path"),
    [
        ("module", None),
        ("module", "."),
        ("script", None),
        ("script", "::./../recordings"),
        ("script", "HERE"),
    ],
)
def test_no_module_that_lies_in_the_working_folder_is_run(
    tiny: models.Model, recordings: Path, tmp_path: Path, how: str, python_path: str | None
) -> None:
    (tmp_path / "bin").mkdir()
    infer = ["infer", ".", "--model", str(tiny.path.parent), "-o", str(tmp_path / "out"), "--workers", "2"]
    for name in () if python_path or how == "module" else FIRST:
        shutil.copy(recordings / "numpy.py", recordings / f"{name}.py")
    more = {"PYTHONPATH": python_path.replace("HERE", str(recordings))} if python_path else {}
    called = command(how, tmp_path / "bin")
    call([*called, *infer], recordings, tmp_path / "cache", **more)
    assert not (tmp_path / "ran").exists(), (tmp_path / "ran").read_text()
    assert list((tmp_path / "cache/grafts").glob("*.graft"))  # its trial ran, too


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with a birdfast of another version, as a source tree is."""
    shutil.copytree(PROJECT / "birdfast", tmp_path / "tree/birdfast", ignore=shutil.ignore_patterns("*.pyc"))
    (tmp_path / "tree/birdfast/_version.py").write_text('__version__ = "77.7"\n')
    return tmp_path / "tree"


GOES_ELSEWHERE = """
import os, sys, birdfast
os.chdir(sys.argv[3])
birdfast.run(".", sys.argv[1], output=sys.argv[2])
"""


@pytest.mark.starts
@pytest.mark.parametrize("how", ["module", "program"])
def test_workers_have_their_parents_package_wherever_that_was_found(
    tiny: models.Model, wav: Path, tree: Path, tmp_path: Path, how: str
) -> None:
    (tmp_path / "sound").mkdir()
    sound = wav.rename(tmp_path / "sound/a.wav").parent
    model, out = str(tiny.path.parent), str(tmp_path / "out")
    infer = ["-m", "birdfast", "infer", str(sound), "--model", model, "-o", out]
    called = infer if how == "module" else ["-c", GOES_ELSEWHERE, model, out, str(sound)]
    call([sys.executable, *called], tree, tmp_path / "cache")
    made = [path.name for path in (tmp_path / "cache/grafts").glob("*.graft")]
    assert made
    assert all("-77.7-" in name for name in made)


def test_a_working_folder_that_was_removed_is_no_reason_to_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = children.places()
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert children.places() == before
