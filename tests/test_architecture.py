"""The house stands: imports point down, no file is in a circle, heavy libraries wait."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "birdfast"
LAYERS = (
    {"errors", "arrays", "words", "face", "_version"},
    {
        "config",
        "outcomes",
        "atomicfile",
        "sources",
        "children",
        "commandline",
        "linking",
        "runtimes",
        "bars",
        "memory",
        "spool",
        "voice",
        "_kernels",
    },
    {
        *("audio", "inputs", "windows", "soundscape", "scores", "labels", "tables", "metrics"),
        *("annotations", "spectrogram", "tokens", "classifier", "keyedvectors"),
        *("deployments", "merging", "postprocessing", "submission", "canvas"),
    },
    {"frontends", "stsg", "journal", "modelfolder"},
    {"grafting", "models", "converting"},
    {"sessions", "species"},
    {"pipeline"},
    {"workers", "live", "train", "judging", "picture"},
    {"runs"},
    {"report"},
    {"__main__", "cli"},
)
HOMES = {
    "soundfile": {"audio/decoders/libsndfile.py"},
    "av": {"audio/decoders/ffmpeg.py", "audio/decoders/frames.py"},
    "soxr": {"audio/resampling.py"},
    "scipy": {"audio/bandpass.py", "audio/perwindow.py", "metrics/bootstrap.py", "train/scaling.py"},
    "onnxruntime": {"runtimes/onnx.py"},
    "onnx": {"grafting/onnxgraph.py"},
    "openvino": {"runtimes/openvino.py"},
    "pyarrow": {
        "tables/files.py",
        "tables/dense.py",
        "tables/parquet.py",
        "tables/tokens.py",
        "judging/parquet.py",
    },
    "fsspec": {"sources/stores.py", "sources/pages.py", "sources/patterns.py", "sources/transfers.py"},
    "aiohttp": {"sources/stores.py"},
    "tqdm": {"bars.py"},
    "platformdirs": {"models/places.py", "species/places.py"},
    "matplotlib": {"canvas.py"},
    "PIL": {"canvas.py"},
    "sounddevice": {"live/device.py"},
    "jinja2": {"report/page.py"},
    "tomli_w": {"modelfolder.py"},
    "numba": {"train/_skipgram_numba.py"},
    "threadpoolctl": {"train/head.py"},
    "sklearn": {"metrics/ranking.py", "train/head.py", "picture/plane.py"},
    "ai_edge_litert": {"runtimes/litert.py", "grafting/flatbuffer.py"},
    "flatbuffers": {"grafting/flatbuffer.py"},
    "tflite_runtime": {"runtimes/litert.py"},
    "torch": {"converting/export.py"},
    "transformers": {"converting/export.py"},
    "safetensors": {"converting/export.py"},
    "dask": {"workers/clusters.py", "workers/local.py", "workers/slurm.py"},
    "distributed": {"workers/clusters.py", "workers/local.py", "workers/slurm.py"},
    "dask_jobqueue": {"workers/slurm.py"},
}
HEAVY = (
    "numpy",
    "numba",
    "soundfile",
    "av",
    "soxr",
    "scipy",
    "pyarrow",
    "sklearn",
    "ai_edge_litert",
    "tflite_runtime",
    "fsspec",
    "aiohttp",
)
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")
}
MODULES = {name.removesuffix(".__init__"): path for name, path in sorted(MODULES.items())}
KERNELS = "birdfast._kernels"  # compiled, so no file of Python's
LONG = {"train/_skipgram_numba.py"}  # CONTRIBUTING says why


def layer(noun: str) -> int:
    return next(number for number, names in enumerate(LAYERS) if noun in names)


def noun(module: str) -> str:
    """Return the name that the table of layers has for a module: birdfast.tables.files is of tables."""
    return module.split(".")[1] if "." in module else ""


@cache
def imports(module: str) -> frozenset[str]:
    """Return what a module imports anywhere in it: modules of birdfast, and libraries by their first name."""
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return frozenset(imported(path.read_text(), package, MODULES))


def imported(source: str, package: str, known: Mapping[str, object]) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield _own_or_first(alias.name, known)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            origin = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:
                inside = f"{origin}.{alias.name}"
                yield _own_or_first(inside if inside in {*known, KERNELS} else origin, known)


def _own_or_first(module: str, known: Mapping[str, object]) -> str:
    if module == "birdfast" or module.startswith("birdfast."):
        while module not in known and module != KERNELS:
            module = module.rpartition(".")[0]
        return module
    return module.partition(".")[0]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from birdfast.tables import escaped", {"birdfast.tables"}),
        ("from birdfast import tables, audio", {"birdfast.tables", "birdfast.audio"}),
        ("import birdfast.tables.files, numpy.fft", {"birdfast.tables.files", "numpy"}),
        ("from ..grafting.graph import Graph", {"birdfast.grafting.graph"}),
        ("from .. import audio", {"birdfast.audio"}),
        ("from .files import CsvFile", {"birdfast.tables.files"}),
        ("from . import files", {"birdfast.tables.files"}),
        ("def late():\n    from .files import CsvFile", {"birdfast.tables.files"}),
        ("from scipy.fft import rfft", {"scipy"}),
    ],
)
def test_imports_are_seen_however_they_are_written(source: str, found: set[str]) -> None:
    assert set(imported(source, "birdfast.tables", MODULES)) == found


def test_no_file_is_in_a_circle() -> None:
    """A package's own file stands for what it imports; that it is run before its files does not count."""
    graph = {
        module: {other for other in imports(module) if other in MODULES} - {module} for module in MODULES
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("module", [module for module in MODULES if module != "birdfast"])
def test_imports_point_down(module: str) -> None:
    for other in imports(module):
        if noun(other) and noun(other) != noun(module):
            allowed = layer(noun(other)) < layer(noun(module)) or (noun(module), noun(other)) == (
                "__main__",
                "cli",
            )
            assert allowed, f"{module} imports {other}, which is not below it"


@pytest.mark.parametrize("library", HOMES)
def test_a_library_lives_in_its_home(library: str) -> None:
    found = {str(path.relative_to(PACKAGE)) for module, path in MODULES.items() if library in imports(module)}
    assert found <= HOMES[library]


def test_files_are_short() -> None:
    long = {
        str(path.relative_to(PACKAGE))
        for path in MODULES.values()
        if len(path.read_text().splitlines()) > 250
    }
    assert long == LONG
    told = (PACKAGE.parent / "CONTRIBUTING.md").read_text()
    assert [name for name in LONG if f"- `{name}`: " not in told] == []


def loaded_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*{{name.split('.')[0] for name in sys.modules}})"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    return set(printed.splitlines()[-1].split())


def test_import_is_light() -> None:
    loaded = loaded_after("import birdfast")
    assert "birdfast" in loaded
    assert not loaded & set(HEAVY)


def test_a_journal_is_read_without_the_libraries_of_sound() -> None:
    assert not loaded_after("import birdfast.journal") & {"soundfile", "av", "soxr", "ai_edge_litert"}


def test_help_needs_the_standard_library_alone() -> None:
    command = "import birdfast.__main__ as m\ntry: m.main(['--help'])\nexcept SystemExit: pass"
    loaded = loaded_after(command)
    assert "birdfast" in loaded
    own = {name for name in loaded if name not in sys.stdlib_module_names and not name.startswith("_")}
    assert own - set(loaded_after("pass")) == {"birdfast"}


@pytest.mark.parametrize("module", ["birdfast", "birdfast.audio", "birdfast.workers"])
def test_a_face_brings_what_it_says(module: str) -> None:
    """What types are checked by is what is brought when it is asked for, and nothing else."""
    face = importlib.import_module(module)
    told = {
        alias.name
        for node in ast.parse(MODULES[module].read_text()).body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for line in node.body
        if isinstance(line, ast.ImportFrom)
        for alias in line.names
    }
    assert told <= set(dir(face))
    assert told <= set(face.__all__)
    assert all(getattr(face, name) is not None for name in told)
    with pytest.raises(AttributeError, match=f"module '{module}' has no attribute 'nonsense'"):
        face.nonsense  # noqa: B018


def test_memory_is_asked_for_before_a_library_that_would_ask_for_ever() -> None:
    needing = {name for library in ("scipy", "sklearn") for name in HOMES[library]}
    for name in sorted(needing):
        assert "memory.load_algebra()" in (PACKAGE / name).read_text(), name
    assert "memory.load_compiler()" in (PACKAGE / "train/epochs.py").read_text()
