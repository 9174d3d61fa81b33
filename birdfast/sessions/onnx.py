"""ONNX networks, on one thread, through ONNX Runtime."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Array, Float32
from ..config import GraphEnd
from ..grafting import onnxcache, onnxgraft, places, verdict
from ..grafting.bare import Bare, Feed, feed
from ..grafting.onnxgraft import AS_IT_IS, Asked, OnnxGrafted
from ..grafting.onnxgraph import OnnxGraph
from ..grafting.roles import Wanted, further_ends, of_a_window, roles
from ..grafting.signature import Output, the_input
from ..models import Model
from ..runtimes import onnx
from .batches import Batches, filled, rows
from .intake import Intake
from .session import EMBEDDING, LOGITS, SPATIAL_EMBEDDING, Arrays, check_windows
from .wanted import wanted

BATCH = 4  # where any number goes


class OnnxSession:
    """One session of ONNX Runtime; see `session.Session`.

    Where our kernels compute the network's front end, it runs what is behind that. The network ran on silence
    before, in a process of its own. Batches are believed as `batches.Batches` has it.

    Parameters
    ----------
    model : Model
    asked : Wanted or None
        Which of its outputs are shown; None: those that the model tells.
    cache : path or None
        Where it is kept what trials came to, and networks that were rewritten for speed; None keeps nothing,
        and runs the network as it is.

    Attributes
    ----------
    grafted : OnnxGrafted
        What was done to the network.
    """

    def __init__(self, model: Model, asked: Wanted | None = None, cache: Path | None = None) -> None:
        graph = OnnxGraph(model.path)
        taken, declared = the_input(graph.inputs), graph.outputs
        places_of = roles(declared, wanted(model) if asked is None else asked)
        shown = {role: declared[place] for role, place in places_of.items()}
        names = {role: output.names[0] for role, output in shown.items()}
        inner = names.get(EMBEDDING) or graph.before_matrix(names[LOGITS])
        names |= {EMBEDDING: inner} if inner else {}
        intake = _intake(taken, model)
        data = graph.with_outputs([*names.values()])
        del graph  # the weights are in memory often enough
        folder = cache and places.trusted(cache)
        sha256 = "" if folder is None else hashlib.sha256(data).hexdigest()  # once: it may be large
        verdict.check(data, "onnx", _shapes(intake), folder, str(model.path), sha256)
        grafted = AS_IT_IS
        if cache is not None and model.front_end is None and taken.dtype == "float32":
            ends = {role: output.ends_in for role, output in shown.items()}
            asked_of = Asked(taken.name, intake.shape(1), intake.batch, names, ends)
            grafted = onnxcache.cached(data, asked_of, model.sha256(), folder, data_sha256=sha256)
        grafted = replace(grafted, unfit=_unfit(model, taken.dtype, intake.batch))
        if cache is not None and model.front_end is None:
            onnxgraft.warn(grafted)
        session = onnx.start(data if grafted.front_end is None else grafted.body)
        self._start(session, names, (taken, model), shown, Batches(), grafted)

    def _start(
        self,
        session: Any,
        names: Mapping[str, str],
        asked: tuple[onnx.Tensor, Model],
        shown: Mapping[str, Output],
        batches: Batches,
        grafted: OnnxGrafted,
    ) -> None:
        self._asked = (session, names, asked, shown, batches, grafted)
        self.grafted, self._intake = grafted, _intake(*asked)
        self._feed: Feed = self._intake if grafted.front_end is None else feed(grafted.front_end)
        self._session, self._names, self._batches = session, names, batches
        self.ends_in: GraphEnd = shown[LOGITS].ends_in
        self.ends = further_ends(shown)
        self._input = grafted.source or asked[0].name
        self.window_samples = self._intake.window_samples
        self.batch = BATCH if self._intake.batch is None else max(1, self._intake.batch)
        silence = np.zeros((max(1, self._intake.batch or 0), self.window_samples), np.float32)
        said = self._said(silence)
        sizes = {role: rows(values, len(silence)).shape[1] for role, values in said.items()}
        self.outputs: Mapping[str, int] = sizes
        spatial = said.get(SPATIAL_EMBEDDING)
        self.spatial_shape = () if spatial is None else of_a_window(spatial.shape, len(silence))

    @property
    def runtime(self) -> str:
        """Name and version of the library that runs it."""
        return onnx.version()

    @property
    def is_rewritten(self) -> bool:
        """Whether our kernels compute its front end."""
        return self.grafted.front_end is not None

    def run(self, windows: Float32) -> Arrays:
        """Score float32 [n, window_samples], n from 1 to `batch`."""
        check_windows(windows, self)
        return self._batches.run(windows, self._run, self._run)

    def bare(self) -> Bare:
        """Return the network without ONNX Runtime, read once more: it would be in memory twice."""
        taken, model = self._asked[2]
        front_end, shapes = self.grafted.front_end, _shapes(self._intake)
        data = self.grafted.body
        feeder: Callable[[], Feed] = partial(_intake, taken, model)
        if front_end is None:
            data = OnnxGraph(model.path).with_outputs([*self._names.values()])
        else:
            feeder = partial(feed, front_end)
            shapes = [front_end.batched(n) for n in ((1, BATCH) if self._intake.batch is None else (1,))]
        given = onnx.outputs(self._session)
        of_roles = {role: given.index(name) for role, name in self._names.items()}
        return Bare(data, feeder, of_roles, self._intake.batch or 0, shapes)

    def twin(self) -> OnnxSession:
        """Return a second session of the same network: ONNX Runtime's own serves any number of threads."""
        made = OnnxSession.__new__(OnnxSession)
        made._start(*self._asked)
        return made

    def _run(self, windows: Float32) -> Arrays:
        n, windows = len(windows), filled(windows, self._intake.batch or 0)
        return {role: rows(values, len(windows))[:n] for role, values in self._said(windows).items()}

    def _said(self, windows: Float32) -> dict[str, Array]:
        """Return what the network gives, in its own shapes."""
        found = onnx.run(self._session, {self._input: self._feed(windows)}, list(self._names.values()))
        return dict(zip(self._names, found, strict=True))


def _intake(taken: onnx.Tensor, model: Model) -> Intake:
    return Intake(taken.dtype, taken.shape, model.window_samples, model.front_end, model.rate_hz)


def _unfit(model: Model, dtype: str, batch: int | None) -> str:
    """Return why a network has no front end that could be computed in its place; "" if it may have one."""
    if model.front_end is not None:
        return "it takes pictures"
    if dtype != "float32":
        return f"it takes {dtype}"
    return "" if batch in (None, 0, 1) else f"it always takes {batch} windows"


def _shapes(intake: Intake) -> list[tuple[int, ...]]:
    """Return the shapes of silence for a trial: one window, and as many as are run at once."""
    if intake.batch is None:
        return [intake.shape(1), intake.shape(BATCH)]
    return [intake.shape(intake.batch)]
