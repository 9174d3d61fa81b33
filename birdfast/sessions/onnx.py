"""ONNX networks, on one thread, through ONNX Runtime."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np

from ..arrays import Float32
from ..errors import ModelError
from ..grafting.onnxgraph import OnnxGraph
from ..grafting.signature import scores_output
from ..models import Model
from ..runtimes import onnx
from .intake import Intake
from .session import EMBEDDING, LOGITS, Arrays, check_windows

BATCH = 4  # where any number goes
TOLERANCE = 1e-3  # of a batch's logits, to those of its windows alone


class OnnxSession:
    """One session of ONNX Runtime; see `session.Session`.

    A batch of a length that has not been run yet is run window by window, too, and where the two differ the
    network is run window by window from then on.

    Parameters
    ----------
    model : Model
    n_classes : int
        0: not known.
    """

    def __init__(self, model: Model, n_classes: int = 0) -> None:
        graph = OnnxGraph(model.path)
        declared = graph.outputs
        place = scores_output(declared, model.output, n_classes)
        logits = declared[place].names[0]
        inner = _named(model.embedding, [output.names[0] for output in declared]) or graph.before_matrix(
            logits
        )
        roles = {LOGITS: logits} | ({EMBEDDING: inner} if inner else {})
        self.ends_in = declared[place].ends_in
        self._start(graph.with_output(inner or logits), roles, model)

    def _start(self, data: bytes, roles: Mapping[str, str], model: Model) -> None:
        self._asked = (data, roles, model)
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
        self._proved, self._roles = {1}, dict(roles)
        silence = self._run(np.zeros((1, self.window_samples), np.float32))
        self.outputs: Mapping[str, int] = {role: silence[role].shape[1] for role in self._roles}

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
            apart = np.abs(together[LOGITS] - alone[LOGITS]).max()
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
        made.ends_in = self.ends_in
        return made

    def _run(self, windows: Float32) -> Arrays:
        n, room = len(windows), self._intake.batch or 0
        if n < room:  # it takes so many, no more and no less
            windows = np.concatenate([windows, np.zeros((room - n, self.window_samples), np.float32)])
        found = onnx.run(self._session, {self._name: self._intake(windows)}, list(self._roles.values()))
        return {
            role: np.asarray(values, np.float32).reshape(len(windows), -1)[:n]
            for role, values in zip(self._roles, found, strict=True)
        }

    def _one_by_one(self, windows: Float32) -> Arrays:
        parts = [self._run(window) for window in windows[:, None]]
        return {role: np.concatenate([part[role] for part in parts]) for role in parts[0]}


def _named(name: str, outputs: Sequence[str]) -> str:
    if name and name not in outputs:
        raise ModelError(f"has no output {name}; it has {', '.join(outputs)}")
    return name
