"""TFLite networks as they are, on one thread, through LiteRT or, where only that exists, tflite-runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Float32
from ..grafting import networkfile
from ..grafting.signature import OPEN, Output, check_inputs, scores_output
from ..runtimes import litert
from .session import LOGITS, Arrays, check_windows


class TfliteSession:
    """One interpreter with XNNPACK on and a single thread; see `session.Session`."""

    batch = 1

    def __init__(self, path: Path, *, sha256: str = "", output: str = "", n_classes: int = 0) -> None:
        self._start(*_safe(networkfile.content(path, sha256)), output, n_classes)

    def _start(self, network: bytes, stated: Sequence[Output], output: str, n_classes: int) -> None:
        self._asked = (network, stated, output, n_classes)
        self._interpreter = litert.start(network)
        self._input = self._single_input()
        self.window_samples = int(self._input["shape"][-1])
        if any(found.n_classes == OPEN for found in stated):  # a run shows it
            litert.run(
                self._interpreter, {self._input["index"]: np.zeros(self._input["shape"], np.float32)}, []
            )
        details: list[dict[str, Any]] = self._interpreter.get_output_details()
        outputs = [_allocated(found, stated[place : place + 1]) for place, found in enumerate(details)]
        place = scores_output(outputs, output, n_classes)
        self._scores = int(details[place]["index"])
        self.outputs: Mapping[str, int] = {LOGITS: outputs[place].n_classes}
        self.ends_in = outputs[place].ends_in

    @property
    def runtime(self) -> str:
        """Name and version of the library that runs it."""
        return litert.version()

    def run(self, windows: Float32) -> Arrays:
        """Score one window: float32 [1, window_samples] to {"logits": float32 [1, n_classes]}."""
        check_windows(windows, self)
        window = windows.reshape(self._input["shape"])
        (logits,) = litert.run(self._interpreter, {self._input["index"]: window}, [self._scores])
        return {LOGITS: logits.reshape(1, -1)}

    def twin(self) -> TfliteSession:
        """Return a second session of the same network."""
        made = TfliteSession.__new__(TfliteSession)
        made._start(*self._asked)
        return made

    def _single_input(self) -> dict[str, Any]:
        inputs: list[dict[str, Any]] = self._interpreter.get_input_details()
        check_inputs([(np.dtype(details["dtype"]), details["shape"].tolist()) for details in inputs])
        return inputs[0]


def _safe(network: bytes) -> tuple[bytes, list[Output]]:
    """Return the network as the runtime may see it, and what its graph says of its outputs.

    It is checked, and says something, where there is LiteRT's schema to read it.
    """
    if litert.runtime()[0] != litert.LITERT:
        return network, []
    from ..grafting import ending, original

    graph, data = original.check(network)
    return data, ending.outputs(graph)


def _allocated(details: Mapping[str, Any], stated: Sequence[Output]) -> Output:
    """Return an output as the runtime has it, with what its graph says of it beside."""
    shape = tuple(details["shape"].tolist())
    found = Output((details["name"],), np.dtype(details["dtype"]), shape)
    return found._replace(names=stated[0].names, ends_in=stated[0].ends_in) if stated else found
