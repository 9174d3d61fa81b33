"""A network in two pieces, ready to run: its front end as tables for our kernels, its body as a .tflite.

`graft` makes them, `cache` keeps them; nothing here needs the library that rewrites graphs.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Array, Float32
from ..config import GraphEnd
from ..errors import ModelError
from ..frontends import compiled
from ..frontends.tables import FrontEnd
from ..runtimes import litert
from .bare import Bare, as_it_is, feed
from .roles import EMBEDDING, LOGITS, SPATIAL_EMBEDDING, of_a_window


@dataclass(frozen=True)
class Proof:
    """What was done to a model, in words and numbers; str() gives the lines that are printed.

    Attributes
    ----------
    operators_before, operators_after : int
        Of the model, and of what is left of it for the runtime.
    front_end : str
        What our kernels or convolutions do in its place (`FrontEnd.words`); "" if none was found.
    largest_difference : float or None
        Of the logits, over all windows (of confidences where only these are seen, as logits); None if nothing
        was compared.
    differences, not_judged : dict of str to float
        The largest of each window; those on windows that no recorder gives count for nothing.
    """

    operators_before: int
    operators_after: int
    front_end: str
    largest_difference: float | None = None
    differences: dict[str, float] = field(default_factory=dict)
    not_judged: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [
            f"front end: {self.front_end or 'none recognised'}",
            f"operators: {self.operators_before} before, {self.operators_after} in the body",
        ]
        if self.largest_difference is not None:
            lines.append(
                f"largest logit difference: {self.largest_difference:.1e} ({_listed(self.differences)})"
            )
        if self.not_judged:
            lines.append(f"not judged, as no recorder gives such sound: {_listed(self.not_judged)}")
        return "\n".join(lines)


def _listed(differences: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.1e}" for name, value in differences.items())


def warn_without(reason: str) -> None:
    """Say that XNNPACK is not used, and why, as a RuntimeWarning: of one place, so that it is shown once."""
    warnings.warn(f"runs without XNNPACK, which is slower: {reason}", RuntimeWarning, stacklevel=1)


@dataclass(frozen=True)
class Grafted:
    """A rewritten model.

    Attributes
    ----------
    body : bytes or path
        A static .tflite, or the file that holds it, that XNNPACK takes whole: from `body_input` to the
        model's own outputs, in their order, and then the embedding if it is none of them.
    front_end : FrontEnd or None
        The tables of what was cut off; None if nothing was recognised and `body` takes the samples.
    batch : int
        Windows at a time.
    body_input : int
        The tensor of `body` that the front end fills.
    scores, embedding : int, int or None
        Tensors of `body` with the model's first output and its embedding: an output that was told, or the
        input of its last FULLY_CONNECTED (None: there is none).
    ends_in : GraphEnd
        What the model has done to its scores last.
    proof : Proof
        That it says what the model says; what is compared is the tensor in front of a closing
        activation, or confidences (`verification.differences`).
    more : dict of str to int
        Tensors of other outputs that are shown, by role.
    ends : dict of str to GraphEnd
        As `ends_in`, of further label spaces, by role.
    """

    body: bytes | Path
    front_end: FrontEnd | None
    batch: int
    body_input: int
    scores: int
    embedding: int | None
    ends_in: GraphEnd
    proof: Proof
    more: Mapping[str, int] = field(default_factory=dict)
    ends: Mapping[str, GraphEnd] = field(default_factory=dict)

    @property
    def tensors(self) -> dict[str, int]:
        """Those that are shown, by role."""
        embedding = {} if self.embedding is None else {EMBEDDING: self.embedding}
        return {LOGITS: self.scores, **embedding, **self.more}

    def session(self, told: Callable[[str], None] = warn_without) -> GraftedSession:
        """Return a session that runs it on one core; `told`, a RuntimeWarning, says if without XNNPACK."""
        return GraftedSession(self, told)


class GraftedSession:
    """Runs a grafted model, one interpreter with one thread; see `sessions.session.Session`.

    Its graph has its batch built in: it takes exactly so many windows, so that one of a batch of 1 keeps all
    of that contract. `sessions.batched` puts the two together. A body in a file of the cache, which was run
    before it was kept, gets its memory with the first windows: of two graphs a short recording needs one.

    Parameters
    ----------
    grafted : Grafted
    told : callable
        See `litert.start`.

    Raises
    ------
    ModelError
        The runtime refuses the body, or it gives no row for each window of its batch.
    """

    def __init__(self, grafted: Grafted, told: Callable[[str], None] = litert.unsaid) -> None:
        self.batch = grafted.batch
        self.grafted = grafted
        self.ends_in, self.ends = grafted.ends_in, grafted.ends
        start, waits = partial(litert.start, grafted.body, told=told), isinstance(grafted.body, Path)
        self._interpreter = litert.opened(grafted.body) if waits else start()
        self._start: Callable[[], Any] | None = start if waits else None
        self._steps = litert.steps(self._interpreter)
        self._shape = self._interpreter.get_input_details()[0]["shape"]
        self._kernel = None if grafted.front_end is None else compiled.kernel(grafted.front_end)
        tensors = grafted.tensors
        self.outputs: Mapping[str, int] = {role: self._output_size(t) for role, t in tensors.items()}
        spatial = [self._output_shape(tensors[role]) for role in {SPATIAL_EMBEDDING} & tensors.keys()]
        self.spatial_shape = of_a_window(spatial[0].tolist(), self.batch) if spatial else ()
        samples = int(np.prod(self._shape)) // self.batch
        self.window_samples = samples if grafted.front_end is None else grafted.front_end.samples
        self._outputs = [*tensors.values()]

    def twin(self) -> GraftedSession:
        """Return a second session of the same network, for another thread.

        The body and the front end's tables are shared; the interpreter and the kernels' memory are its own.
        """
        return GraftedSession(self.grafted)

    def bare(self) -> Bare:
        """Return its body without the interpreter, and what feeds it."""
        shown = [int(details["index"]) for details in self._interpreter.get_output_details()]
        of_roles = {role: shown.index(tensor) for role, tensor in self.grafted.tensors.items()}
        shape, front_end = tuple(self._shape.tolist()), self.grafted.front_end
        feeder = partial(as_it_is, shape) if front_end is None else partial(feed, front_end, shape)
        return Bare(self.grafted.body, feeder, of_roles, self.batch, [shape])

    def _allocate(self) -> None:
        if self._start is not None:
            self._interpreter, self._start = self._start(), None

    def _output_shape(self, tensor: int) -> Array:
        details = self._interpreter.get_output_details()
        return next(d["shape"] for d in details if d["index"] == tensor)

    def _output_size(self, tensor: int) -> int:
        shape = self._output_shape(tensor)
        size, rest = divmod(int(np.prod(shape)), self.batch)
        if rest or not size:
            raise ModelError(f"gives {shape.tolist()}: no row for each of {self.batch} windows")
        return size

    @property
    def runtime(self) -> str:
        """Name and version of the library that runs its body."""
        return litert.version()

    def run(self, windows: Float32) -> dict[str, Float32]:
        """Score windows.

        Parameters
        ----------
        windows : float32 [batch, window_samples], in -1..1
            As many as the batch has.

        Returns
        -------
        dict
            float32 [batch, values] for each role of `outputs`.

        Raises
        ------
        ModelError
            More or fewer windows, or of another length; or the runtime fails.
        """
        if windows.shape != (self.batch, self.window_samples):
            takes = f"{self.batch} of {self.window_samples} samples"
            raise ModelError(f"windows {list(windows.shape)}: this session takes {takes}")
        self.front(windows)
        rows = (values.reshape(self.batch, -1) for values in self.body())
        return dict(zip(self.outputs, rows, strict=True))

    def front(self, windows: Float32) -> None:
        """Make the body's input from float32 [batch, window_samples]."""
        self._allocate()
        # straight into the interpreter's memory; it must not be referred to when the body runs
        target = self._interpreter.tensor(self.grafted.body_input)()
        if self._kernel is None:
            target[...] = windows.reshape(self._shape)
        else:
            self._kernel(windows, target)

    def body(self) -> list[Float32]:
        """Run the body on what `front` made, and return what it shows, in the order of `outputs`.

        Raises
        ------
        ModelError
            The runtime fails.
        """
        found = litert.run(self._interpreter, {}, self._outputs)
        return [
            litert.floats(values, self._steps.get(t)) for t, values in zip(self._outputs, found, strict=True)
        ]


def warn_original(reason: str) -> None:
    """Say that the original is used, and why, as a RuntimeWarning."""
    warnings.warn(f"the original graph is used: {reason}", RuntimeWarning, stacklevel=3)
