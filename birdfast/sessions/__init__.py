"""Sessions: a network, loaded and ready, that turns windows into scores on one core; a file a kind."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..errors import ModelError, ModelMemoryError
from ..grafting.roles import Wanted
from ..models import Kind, Model
from .head import HeadSession
from .session import EMBEDDING, LOGITS, Session, logits_of
from .wanted import wanted


def open_session(
    model: Model, n_classes: int = 0, cache: Path | None = None, more: Sequence[int] = ()
) -> Session:
    """Load a model's network.

    Parameters
    ----------
    model : Model
    n_classes : int
        How many classes the labels name; 0 if they are not known.
    cache : path or None
        Where networks are kept that were rewritten for speed; None runs the original as it is.
    more : sequence of int
        How many classes the labels of further label spaces name; none where they are not known.

    Raises
    ------
    ModelError
        The file is no network for sound, is damaged, or does not fit the labels.
    """
    if model.backbone is not None:
        on = backbone(model)
        return open_head(model, open_session(on, on.n_classes, cache), n_classes, cache, more)
    shown = wanted(model, n_classes, more)
    session = OPENERS[model.kind](model, shown, cache)
    for name, role, n_labels in [
        ("", LOGITS, n_classes),
        *((f"label space {space.name}: ", logits_of(space.name), space.n_classes) for space in shown.more),
    ]:
        if n_labels and session.outputs[role] != n_labels:
            raise ModelError(
                f"{model.path}: {name}scores {session.outputs[role]} classes, but there are {n_labels} labels"
            )
    return session


def backbone(model: Model) -> Model:
    """Return what a head stands on, with the number of its classes if that can be known.

    Raises
    ------
    ModelError
        It is another network than the head was made for, or its file or labels cannot be read.
    """
    on = model.backbone
    assert on is not None
    if model.on_sha256 and (found := on.sha256()) != model.on_sha256:
        raise ModelError(
            f"{model.path}: is a head on a network whose SHA-256 is {model.on_sha256[:12]}..., but {on.path}"
            f" has {found[:12]}..."
        )
    told = on.n_classes or (len(on.class_names()[0]) if on.found else 0)
    return dataclasses.replace(on, n_classes=told)


def open_head(
    model: Model, on: Session, n_classes: int = 0, cache: Path | None = None, more: Sequence[int] = ()
) -> HeadSession:
    """Load a head, and put it on its backbone's session; parameters and errors as `open_session`."""
    alone = dataclasses.replace(model, backbone=None, rate_hz=0, window_samples=on.outputs.get(EMBEDDING, 0))
    head = open_session(alone, n_classes, cache, more)
    with _named(model.path):
        return HeadSession(on, head)


def _tflite(model: Model, shown: Wanted, cache: Path | None) -> Session:
    from ..runtimes import litert
    from .tflite import TfliteSession

    with _named(model.path):
        sound = model.front_end is None
        if cache is not None and sound and litert.runtime()[0] == litert.LITERT:
            from .batched import BatchedSession

            return BatchedSession(model, cache, shown)
        from ..grafting import places

        return TfliteSession(model, shown, kept=cache and places.trusted(cache))


def _onnx(model: Model, shown: Wanted, cache: Path | None) -> Session:
    from .onnx import OnnxSession

    with _named(model.path):
        return OnnxSession(model, shown, cache)


def _stsg(model: Model, shown: Wanted, cache: Path | None) -> Session:
    from .stsg import StsgSession

    return StsgSession(model.path.parent)


def _classifier(model: Model, shown: Wanted, cache: Path | None) -> Session:
    from .classifier import ClassifierSession

    return ClassifierSession(model.path.parent)


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


OPENERS: dict[Kind, Callable[[Model, Wanted, Path | None], Session]] = {
    "tflite": _tflite,
    "onnx": _onnx,
    "stsg": _stsg,
    "head": _classifier,
}
