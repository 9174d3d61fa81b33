"""LiteRT interpreters: the only place of the rewriter that starts one."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import ModelError
from .tflite import _silent_stderr, runtime

Array = np.ndarray[Any, np.dtype[Any]]


def start(
    data: bytes,
    *,
    delegate: bool = True,
    shapes: Mapping[int, Sequence[int]] | None = None,
) -> Any:
    """A one-thread interpreter with its tensors allocated.

    Parameters
    ----------
    data
        A model written by this package, never a file's own bytes (see `flatbuffer`).
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
    resolvers = module.OpResolverType
    resolver = resolvers.AUTO if delegate else resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    try:
        with _silent_stderr():
            interpreter = module.Interpreter(
                model_content=data,
                num_threads=1,
                experimental_op_resolver_type=resolver,
            )
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
