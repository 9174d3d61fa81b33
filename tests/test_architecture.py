"""The house stands: imports point down, heavy libraries wait until they are needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "birdfast"
LAYERS = (
    {"errors"},
    {"_kernels", "atomicfile", "config", "dense", "fft", "progress"},
    {
        *("audio", "inputs", "windows", "soundscape", "scores", "labels", "tables"),
        *("spectrogram", "tokens", "embedding", "classifier", "keyedvectors", "shards"),
    },
    {"modelfolder"},
    {"models", "sessions"},
    {"pipeline"},
    {"workers", "journal", "report", "picture", "train"},
    {"__main__", "cli"},
)
ONE_HOME = {
    "soundfile": "audio",
    "soxr": "audio",
    "pyarrow": "tables",
    "tqdm": "progress.py",
    "platformdirs": "models.py",
    "matplotlib": "picture.py",
    "tomli_w": "modelfolder.py",
    "numba": "train",
    "sklearn": "train",
    "ai_edge_litert": "sessions",
    "flatbuffers": "sessions",
    "tflite_runtime": "sessions",
}
HEAVY = ("numpy", "numba", "soundfile", "soxr", "pyarrow", "sklearn", "ai_edge_litert", "tflite_runtime")
MODULES = sorted(PACKAGE.rglob("*.py"))


def layer(name: str) -> int:
    return next(number for number, names in enumerate(LAYERS) if name in names)


def noun(path: Path) -> str:
    """Return the name that the table of layers has for a file."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(path: Path) -> set[str]:
    """Return what a file imports, birdfast's own as `.noun`, others by their first name."""
    return imported(path.read_text(), len(path.relative_to(PACKAGE).parts))


def imported(source: str, depth: int) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {first_name(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level in (0, depth):
            package = "birdfast." if node.level else ""
            module = f"{package}{node.module or ''}".rstrip(".")
            names = [f"birdfast.{alias.name}" for alias in node.names] if module == "birdfast" else [module]
            found |= {first_name(name) for name in names}
    return found


def first_name(module: str) -> str:
    """Return `.noun` for birdfast.noun.anything, the library for any other module."""
    first, *below = module.split(".")
    return f".{below[0]}" if first == "birdfast" and below else first


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("from birdfast.fft import bands", {".fft"}),
        ("from birdfast import fft, audio", {".fft", ".audio"}),
        ("import birdfast.fft, numpy.fft", {".fft", "numpy"}),
        ("from ..sessions.graph import Graph", {".sessions"}),
        ("from .. import config", {".config"}),
        ("from .sibling import it", set()),
        ("from scipy.fft import rfft", {"scipy"}),
    ],
)
def test_imports_are_seen_however_they_are_written(source: str, names: set[str]) -> None:
    assert imported(source, depth=2) == names


@pytest.mark.parametrize("path", [path for path in MODULES if noun(path) != "__init__"], ids=noun)
def test_imports_point_down(path: Path) -> None:
    for name in imports(path):
        if name.startswith(".") and name not in (".__version__", ".__doc__", f".{noun(path)}"):
            allowed = layer(name[1:]) < layer(noun(path)) or (noun(path), name) == ("__main__", ".cli")
            assert allowed, f"{noun(path)} imports {name}, which is not below it"


@pytest.mark.parametrize("library", ONE_HOME)
def test_a_library_lives_in_one_place(library: str) -> None:
    homes = {path.relative_to(PACKAGE).parts[0] for path in MODULES if library in imports(path)}
    assert homes <= {ONE_HOME[library]}


def loaded_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    return set(printed.splitlines()[-1].split())


def test_import_is_light() -> None:
    loaded = loaded_after("import birdfast")
    assert "birdfast" in loaded
    assert not loaded & set(HEAVY)


def test_help_needs_the_standard_library_alone() -> None:
    command = "import birdfast.__main__ as m\ntry: m.main(['--help'])\nexcept SystemExit: pass"
    loaded = loaded_after(command)
    assert "birdfast" in loaded
    own = {name for name in loaded if name not in sys.stdlib_module_names and not name.startswith("_")}
    assert own - set(loaded_after("pass")) == {"birdfast"}
