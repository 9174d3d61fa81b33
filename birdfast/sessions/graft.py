"""A network with its front end taken off and birdfast's kernels grafted on.

optimize(model) -> Grafted (front end as tables, body as a static .tflite)  -> verify -> session
"""

import contextlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..errors import ModelError
from . import compiled, fold, interpreter, trial, validate, verification
from .frontend import Array, FrontEnd
from .graph import Graph, reads
from .recognise import recognise

TOLERANCE = 1e-3


@dataclass(frozen=True)
class Report:
    """What was done to a model, in words and numbers."""

    operators_before: int
    operators_after: int
    front_end: str
    largest_difference: float | None = None
    differences: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [
            f"front end: {self.front_end or 'none recognised'}",
            f"operators: {self.operators_before} before, {self.operators_after} in the body",
        ]
        if self.largest_difference is not None:
            kinds = ", ".join(f"{name} {value:.1e}" for name, value in self.differences.items())
            lines.append(f"largest logit difference: {self.largest_difference:.1e} ({kinds})")
        return "\n".join(lines)


@dataclass(frozen=True)
class Grafted:
    """A rewritten model.

    Attributes
    ----------
    body
        A static .tflite that XNNPACK takes whole: from `body_input` to the model's own outputs, in their
        order, and then the embedding if it was asked for and is not among them.
    front_end
        The tables of what was cut off; None if nothing was recognised and `body` takes the samples.
    batch
        Windows at a time.
    scores, embedding
        Tensors of `body` with the model's first output and the input of its last FULLY_CONNECTED (None:
        there is none). `logits` is the tensor in front of a closing LOGISTIC or SOFTMAX, which is compared.
    """

    body: bytes
    front_end: FrontEnd | None
    batch: int
    body_input: int
    scores: int
    embedding: int | None
    report: Report

    def session(self) -> "Session":
        """A session that runs it on one core."""
        return Session(self)


class Session:
    """Runs a grafted model, one interpreter with one thread; see `sessions.Session`."""

    def __init__(self, grafted: Grafted) -> None:
        self.batch = grafted.batch
        self.grafted = grafted
        self._interpreter = interpreter.start(grafted.body)
        self._shape = self._interpreter.get_input_details()[0]["shape"]
        self._kernel = None if grafted.front_end is None else compiled.kernel(grafted.front_end)
        self.n_classes = int(np.prod(self._output_shape(grafted.scores))) // self.batch
        samples = int(np.prod(self._shape)) // self.batch
        self.window_samples = samples if grafted.front_end is None else grafted.front_end.samples
        self._outputs = [t for t in (grafted.scores, grafted.embedding) if t is not None]

    def _output_shape(self, tensor: int) -> Array:
        details = self._interpreter.get_output_details()
        return next(d["shape"] for d in details if d["index"] == tensor)

    def run(self, windows: Array) -> dict[str, Array]:
        """Score float32 ``[n <= batch, samples]``: ``{"logits": [n, n_classes], "embedding": [n, d]}``."""
        n = len(windows)
        if not 0 < n <= self.batch:
            raise ModelError(f"{n} windows for a session of {self.batch}")
        if n < self.batch:
            rest = np.zeros((self.batch - n, windows.shape[1]), np.float32)
            windows = np.concatenate([windows, rest])
        self.front(windows)
        rows = (values.reshape(self.batch, -1)[:n] for values in self.body())
        return dict(zip(("logits", "embedding"), rows, strict=False))

    def front(self, windows: Array) -> None:
        """Make the body's input from as many windows as the batch has."""
        # straight into the interpreter's memory; it must not be referred to when the body runs
        target = self._interpreter.tensor(self.grafted.body_input)()
        if self._kernel is None:
            target[...] = windows.reshape(self._shape)
        else:
            self._kernel(windows, target)

    def body(self) -> list[Array]:
        """Run the body on what `front` made: logits, and the embedding if it was asked for."""
        return interpreter.run(self._interpreter, {}, self._outputs)


def optimize(
    model: bytes | str | Path, *, batch: int = 1, embedding: bool = True, graft: bool = True
) -> Grafted:
    """Rewrite a TFLite model for speed.

    Parameters
    ----------
    model
        The content of a .tflite file, or its path.
    batch
        Windows at a time: the rewritten graph takes exactly so many.
    embedding
        Make the input of the last FULLY_CONNECTED an output too, at no extra cost.
    graft
        Whether to look for a front end; without, shapes are made static and constants folded.

    Returns
    -------
    Grafted
        Not verified yet: see `verify`.

    Raises
    ------
    ModelError
        The model is damaged, or the runtime cannot run it at this batch.
    """
    original = Graph.parse(content(model))
    validate.check(original)
    try:
        return _rewrite(original, batch, find_embedding(original) if embedding else None, graft)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # a graph that is odd in a way that nobody thought of; it may still run as it is
        raise ModelError(f"cannot be rewritten: {type(error).__name__}: {error}") from error


def _rewrite(original: Graph, batch: int, embedding: int | None, graft: bool) -> Grafted:
    single = fold.freeze(original, 1)
    found = recognise(single) if graft else None
    frozen = single if batch == 1 else fold.freeze(original, batch)
    front_end, cut = (None, frozen.inputs[0]) if found is None else (found.front_end, found.cut)
    outputs = list(frozen.outputs)
    if embedding is not None and embedding not in outputs:
        outputs.append(embedding)
    body = frozen.extract([cut], outputs)
    _as_asked(body, front_end, batch)
    words = "" if front_end is None else front_end.words()
    report = Report(len(original.operators), len(body.operators), words)
    return Grafted(body.write(), front_end, batch, cut, outputs[0], embedding, report)


def _as_asked(body: Graph, front_end: FrontEnd | None, batch: int) -> None:
    """Raise ModelError unless the body's input holds the front end's output for the whole batch."""
    if front_end is None:
        return
    shape = body.shape(body.inputs[0])
    if int(np.prod(shape)) != int(np.prod(front_end.batched(batch))):
        raise ModelError(f"the body's input {shape} does not hold {batch} times {front_end.shape}")


def content(model: bytes | str | Path) -> bytes:
    """The bytes of a model given as such or by its path."""
    if isinstance(model, bytes):
        return model
    try:
        return Path(model).read_bytes()
    except OSError as error:
        raise ModelError(f"{model}: {error.strerror}") from error


def find_embedding(graph: Graph) -> int | None:
    """The input of the last FULLY_CONNECTED that the first output comes from, None if there is none."""
    for i in reversed(graph.needed(graph.outputs[:1])):
        op = graph.operators[i]
        if graph.name(op) == "FULLY_CONNECTED":
            tensor = reads(op)[0]
            return None if graph.is_constant(tensor) or tensor in graph.inputs else tensor
    return None


def verify(
    model: bytes | str | Path, grafted: Grafted, windows: Mapping[str, Array] | None = None
) -> Grafted:
    """Run original and rewritten model on the same windows and compare their logits.

    Parameters
    ----------
    model
        The original.
    grafted
        What `optimize` made of it.
    windows
        More windows, float32 ``[samples]`` by name, such as real audio, beside `verification.signals`.

    Returns
    -------
    Grafted
        The same with a report that holds the largest differences. The original is run as the runtime runs
        it by default, one window at a time.
    """
    original = Graph.parse(content(model))
    validate.check(original)
    body = Graph.parse(grafted.body)
    tensor = verification.find_logits(original)
    shape = fold.input_shape(original, 1)
    trials = {**verification.signals(int(np.prod(shape))), **(windows or {})}
    expected = verification.logits(original, tensor, trials, shape)
    session = Session(replace(grafted, body=verification.with_output(body, tensor), scores=tensor))
    found = [
        session.run(stack)["logits"][: len(names)]
        for names, stack in verification.batches(trials, grafted.batch)
    ]
    differences = verification.differences(trials, expected, np.concatenate(found))
    report = replace(grafted.report, largest_difference=max(differences.values()), differences=differences)
    return replace(grafted, report=report)


def verified(
    model: bytes | str | Path, *, batch: int = 1, embedding: bool = True, tolerance: float = TOLERANCE
) -> Grafted | None:
    """The fastest rewrite of a model that differs by no more than `tolerance`, None if there is none.

    First with the front end grafted, then with static shapes and folded constants alone.
    """
    trial.run(_checked(content(model)))
    worst = []
    for graft in (True, False):
        try:
            found = verify(model, optimize(model, batch=batch, embedding=embedding, graft=graft))
        except ModelError as error:
            worst.append(str(error))
            continue
        difference = found.report.largest_difference
        if difference is not None and difference <= tolerance:
            return found
        worst.append(f"logits differ by {difference:.1e}, tolerance {tolerance:.1e}")
        if found.front_end is None:
            break
    warn_original("; ".join(worst))
    return None


def cached(
    model: bytes | str | Path,
    folder: Path,
    *,
    batch: int = 1,
    embedding: bool = True,
    tolerance: float = TOLERANCE,
) -> Grafted | None:
    """`verified`, from the cache if this model was rewritten before.

    Parameters
    ----------
    folder
        Where rewritten models are kept; made if it is missing (see `models.cache_folder`).

    Returns
    -------
    Grafted or None
        None: nothing that helps agrees with the original, which is then to be run (a RuntimeWarning says so).
    """
    from . import cache

    data = content(model)
    path = folder / cache.name(data, batch, embedding, tolerance)
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        return _or_warn(cache.read(path))
    with cache.alone(path):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            return _or_warn(cache.read(path))  # made by another process while this one waited
        grafted = verified(data, batch=batch, embedding=embedding, tolerance=tolerance)
        cache.write(path, grafted)
    return grafted


def _or_warn(grafted: Grafted | None) -> Grafted | None:
    if grafted is None:
        warn_original("rewriting it was refused before")
    return grafted


def _checked(data: bytes) -> bytes:
    """A model's bytes written anew, after its graph was checked."""
    graph = Graph.parse(data)
    validate.check(graph)
    return graph.write()


def check(model: bytes | str | Path) -> bytes:
    """Bytes that are safe to hand to the runtime, for running a model as it is (``--no-graft``).

    Raises
    ------
    ModelError
        The file is no model, damaged, hostile, or one that the runtime cannot run.
    """
    data = _checked(content(model))
    trial.run(data)
    return data


def warn_original(reason: str) -> None:
    """Say that the original is used, and why."""
    warnings.warn(f"the original graph is used: {reason}", RuntimeWarning, stacklevel=3)
