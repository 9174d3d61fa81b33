"""The notebook in examples/ makes a submission without network, /dev/shm, or a right to write its input."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from birdfast import audio

from . import networks
from .commands import ran
from .recordings import noise

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "examples" / "birdclef.ipynb"
RUN = """
import json, sys
cells = json.load(open(sys.argv[1], encoding="utf-8"))["cells"]
names = {"__name__": "__main__"}
for cell in cells:
    if cell["cell_type"] == "code":
        exec(compile("".join(cell["source"]), cell["id"], "exec"), names)
"""
# A place of its own for the command that follows: what is $1 can only be read, and so can /dev/shm.
ALONE = """
set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
mount -t tmpfs -o ro,size=4k none /dev/shm
shift
exec "$@"
"""
UNSHARED = ("unshare", "--net", "--mount", "--map-root-user")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """What a competition gives: soundscapes, a sample and a taxonomy; and two networks beside."""
    data = tmp_path / "data"
    (data / "test_soundscapes").mkdir(parents=True)
    for number in range(3):
        path = data / f"test_soundscapes/BC2026_Test_{number:04d}_S05_20250101_060000.ogg"
        audio.write(path, noise(8_000 * 60, seed=number)[:, 0], 8_000)
    path.write_bytes(b"no sound")
    (data / "sample_submission.csv").write_text("row_id,one,two,three\n")
    names = ("Avis prima", "Avis secunda", "Avis tertia")
    rows = [f"{label},{name}\n" for label, name in zip(("one", "two", "three"), names, strict=True)]
    (data / "taxonomy.csv").write_text("primary_label,scientific_name\n" + "".join(rows))
    for name, weights in (("a", ()), ("b", (networks.weights(5), networks.weights(window_samples=5)))):
        (data / name).mkdir()
        networks.write_folder(data / name, *weights)
        (data / name / "tiny.tflite").rename(data / name / f"{name}.tflite")
    return data


def can_be_alone(folder: Path) -> bool:
    """Whether this machine lets us have a place without network and with a read-only folder."""
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run([*UNSHARED, "sh", "-c", ALONE, "sh", folder, "true"], capture_output=True)
    return tried.returncode == 0


def test_the_notebook_makes_a_submission(data: Path, tmp_path: Path) -> None:
    work, before = tmp_path / "work", {path: path.stat().st_mtime_ns for path in data.rglob("*")}
    work.mkdir()
    places = {"DATA": data, "MODELS": f"{data / 'a'}:{data / 'b'}", "WHEELS": work / "none", "WORK": work}
    environment = {**os.environ, **{f"BIRDCLEF_{name}": str(place) for name, place in places.items()}}
    alone = [*UNSHARED, "sh", "-c", ALONE, "sh", data] if can_be_alone(data) else []
    done = ran(*alone, sys.executable, "-c", RUN, NOTEBOOK, env=environment, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert "36 rows" in done.stdout
    assert "Test_0002_S05_20250101_060000.ogg" in done.stdout, "what failed is said"
    with (work / "submission.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["row_id", "one", "two", "three"]
    assert {row[3] for row in rows} == {"0.3333333"}
    assert len({row[1] for row in rows}) > 12
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*")} == before


def test_the_notebook_is_plain_and_has_no_outputs() -> None:
    told = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    assert told["nbformat"] == 4
    for cell in told["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
        assert all(line.endswith("\n") for line in cell["source"][:-1])
        if cell["cell_type"] == "code":
            compile("".join(cell["source"]), cell["id"], "exec")


def test_a_wheelhouse_is_of_the_extras_that_are_asked_for() -> None:
    told = ran("make", "-C", ROOT, "--dry-run", "--silent", "wheelhouse", "EXTRAS=onnx", "WHEELHOUSE=there")
    assert "pip wheel" in told.stdout
    assert "--wheel-dir 'there' '.[onnx]'" in told.stdout
