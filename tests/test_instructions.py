"""The gate on instruction counts: what moves by more than 1 % is an error, and only for the same compiler."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench import instructions

COUNTED = {"scalar": 1000, "baseline": 400, "avx2": 200}


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Counts of one job, as they were accepted; nothing is run."""
    monkeypatch.setattr(instructions, "ACCEPTED", tmp_path / "instructions.toml")
    monkeypatch.setattr(instructions, "count", lambda program, job, table: COUNTED[table])
    named = subprocess.CompletedProcess([], 0, "log-mel\n", "")
    monkeypatch.setattr(instructions.subprocess, "run", lambda *_, **__: named)
    assert told(monkeypatch, "--accept") == 0
    return monkeypatch


def told(patch: pytest.MonkeyPatch, *options: str, compiler: str = "cc (Debian 12.2.0) 12.2.0") -> int:
    patch.setattr(sys, "argv", ["instructions.py", "count", "--compiler", compiler, *options])
    return instructions.main()


@pytest.mark.parametrize(
    ("avx2", "code"), [(200, 0), (201, 0), (202, 0), (203, 1), (198, 0), (197, 1), (2000, 1)]
)
def test_a_count_moves_by_a_hundredth_at_most(
    gate: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], avx2: int, code: int
) -> None:
    gate.setitem(COUNTED, "avx2", avx2)
    assert told(gate) == code
    assert ("moved by more than 1%" in capsys.readouterr().out) == bool(code)
    assert told(gate, "--accept") == told(gate) == 0


def test_another_compiler_is_not_compared(
    gate: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gate.setitem(COUNTED, "scalar", 5)
    assert told(gate, compiler="gcc (Debian 12.2.0) 12.2.0") == 1
    assert told(gate, compiler="cc (Debian 14.2.0) 14.2.0") == 0
    assert "14.2.0: nothing is compared" in capsys.readouterr().out


def test_a_job_that_is_new_has_to_be_accepted(gate: pytest.MonkeyPatch) -> None:
    instructions.ACCEPTED.write_text(instructions.ACCEPTED.read_text().replace("[log-mel]", "[other]"))
    assert told(gate) == 1
    assert told(gate, "--accept") == told(gate) == 0
