"""Networks that OpenVINO compiles, TFLite and ONNX ones alike; for some it gives other numbers."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from ..arrays import Array
from ..errors import ModelError, ModelMemoryError, ModelRuntimeError
from ..words import extra_hint

# Whoever imports OpenVINO tells its makers so, unless a file in his home says no or this cannot be found.
TELEMETRY = "openvino_telemetry"
BFLOAT16 = "BF16"  # its word, among what a CPU can do
ONE_THREAD = {
    "NUM_STREAMS": 1,
    "INFERENCE_NUM_THREADS": 1,
    "PERFORMANCE_HINT": "LATENCY",
    "ENABLE_CPU_PINNING": False,  # a worker has its core already
    "EXECUTION_MODE_HINT": "ACCURACY",  # else it quantises as it sees fit
}
TFLITE = b"TFL3"
LACKS = ("bad_alloc", "out of memory", "failed to allocate", "cannot allocate")
WHERE = ("Exception from ", "Check '")  # lines that say where in its sources it happened


def start(data: bytes | Path, precision: str = "f32") -> Any:
    """Return a request of a compiled network, which runs in one thread.

    Parameters
    ----------
    data : bytes or path
        A TFLite or ONNX model written by this package, or a file that holds one of TFLite; never a file of
        the user's.
    precision : "f32" or "bf16"
        What it computes in; by itself OpenVINO takes bf16 wherever the CPU has it.

    Raises
    ------
    ModelError
        OpenVINO is not installed, or refuses the model; or the CPU has no such numbers. As a
        ModelRuntimeError, there is no room for temporary files.
    """
    core = _core()
    if precision == "bf16" and not has_bfloat16():
        raise ModelRuntimeError("this CPU does not compute in bf16: leave --precision bf16 out")
    try:
        with _readable(data) as source:
            options = {**ONE_THREAD, "INFERENCE_PRECISION_HINT": precision}
            compiled = core.compile_model(core.read_model(source), "CPU", options)
    except (RuntimeError, ValueError, TypeError, MemoryError) as error:
        raise _in_words("refuses", error) from error
    if precision_of(request := compiled.create_infer_request()) != precision:
        raise ModelRuntimeError(f"OpenVINO does not compute this model in {precision}")
    return request


def run(request: Any, fed: Array, places: Sequence[int]) -> list[Array]:
    """Run once.

    Parameters
    ----------
    request : InferRequest
        From `start`.
    fed : array
        For its one input.
    places : sequence of int
        Which of its outputs are wanted.

    Returns
    -------
    list of array
        Copies of them.

    Raises
    ------
    ModelError
        OpenVINO fails.
    """
    try:
        request.infer([fed], share_inputs=True, share_outputs=True)
        return [request.get_output_tensor(place).data.copy() for place in places]
    except (RuntimeError, ValueError, TypeError, IndexError, MemoryError) as error:
        raise _in_words("cannot run", error) from error


def takes(request: Any) -> Any:
    """Return NumPy's type of its first input."""
    return request.get_compiled_model().inputs[0].element_type.to_dtype()


def n_outputs(request: Any) -> int:
    """Return how many outputs it has."""
    return len(request.get_compiled_model().outputs)


def precision_of(request: Any) -> str:
    """Return what a compiled network computes in: "f32", "bf16" or another word of OpenVINO's."""
    told: str = request.get_compiled_model().get_property("INFERENCE_PRECISION_HINT").to_string()
    return told


def has_bfloat16() -> bool:
    """Whether this CPU computes in bf16."""
    return BFLOAT16 in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def machine() -> str:
    """Return what of this machine decides what OpenVINO makes of a network."""
    told = [_core().get_property("CPU", fact) for fact in ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES")]
    return " ".join(map(str, told))


def version() -> str:
    """Return the name and version of OpenVINO, without loading it."""
    from importlib import metadata  # not for every worker: it brings a lot along

    with suppress(metadata.PackageNotFoundError):
        return f"openvino {metadata.version('openvino')}"
    return "none"


@cache
def _core() -> Any:
    """Return the library's core, of which one serves a process."""
    try:
        with _untold():
            import openvino
    except ModuleNotFoundError as error:
        raise ModelRuntimeError(f"OpenVINO is not installed: {extra_hint('openvino')}") from error
    except ImportError as error:
        raise ModelRuntimeError(f"OpenVINO cannot be loaded: {error}") from error
    return openvino.Core()


@contextmanager
def _untold() -> Iterator[None]:
    """Import OpenVINO without its telemetry, which would report that, and every conversion later."""
    known = sys.modules.get(TELEMETRY)
    sys.modules[TELEMETRY] = None  # type: ignore[assignment] # so Python is told that there is none
    try:
        yield
    finally:
        if known is None:
            del sys.modules[TELEMETRY]
        else:
            sys.modules[TELEMETRY] = known


@contextmanager
def _readable(data: bytes | Path) -> Iterator[bytes | Path]:
    """Give a model as OpenVINO reads it: TFLite ones it knows by the name of their file alone."""
    if isinstance(data, Path) or data[4:8] != TFLITE:
        yield data
        return
    with ExitStack() as opened:
        try:
            path = Path(opened.enter_context(tempfile.NamedTemporaryFile(suffix=".tflite")).name)
            path.write_bytes(data)
        except OSError as error:
            where = tempfile.tempdir or "any folder"
            raise ModelRuntimeError(
                f"OpenVINO reads a model from a file: no room for one in {where} ({error.strerror})"
            ) from error
        yield path


def _in_words(what: str, error: Exception) -> ModelError:
    """Return an error of the library in one line, without the places in its sources."""
    lines = [line.strip() for line in str(error).splitlines()]
    told = " ".join(line for line in lines if line and not line.startswith(WHERE))[:300]
    said = told or type(error).__name__
    lacks = isinstance(error, MemoryError) or any(word in said.lower() for word in LACKS)
    return (ModelMemoryError if lacks else ModelError)(f"OpenVINO {what} the model: {said}")
