"""Sessions: a network, loaded and ready, that turns windows into scores on one core; a file a kind."""

from __future__ import annotations

from pathlib import Path

from .. import modelfolder
from ..errors import ModelError
from .session import Session


def open_session(path: Path, *, output: str = "", n_classes: int = 0, cache: Path | None = None) -> Session:
    """Load the network in `path`.

    Parameters
    ----------
    path : path
        A .tflite file, or the manifest of a trained model (model.toml).
    output : str
        Part of the name of the output that holds the scores, where there are several.
    n_classes : int
        How many classes the labels name; 0 if they are not known.
    cache : path or None
        Where networks are kept that were rewritten for speed; None runs the original as it is.

    Raises
    ------
    ModelError
        The file is no network for sound, is damaged, or does not fit the labels.
    """
    session: Session
    if path.name == modelfolder.MANIFEST:
        from .stsg import StsgSession

        session = StsgSession(path.parent)
    else:
        session = _network(path, output, n_classes, cache)
    if n_classes and session.n_classes != n_classes:
        raise ModelError(f"{path}: scores {session.n_classes} classes, but there are {n_classes} labels")
    return session


def _network(path: Path, output: str, n_classes: int, cache: Path | None) -> Session:
    from ..runtimes import litert
    from . import tflite

    try:
        if cache is not None and litert.runtime()[0] == litert.LITERT:
            from .batched import BatchedSession

            return BatchedSession(path, cache, output=output, n_classes=n_classes)
        return tflite.TfliteSession(path, output=output, n_classes=n_classes)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
