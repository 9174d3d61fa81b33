"""Networks through OpenVINO, where it says what their usual runtime says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .._version import __version__
from ..arrays import Float32
from ..config import Precision
from ..errors import ModelError, ModelMemoryError, ModelRuntimeError
from ..grafting import places, verdict
from ..grafting.bare import Bare
from ..grafting.trial import Verdict
from ..runtimes import openvino
from . import proof
from .batched import BatchedSession
from .batches import Batches, filled, rows
from .session import Arrays, Session, check_windows, is_logits

# Of scores as logits. In bf16 the last digit of a confidence near 1 is worth 4 of a logit that is rounded so:
# what is off by more is no rounding.
TOLERANCES: dict[Precision, float] = {"f32": places.TOLERANCE, "bf16": 4.0}
SPECTRUM = "RFFT2D"  # of TFLite: there is nothing that OpenVINO makes of it
OF_BATCHES: dict[Precision, float] = {"f32": 1e-3, "bf16": 0.1}  # as `batches.TOLERANCE`


class Usual(Session, Protocol):
    """A session by the usual runtime that can say what it runs."""

    def bare(self) -> Bare:
        """Return the network without what runs it."""
        ...


class OpenvinoSession:
    """A network that OpenVINO runs in one thread; see `session.Session`.

    It ran on silence before, in a process of its own, and gave what the usual runtime gives for all that
    rewritten networks are tried on; what came of that is kept. Batches are believed as `batches.Batches` has
    it.

    Parameters
    ----------
    usual : Usual
        The same network, opened by the runtime that it was made for; it is not kept.
    precision : "f32" or "bf16"
    cache : path or None
        Where it is kept what trials came to; None keeps nothing.
    name : str
        What whoever waits for a trial knows the network by.

    Raises
    ------
    ModelError
        OpenVINO is not here, refuses the network, or gives other scores.
    """

    def __init__(
        self,
        usual: Usual,
        precision: Precision = "f32",
        cache: Path | None = None,
        name: str = "the model",
    ) -> None:
        bare = usual.bare()
        data = bare.data if isinstance(bare.data, bytes) else bare.data.read_bytes()
        with _refusals(data, usual):
            verdict.check(data, "openvino", bare.shapes, cache, name)
        self.window_samples, self.batch = usual.window_samples, usual.batch
        self.outputs, self.spatial_shape = usual.outputs, usual.spatial_shape
        self.ends_in, self.ends = usual.ends_in, usual.ends
        self._request: Any = None
        every: tuple[Precision, ...] = ("f32", precision)  # in f32 it is seen whether it is understood
        for numbers in dict.fromkeys(every):
            file_name = _file_name(data, usual, bare, numbers)
            proved = partial(self._proved, usual, bare, data, numbers)
            if error := verdict.known_or_now(cache, file_name, proved):
                raise error
        if self._request is None or self.precision != precision:
            self._start(bare, precision, Batches(tolerance=OF_BATCHES[precision]))

    def _start(self, bare: Bare, precision: Precision, batches: Batches) -> None:
        self._asked = (bare, precision, batches)
        self._request = openvino.start(bare.data, precision)
        self._feed, self._batches = bare.feeder(), batches
        self._run(np.zeros((1, self.window_samples), np.float32))  # the first result of all may be none

    @property
    def runtime(self) -> str:
        """Name and version of the library that runs it."""
        return openvino.version()

    @property
    def precision(self) -> str:
        """What it computes in, as the library says it."""
        return openvino.precision_of(self._request)

    def run(self, windows: Float32) -> Arrays:
        """Score float32 [n, window_samples], n from 1 to `batch`."""
        check_windows(windows, self)
        return self._batches.run(windows, self._run, self._run)

    def twin(self) -> OpenvinoSession:
        """Return a second session of the same network, compiled anew: requests of one wait for each other."""
        made = OpenvinoSession.__new__(OpenvinoSession)
        made.window_samples, made.batch = self.window_samples, self.batch
        made.outputs, made.spatial_shape = self.outputs, self.spatial_shape
        made.ends_in, made.ends = self.ends_in, self.ends
        made._start(*self._asked)
        return made

    def _run(self, windows: Float32) -> Arrays:
        bare, *_ = self._asked
        n, windows = len(windows), filled(windows, bare.room)
        found = openvino.run(self._request, self._feed(windows), list(bare.places.values()))
        said = {role: rows(values, len(windows))[:n] for role, values in zip(bare.places, found, strict=True)}
        if (sizes := {role: values.shape[1] for role, values in said.items()}) != dict(self.outputs):
            raise ModelError(f"openvino gives {sizes} values, not {dict(self.outputs)}")
        return said

    def _proved(self, usual: Session, bare: Bare, data: bytes, precision: Precision) -> Verdict:
        """Say whether it gives what the usual runtime gives."""
        with _refusals(data, usual):
            self._start(bare, precision, Batches(tolerance=OF_BATCHES[precision]))
        found = proof.difference(usual, self)
        if found.as_logits <= TOLERANCES[precision]:
            return Verdict(None)
        what = "scores" if is_logits(found.role) else f"{found.role.replace('_', ' ')}s"
        told = f"openvino gives other {what} for this network, off by up to {found.as_given:.2g}"
        return Verdict(ModelError(f"{told}; use --runtime {_instead(usual)}"))


def _instead(usual: Session) -> str:
    """Return what --runtime calls the runtime that a network was made for."""
    return "onnxruntime" if usual.runtime.startswith("onnxruntime") else "litert"


@contextmanager
def _refusals(data: bytes, usual: Session) -> Iterator[None]:
    """Say of a network that OpenVINO refuses what runs it."""
    try:
        yield
    except (ModelMemoryError, ModelRuntimeError):  # which say nothing about the network
        raise
    except ModelError as error:
        raise ModelError(f"{_refused(data, str(error))}; use --runtime {_instead(usual)}") from error


def _refused(data: bytes, said: str) -> str:
    """Return in words why OpenVINO refuses a network.

    On a spectrogram inside a TFLite network it stumbles here or there, and says so in words of its own.
    """
    if data[4:8] != openvino.TFLITE:
        return said
    from ..grafting.graph import Graph

    graph = Graph.parse(data)
    if SPECTRUM not in map(graph.name, graph.operators):
        return said
    return (
        f"OpenVINO lacks the operator {SPECTRUM}, by which this network makes its spectrogram; birdfast takes"
        " that off where it can, but not with --no-graft"
    )


def _file_name(data: bytes, usual: Session, bare: Bare, precision: str) -> str:
    """Return a file name that changes with anything that changes what a proof comes to."""
    facts = (usual.runtime, openvino.version(), openvino.machine(), __version__, precision)
    asked = hashlib.sha256(repr((facts, dict(bare.places), bare.shapes)).encode()).hexdigest()
    return f"{hashlib.sha256(data).hexdigest()}-{asked[:16]}.proof"


def instead(usual: Session, precision: Precision, cache: Path | None, name: str = "the model") -> Session:
    """Return a session by OpenVINO in the place of one by the usual runtime; errors as `OpenvinoSession`."""
    if isinstance(usual, BatchedSession):
        return usual.through(lambda one: instead(one, precision, cache, name))
    kept = None if cache is None or places.distrust(cache) else cache
    return OpenvinoSession(usual, precision, kept, name)  # type: ignore[arg-type]
