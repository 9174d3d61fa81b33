"""The core as CPUs of other architectures get it: no instruction of x86, and the same laws hold."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[1]
LAWS = ("test_tokens.py", "test_exact.py", "test_spectrogram.py")


@pytest.fixture(scope="module")
def portable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package, its tests, and a core that was compiled without x86."""
    if shutil.which("cc") is None:
        pytest.skip("a C compiler builds the portable core")
    folder = tmp_path_factory.mktemp("portable")
    for name in ("birdfast", "csrc", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(ROOT / name, folder)
    _run(folder, "setup.py", "--quiet", "build_ext", "--inplace", BIRDFAST_CFLAGS="-O1 -DBIRDFAST_PORTABLE")
    return folder


def test_it_has_the_tables_of_every_cpu_and_no_other(portable: Path) -> None:
    told = _run(portable, "-c", "from birdfast import _kernels; print(*_kernels.cpu_tables())")
    assert told.split() == ["scalar", "baseline"]


def test_an_editable_install_takes_what_was_built_in_place(portable: Path, tmp_path: Path) -> None:
    linker = tmp_path / "cc"
    linker.write_text('#!/bin/sh\ncase " $* " in *" -c "*) exit 1;; esac\nexec cc "$@"\n')
    linker.chmod(0o755)
    _run(portable, "setup.py", "--quiet", "editable_wheel", "--dist-dir", "build", CC=str(linker))


@pytest.mark.parametrize("laws", LAWS)
def test_what_holds_for_x86_holds_without(laws: str, portable: Path) -> None:
    _run(portable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"tests/{laws}")


def _run(folder: Path, *command: str, **extra: str) -> str:
    own = {name: value for name, value in os.environ.items() if name not in ("BIRDFAST_CPU", "CI")}
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=own | extra, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout
