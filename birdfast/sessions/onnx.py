"""ONNX networks, on one thread, through ONNX Runtime."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping

import numpy as np

from ..arrays import Float32
from ..errors import ModelError
from ..grafting.onnxgraph import OnnxGraph
from ..grafting.roles import Wanted, further_ends, is_logits, of_a_window, roles
from ..grafting.signature import Output
from ..models import Model
from ..runtimes import onnx
from .intake import Intake
from .session import EMBEDDING, LOGITS, SPATIAL_EMBEDDING, Arrays, check_windows
from .wanted import wanted

BATCH = 4  # where any number goes
TOLERANCE = 1e-3  # of a batch's logits, to those of its windows alone


class OnnxSession:
    """One session of ONNX Runtime; see `session.Session`.

    A batch of a length that has not been run yet is run window by window, too, and where the two differ the
    network is run window by window from then on.

    Parameters
    ----------
    model : Model
    asked : Wanted or None
        Which of its outputs are shown; None: those that the model tells.
    """

    def __init__(self, model: Model, asked: Wanted | None = None) -> None:
        graph = OnnxGraph(model.path)
        declared = graph.outputs
        places = roles(declared, wanted(model) if asked is None else asked)
        shown = {role: declared[place] for role, place in places.items()}
        names = {role: output.names[0] for role, output in shown.items()}
        inner = names.get(EMBEDDING) or graph.before_matrix(names[LOGITS])
        names |= {EMBEDDING: inner} if inner else {}
        self._start(graph.with_output(inner or names[LOGITS]), names, shown, model)

    def _start(
        self, data: bytes, names: Mapping[str, str], shown: Mapping[str, Output], model: Model
    ) -> None:
        self._asked = (data, names, shown, model)
        self.ends_in = shown[LOGITS].ends_in
        self.ends = further_ends(shown)
        self._session = onnx.start(data)
        taken = onnx.inputs(self._session)
        if len(taken) != 1:
            raise ModelError(f"has {len(taken)} inputs; a network for sound has one")
        self._name, self._intake = (
            taken[0].name,
            Intake(taken[0].dtype, taken[0].shape, model.window_samples, model.front_end, model.rate_hz),
        )
        self.window_samples = self._intake.window_samples
        self.batch = BATCH if self._intake.batch is None else max(1, self._intake.batch)
        self._proved, self._names = {1}, dict(names)
        silence = np.zeros((max(1, self._intake.batch or 0), self.window_samples), np.float32)
        said = self._said(silence)
        shapes = {role: of_a_window(values.shape, len(silence)) for role, values in said.items()}
        self.outputs: Mapping[str, int] = {role: math.prod(shape) for role, shape in shapes.items()}
        self.spatial_shape = shapes.get(SPATIAL_EMBEDDING, ())

    @property
    def runtime(self) -> str:
        """Name and version of the library that runs it."""
        return onnx.version()

    def run(self, windows: Float32) -> Arrays:
        """Score float32 [n, window_samples], n from 1 to `batch`."""
        check_windows(windows, self)
        if self._intake.batch is not None or len(windows) in self._proved:
            return self._run(windows)
        alone = self._one_by_one(windows)
        with np.errstate(invalid="ignore"):
            together = self._run(windows)
            apart = np.max([_apart(together[role], alone[role], is_logits(role)) for role in alone])
        if apart <= TOLERANCE:
            self._proved.add(len(windows))
        else:
            self.batch = 1
            warnings.warn(
                f"{len(windows)} windows at once give other scores: run one by one", RuntimeWarning, 2
            )
        return alone

    def twin(self) -> OnnxSession:
        """Return a second session of the same network."""
        made = OnnxSession.__new__(OnnxSession)
        made._start(*self._asked)
        return made

    def _run(self, windows: Float32) -> Arrays:
        n, room = len(windows), self._intake.batch or 0
        if n < room:  # it takes so many, no more and no less
            windows = np.concatenate([windows, np.zeros((room - n, self.window_samples), np.float32)])
        said = self._said(windows)
        return {role: values.reshape(len(windows), -1)[:n] for role, values in said.items()}

    def _said(self, windows: Float32) -> Arrays:
        """Return what the network gives, in its own shapes."""
        found = onnx.run(self._session, {self._name: self._intake(windows)}, list(self._names.values()))
        return {role: np.asarray(values, np.float32) for role, values in zip(self._names, found, strict=True)}

    def _one_by_one(self, windows: Float32) -> Arrays:
        parts = [self._run(window) for window in windows[:, None]]
        return {role: np.concatenate([part[role] for part in parts]) for role in parts[0]}


def _apart(found: Float32, expected: Float32, is_logits: bool) -> float:
    """Return the largest difference; of an embedding as a part of its largest value."""
    largest = 1 if is_logits else max(1, np.abs(expected).max())
    return float(np.abs(found - expected).max() / largest)
