"""The package as people get it: an archive of sources, a wheel of that, another package built against it."""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from .commands import ran

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[1]
TOP = ("LICENSE", "MANIFEST.in", "Makefile", "README.md", "pyproject.toml", "setup.py")
MADE = ("_kernels.c", "include", "lib", "*.so", "__pycache__")

SETUP = """
import birdfast
from Cython.Build import cythonize
from setuptools import Extension, setup

owls = Extension(
    "owls",
    ["owls.pyx"],
    include_dirs=[birdfast.get_include()],
    library_dirs=[birdfast.get_library()],
    libraries=["birdfast", "m"],
)
setup(name="owls", ext_modules=cythonize(owls))
"""
COMPARED = """
import ctypes, pathlib, sys
import birdfast, numpy, owls
from birdfast.spectrogram import LogMel

assert pathlib.Path(birdfast.__file__).is_relative_to(sys.prefix), birdfast.__file__
sound = numpy.random.default_rng(5).normal(0, 0.1, 48_000).astype("f")
own = LogMel(32_000, 1024, 320, n_mels=64, offset=1e-6, center=True)(sound)
other = owls.LogMel(32_000, 1024, 320, 64, 1e-6)
found = numpy.empty((other.frames(sound.size), 64), "f")
other(sound, found)
assert found.shape == own.shape and found.tobytes() == own.tobytes()
(shared,) = pathlib.Path(birdfast.get_library()).glob("libbirdfast.so.*")
assert shared.suffix == f".{ctypes.CDLL(str(shared)).bf_abi()}"
"""


def done(*command: object, **how: object) -> str:
    finished = ran(*command, **how)
    assert finished.returncode == 0, (finished.stdout + finished.stderr)[-3000:]
    return finished.stdout


def kept(folder: Path) -> set[str]:
    """Return the files of the package that are no product of a build."""
    found = {path for path in folder.rglob("*") if path.is_file()}
    made = {path for pattern in MADE for top in folder.rglob(pattern) for path in (top, *top.rglob("*"))}
    return {path.relative_to(folder.parent).as_posix() for path in found - made}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of sources, made from what a clone has before anything is built."""
    clone = tmp_path_factory.mktemp("clone")
    ignored = shutil.ignore_patterns(*MADE)
    for name in ("birdfast", "csrc", "tests"):
        shutil.copytree(ROOT / name, clone / name, ignore=ignored)
    for name in TOP:
        shutil.copy2(ROOT / name, clone)
    done(sys.executable, "setup.py", "--quiet", "sdist", cwd=clone)
    (archive,) = clone.glob("dist/*.tar.gz")
    return archive


def made_wheel(sources: Path) -> Path:
    """Return the wheel, made of the archive of sources and nothing else, with this environment's compiler."""
    folder, quick = sources.parent, {**os.environ, "BIRDFAST_CFLAGS": "-O0"}
    done(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps", "--no-build-isolation",
         "--wheel-dir", folder, sources, env=quick)  # fmt: skip
    (made,) = folder.glob("*.whl")
    return made


def test_the_archive_has_all_sources(sources: Path) -> None:
    with tarfile.open(sources) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = kept(ROOT / "birdfast") | kept(ROOT / "csrc") | {*TOP}
    assert wanted - names == set()
    assert [name for name in names if name.startswith(("tests", "build"))] == []


def has_the_package_the_header_and_the_libraries(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    own = {name for name in kept(ROOT / "birdfast") if not name.endswith((".pyx", ".pxi"))}
    compiled = {name for name in names if name.endswith(".so")}
    shared = {name for name in names if ".so." in name}
    assert names - own - compiled - shared == {"birdfast/include/birdfast.h", "birdfast/lib/libbirdfast.a"}
    assert own - names == set()
    assert len(compiled) == len(shared) == 1


def test_another_package_is_built_against_an_installed_wheel(sources: Path, tmp_path: Path) -> None:
    """It cimports what birdfast declares, links what the wheel ships, and gets birdfast's own bits."""
    wheel = made_wheel(sources)
    has_the_package_the_header_and_the_libraries(wheel)
    place = tmp_path / "empty"
    venv.create(place)
    python = place / "bin/python"
    own = done(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    done(sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", own, wheel)
    # What birdfast needs, and what builds the other package, is taken from here: behind what was installed.
    libraries = [path for path in sys.path if path.endswith("-packages")]
    Path(own, "libraries.pth").write_text("\n".join(libraries))
    shutil.copy2(ROOT / "tests/native/owls.pyx", tmp_path)
    (tmp_path / "setup.py").write_text(SETUP)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done(python, "setup.py", "--quiet", "build_ext", "--inplace", cwd=tmp_path, env=environment)
    done(python, "-c", COMPARED, cwd=tmp_path, env=environment)
