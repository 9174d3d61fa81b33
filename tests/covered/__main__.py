"""Say by file what of birdfast/ no test runs, by name; exit code 1 below the bars.

python -m tests.covered build/coverage/coverage.json
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LINES, BRANCHES = 95.0, 90.0  # % that are to be run


def main(path: Path) -> int:
    """Print files with what they lack, the worst first, and all together."""
    report = json.loads(path.read_text())
    for name, file in sorted(report["files"].items(), key=lambda one: shares(one[1]["summary"])):
        lines, branches = shares(file["summary"])
        if min(lines, branches) < 100:
            print(f"{lines:5.1f} % {branches:5.1f} %  {name}")
        for function, lacks in missing(file):
            print(f"{'':16}{function}: {lacks}")
    lines, branches = shares(report["totals"])
    print(
        f"{lines:5.1f} % of lines (at least {LINES:g}), {branches:.1f} % of branches (at least {BRANCHES:g})"
    )
    return int(lines < LINES or branches < BRANCHES)


def shares(summary: Mapping[str, int]) -> tuple[float, float]:
    """Return how much of lines and of branches was run, in %; all where there are none."""
    parts = (
        (summary["covered_lines"], summary["num_statements"]),
        (summary["covered_branches"], summary["num_branches"]),
    )
    lines, branches = (100.0 * part / whole if whole else 100.0 for part, whole in parts)
    return lines, branches


def missing(file: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the functions of a file that lack something, and what: lines, and branches from line to line."""
    found = []
    for name, function in file["functions"].items():
        lines = ", ".join(map(str, function["missing_lines"]))
        gone = {*function["missing_lines"]}
        ways = [(start, end) for start, end in function["missing_branches"] if not {start, end} & gone]
        branches = ", ".join(f"{start}->{'end' if end < 0 else end}" for start, end in ways)
        if lines or branches:
            found.append((name or "the module", "; ".join(filter(None, (lines, branches)))))
    return found


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
