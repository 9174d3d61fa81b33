"""ONNX networks, on one thread, through ONNX Runtime."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Array, Float32
from ..config import GraphEnd
from ..errors import ModelError
from ..grafting import places, verdict
from ..grafting.onnxgraph import OnnxGraph
from ..grafting.roles import Wanted, further_ends, of_a_window, roles
from ..grafting.signature import Output
from ..models import Model
from ..runtimes import onnx
from .intake import Intake
from .session import EMBEDDING, LOGITS, SPATIAL_EMBEDDING, Arrays, check_windows
from .wanted import wanted

BATCH = 4  # where any number goes
TOLERANCE = 1e-3  # of a batch's outputs, to those of its windows alone; of the largest, where that is above 1


class _Batches:
    """What is known of batches, by all sessions of one network.

    Attributes
    ----------
    proved : set of int
        Lengths of batches that gave what their windows give alone.
    mix : bool
        A batch did not.
    """

    def __init__(self) -> None:
        self.proved, self.mix = {1}, False


class OnnxSession:
    """One session of ONNX Runtime; see `session.Session`.

    It ran on silence before, in a process of its own. Windows are run one by one until a batch of so many
    differ, none of them silent. That one is run both ways; where the two say other things, all batches are
    run window by window from then on.

    Parameters
    ----------
    model : Model
    asked : Wanted or None
        Which of its outputs are shown; None: those that the model tells.
    cache : path or None
        Where it is kept what trials came to; None keeps nothing.
    """

    def __init__(self, model: Model, asked: Wanted | None = None, cache: Path | None = None) -> None:
        graph = OnnxGraph(model.path)
        taken, declared = _only_input(graph), graph.outputs
        places_of = roles(declared, wanted(model) if asked is None else asked)
        shown = {role: declared[place] for role, place in places_of.items()}
        names = {role: output.names[0] for role, output in shown.items()}
        inner = names.get(EMBEDDING) or graph.before_matrix(names[LOGITS])
        names |= {EMBEDDING: inner} if inner else {}
        intake = _intake(taken, model)
        data = graph.with_outputs([*names.values()])
        del graph  # the weights are in memory often enough
        verdict.check(data, "onnx", _shapes(intake), cache and places.trusted(cache), str(model.path))
        self._start(onnx.start(data), names, (taken, model), shown, _Batches())

    def _start(
        self,
        session: Any,
        names: Mapping[str, str],
        asked: tuple[onnx.Tensor, Model],
        shown: Mapping[str, Output],
        batches: _Batches,
    ) -> None:
        self._asked = (session, names, asked, shown, batches)
        self._session, self._names, self._batches = session, names, batches
        self.ends_in: GraphEnd = shown[LOGITS].ends_in
        self.ends = further_ends(shown)
        self._input, self._intake = asked[0].name, _intake(*asked)
        self.window_samples = self._intake.window_samples
        self.batch = BATCH if self._intake.batch is None else max(1, self._intake.batch)
        silence = np.zeros((max(1, self._intake.batch or 0), self.window_samples), np.float32)
        said = self._said(silence)
        sizes = {role: _rows(values, len(silence)).shape[1] for role, values in said.items()}
        self.outputs: Mapping[str, int] = sizes
        spatial = said.get(SPATIAL_EMBEDDING)
        self.spatial_shape = () if spatial is None else of_a_window(spatial.shape, len(silence))

    @property
    def runtime(self) -> str:
        """Name and version of the library that runs it."""
        return onnx.version()

    def run(self, windows: Float32) -> Arrays:
        """Score float32 [n, window_samples], n from 1 to `batch`."""
        check_windows(windows, self)
        known, n = self._batches, len(windows)
        if n in known.proved and not known.mix:
            return self._run(windows)
        alone = self._one_by_one(windows)
        if known.mix or not _would_tell(windows):
            return alone
        together = self._run(windows)
        if all(_agree(together[role], alone[role]) for role in together):
            known.proved.add(n)
            return together
        known.mix = True
        warnings.warn(f"{n} windows at once give other scores: run one by one", RuntimeWarning, 2)
        return alone

    def twin(self) -> OnnxSession:
        """Return a second session of the same network: ONNX Runtime's own serves any number of threads."""
        made = OnnxSession.__new__(OnnxSession)
        made._start(*self._asked)
        return made

    def _run(self, windows: Float32) -> Arrays:
        n, room = len(windows), self._intake.batch or 0
        if n < room:  # it takes so many, no more and no less
            windows = np.concatenate([windows, np.zeros((room - n, self.window_samples), np.float32)])
        return {role: _rows(values, len(windows))[:n] for role, values in self._said(windows).items()}

    def _said(self, windows: Float32) -> dict[str, Array]:
        """Return what the network gives, in its own shapes."""
        found = onnx.run(self._session, {self._input: self._intake(windows)}, list(self._names.values()))
        return dict(zip(self._names, found, strict=True))

    def _one_by_one(self, windows: Float32) -> Arrays:
        parts = [self._run(window) for window in windows[:, None]]
        return {role: np.concatenate([part[role] for part in parts]) for role in parts[0]}


def _only_input(graph: OnnxGraph) -> onnx.Tensor:
    inputs = graph.inputs
    if len(inputs) != 1:
        raise ModelError(f"has {len(inputs)} inputs; a network for sound has one")
    return inputs[0]


def _intake(taken: onnx.Tensor, model: Model) -> Intake:
    return Intake(taken.dtype, taken.shape, model.window_samples, model.front_end, model.rate_hz)


def _shapes(intake: Intake) -> list[tuple[int, ...]]:
    """Return the shapes of silence for a trial: one window, and as many as are run at once."""
    if intake.batch is None:
        return [intake.shape(1), intake.shape(BATCH)]
    return [intake.shape(intake.batch)]


def _rows(values: Array, n: int) -> Float32:
    """Return what an output gives as one row for each of n windows.

    Raises
    ------
    ModelError
        It gives something else.
    """
    if values.size % n or values.size == 0 or values.dtype.kind not in "fiu":
        raise ModelError(f"gives {values.dtype} {list(values.shape)} for {n} windows")
    return np.asarray(values, np.float32).reshape(n, -1)


def _would_tell(windows: Float32) -> bool:
    """Whether a batch would show that its windows get mixed: none of them is silent, or another's twin."""
    return bool(windows.any(axis=1).all()) and len(np.unique(windows, axis=0)) == len(windows)


def _agree(some: Float32, others: Float32) -> bool:
    """Whether numbers are nearly the same; those that are none at the same places."""
    if some.shape != others.shape:
        return False
    known = np.isfinite(others)
    if not np.array_equal(known, np.isfinite(some)) or not known.any():
        return bool(np.array_equal(known, np.isfinite(some)))
    most = max(1.0, float(np.abs(others[known]).max()))
    return bool(np.abs(some[known] - others[known]).max() <= TOLERANCE * most)
