"""Sessions: a network, loaded and ready, that turns windows into scores on one core; a file a kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ModelError, ModelMemoryError
from ..models import Kind, Model
from .session import LOGITS, Session


def open_session(model: Model, n_classes: int = 0, cache: Path | None = None) -> Session:
    """Load a model's network.

    Parameters
    ----------
    model : Model
    n_classes : int
        How many classes the labels name; 0 if they are not known.
    cache : path or None
        Where networks are kept that were rewritten for speed; None runs the original as it is.

    Raises
    ------
    ModelError
        The file is no network for sound, is damaged, or does not fit the labels.
    """
    session = OPENERS[model.kind](model, n_classes, cache)
    if n_classes and session.outputs[LOGITS] != n_classes:
        raise ModelError(
            f"{model.path}: scores {session.outputs[LOGITS]} classes, but there are {n_classes} labels"
        )
    return session


def _tflite(model: Model, n_classes: int, cache: Path | None) -> Session:
    from ..runtimes import litert
    from .tflite import TfliteSession

    with _named(model.path):
        sound = model.front_end is None
        if cache is not None and sound and litert.runtime()[0] == litert.LITERT:
            from .batched import BatchedSession

            return BatchedSession(model, cache, n_classes)
        return TfliteSession(model, n_classes)


def _onnx(model: Model, n_classes: int, cache: Path | None) -> Session:
    from .onnx import OnnxSession

    with _named(model.path):
        return OnnxSession(model, n_classes, cache)


def _stsg(model: Model, n_classes: int, cache: Path | None) -> Session:
    from .stsg import StsgSession

    return StsgSession(model.path.parent)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let what is wrong with a network name its file."""
    try:
        yield
    except MemoryError as error:
        raise ModelMemoryError(f"{path}: too little memory to open it") from error
    except ModelError as error:
        reason = str(error).removeprefix(f"{path}: ")  # who could not read it has named it
        raise type(error)(f"{path}: {reason}") from error


OPENERS: dict[Kind, Callable[[Model, int, Path | None], Session]] = {
    "tflite": _tflite,
    "onnx": _onnx,
    "stsg": _stsg,
}
