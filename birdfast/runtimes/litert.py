"""Interpreters of TFLite models, through LiteRT or, where only that exists, tflite-runtime."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from ..errors import ModelError

Array = np.ndarray[Any, np.dtype[Any]]
LITERT = "ai-edge-litert"
SILENCE = Lock()


def start(
    data: bytes | Path,
    *,
    delegate: bool = True,
    shapes: Mapping[int, Sequence[int]] | None = None,
) -> Any:
    """A one-thread interpreter with its tensors allocated.

    Parameters
    ----------
    data
        A model written by this package, or the file that holds it, which is then mapped and not copied;
        never a file of the user's (see `flatbuffer`).
    delegate
        Whether XNNPACK takes what it can.
    shapes
        New shapes of input tensors, by tensor.

    Raises
    ------
    ModelError
        The runtime refuses the model.
    """
    _, module = runtime()
    options: dict[str, Any] = (
        {"model_content": data} if isinstance(data, bytes) else {"model_path": str(data)}
    )
    if not delegate:
        resolver = module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        options["experimental_op_resolver_type"] = resolver
    try:
        with _silent_stderr():
            interpreter = module.Interpreter(num_threads=1, **options)
            for tensor, shape in (shapes or {}).items():
                interpreter.resize_tensor_input(tensor, list(shape))
            interpreter.allocate_tensors()
    except (RuntimeError, ValueError, MemoryError) as error:
        raise ModelError(f"the TFLite runtime refuses the model: {error}") from error
    return interpreter


def run(interpreter: Any, feeds: Mapping[int, Array], fetch: Sequence[int]) -> list[Array]:
    """Run once: copies of the tensors `fetch`, which must be outputs."""
    try:
        for tensor, value in feeds.items():
            interpreter.set_tensor(tensor, value)
        interpreter.invoke()
        return [interpreter.get_tensor(tensor) for tensor in fetch]
    except (RuntimeError, ValueError, MemoryError) as error:
        raise ModelError(f"the TFLite runtime cannot run the model: {error}") from error


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
        raise ModelError("no TFLite runtime is installed: pip install ai-edge-litert") from error


def version() -> str:
    """Return the name and version of the runtime that `runtime` takes, without loading it."""
    for name in (LITERT, "tflite-runtime"):
        with suppress(metadata.PackageNotFoundError):
            return f"{name} {metadata.version(name)}"
    return "none"


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Keep the runtime's greeting, which it writes past Python, off the user's terminal.

    One thread at a time: a second would take the first one's silence for the terminal.
    """
    with SILENCE:
        kept = os.dup(2)
        try:
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
