"""A network of the user's own: a file and its labels, a folder of both, or a model that birdfast trained."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, get_args

from .. import modelfolder, sources
from ..config import LARGEST, Activation, Normalization
from ..errors import ConfigError, ModelError
from ..frontends.recipe import Recipe
from . import kinds, onnxfacts, placed
from .labelspace import folded
from .model import Model
from .names import is_name

FOUND = ("kind", "path", "labels_path", "tried", "alternatives", "backbone")  # what a manifest cannot tell


def is_one(folder: Path) -> bool:
    """Whether a folder seems to hold a model: read without judging it."""
    paths = within(folder)
    return any(path.name == modelfolder.MANIFEST or path.suffix.lower() in kinds.SUFFIXES for path in paths)


def within(folder: Path) -> list[Path]:
    """Return what lies in a folder, in order; nothing of one that cannot be looked into."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def in_folder(folder: Path) -> Model:
    """Describe the network in a folder.

    Raises
    ------
    ModelError
        The folder holds none or several, lacks its labels, or has a manifest (model.toml) that is damaged
        or tells what does not fit.
    """
    kind = modelfolder.kind_of(folder)
    if kind:
        return _head(folder) if kind == modelfolder.HEAD else _trained(folder)
    manifest = folder / modelfolder.MANIFEST
    networks = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in kinds.SUFFIXES]
    if not networks and manifest.exists():
        raise ModelError(
            f'{manifest}: not of a model that birdfast trained, which says kind = "{modelfolder.KIND}",'
            " and there is no .tflite or .onnx file beside it"
        )
    facts = sources.toml(manifest, ModelError) if manifest.exists() else {}
    _check(manifest, facts)
    facts = _with_label_spaces(manifest, facts)
    networks = [path for path in networks if path.name == facts.get("model", path.name)]
    if len(networks) != 1:
        raise ModelError(
            f"{folder}: holds {len(networks)} .tflite or .onnx files; a model folder holds one, or a"
            f" {modelfolder.MANIFEST} whose `model` names it"
        )
    if not manifest.exists():
        facts = told_by_file(networks[0])
    if "labels" in facts:
        return of_file(networks[0], folder / str(facts["labels"]), **facts)
    others = {space.labels for space in facts.get("label_spaces", ())}
    lists = [path for path in sorted(folder.glob("*abels*.txt")) if path.name not in others]
    if facts.get("labels_format") == "onnx" and not lists:
        return of_file(networks[0], networks[0], **facts)
    if not manifest.exists():
        facts.pop("labels_format", None)
    if len(lists) != 1:
        raise ModelError(f"{folder}: holds {len(lists)} files named *labels*.txt; a model folder holds one")
    return of_file(networks[0], lists[0], **facts)


def alone(path: Path, labels_path: Path | None = None) -> Model:
    """Describe a network by its file alone, which may tell facts of it.

    Parameters
    ----------
    path : path
    labels_path : path or None
        Its labels; None looks for `<stem>_Labels.txt` beside it, then into the file itself.

    Raises
    ------
    ModelError
        As `of_file`; or the file tells what cannot be.
    """
    facts, beside = told_by_file(path), path.with_name(f"{path.stem}_Labels.txt")
    if labels_path is None and "labels_format" in facts and not beside.is_file():
        return of_file(path, path, **facts)
    facts.pop("labels_format", None)
    return of_file(path, labels_path or beside, **facts)


def of_file(path: Path, labels_path: Path, **facts: Any) -> Model:
    """Describe a network by its file and its labels.

    Parameters
    ----------
    path, labels_path : path
    **facts
        What its manifest tells: the keys of models.toml.

    Raises
    ------
    ModelError
        The labels are missing, or a CSV of which nothing tells the column.
    """
    if not labels_path.is_file():
        raise ModelError(f"{path}: its labels are missing ({labels_path}); name them with --labels")
    if "labels_format" not in facts:
        facts["labels_format"] = placed.format_of(labels_path)
    found = {"kind": kinds.found(path), "path": path, "labels_path": labels_path}
    model = Model(**{"name": path.stem, "title": path.stem, **facts, **found})
    for more in model.more_labels:
        if not more.is_file():
            raise ModelError(f"{path}: labels that its {modelfolder.MANIFEST} names are missing ({more})")
    return model


def told_by_file(path: Path) -> dict[str, Any]:
    """Return the facts that a network's file tells itself; errors as `alone`."""
    return onnxfacts.read(path) if kinds.found(path) == "onnx" else {}


def _trained(folder: Path) -> Model:
    """Describe a model that birdfast trained."""
    facts = modelfolder.facts(folder)
    manifest = folder / modelfolder.MANIFEST
    if "rate_hz" not in facts["frontend"]:
        raise ModelError(f"{manifest}: lacks frontend.rate_hz")
    rate_hz = facts["frontend"]["rate_hz"]
    _check(manifest, {"rate_hz": rate_hz})
    return Model(
        name=folder.resolve().name,
        title=facts["title"],
        kind="stsg",
        licence=facts["licence"],
        rate_hz=rate_hz,
        window_samples=round(facts["window_s"] * rate_hz),
        activation=facts["activation"],
        labels_format="toml",
        path=manifest,
        labels_path=manifest,
    )


def _head(folder: Path) -> Model:
    """Describe a classifier that birdfast trained on a network's embedding."""
    facts = modelfolder.facts(folder, modelfolder.HEAD)
    manifest = folder / modelfolder.MANIFEST
    told: dict[str, Any] = {key: facts[key] for key in ("rate_hz", "step_samples") if key in facts}
    _check(manifest, told)
    return Model(
        name=folder.resolve().name,
        title=facts["title"],
        kind="head",
        on=facts["on"],
        on_sha256=facts["on_sha256"],
        licence=facts["licence"],
        activation=facts["activation"],
        labels_format="toml",
        path=manifest,
        labels_path=manifest,
        **told,
    )


def _check(manifest: Path, facts: dict[str, Any]) -> None:
    """Refuse keys and values that a user's manifest cannot have."""
    defaults = {field.name: field.default for field in dataclasses.fields(Model)}
    if "front_end" in facts:
        facts["front_end"] = _recipe(manifest, facts["front_end"])
    for key, value in facts.items():
        if key in ("front_end", "label_spaces"):
            continue
        if key not in defaults or key in FOUND:
            raise ModelError(f"{manifest}: unknown key {key}")
        kind = int if isinstance(defaults[key], int) else str
        choices = {"activation": get_args(Activation), "normalization": get_args(Normalization)}.get(key)
        fits = type(value) is kind and not (isinstance(value, int) and not 1 <= value <= LARGEST)
        if not fits or (choices and value not in choices):
            takes = " or ".join(choices) if choices else "a whole number" if kind is int else "text"
            raise ModelError(f"{manifest}: {key} = {value!r} does not fit; it takes {takes}")
    if "name" in facts and not is_name(facts["name"]):
        raise ModelError(
            f"{manifest}: name = {facts['name']!r} does not fit; it takes what may be part of a file's name"
        )


def _with_label_spaces(manifest: Path, facts: dict[str, Any]) -> dict[str, Any]:
    try:
        return folded(facts)
    except ConfigError as error:
        raise ModelError(f"{manifest}: {error}") from error


def _recipe(manifest: Path, told: object) -> Recipe:
    if not isinstance(told, dict):
        raise ModelError(f"{manifest}: front_end = {told!r} does not fit; it takes a table")
    try:
        return Recipe.of(told)
    except ConfigError as error:
        raise ModelError(f"{manifest}: front_end: {error}") from error
