"""A model of spectrogram tokens becomes one file (.bft), which the C library reads without birdfast."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import _kernels, modelfolder, models
from ..atomicfile import AtomicFile
from ..config import path as checked_path
from ..errors import ConfigError, ModelError
from ..models import Model
from ..sessions.session import LOGITS
from ..sessions.stsg import StsgSession
from ..stsg import portable
from .output import AGAIN, check_new, output_folder, telling

SUFFIX = ".bft"


class Written(NamedTuple):
    """A model that was written.

    Attributes
    ----------
    path : path
    classes : tuple of str
    window_s : float
    rate_hz : int
    """

    path: Path
    classes: tuple[str, ...]
    window_s: float
    rate_hz: int


def is_meant(model: Model) -> bool:
    """Return whether a model is one of spectrogram tokens, which becomes such a file."""
    return model.kind == "stsg"


def export(
    model_folder: str | os.PathLike[str], path: str | os.PathLike[str], *, force: bool = False
) -> Written:
    """Write a model of spectrogram tokens as one file, once it is read and says the same to the bit.

    Parameters
    ----------
    model_folder : path
        That `birdfast train` wrote; or its name.
    path : path
        The file, a name that ends with .bft.
    force : bool
        Replace what is there.

    Raises
    ------
    ModelError
        It is no such model, or cannot be used.
    ConfigError
        The file is there, is read, or cannot be made.
    OutputError
        Its disk takes no more.
    """
    model, path = models.find(model_folder), Path(checked_path("path", path))
    if not is_meant(model):
        raise ModelError(
            f"{model.path}: is no model of spectrogram tokens: a {SUFFIX} is made of those alone"
        )
    if path.suffix.lower() != SUFFIX:
        raise ConfigError(f"{path}: does not fit; it takes a name that ends with {SUFFIX}")
    check_new(path, model.files, force=force)
    output_folder(path.parent)
    session, classes = StsgSession(model.path.parent), modelfolder.facts(model.path.parent)["classes"]
    content = portable.file(session.whole, classes, model.thresholds, model.activation)
    _compare(path, session, content)
    with telling(path.parent, AGAIN), AtomicFile(path, mode="wb") as file:
        file.stream.write(content)
    return Written(path, tuple(classes), session.window_samples / session.rate_hz, session.rate_hz)


def _compare(path: Path, session: StsgSession, content: bytes) -> None:
    made = _kernels.Stsg.read(content)
    noise = np.random.default_rng(0).standard_normal((2, session.window_samples))
    windows = (noise / 8).astype(np.float32)
    logits = np.empty((2, made.n_classes), np.float32)
    made.score(windows, logits, np.empty((2, made.n_embedding), np.float32), made.scratch())
    if logits.tobytes() != session.run(windows)[LOGITS].tobytes():
        raise ModelError(f"{path}: says something else than the model")
