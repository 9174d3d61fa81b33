"""Kill what can be killed: the tables do not tell (bench/chaos.py at a small size)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from birdfast import models

from .commands import ran

pytestmark = pytest.mark.long

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
    result = ran(sys.executable, CHAOS, *how, "--model", tiny.path.parent)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "the tables are the same bytes" in result.stdout


def test_mutated_files_are_all_accounted_for(tiny: models.Model) -> None:
    how = ["--files", "50", "--model", tiny.path.parent]
    result = ran(sys.executable, CHAOS.with_name("fuzz.py"), *how)
    assert result.returncode == 0, result.stdout + result.stderr
