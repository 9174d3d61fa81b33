"""ONNX networks, on one thread, through ONNX Runtime."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..arrays import Float32
from ..errors import ModelError
from ..frontends.recipe import Recipe
from ..grafting.onnxgraph import OnnxGraph
from ..grafting.signature import scores_output
from ..runtimes import onnx
from .intake import Intake
from .session import EMBEDDING, LOGITS, Arrays, check_windows

BATCH = 4  # where any number goes
TOLERANCE = 1e-3  # of a batch's logits, to those of its windows alone


class Facts(NamedTuple):
    """What a model's facts tell of the sound: 0 and None where they do not."""

    window_samples: int = 0
    recipe: Recipe | None = None
    rate_hz: int = 0


class OnnxSession:
    """One session of ONNX Runtime; see `session.Session`.

    A batch of a length that has not been run yet is run window by window, too, and where the two differ the
    network is run window by window from then on.

    Parameters
    ----------
    path : path
    output, embedding : str
        Names of outputs; "": the one that fits, and what the last matrix is multiplied with.
    n_classes : int
    window_samples, rate_hz : int
        What the model's facts tell; 0: nothing.
    recipe : Recipe or None
        The picture that it takes.
    """

    def __init__(
        self,
        path: Path,
        *,
        output: str = "",
        embedding: str = "",
        n_classes: int = 0,
        window_samples: int = 0,
        rate_hz: int = 0,
        recipe: Recipe | None = None,
    ) -> None:
        graph = OnnxGraph(path)
        declared = graph.outputs
        logits, _ = declared[scores_output(declared, output, n_classes)]
        inner = _named(embedding, [name for name, _ in declared]) or graph.before_matrix(logits)
        roles = {LOGITS: logits} | ({EMBEDDING: inner} if inner else {})
        data = graph.with_output(inner or logits)
        self._start(data, roles, Facts(window_samples, recipe, rate_hz))

    def _start(self, data: bytes, roles: Mapping[str, str], facts: Facts) -> None:
        self._asked = (data, roles, facts)
        self._session = onnx.start(data)
        taken = onnx.inputs(self._session)
        if len(taken) != 1:
            raise ModelError(f"has {len(taken)} inputs; a network for sound has one")
        self._name, self._intake = taken[0].name, Intake(taken[0].dtype, taken[0].shape, *facts)
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
