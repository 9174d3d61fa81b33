"""What trials of models came to: none is tried twice with the same runtime."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from .. import sources
from .._version import __version__
from ..errors import ConfigError, ModelError
from ..runtimes import litert, onnx, openvino
from . import kept, places, trial
from .trial import Verdict

VERSIONS = {"tflite": litert.version, "onnx": onnx.version, "openvino": openvino.version}
FINE = "fine"
MOST_BYTES = 10_000


def check(
    data: bytes,
    runtime: str,
    shapes: Sequence[Sequence[int]],
    folder: Path | None,
    name: str = "the model",
    sha256: str = "",
) -> None:
    """Refuse a model that a trial refused, now or before.

    What says nothing about the model, as too little memory or no runtime, is not kept.

    Parameters
    ----------
    data, runtime, shapes, name
        As `trial.attempt`.
    folder : path or None
        Where verdicts are kept, and nobody else writes (`places.trusted`); None keeps none.
    sha256 : str
        Of the data, where that is known.

    Raises
    ------
    ModelError
        The runtime refuses it, crashes on it, or takes longer than 2 minutes; as a ModelMemoryError, it
        needs too much memory.
    """
    if VERSIONS[runtime]() == "none":  # of a runtime that nobody knows
        folder = None
    attempt = partial(trial.attempt, data, runtime, shapes, name)
    if folder is not None:
        sha256 = sha256 or hashlib.sha256(data).hexdigest()
    file_name = "" if folder is None else _file_name(sha256, runtime, shapes)
    if error := known_or_now(folder, file_name, attempt):
        raise error


def known_or_now(folder: Path | None, file_name: str, attempt: Callable[[], Verdict]) -> ModelError | None:
    """Return what a trial came to before, or else now, if no other process tries the same just then.

    Parameters
    ----------
    folder : path or None
        As `check`.
    file_name : str
        It changes with anything that changes what the trial comes to.
    attempt : callable
        The trial itself.
    """
    if folder is None:
        return attempt().error
    path = folder / file_name
    return kept.once(path, partial(_read, path), partial(_made, path, attempt))


def _made(path: Path, attempt: Callable[[], Verdict]) -> ModelError | None:
    """Try the model now, and keep what comes of it if it lasts; a full disk only costs another trial."""
    found = attempt()
    if found.lasts:
        with contextlib.suppress(OSError, ConfigError):
            kept.make(path.parent)
            kept.replace(path, f"{path.name}\n{FINE if found.error is None else found.error}".encode())
    return found.error


def _read(path: Path) -> ModelError | None:
    """Return a verdict that is kept; errors as `kept.once` takes them."""
    if reason := places.distrust(path):
        raise ValueError(reason)
    name, _, verdict = sources.text(path, ModelError, MOST_BYTES).partition("\n")
    if name != path.name or not verdict:
        raise ValueError("another model's")
    return None if verdict == FINE else ModelError(verdict)


def _file_name(sha256: str, runtime: str, shapes: Sequence[Sequence[int]]) -> str:
    """Return a file name that changes with anything that changes what a trial comes to."""
    told = [VERSIONS[runtime](), *([openvino.machine()] if runtime == "openvino" else [])]
    asked = hashlib.sha256(repr((*told, [tuple(shape) for shape in shapes])).encode())
    return f"{sha256}-{__version__}-{asked.hexdigest()[:16]}.trial"
