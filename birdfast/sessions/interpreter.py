"""LiteRT interpreters: the only place of the rewriter that starts one."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from birdfast.errors import ModelError

Array = np.ndarray[Any, np.dtype[Any]]


def start(
    data: bytes,
    *,
    delegate: bool = True,
    shapes: Mapping[int, Sequence[int]] | None = None,
    preserve: bool = False,
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
    preserve
        Keep every tensor readable after a run (without a delegate only).

    Raises
    ------
    ModelError
        The runtime refuses the model.
    """
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            interpreter = Interpreter(
                model_content=data,
                num_threads=1,
                experimental_op_resolver_type=OpResolverType.AUTO if delegate else plain,
                experimental_preserve_all_tensors=preserve,
            )
            for tensor, shape in (shapes or {}).items():
                interpreter.resize_tensor_input(tensor, list(shape))
            interpreter.allocate_tensors()
    except (RuntimeError, ValueError, MemoryError) as error:
        raise ModelError(f"the TFLite runtime refuses the model: {error}") from error
    return interpreter


def run(interpreter: Any, feeds: Mapping[int, Array], fetch: Sequence[int]) -> list[Array]:
    """Run once: copies of the tensors `fetch`, which must be outputs (or all tensors be preserved)."""
    try:
        for tensor, value in feeds.items():
            interpreter.set_tensor(tensor, value)
        interpreter.invoke()
        return [interpreter.get_tensor(tensor) for tensor in fetch]
    except (RuntimeError, ValueError, MemoryError) as error:
        raise ModelError(f"the TFLite runtime cannot run the model: {error}") from error
