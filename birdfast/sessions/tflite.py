"""TFLite networks on one thread, through LiteRT or, where only that exists, tflite-runtime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from . import Arrays, interpreter


class TfliteSession:
    """One interpreter with XNNPACK on and a single thread; see `sessions.Session`."""

    batch = 1
    embedding_size = 0

    def __init__(self, path: Path, *, output: str = "", n_classes: int = 0) -> None:
        self._interpreter = interpreter.start(_safe(path))
        self._input = self._single_input()
        self.window_samples = int(self._input["shape"][-1])
        self._output = self._scores_output(output, n_classes)
        self.n_classes = int(self._output["shape"][-1])

    def run(self, windows: NDArray[np.float32]) -> Arrays:
        """Score one window: float32 [1, window_samples] to {"logits": float32 [1, n_classes]}."""
        window = windows.reshape(self._input["shape"])
        (logits,) = interpreter.run(
            self._interpreter, {self._input["index"]: window}, [self._output["index"]]
        )
        return {"logits": logits.reshape(1, -1)}

    def _single_input(self) -> dict[str, Any]:
        inputs: list[dict[str, Any]] = self._interpreter.get_input_details()
        check_inputs([(np.dtype(details["dtype"]), details["shape"].tolist()) for details in inputs])
        return inputs[0]

    def _scores_output(self, name: str, n_classes: int) -> dict[str, Any]:
        outputs: list[dict[str, Any]] = self._interpreter.get_output_details()
        known = [(details["name"], details["shape"].tolist()) for details in outputs]
        return outputs[scores_output(known, name, n_classes)]


def check_inputs(inputs: Sequence[tuple[np.dtype[Any], Sequence[int]]]) -> None:
    """Raise ModelError unless a network's inputs are one window of sound: float32 [1, n] or [n]."""
    if len(inputs) != 1:
        raise ModelError(f"has {len(inputs)} inputs; a network for sound has one")
    dtype, shape = inputs[0]
    if dtype != np.float32 or len(shape) not in (1, 2) or list(shape[:-1]) not in ([], [1]) or shape[-1] < 2:
        raise ModelError(
            f"takes {dtype} {list(shape)}; a network for sound takes float32 [1, samples] or [samples]"
        )


def scores_output(outputs: Sequence[tuple[str, Sequence[int]]], name: str, n_classes: int) -> int:
    """Return the place of the output that holds the scores.

    Parameters
    ----------
    outputs : sequence of (str, shape)
    name : str
        Part of its name, or "".
    n_classes : int
        Its length, or 0.

    Raises
    ------
    ModelError
        Neither tells, and there are several.
    """
    named = [place for place, (known, _) in enumerate(outputs) if name and name in known]
    fitting = [place for place, (_, shape) in enumerate(outputs) if shape and shape[-1] == n_classes]
    for choice in (named, fitting, list(range(len(outputs)))):
        if len(choice) == 1:
            return choice[0]
    shapes = ", ".join(f"{known} {list(shape)}" for known, shape in outputs)
    raise ModelError(f"which output holds the scores? There are: {shapes or 'none'}")


def _safe(path: Path) -> bytes | Path:
    """Return the network as the runtime may see it: checked, where there is LiteRT's schema to check it."""
    if interpreter.runtime()[0] != interpreter.LITERT:
        return path
    from . import graft

    return graft.check(path)
