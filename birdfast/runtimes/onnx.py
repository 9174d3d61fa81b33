"""Sessions of ONNX models, through ONNX Runtime."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from ..arrays import Array
from ..errors import ModelError, ModelMemoryError, ModelRuntimeError
from ..words import extra_hint, typed

ERRORS_ONLY = 4
# Since 1.29 it tells its makers of each model and machine, unless this is set before it is first imported.
SILENT = "ORT_DISABLE_TELEMETRY"
# Each brings the module onnxruntime.
PACKAGES = (
    "onnxruntime",
    *(
        f"onnxruntime-{kind}"
        for kind in ("gpu", "openvino", "directml", "rocm", "migraphx", "qnn", "training")
    ),
    *("onnxruntime-silicon", "ort-nightly", "ort-nightly-gpu"),
)
LACKS = ("bad_alloc", "bad allocation", "failed to allocate", "out of memory", "alloc_failed")


class Tensor(NamedTuple):
    """An input: its name, NumPy's word for its type, and its shape (None: of any length)."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        return f"{self.name} {typed(self.dtype, self.shape)}"


TYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(bool)": "bool",
}


def start(data: bytes | Path) -> Any:
    """Return a session that runs in one thread, in memory that does not grow.

    Parameters
    ----------
    data : bytes or path
        A model that `grafting.onnxgraph` has written, or the file that holds it; never a file of the user's.

    Raises
    ------
    ModelError
        ONNX Runtime is not installed, or refuses the model.
    """
    ort = _library()
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.enable_cpu_mem_arena = False  # it keeps the most that it ever needed
    options.log_severity_level = ERRORS_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no class in common but this
        raise _in_words("refuses", error) from error


def inputs(session: Any) -> list[Tensor]:
    """Return what a session takes."""
    return [_tensor(told) for told in session.get_inputs()]


def outputs(session: Any) -> list[str]:
    """Return the names of what a session gives."""
    return [told.name for told in session.get_outputs()]


def run(session: Any, feeds: Mapping[str, Array], fetch: Sequence[str]) -> list[Array]:
    """Run once.

    Raises
    ------
    ModelError
        ONNX Runtime fails.
    """
    try:
        found: list[Array] = session.run(list(fetch), dict(feeds))
    except Exception as error:  # as in `start`
        raise _in_words("cannot run", error) from error
    return found


def version() -> str:
    """Return the name and version of ONNX Runtime, without loading it."""
    from importlib import metadata  # not for every worker: it brings a lot along

    for name in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            return f"onnxruntime {metadata.version(name)}"
    loaded = getattr(sys.modules.get("onnxruntime"), "__version__", "")
    return f"onnxruntime {loaded}" if loaded else "none"


def _library() -> Any:
    """Return the library, which sends nothing anywhere unless the user's environment says that it may."""
    os.environ.setdefault(SILENT, "1")
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise ModelRuntimeError(f"ONNX Runtime is not installed: {extra_hint('onnx')}") from error
    except ImportError as error:
        raise ModelRuntimeError(f"ONNX Runtime cannot be loaded: {error}") from error
    return onnxruntime


def _tensor(told: Any) -> Tensor:
    shape = tuple(length if isinstance(length, int) and length >= 0 else None for length in told.shape)
    return Tensor(told.name, TYPES.get(told.type, told.type), shape)


def _in_words(what: str, error: Exception) -> ModelError:
    """Return an error of the library in one line; that memory is lacking it says in words alone."""
    said = " ".join(str(error).split())[:300] or type(error).__name__
    lacks = isinstance(error, MemoryError) or any(word in said.lower() for word in LACKS)
    return (ModelMemoryError if lacks else ModelError)(f"ONNX Runtime {what} the model: {said}")
