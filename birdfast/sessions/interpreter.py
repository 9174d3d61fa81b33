"""LiteRT interpreters: the only place of the rewriter that starts one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ModelError
from .tflite import runtime, silent_stderr

Array = np.ndarray[Any, np.dtype[Any]]


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
    resolvers = module.OpResolverType
    resolver = resolvers.AUTO if delegate else resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    source = {"model_content": data} if isinstance(data, bytes) else {"model_path": str(data)}
    try:
        with silent_stderr():
            interpreter = module.Interpreter(
                **source,
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
