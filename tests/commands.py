"""Commands for tests: what a person types, and what lies in the folder afterwards."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

from birdfast import models
from birdfast.journal import NAME


def birdfast(*arguments: object, **how: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "birdfast", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **how)


def infer(tiny: models.Model, *arguments: object) -> subprocess.CompletedProcess[str]:
    return birdfast("infer", "--model", tiny.path.parent, *arguments)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def contents(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir() if path.name != NAME}
