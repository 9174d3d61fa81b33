"""Sessions: a network, loaded and ready, that turns windows into scores on one core; a file a kind."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..config import AUTO, Engine, Runtime
from ..errors import ConfigError, ModelError, ModelMemoryError
from ..grafting.roles import Wanted
from ..models import Kind, Model
from .head import HeadSession
from .session import EMBEDDING, LOGITS, Session, logits_of
from .wanted import wanted

if TYPE_CHECKING:
    from .joined import JoinedSession


def open_session(
    model: Model,
    n_classes: int = 0,
    cache: Path | None = None,
    more: Sequence[int] = (),
    engine: Engine = AUTO,
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
    engine : Engine
        What is to run it.

    Raises
    ------
    ModelError
        The file is no network for sound, is damaged, or does not fit the labels; or the engine gives other
        scores than the usual one.
    ConfigError
        The engine runs no networks of its kind.
    """
    if model.backbone is not None:
        on = backbone(model)
        below = open_session(on, on.n_classes, cache, (), engine)
        return open_head(model, below, n_classes, cache, more, engine)
    if model.parts:
        return _joined(model, cache, engine)
    shown = wanted(model, n_classes, more)
    _check(engine, model)
    session = _by(engine, OPENERS[model.kind](model, shown, cache), model, cache)
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
    for one, meant in zip(model.below, model.on_sha256, strict=False):  # it may tell none
        if (found := one.sha256()) != meant:
            raise ModelError(
                f"{model.path}: is a head on a network whose SHA-256 is {meant[:12]}..., but {one.path}"
                f" has {found[:12]}..."
            )
    return _counted(on)


def _counted(on: Model) -> Model:
    """Return a network, or several that are joined, with the number of its classes."""
    if on.parts:
        return dataclasses.replace(on, parts=tuple(map(_counted, on.parts)))
    told = on.n_classes or (len(on.class_names()[0]) if on.found else 0)
    return dataclasses.replace(on, n_classes=told)


def open_head(
    model: Model,
    on: Session,
    n_classes: int = 0,
    cache: Path | None = None,
    more: Sequence[int] = (),
    engine: Engine = AUTO,
) -> HeadSession:
    """Load a head, and put it on its backbone's session; parameters and errors as `open_session`."""
    alone = dataclasses.replace(model, backbone=None, rate_hz=0, window_samples=on.outputs.get(EMBEDDING, 0))
    head = open_session(alone, n_classes, cache, more, engine)
    with named(model.path):
        return HeadSession(on, head)


def _joined(model: Model, cache: Path | None, engine: Engine) -> JoinedSession:
    from .joined import JoinedSession

    sessions = []
    for part in model.parts:
        more = [len(names) for names in part.class_names()[1:]] if part.found else []
        sessions.append(open_session(part, part.n_classes, cache, more, engine))
    return JoinedSession(model, sessions)


def _check(engine: Engine, model: Model) -> None:
    """Refuse an engine that runs no networks of a model's kind; heads of birdfast's own take any."""
    usual = USUAL.get(model.kind)
    fits = {"auto", usual, "openvino"} if usual else {"auto"}
    if model.kind != "head" and engine.runtime not in fits:
        by = f"runs in {usual} or openvino" if usual else "is birdfast's own, and runs in nothing else"
        raise ConfigError(f"runtime: {engine.runtime} does not fit; {model.path} {by}")


def _by(engine: Engine, session: Session, model: Model, cache: Path | None) -> Session:
    """Return a session by the engine that is asked for, of one that the usual engine has opened."""
    if engine.runtime != "openvino" or model.kind not in USUAL:
        return session
    from .openvino import instead

    with named(model.path):
        return instead(session, engine.precision, cache, str(model.path))


def _tflite(model: Model, shown: Wanted, cache: Path | None) -> Session:
    from ..runtimes import litert
    from .tflite import TfliteSession

    with named(model.path):
        sound = model.front_end is None
        if cache is not None and sound and litert.runtime()[0] == litert.LITERT:
            from .batched import BatchedSession

            return BatchedSession(model, cache, shown)
        from ..grafting import places

        return TfliteSession(model, shown, kept=cache and places.trusted(cache))


def _onnx(model: Model, shown: Wanted, cache: Path | None) -> Session:
    from .onnx import OnnxSession

    with named(model.path):
        return OnnxSession(model, shown, cache)


def _stsg(model: Model, shown: Wanted, cache: Path | None) -> Session:
    from .stsg import StsgSession

    return StsgSession(model.path.parent)


def _classifier(model: Model, shown: Wanted, cache: Path | None) -> Session:
    from .classifier import ClassifierSession

    return ClassifierSession(model.path.parent)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Let what is wrong with a network name its file."""
    try:
        yield
    except MemoryError as error:
        raise ModelMemoryError(f"{path}: too little memory to open it") from error
    except ModelError as error:
        reason = str(error).removeprefix(f"{path}: ")  # who could not read it has named it
        raise type(error)(f"{path}: {reason}") from error


USUAL: dict[Kind, Runtime] = {"tflite": "litert", "onnx": "onnxruntime"}
OPENERS: dict[Kind, Callable[[Model, Wanted, Path | None], Session]] = {
    "tflite": _tflite,
    "onnx": _onnx,
    "stsg": _stsg,
    "head": _classifier,
}
