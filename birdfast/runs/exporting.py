"""Exporting: a head that birdfast trained and its network become one file, for programs without heads.

The file is written only if it says what the head says. Beside it go its labels, as BirdNET has them, and what
it is and whose weights are in it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import modelfolder, models
from ..arrays import Float32
from ..atomicfile import AtomicFile
from ..classifier import Classifier
from ..config import path as checked_path
from ..errors import ConfigError, ModelError
from ..grafting import exporting, onnxexporting, original, verification
from ..models import Model, kinds, onnxfacts, own
from ..scores import ScoreRule
from ..sessions import backbone, named, open_session
from ..sessions.session import LOGITS, Session
from ..sessions.wanted import wanted
from . import exported_words
from .exported_words import Whole
from .output import AGAIN, check_new, output_folder, telling
from .unfinished import unfinished

TOLERANCE = 1e-3  # of a logit
OF_CACHE = ".graft.tflite"  # files that hold what is left of a network without its front end


class Exported(NamedTuple):
    """A head that was exported.

    Attributes
    ----------
    network, labels, readme : path
        What was written.
    whole : Whole
        What the network is.
    n_windows : int
        How many windows were compared.
    difference : float
        The largest of a logit from the head's.
    """

    network: Path
    labels: Path
    readme: Path
    whole: Whole
    n_windows: int
    difference: float


def export(
    model_folder: str | os.PathLike[str], path: str | os.PathLike[str], *, force: bool = False
) -> Exported:
    """Write a head and its network as one file.

    Parameters
    ----------
    model_folder : path
        Of a head that birdfast trained; or its name.
    path : path
        The file: .tflite on a TFLite network, .onnx on an ONNX one. `<stem>_Labels.txt` and
        `<stem>_README.txt` go beside it.
    force : bool
        Replace what is there.

    Raises
    ------
    ModelError
        It is no such head; its network is missing, is not the one that it was trained on, or was rewritten;
        or the file could not tell what other programs have to know.
    ConfigError
        The file is there, is read, or cannot be made.
    OutputError
        Its disk takes no more.
    """
    model, path = models.find(model_folder), Path(checked_path("path", path))
    _check_head(model)
    on = backbone(model)
    check_network(on, path)
    beside = [path.with_name(f"{path.stem}_{what}.txt") for what in ("Labels", "README")]
    names = [path, *beside]
    for one in names:
        check_new(one, (*model.files, *on.files), force=force)
    output_folder(path.parent)
    with telling(path.parent, AGAIN), unfinished(path, path.parent) as home:
        network, labels, readme = (home / one.name for one in names)
        session = open_session(model, len(model.class_names()[0]))
        whole = _whole(model, on, model.for_input(session.window_samples, session.ends_in))
        _write(network, whole)
        exported_words.write_labels(labels, whole)
        difference, n_windows = _compared(session, network, labels, whole)
        _put(readme, exported_words.readme(path, network, whole).encode())
        if force:  # whoever looks never finds a network beside another's labels
            path.unlink(missing_ok=True)
        for made, one in zip((readme, labels, network), names[::-1], strict=True):
            made.replace(one)
    return Exported(path, beside[0], beside[1], whole, n_windows, difference)


def _check_head(model: Model) -> None:
    """Refuse what is no head of birdfast's own."""
    folder = model.path.parent
    if model.kind == "stsg":
        raise ModelError(
            f"{folder}: is a model of spectrogram tokens: there is no network to export, and its own file is"
            " a .bft"
        )
    if model.backbone is None:
        raise ModelError(f"{model.path}: is a whole network, not a head on one; there is nothing to export")
    if model.kind != modelfolder.HEAD:
        raise ModelError(f"{model.path}: is a head, but none that birdfast trained; only those are exported")
    if model.activation not in ("sigmoid", "softmax"):
        raise ModelError(
            f"{model.path}: activation = {model.activation!r}; what is exported has a sigmoid or a softmax"
        )


def check_network(on: Model, path: Path) -> None:
    """Refuse a file of another kind than the network's that a head is on, or several networks.

    Raises
    ------
    ConfigError, ModelError
        As `export`.
    """
    if on.parts:
        raise ModelError(
            f"{path}: cannot be made: the head is on several networks ({on.title}), which are not one graph;"
            " birdfast alone runs it"
        )
    kind = kinds.SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise ConfigError(f"{path}: does not fit; it takes a name that ends with .{on.kind}")
    if kind != on.kind:
        raise ConfigError(
            f"{path}: the head is on {on.path}, whose kind decides that of the file: it takes a name that"
            f" ends with .{on.kind}"
        )


def _whole(model: Model, on: Model, heard: Model) -> Whole:
    """Return what is known of the network that is to be written; refuse what its file could not tell."""
    facts = modelfolder.facts(model.path.parent, modelfolder.HEAD)
    arrays = modelfolder.arrays(model.path.parent, facts["arrays"])
    detecting = {key: facts[key] for key in onnxfacts.DETECTING if key in facts}
    made = Whole(model, on, heard, Classifier.of(arrays), tuple(facts["classes"]), detecting)
    if on.kind == "tflite":
        _check_told(made)
    return made


def _check_told(whole: Whole) -> None:
    """Refuse a head that others would feed wrongly: a TFLite file does not tell what it takes."""
    on, heard, taken_for = whole.on, whole.heard, whole.by_length()
    usual_hz = on.for_input(heard.window_samples).rate_hz
    if taken_for is None:
        same = True
    else:
        same = (taken_for.rate_hz, taken_for.normalization) == (heard.rate_hz, heard.normalization)
    reasons = {
        f"sound of {heard.rate_hz:,} Hz as if it had {usual_hz:,} Hz": heard.rate_hz == usual_hz,
        f"windows whose level is changed ({heard.normalization})": heard.normalization == "none",
        "pictures by a recipe": on.front_end is None,
        f"sound of {heard.rate_hz:,} Hz in windows as long as those of another known network": same,
    }
    for reason, is_fine in reasons.items():
        if not is_fine:
            raise ModelError(
                f"{whole.model.path}: takes {reason}, which a TFLite file cannot tell: programs would run it"
                " on something else, so it is not exported"
            )


def _write(path: Path, whole: Whole) -> None:
    """Write the network's file."""
    on = whole.on
    shown = wanted(on, on.n_classes)
    if on.kind == "onnx":
        with named(on.path):
            data, scores, embedding = onnxexporting.whole(on.path, shown, whole.classifier, whole.kind)
        _put(path, data)
        rate_hz, window_samples = whole.heard.rate_hz, whole.heard.window_samples
        onnxfacts.write(path, rate_hz, window_samples, whole.classes, scores, embedding, whole.more())
        return
    with named(on.path):
        graph = original.read(on.path, partial=True)
        if on.path.name.endswith(OF_CACHE) or exporting.is_rewritten(graph):
            raise ModelError(
                "was rewritten for speed (birdfast optimize); export takes the network that it was made of"
            )
        tensor = exporting.embedding_of(graph, shown)
        how: dict[str, Any] = {"logits": whole.logits, "about": exported_words.about(whole)}
        _put(path, exporting.whole(graph, tensor, whole.classifier, whole.kind, **how))


def _put(path: Path, data: bytes) -> None:
    with AtomicFile(path, mode="wb") as file:
        file.stream.write(data)


def _compared(head: Session, path: Path, labels: Path, whole: Whole) -> tuple[float, int]:
    """Return the largest difference of a logit, and of how many windows; refuse a file that differs."""
    heard = whole.heard
    if whole.on.kind == "onnx":
        model = own.alone(path)
    else:
        model = own.of_file(path, labels, rate_hz=heard.rate_hz, window_samples=heard.window_samples)
    session = open_session(model, len(whole.classes))
    done = model.for_input(session.window_samples, session.ends_in).activation
    windows = verification.signals(heard.window_samples, recorded=True)
    stack = np.stack([*windows.values()])
    expected = _confidences(np.concatenate([*_said(head, stack)]), whole.kind)
    found = _confidences(np.concatenate([*_said(session, stack)]), done or "none")
    gaps = verification.differences(windows, expected, found, confidences=True)
    difference = max(gaps.values())
    if not difference <= TOLERANCE:
        raise ModelError(
            f"{path}: says something else than the head: a logit differs by {difference:.3g}, and"
            f" {TOLERANCE:g} is allowed"
        )
    return difference, len(windows)


def _said(session: Session, windows: Float32) -> Iterator[Float32]:
    for low in range(0, len(windows), session.batch):
        yield session.run(windows[low : low + session.batch])[LOGITS]


def _confidences(logits: Float32, activation: str) -> Float32:
    """Return confidences as a graph makes them: those of a sigmoid are not held to what BirdNET's reach."""
    if activation == "softmax":
        return ScoreRule("softmax", 0).confidences(logits)
    return (0.5 + 0.5 * np.tanh(logits / 2)).astype(np.float32) if activation == "sigmoid" else logits
