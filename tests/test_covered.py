"""What `make coverage` says: by file, and what is missing by the functions that lack it."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from .covered.__main__ import main
from .mutants import ROOT

# A worker that ignores what clusters send to all, and who kills it.
WORKER = """
import coverage, signal, time
coverage.process_startup()
import birdfast.words
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("here", flush=True)
time.sleep(60)
"""
CREW = """
import subprocess, sys
words = [sys.executable, "-c", sys.argv[1], "birdfast.workers"]
with subprocess.Popen(words, stdout=subprocess.PIPE) as worker:
    worker.stdout.readline()
    worker.kill()
"""


def summary(lines: int, branches: int) -> dict[str, int]:
    return {
        "covered_lines": lines,
        "num_statements": 20,
        "covered_branches": branches,
        "num_branches": 10,
    }


def part(lines: list[int], branches: list[tuple[int, int]]) -> dict[str, object]:
    return {"missing_lines": lines, "missing_branches": branches}


@pytest.mark.parametrize(("lines", "branches", "code"), [(19, 9, 0), (18, 10, 1), (20, 8, 1)])
def test_files_and_functions_that_lack_something_are_told(
    lines: int, branches: int, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    every = {"heard": part([], [(3, 5), (3, -1), (3, 8)]), "seen": part([], []), "": part([8], [(7, 8)])}
    files = {
        "birdfast/a.py": {"summary": summary(20, 10), "functions": {"seen": every["seen"]}},
        "birdfast/b.py": {"summary": summary(lines, branches), "functions": every},
    }
    told = tmp_path / "coverage.json"
    told.write_text(json.dumps({"files": files, "totals": summary(lines, branches)}))
    assert main(told) == code
    said = capsys.readouterr().out
    assert "birdfast/a.py" not in said
    assert f"{lines * 5:5.1f} % {branches * 10:5.1f} %  birdfast/b.py\n" in said
    assert "heard: 3->5, 3->end, 3->8\n" in said
    assert "the module: 8\n" in said
    assert "seen" not in said


def test_what_a_killed_worker_ran_counts(tmp_path: Path) -> None:
    pytest.importorskip("coverage")
    (tmp_path / "crew.py").write_text(CREW)
    places = os.pathsep.join([str(ROOT / "tests" / "covered"), str(ROOT)])
    own = {"PYTHONPATH": places, "COVERAGE_FILE": str(tmp_path / "data"), "COVERAGE_CORE": "ctrace"}
    how = [f"--rcfile={ROOT / 'pyproject.toml'}", str(tmp_path / "crew.py"), WORKER]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")} | own
    subprocess.run([sys.executable, "-m", "coverage", "run", *how], env=environment, cwd=ROOT, check=True)
    ran = set()
    for data in tmp_path.glob("data.*"):
        with sqlite3.connect(data) as table:
            told = table.execute("SELECT path FROM file JOIN arc ON file.id = arc.file_id")
            ran |= {Path(path).name for (path,) in told}
    assert "words.py" in ran
