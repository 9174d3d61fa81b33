"""TFLite networks on one thread, through LiteRT or, where only that exists, tflite-runtime."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from . import Arrays

MAGIC = b"TFL3"


class TfliteSession:
    """One interpreter with XNNPACK on and a single thread; see `sessions.Session`."""

    batch = 1

    def __init__(self, path: Path, *, output: str = "", n_classes: int = 0) -> None:
        self._path = path
        self._interpreter = _interpreter(path)
        self._input = self._single_input()
        self.window_samples = int(self._input["shape"][-1])
        self._output = self._scores_output(output, n_classes)
        self.n_classes = int(self._output["shape"][-1])
        if n_classes and self.n_classes != n_classes:
            raise ModelError(f"{path}: scores {self.n_classes} classes, but there are {n_classes} labels")

    def run(self, windows: NDArray[np.float32]) -> Arrays:
        """Score one window: float32 [1, window_samples] to {"logits": float32 [1, n_classes]}."""
        self._interpreter.set_tensor(self._input["index"], windows.reshape(self._input["shape"]))
        self._interpreter.invoke()
        return {"logits": self._interpreter.get_tensor(self._output["index"]).reshape(1, -1)}

    def _single_input(self) -> dict[str, Any]:
        inputs = self._interpreter.get_input_details()
        if len(inputs) != 1:
            raise ModelError(f"{self._path}: has {len(inputs)} inputs; a network for sound has one")
        shape, dtype = tuple(inputs[0]["shape"]), np.dtype(inputs[0]["dtype"])
        if dtype != np.float32 or len(shape) not in (1, 2) or shape[:-1] not in ((), (1,)) or shape[-1] < 2:
            raise ModelError(
                f"{self._path}: takes {dtype} {list(map(int, shape))}; a network for sound takes float32"
                f" [1, samples] or [samples]"
            )
        details: dict[str, Any] = inputs[0]
        return details

    def _scores_output(self, name: str, n_classes: int) -> dict[str, Any]:
        """Choose the output by its name, else by its length, else the only one."""
        outputs: list[dict[str, Any]] = [
            output for output in self._interpreter.get_output_details() if output["dtype"] == np.float32
        ]
        named = [output for output in outputs if name and name in output["name"]]
        fitting = [output for output in outputs if output["shape"][-1] == n_classes]
        for choice in (named, fitting, outputs):
            if len(choice) == 1:
                return choice[0]
        shapes = ", ".join(f"{output['name']} {output['shape'].tolist()}" for output in outputs)
        raise ModelError(f"{self._path}: which output holds the scores? It has: {shapes or 'none'}")


def runtime() -> tuple[str, Any]:
    """Return the name and the module of the TFLite runtime that is installed.

    Raises
    ------
    ModelError
        There is none; the message says what to install.
    """
    try:
        from ai_edge_litert import interpreter

        return "ai-edge-litert", interpreter
    except ImportError:
        pass
    try:
        from tflite_runtime import interpreter

        return "tflite-runtime", interpreter
    except ImportError as error:
        raise ModelError("no TFLite runtime is installed: pip install ai-edge-litert") from error


def _interpreter(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    if head[4:] != MAGIC:
        raise ModelError(f"{path}: not a TFLite model")
    _, module = runtime()
    try:
        with _silent_stderr():
            interpreter = module.Interpreter(model_path=str(path), num_threads=1)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError, OSError) as error:
        raise ModelError(f"{path}: the TFLite runtime refuses it ({error})") from error
    return interpreter


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Keep the runtime's greeting, which it writes past Python, off the user's terminal."""
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
