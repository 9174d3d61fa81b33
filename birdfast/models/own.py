"""A network of the user's own: a file and its labels, a folder of both, or a model that birdfast trained."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .. import labels, modelfolder, sources
from ..errors import ConfigError, ModelError
from . import kinds, manifest, onnxfacts
from .labelspace import folded
from .model import Model, listed
from .names import is_name
from .places import GEO, folders, is_file, is_folder

TABLES = ("front_end", "label_spaces")


def is_one(folder: Path) -> bool:
    """Whether a folder seems to hold a model: read without judging it."""
    paths = within(folder)
    return any(path.name == modelfolder.MANIFEST or path.suffix.lower() in kinds.SUFFIXES for path in paths)


def is_place(name: str) -> bool:
    """Whether a word is a place rather than a name: it has a separator, is a file or holds a model."""
    return os.sep in name or is_file(name) or (is_folder(name) and is_one(Path(name)))


def places() -> dict[str, Path]:
    """Return the folders of the user's own models by name, where models lie, beside those of models.toml."""
    found: dict[str, Path] = {}
    for place in (place for folder in folders() for place in within(folder)):
        if place.name not in (GEO, *listed()) and is_name(place.name) and is_one(place):
            found.setdefault(place.name, place)
    return found


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
    place = folder / modelfolder.MANIFEST
    networks = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in kinds.SUFFIXES]
    if not networks and place.exists():
        raise ModelError(
            f'{place}: not of a model that birdfast trained, which says kind = "{modelfolder.KIND}",'
            " and there is no .tflite or .onnx file beside it"
        )
    facts = sources.toml(place, ModelError) if place.exists() else {}
    _check(place, facts)
    facts = _with_label_spaces(place, facts)
    networks = [path for path in networks if path.name == facts.get("model", path.name)]
    if len(networks) != 1:
        raise ModelError(
            f"{folder}: holds {len(networks)} .tflite or .onnx files; a model folder holds one, or a"
            f" {modelfolder.MANIFEST} whose `model` names it"
        )
    if not place.exists():
        facts = told_by_file(networks[0])
    if "labels" in facts:
        return of_file(networks[0], folder / str(facts["labels"]), **facts)
    others = {space.labels for space in facts.get("label_spaces", ())}
    lists = [path for path in sorted(folder.glob("*abels*.txt")) if path.name not in others]
    if facts.get("labels_format") == "onnx" and not lists:
        return of_file(networks[0], networks[0], **facts)
    if not place.exists():
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
    if labels_path is None and "labels_format" in facts and not is_file(beside):
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
    if not is_file(labels_path):
        raise ModelError(f"{path}: its labels are missing ({labels_path}); name them with --labels")
    if "labels_format" not in facts:
        facts["labels_format"] = labels.format_of(labels_path)
    found = {"kind": kinds.found(path), "path": path, "labels_path": labels_path}
    model = Model(**{**named(path, facts), **found})
    for more in model.more_labels:
        if not is_file(more):
            raise ModelError(f"{path}: labels that its {modelfolder.MANIFEST} names are missing ({more})")
    return model


def named(path: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return a network's facts with a name, its file's without another, and a title, its name's."""
    return {"name": path.stem, "title": facts.get("name", path.stem), **facts}


def told_by_file(path: Path) -> dict[str, Any]:
    """Return the facts that a network's file tells itself; errors as `alone`."""
    return onnxfacts.read(path) if kinds.found(path) == "onnx" else {}


def _trained(folder: Path) -> Model:
    """Describe a model that birdfast trained."""
    facts = modelfolder.facts(folder)
    place = folder / modelfolder.MANIFEST
    if "rate_hz" not in facts["frontend"]:
        raise ModelError(f"{place}: lacks frontend.rate_hz")
    rate_hz = facts["frontend"]["rate_hz"]
    told = {"rate_hz": rate_hz, **({"post": facts["post"]} if "post" in facts else {})}
    _check(place, told)
    return Model(
        name=folder.resolve().name,
        title=facts["title"],
        kind="stsg",
        licence=facts["licence"],
        rate_hz=rate_hz,
        window_samples=round(facts["window_s"] * rate_hz),
        activation=facts["activation"],
        post=told.get("post", ()),
        labels_format="toml",
        path=place,
        labels_path=place,
        **modelfolder.detecting(facts),
    )


def _head(folder: Path) -> Model:
    """Describe a classifier that birdfast trained on a network's embedding."""
    facts = modelfolder.facts(folder, modelfolder.HEAD)
    place = folder / modelfolder.MANIFEST
    told: dict[str, Any] = {key: facts[key] for key in ("rate_hz", "step_samples", "post") if key in facts}
    _check(place, told)
    return Model(
        name=folder.resolve().name,
        title=facts["title"],
        kind="head",
        on=_several(facts["on"]),
        on_sha256=tuple(one.lower() for one in _several(facts["on_sha256"])),
        licence=facts["licence"],
        activation=facts["activation"],
        labels_format="toml",
        path=place,
        labels_path=place,
        **modelfolder.detecting(facts),
        **told,
    )


def _check(place: Path, facts: dict[str, Any]) -> None:
    """Refuse keys and values that a user's manifest cannot have."""
    if "front_end" in facts:
        facts["front_end"] = manifest.read_recipe(place, facts["front_end"])
    manifest.check(place, {key: value for key, value in facts.items() if key not in TABLES})
    if "on_sha256" in facts:
        facts["on_sha256"] = facts["on_sha256"].lower()
    facts |= {key: _several(facts[key]) for key in ("on", "on_sha256", "post") if key in facts}


def _several(told: str | Sequence[str]) -> tuple[str, ...]:
    """Return one, or a list of them, as a manifest has it."""
    return (told,) if isinstance(told, str) else tuple(told)


def _with_label_spaces(place: Path, facts: dict[str, Any]) -> dict[str, Any]:
    try:
        return folded(facts)
    except ConfigError as error:
        raise ModelError(f"{place}: {error}") from error
