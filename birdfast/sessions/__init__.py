"""Sessions: a network, loaded and ready, that turns windows into scores on one core; a file a kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..errors import ModelError, ModelMemoryError
from ..models import Kind
from .session import LOGITS, Session


def open_session(
    path: Path, kind: Kind = "tflite", *, output: str = "", n_classes: int = 0, cache: Path | None = None
) -> Session:
    """Load a model's network.

    Parameters
    ----------
    path : path
        A .tflite file, or the manifest of a trained model (model.toml).
    kind : "tflite" or "stsg"
        See `models.Model`.
    output : str
        The name of the output that holds the scores, where there are several; a part of it will do, if no
        other has that part.
    n_classes : int
        How many classes the labels name; 0 if they are not known.
    cache : path or None
        Where networks are kept that were rewritten for speed; None runs the original as it is.

    Raises
    ------
    ModelError
        The file is no network for sound, is damaged, or does not fit the labels.
    """
    session = OPENERS[kind](path, output, n_classes, cache)
    if n_classes and session.outputs[LOGITS] != n_classes:
        raise ModelError(
            f"{path}: scores {session.outputs[LOGITS]} classes, but there are {n_classes} labels"
        )
    return session


def _tflite(path: Path, output: str, n_classes: int, cache: Path | None) -> Session:
    from ..runtimes import litert
    from .tflite import TfliteSession

    try:
        if cache is not None and litert.runtime()[0] == litert.LITERT:
            from .batched import BatchedSession

            return BatchedSession(path, cache, output=output, n_classes=n_classes)
        return TfliteSession(path, output=output, n_classes=n_classes)
    except MemoryError as error:
        raise ModelMemoryError(f"{path}: too little memory to open it") from error
    except ModelError as error:
        reason = str(error).removeprefix(f"{path}: ")  # who could not read it has named it
        raise type(error)(f"{path}: {reason}") from error


def _stsg(path: Path, output: str, n_classes: int, cache: Path | None) -> Session:
    from .stsg import StsgSession

    return StsgSession(path.parent)


OPENERS: dict[Kind, Callable[[Path, str, int, Path | None], Session]] = {"tflite": _tflite, "stsg": _stsg}
