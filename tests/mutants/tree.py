"""A tree: a copy of the project in which a fault is made, its tests are run, and the fault is mended."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ..commands import LIMIT_S
from . import ROOT, Mutant

COPIED = ("birdfast", "csrc", "tests", "bench", "docs", "examples")
LEFT = shutil.ignore_patterns("__pycache__", "*.a", "*.so.*")
# Seeds are fixed: what is caught today is caught tomorrow.
PYTEST = ("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "--hypothesis-seed=0")
# Compiling takes longer than the tests, so it is done quickly; the bits are the same. Tables of x86 are left
# out where they do not matter, as other architectures leave them out.
QUICK, PORTABLE = "-O1", "-DBIRDFAST_PORTABLE"
FAILED, SIGNALLED = 1, range(-64, 0)


class Tree:
    """A copy of the project, with a Python that takes it for the installed one.

    Parameters
    ----------
    folder : path
        Where it is made; there is nothing there yet.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._home = folder, folder / "tree"
        self._cores: dict[tuple[str, ...], _Core] = {}
        for name in COPIED:
            shutil.copytree(ROOT / name, self._home / name, ignore=LEFT, symlinks=True)
        for path in (path for path in ROOT.iterdir() if path.is_file()):
            shutil.copy2(path, self._home)
        if (ROOT.parent / "shared").exists():
            (folder / "shared").symlink_to((ROOT.parent / "shared").resolve())
        self._so = next((self._home / "birdfast").glob("_kernels*.so"))
        self._python = _environment(folder / "environment", self._home)

    def tested(self, tests: Sequence[str]) -> tuple[bool | None, str]:
        """Run tests, and return whether they pass, and what they print; None: all were skipped.

        Raises
        ------
        ValueError
            They cannot be run: there is no such test, or the code cannot be imported at all.
        """
        own = {name: value for name, value in os.environ.items() if name not in ("BIRDFAST_CPU", "CI")}
        command = [self._python, *PYTEST, *tests]
        with subprocess.Popen(
            list(map(str, command)),
            cwd=self._home,
            env={**own, "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process:
            try:
                said, _ = process.communicate(timeout=LIMIT_S)
            except subprocess.TimeoutExpired:  # it hangs, which is a failure
                os.killpg(process.pid, signal.SIGKILL)
                return False, "it hangs"
        if process.returncode == 0:
            return True if re.search(r"\d+ passed", said) else None, said
        if process.returncode == FAILED or process.returncode in SIGNALLED:
            return False, said
        raise ValueError(said[-3000:])

    @contextmanager
    def broken(self, mutant: Mutant) -> Iterator[None]:
        """Have a fault in the tree for a while.

        Raises
        ------
        ValueError
            Its text does not stand there.
        subprocess.CalledProcessError
            It cannot be compiled.
        """
        path = self._home / mutant.file
        source = path.read_text()
        fault = mutant.of(source)
        core = None if path.suffix == ".py" else self._core_of(mutant)
        whole = self._so.read_bytes()
        try:
            path.write_text(fault)
            if core is not None:
                self._so.unlink()  # another process may have it in its memory
                core.link(path, self._so)
            yield
        finally:
            path.write_text(source)
            self._so.unlink(missing_ok=True)
            self._so.write_bytes(whole)

    def _core_of(self, mutant: Mutant) -> _Core:
        flags = () if mutant.of_x86 else (PORTABLE,)
        if flags not in self._cores:
            self._cores[flags] = _Core(self._home, self._folder / f"core {len(self._cores)}", flags)
        return self._cores[flags]


class _Core:
    """The compiled core in a tree, file by file, without a fault."""

    def __init__(self, home: Path, folder: Path, flags: Sequence[str]) -> None:
        self._home, self._folder = home, folder
        self._flags = [f"@{home}/csrc/flags", QUICK, *flags]
        self._sources = sorted((home / "csrc").glob("*.c"))
        folder.mkdir()
        self._compile(self._sources, folder)
        places = [sysconfig.get_path("include"), np.get_include(), home / "csrc"]
        python = ["-w", QUICK, "-fPIC", *(f"-I{place}" for place in places)]
        _run("cc", *python, "-c", "-o", folder / "_kernels.o", home / "birdfast/_kernels.c")

    def link(self, changed: Path, into: Path) -> None:
        """Compile what a changed file is part of, and link it with all else."""
        new = self._folder / "new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        needs = ((one, _run("cc", *self._flags, "-MM", one).split()) for one in self._sources)
        self._compile([one for one, files in needs if str(changed) in files], new)
        whole = self._folder.glob("*.o")
        every = [new / one.name if (new / one.name).exists() else one for one in whole]
        _run("cc", "-shared", "-o", into, *every, "-lm")

    def _compile(self, sources: Sequence[Path], into: Path) -> None:
        for one in sources:
            _run("cc", *self._flags, "-fPIC", "-c", "-o", into / f"{one.stem}.o", one)


def _environment(folder: Path, home: Path) -> Path:
    """Return a Python whose birdfast lies in a tree, and all else where ours has it."""
    _run(sys.executable, "-m", "venv", "--without-pip", folder)
    packages = next(folder.glob("lib/python*/site-packages"))
    found = [place for place in sys.path if place.endswith("site-packages")]
    (packages / "tree.pth").write_text("\n".join([str(home), *found]) + "\n")
    return folder / "bin/python"


def _run(*command: object) -> str:
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout
