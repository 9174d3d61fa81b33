"""Kill what can be killed: the tables do not tell (bench/chaos.py at a small size)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from birdfast import models

CHAOS = Path(__file__).parents[1] / "bench" / "chaos.py"


def test_a_run_in_chaos_says_what_a_run_in_peace_says(tiny: models.Model) -> None:
    how = [
        "--files",
        "60",
        "--damaged",
        "20",
        "--worker-kills",
        "4",
        "--run-kills",
        "2",
        "--overlap",
        "0.499",
    ]
    result = subprocess.run(
        [sys.executable, str(CHAOS), *how, "--overlap", "0.499", "--model", str(tiny.path.parent)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "the tables are the same bytes" in result.stdout


def test_mutated_files_are_all_accounted_for(tiny: models.Model) -> None:
    how = ["--files", "50", "--model", str(tiny.path.parent)]
    command = [sys.executable, str(CHAOS.with_name("fuzz.py")), *how]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stdout + result.stderr
