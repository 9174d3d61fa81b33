"""What `make coverage` says: by file, and what is missing by the functions that lack it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .covered.__main__ import main


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
