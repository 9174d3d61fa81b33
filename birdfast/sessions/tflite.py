"""TFLite networks as they are, on one thread, through LiteRT or, where only that exists, tflite-runtime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Float32
from ..grafting import networkfile
from ..grafting.signature import check_inputs, scores_output
from ..runtimes import litert
from .session import LOGITS, Arrays, check_windows


class TfliteSession:
    """One interpreter with XNNPACK on and a single thread; see `session.Session`."""

    batch = 1

    def __init__(self, path: Path, *, sha256: str = "", output: str = "", n_classes: int = 0) -> None:
        self._start(_safe(networkfile.content(path, sha256)), output, n_classes)

    def _start(self, network: bytes, output: str, n_classes: int) -> None:
        self._asked = (network, output, n_classes)
        self._interpreter = litert.start(network)
        self._input = self._single_input()
        self.window_samples = int(self._input["shape"][-1])
        self._output = self._scores_output(output, n_classes)
        self.outputs: Mapping[str, int] = {LOGITS: int(np.prod(self._output["shape"]))}

    @property
    def runtime(self) -> str:
        """Name and version of the library that runs it."""
        return litert.version()

    def run(self, windows: Float32) -> Arrays:
        """Score one window: float32 [1, window_samples] to {"logits": float32 [1, n_classes]}."""
        check_windows(windows, self)
        window = windows.reshape(self._input["shape"])
        (logits,) = litert.run(self._interpreter, {self._input["index"]: window}, [self._output["index"]])
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

    def _scores_output(self, name: str, n_classes: int) -> dict[str, Any]:
        outputs: list[dict[str, Any]] = self._interpreter.get_output_details()
        known = [(details["name"], details["shape"].tolist()) for details in outputs]
        return outputs[scores_output(known, name, n_classes)]


def _safe(network: bytes) -> bytes:
    """Return the network as the runtime may see it: checked, where there is LiteRT's schema to check it."""
    if litert.runtime()[0] != litert.LITERT:
        return network
    from ..grafting import original

    return original.check(network)
