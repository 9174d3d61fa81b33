"""Interpreters of TFLite models, through LiteRT or, where only that exists, tflite-runtime."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from threading import Event, Lock
from typing import Any

import numpy as np

from ..arrays import Array, Float32
from ..errors import ModelError, ModelMemoryError, ModelRuntimeError
from ..words import install_hint

LITERT = "ai-edge-litert"
LACKS = ("out of memory", "bad_alloc", "failed to allocate")
DELEGATE = "delegate"  # the runtime's word, where it is XNNPACK that fails
SILENCE, GREETED = Lock(), Event()


def unsaid(_: str) -> None:
    """Say nothing."""


def start(
    data: bytes | Path,
    *,
    delegate: bool = True,
    shapes: Mapping[int, Sequence[int]] | None = None,
    told: Callable[[str], None] = unsaid,
) -> Any:
    """Return an interpreter with its tensors allocated, which runs in one thread.

    A model that XNNPACK cannot prepare, though it takes it, is run without: some full-int8 ones are.

    Parameters
    ----------
    data : bytes or path
        A model written by this package, or the file that holds it, which is then mapped and not copied;
        never a file of the user's (see `grafting.flatbuffer`).
    delegate : bool
        Whether XNNPACK takes what it can.
    shapes : dict of int to sequence of int, or None
        New shapes of input tensors, by tensor.
    told : callable
        Is told why XNNPACK cannot prepare the model, where it runs without.

    Raises
    ------
    ModelError
        The runtime refuses the model.
    """
    try:
        return _started(data, delegate, shapes or {})
    except ModelMemoryError:
        raise
    except ModelError as error:
        if not delegate or DELEGATE not in str(error).lower():
            raise
        reason = str(error).partition("the model: ")[2]
    interpreter = _started(data, False, shapes or {})
    told(reason)
    return interpreter


def _started(data: bytes | Path, delegate: bool, shapes: Mapping[int, Sequence[int]]) -> Any:
    _, module = runtime()
    options: dict[str, Any] = _source(data)
    if not delegate:
        resolver = module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        options["experimental_op_resolver_type"] = resolver
    try:
        with _silent_greeting() if delegate else nullcontext():
            interpreter = module.Interpreter(num_threads=1, **options)
            for tensor, shape in shapes.items():
                interpreter.resize_tensor_input(tensor, list(shape))
            interpreter.allocate_tensors()
    except (RuntimeError, ValueError, MemoryError) as error:
        raise _in_words("refuses", error) from error
    return interpreter


def _source(data: bytes | Path) -> dict[str, bytes | str]:
    return {"model_content": data} if isinstance(data, bytes) else {"model_path": str(data)}


def run(interpreter: Any, feeds: Mapping[int, Array], fetch: Sequence[int]) -> list[Array]:
    """Run once.

    Parameters
    ----------
    interpreter : Interpreter
        From `start`.
    feeds : dict of int to array
        Input tensors; those left out keep what they have.
    fetch : sequence of int
        Tensors, which must be outputs.

    Returns
    -------
    list of array
        Copies of `fetch`.

    Raises
    ------
    ModelError
        The runtime fails.
    """
    try:
        for tensor, value in feeds.items():
            interpreter.set_tensor(tensor, value)
        interpreter.invoke()
        return [interpreter.get_tensor(tensor) for tensor in fetch]
    except (RuntimeError, ValueError, MemoryError) as error:
        raise _in_words("cannot run", error) from error


def opened(data: bytes | Path) -> Any:
    """Return an interpreter without memory for tensors: it tells what goes in and out, and runs nothing.

    Raises
    ------
    ModelError
        The runtime refuses the model.
    """
    try:
        return runtime()[1].Interpreter(num_threads=1, **_source(data))
    except (RuntimeError, ValueError, MemoryError) as error:
        raise _in_words("refuses", error) from error


def inputs(data: bytes) -> list[dict[str, Any]]:
    """Return what the runtime says of a model's inputs, before tensors are allocated; errors as `opened`."""
    found: list[dict[str, Any]] = opened(data).get_input_details()
    return found


def steps(interpreter: Any) -> dict[int, tuple[float, int]]:
    """Return the scale and the zero point of each output that is quantised, by tensor."""
    details = interpreter.get_output_details()
    return {int(one["index"]): one["quantization"] for one in details if one["quantization"][0]}


def floats(values: Array, quantised: tuple[float, int] | None) -> Float32:
    """Return what an output's numbers stand for: themselves, or by their scale and zero point."""
    if quantised is None:
        return np.asarray(values, np.float32)
    scale, zero_point = quantised
    return (values.astype(np.float32) - np.float32(zero_point)) * np.float32(scale)


def _in_words(what: str, error: Exception) -> ModelError:
    """Return an error of the runtime, in one line: it writes sentence after sentence without a space.

    Some of its parts say in words alone that they lack memory.
    """
    said = " ".join(str(error).replace("Node number", " Node number").split()) or type(error).__name__
    lacks = isinstance(error, MemoryError) or any(word in said.lower() for word in LACKS)
    return (ModelMemoryError if lacks else ModelError)(f"the TFLite runtime {what} the model: {said}")


def runtime() -> tuple[str, Any]:
    """Return the name and the module of the TFLite runtime that is installed.

    Raises
    ------
    ModelError
        There is none; the message says what to install.
    """
    try:
        from ai_edge_litert import interpreter

        return LITERT, interpreter
    except ImportError:
        pass
    try:
        from tflite_runtime import interpreter

        return "tflite-runtime", interpreter
    except ImportError as error:
        raise ModelRuntimeError(
            f"no TFLite runtime is installed: {install_hint('ai-edge-litert')}"
        ) from error


def version() -> str:
    """Return the name and version of the runtime that `runtime` takes, without loading it."""
    from importlib import metadata  # not for every worker: it brings a lot along

    for name in (LITERT, "tflite-runtime"):
        with suppress(metadata.PackageNotFoundError):
            return f"{name} {metadata.version(name)}"
    return "none"


@contextmanager
def _silent_greeting() -> Iterator[None]:
    """Keep the runtime's greeting, which it writes past Python, off the user's terminal.

    It greets when XNNPACK is first there, once a process: later ones leave stderr, which is the whole
    process's, alone. One thread at a time: a second would take the first one's silence for the terminal.
    """
    with SILENCE:
        if not GREETED.is_set():
            with _silent_stderr():
                yield
            GREETED.set()
            return
    yield


@contextmanager
def _silent_stderr() -> Iterator[None]:
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
