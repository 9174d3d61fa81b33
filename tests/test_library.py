"""The core as a library: what it exports and keeps, who may compile its header, and where it is installed."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

import birdfast

from .commands import ran

ROOT = Path(__file__).parents[1]
HEADER = (ROOT / "csrc/birdfast.h").read_text()
BARE = re.sub(r"/\*.*?\*/", "", HEADER, flags=re.S)
ABI = re.search(r"#define BF_ABI (\d+)", HEADER)[1]
EXPORTED = set(re.findall(r"BF_EXPORT [^;(]*?(bf_\w+)\(", BARE))

PROGRAM = """
#include <birdfast.h>
int main(void)
{
    const bf_kernels *kernels = bf_table_chosen();
    float values[4] = {1, 2, 3, 4};
    kernels->log(values, 4, values);
    return bf_abi() == BF_ABI && values[0] == 0 ? 0 : 1;
}
"""
STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror")


def said(*command: object, **how: object) -> str:
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = ran(*command, **how)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    return done.stdout


def symbols(*command: object) -> dict[str, str]:
    """Return the kind of each symbol, as nm calls it."""
    lines = [line.split() for line in said("nm", "--defined-only", *command).splitlines()]
    return {fields[-1]: fields[-2] for fields in lines if len(fields) == 3}


def test_the_shared_library_exports_what_the_header_declares_and_no_more() -> None:
    library = Path(birdfast.get_library(), f"libbirdfast.so.{ABI}")
    assert set(symbols("--dynamic", library)) == EXPORTED
    assert f"Library soname: [{library.name}]" in said("readelf", "--dynamic", library)


def test_all_names_of_the_static_library_begin_alike() -> None:
    found = symbols("--extern-only", Path(birdfast.get_library(), "libbirdfast.a"))
    assert found.keys() >= EXPORTED
    assert [name for name in found if not name.startswith("bf_")] == []


def test_nothing_that_is_written_is_shared() -> None:
    """No object has data of its own that can be written: tables of functions are constants."""
    sections = said("size", "--format=sysv", Path(birdfast.get_library(), "libbirdfast.a"))
    written = re.findall(r"^\.(?:data|bss|tdata|tbss)(?:\.(?!rel\.ro)\S*)?\s+(\d+)", sections, re.MULTILINE)
    assert len(written) >= 2 * len(list((ROOT / "csrc").glob("*.c")))
    assert set(written) == {"0"}


@pytest.mark.parametrize(
    ("compiler", "language"), [("cc", "c11"), ("cc", "c2x"), ("c++", "c++11"), ("c++", "c++20")]
)
def test_the_header_is_for_c_and_for_cpp(compiler: str, language: str, tmp_path: Path) -> None:
    source = tmp_path / ("program.c" if compiler == "cc" else "program.cpp")
    source.write_text(PROGRAM)
    linked = [f"-I{birdfast.get_include()}", source, f"-L{birdfast.get_library()}", "-lbirdfast", "-lm"]
    said(compiler, f"-std={language}", *STRICT, *linked, "-o", tmp_path / "program")
    said(tmp_path / "program")


def test_the_header_beside_the_library_is_the_one_it_was_made_of() -> None:
    assert Path(birdfast.get_include(), "birdfast.h").read_text() == HEADER


def test_cython_sees_all_that_the_header_has() -> None:
    declared = set(re.findall(r"\w+", (ROOT / "birdfast/_kernels.pxd").read_text()))
    constants = set(re.findall(r"\bBF_(?!EXPORT|ABI\b)[A-Z0-9_]+", BARE.replace("BIRDFAST_H", "")))
    types = set(re.findall(r"^\} (bf_\w+);", BARE, re.MULTILINE))
    assert len(types) > 5
    assert EXPORTED | constants | types <= declared


def test_members_are_the_same_for_cython() -> None:
    pxd = (ROOT / "birdfast/_kernels.pxd").read_text()
    for body, name in re.findall(r"typedef struct \{([^}]*)\} (bf_\w+);", BARE):
        found = re.search(rf"ctypedef struct {name}:\n((?: {{8}}.*\n|\n)+)", pxd)
        assert found, name
        fields = re.findall(r"\(\*(\w+)\)|(\w+)(?:\[\w+\])?(?=[;,](?![^(]*\)))", body)
        wanted = {one or other for one, other in fields}
        assert wanted <= set(re.findall(r"\w+", found[1])), name


@pytest.mark.long
def test_it_is_installed_where_pkg_config_finds_it(tmp_path: Path) -> None:
    """From csrc/ alone, without Python: a program is linked to each library by what pkg-config says."""
    tree, prefix = tmp_path / "tree", tmp_path / "prefix"
    shutil.copytree(ROOT / "csrc", tree / "csrc")
    (tree / "birdfast").mkdir()
    shutil.copy2(ROOT / "birdfast/_version.py", tree / "birdfast")
    shutil.copy2(ROOT / "Makefile", tree)
    said("make", "--silent", "install-lib", f"PREFIX={prefix}", "CFLAGS=-O0", cwd=tree)
    assert not list(tree.glob(".venv"))
    environment = {**os.environ, "PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig")}
    assert said("pkg-config", "--modversion", "birdfast", env=environment).strip() == birdfast.__version__
    source = tmp_path / "program.c"
    source.write_text(PROGRAM)
    shared = said("pkg-config", "--cflags", "--libs", "birdfast", env=environment).split()
    static = said("pkg-config", "--cflags", "--libs", "--static", "birdfast", env=environment).split()
    said("cc", source, *shared, f"-Wl,-rpath,{prefix}/lib", "-o", tmp_path / "shared")
    (prefix / "lib/libbirdfast.so").unlink()
    said("cc", source, *static, "-o", tmp_path / "static")
    said(tmp_path / "shared")
    said(tmp_path / "static")
    assert f"libbirdfast.so.{ABI}" in said("readelf", "--dynamic", tmp_path / "shared")
    assert "libbirdfast" not in said("readelf", "--dynamic", tmp_path / "static")
