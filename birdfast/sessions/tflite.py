"""TFLite networks as they are, on one thread, through LiteRT or, where only that exists, tflite-runtime."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..arrays import Array, Float32
from ..config import GraphEnd
from ..errors import ModelError
from ..grafting import networkfile
from ..grafting.bare import Bare
from ..grafting.grafted import warn_without
from ..grafting.roles import (
    EMBEDDING,
    LOGITS,
    SPATIAL_EMBEDDING,
    Wanted,
    further_ends,
    of_a_window,
    roles,
)
from ..grafting.signature import OPEN, Input, Output, the_input
from ..models import Model
from ..runtimes import litert
from .intake import Intake
from .session import Arrays, check_windows
from .wanted import wanted

if TYPE_CHECKING:
    from ..grafting.graph import Graph


class _Network(NamedTuple):
    """A network as the runtime may see it, and what its graph says where there is a schema to read it.

    Attributes
    ----------
    data : bytes
    taken : Input
    stated : dict of int to Output
        What it gives, by tensor.
    own : tuple of int or None
        The outputs of the file, in its order, some perhaps twice; None: all that the runtime tells.
    inner : int or None
        The embedding where the manifest names none.
    """

    data: bytes
    taken: Input
    stated: Mapping[int, Output] = MappingProxyType({})
    own: tuple[int, ...] | None = None
    inner: int | None = None


class TfliteSession:
    """One interpreter with XNNPACK on and a single thread; see `session.Session`.

    A RuntimeWarning says if XNNPACK cannot prepare the network, which then runs without.

    Parameters
    ----------
    model : Model
    shown : Wanted or None
        Which of its outputs are shown; None: those that the model tells.
    sha256 : str
        Of the network that is meant; "" takes what the file holds.
    kept : path or None
        Where it is kept what trials came to, and nobody else writes (`places.trusted`); None keeps nothing.
    """

    batch = 1

    def __init__(
        self, model: Model, shown: Wanted | None = None, *, sha256: str = "", kept: Path | None = None
    ) -> None:
        content, shown = networkfile.content(model.path, sha256), wanted(model) if shown is None else shown
        self._start(_safe(content, model, shown, kept), model, shown, warn_without)

    def _start(self, network: _Network, model: Model, shown: Wanted, told: Callable[[str], None]) -> None:
        self._asked = (network, model, shown)
        self._tensor, self._intake = network.taken.tensor, _intake(network.taken, model)
        self.window_samples = self._intake.window_samples
        silence = _silence(self._intake)
        shapes = {} if silence.shape == network.taken.held else {self._tensor: silence.shape}
        self._interpreter = litert.start(network.data, shapes=shapes, told=told)
        if any(output.n_classes == OPEN for output in network.stated.values()):  # a run shows it
            litert.run(self._interpreter, {self._tensor: silence}, [])
        details = self._interpreter.get_output_details()
        found = _allocated(details, network.stated)
        own = [int(one["index"]) for one in details] if network.own is None else network.own
        self._roles = _roles([(tensor, found[tensor]) for tensor in own], network.inner, shown)
        by_role = {role: found[tensor] for role, tensor in self._roles.items()}
        self.ends_in: GraphEnd = by_role[LOGITS].ends_in
        self.ends = further_ends(by_role)
        sizes = {role: math.prod(output.shape) for role, output in by_role.items()}
        self.outputs: Mapping[str, int] = sizes
        spatial = by_role.get(SPATIAL_EMBEDDING)
        self.spatial_shape = () if spatial is None else of_a_window(spatial.shape)
        self._steps = litert.steps(self._interpreter)

    @property
    def runtime(self) -> str:
        """Name and version of the library that runs it."""
        return litert.version()

    def run(self, windows: Float32) -> Arrays:
        """Score one window: float32 [1, window_samples] to float32 [1, values] for each of `outputs`."""
        check_windows(windows, self)
        fed = {self._tensor: self._intake(windows)}
        found = litert.run(self._interpreter, fed, list(self._roles.values()))
        return {
            role: litert.floats(values, self._steps.get(tensor)).reshape(1, -1)
            for (role, tensor), values in zip(self._roles.items(), found, strict=True)
        }

    def bare(self) -> Bare:
        """Return the network without the interpreter."""
        network, model, _ = self._asked
        given = [int(details["index"]) for details in self._interpreter.get_output_details()]
        of_roles = {role: given.index(tensor) for role, tensor in self._roles.items()}
        return Bare(
            network.data, partial(_intake, network.taken, model), of_roles, 1, [self._intake.shape(1)]
        )

    def twin(self) -> TfliteSession:
        """Return a second session of the same network."""
        made = TfliteSession.__new__(TfliteSession)
        made._start(*self._asked, litert.unsaid)
        return made


def _safe(content: bytes, model: Model, shown: Wanted, kept: Path | None) -> _Network:
    """Return a network that has been tried; as it is where there is no schema of LiteRT to read it."""
    if litert.runtime()[0] != litert.LITERT:
        return _Network(content, the_input([_told(details) for details in litert.inputs(content)]))
    from ..grafting import beginning, ending, original, surgery, verdict

    graph = original.read(content, partial=True)
    if graph.renamed:
        names = ", ".join(sorted(graph.renamed))
        told = f"{names} (TensorFlow's own): computed by TFLite's builtin operators that say the same"
        warnings.warn(told, RuntimeWarning, stacklevel=1)
    taken = the_input(beginning.inputs(graph))
    shape, inner = _silence(_intake(taken, model)).shape, _inner(graph, shown)
    graph.tell_apart()
    data = graph.write() if inner is None else surgery.with_outputs(graph, [inner])
    verdict.check(data, "tflite", [shape], kept, str(model.path))
    own = tuple(map(int, graph.outputs))
    every = own if inner is None else (*own, inner)
    stated = {tensor: ending.output(graph, tensor) for tensor in dict.fromkeys(every)}
    return _Network(data, taken, stated, own, inner)


def _inner(graph: Graph, shown: Wanted) -> int | None:
    """Return the tensor that is an embedding where none is named, if there is one."""
    from ..grafting import ending

    if shown.embedding:
        return None
    with suppress(ModelError):  # what only a run shows, or what will be refused
        place = roles(ending.outputs(graph), shown)[LOGITS]
        return ending.find_embedding(graph, graph.outputs[place])
    return None


def _intake(taken: Input, model: Model) -> Intake:
    told = model.window_samples
    if model.front_end is None and not told:
        longest = max(taken.held, default=0)
        told = longest if longest > 1 else 0
    facts = (told, model.front_end, model.rate_hz, taken.scale, taken.zero_point)
    made = Intake(taken.dtype, taken.shape, *facts)
    if (made.batch or 0) > 1:
        raise ModelError(f"takes {taken}: {made.batch} at a time; birdfast has one to give, or any number")
    return made


def _silence(intake: Intake) -> Array:
    return intake(np.zeros((1, intake.window_samples), np.float32))


def _roles(own: Sequence[tuple[int, Output]], inner: int | None, shown: Wanted) -> dict[str, int]:
    """Return the tensors that are shown, by role, of those that the file gives in its order."""
    places = roles([output for _, output in own], shown)
    found = {role: own[place][0] for role, place in places.items()}
    return found if inner is None else {EMBEDDING: inner} | found


def _allocated(details: Sequence[Mapping[str, Any]], stated: Mapping[int, Output]) -> dict[int, Output]:
    """Return the outputs as the runtime has them, with what the graph says of them beside, by tensor."""
    found = {}
    for one in details:
        tensor, shape = int(one["index"]), tuple(one["shape"].tolist())
        output = Output((one["name"],), np.dtype(one["dtype"]), shape, scale=one["quantization"][0])
        known = stated.get(tensor, output)
        found[tensor] = output._replace(names=known.names, ends_in=known.ends_in, lacks=known.lacks)
    return found


def _told(details: Mapping[str, Any]) -> Input:
    """Return an input as the runtime tells it."""
    held, signature = (tuple(details[key].tolist()) for key in ("shape", "shape_signature"))
    shape = tuple(length if length >= 0 else None for length in signature or held)
    dtype = np.dtype(details["dtype"]).name
    return Input(int(details["index"]), details["name"], dtype, shape, held, *details["quantization"])
