"""TFLite networks as they are, on one thread, through LiteRT or, where only that exists, tflite-runtime."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Float32
from ..errors import ModelError
from ..grafting import networkfile
from ..grafting.signature import (
    EMBEDDING,
    LOGITS,
    NOT_TOLD,
    OPEN,
    SPATIAL_EMBEDDING,
    Output,
    Wanted,
    check_inputs,
    further_ends,
    of_a_window,
    roles,
)
from ..runtimes import litert
from .session import Arrays, check_windows


class TfliteSession:
    """One interpreter with XNNPACK on and a single thread; see `session.Session`."""

    batch = 1

    def __init__(self, path: Path, *, sha256: str = "", wanted: Wanted = NOT_TOLD) -> None:
        self._start(*_safe(networkfile.content(path, sha256), wanted), wanted)

    def _start(self, network: bytes, stated: Sequence[Output], inner: int | None, wanted: Wanted) -> None:
        self._asked = (network, stated, inner, wanted)
        self._interpreter = litert.start(network)
        self._input = self._single_input()
        self.window_samples = int(self._input["shape"][-1])
        if inner is not None or any(found.n_classes == OPEN for found in stated):  # a run shows it
            litert.run(
                self._interpreter, {self._input["index"]: np.zeros(self._input["shape"], np.float32)}, []
            )
        details: list[dict[str, Any]] = self._interpreter.get_output_details()
        outputs = [_allocated(found, stated[place : place + 1]) for place, found in enumerate(details)]
        places = {} if inner is None else {EMBEDDING: inner}
        places |= roles(outputs[: len(stated) or None], wanted)
        shown = {role: outputs[place] for role, place in places.items()}
        self._tensors = [int(details[place]["index"]) for place in places.values()]
        self.outputs: Mapping[str, int] = {role: math.prod(found.shape) for role, found in shown.items()}
        self.ends_in = shown[LOGITS].ends_in
        self.ends = further_ends(shown)
        spatial = shown.get(SPATIAL_EMBEDDING)
        self.spatial_shape = () if spatial is None else of_a_window(spatial.shape)

    @property
    def runtime(self) -> str:
        """Name and version of the library that runs it."""
        return litert.version()

    def run(self, windows: Float32) -> Arrays:
        """Score one window: float32 [1, window_samples]."""
        check_windows(windows, self)
        window = windows.reshape(self._input["shape"])
        found = litert.run(self._interpreter, {self._input["index"]: window}, self._tensors)
        return {role: values.reshape(1, -1) for role, values in zip(self.outputs, found, strict=True)}

    def twin(self) -> TfliteSession:
        """Return a second session of the same network."""
        made = TfliteSession.__new__(TfliteSession)
        made._start(*self._asked)
        return made

    def _single_input(self) -> dict[str, Any]:
        inputs: list[dict[str, Any]] = self._interpreter.get_input_details()
        check_inputs([(np.dtype(details["dtype"]), details["shape"].tolist()) for details in inputs])
        return inputs[0]


def _safe(network: bytes, wanted: Wanted) -> tuple[bytes, list[Output], int | None]:
    """Return the network as the runtime may see it, what its graph says of its outputs, and one more's place.

    That is the embedding, where none is told: what the last matrix before the scores is multiplied with.
    The network is checked, and says something, where there is LiteRT's schema to read it.
    """
    if litert.runtime()[0] != litert.LITERT:
        return network, [], None
    from ..grafting import ending, original, surgery

    graph, data = original.check(network)
    stated = ending.outputs(graph)
    try:
        scores = graph.outputs[roles(stated, wanted)[LOGITS]]
    except ModelError:  # perhaps a run shows which it is; if not, that is said then
        return data, stated, None
    inner = None if wanted.embedding else ending.find_embedding(graph, scores)
    if inner is None or inner in graph.outputs:
        return data, stated, None if inner is None else graph.outputs.index(inner)
    return surgery.with_outputs(graph, [inner]), stated, len(stated)


def _allocated(details: Mapping[str, Any], stated: Sequence[Output]) -> Output:
    """Return an output as the runtime has it, with what its graph says of it beside."""
    shape = tuple(details["shape"].tolist())
    found = Output((details["name"],), np.dtype(details["dtype"]), shape)
    return found._replace(names=stated[0].names, ends_in=stated[0].ends_in) if stated else found
