"""Heads: networks that take another one's embedding in place of sound, and what they stand on.

A head's manifest says `on`, the name of a listed network, the place of a network's file or folder as seen
from its own, or the name of one that was added; and it may say `on_sha256`, of that network's file. One that
birdfast trained may have lists of both: it takes their embeddings, joined (`joining`). It has its labels and
its activation for itself, and the sound's facts from what it is on, but for the rate: sound at its `rate_hz`
is fed as if it were of the other's rate. So BattyBirdNET hears bats: 144,000 samples at 144 or 256 kHz pass
for BirdNET's 3 s.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from .. import modelfolder
from ..errors import ModelError
from . import firstinput, joining, kinds, own
from .known import catalogue
from .model import Model, listed
from .places import is_file, is_folder

# Whose heads go round as files that say nothing of it: BirdNET-Analyzer's and BattyBirdNET's.
BARE = ("birdnet-2.4",)
BACKBONES = ("normalization", "front_end", "embedding", "spatial_embedding")  # facts that are not the head's
NAMED_RATE = re.compile(r"(\d+) ?kHz", re.IGNORECASE)


def completed(model: Model) -> Model:
    """Return a user's model, with its backbone if it is a head.

    Parameters
    ----------
    model : Model
        As its manifest, or nothing but its file, tells. Where nothing does, the length of its input may.

    Raises
    ------
    ModelError
        Its backbone is missing, is a head itself, or nobody can tell which it is; or the manifest tells what
        a head does not decide.
    """
    on = model.on or _told_by_input(model)
    if not on:
        if model.on_sha256:
            raise ModelError(f"{model.path}: its manifest gives on_sha256, but not on: the network it is for")
        return model
    _check(model)
    parts = [_backbone(one, model) for one in on]
    backbone = joining.joined(parts) if len(parts) > 1 else parts[0]
    if not model.on:
        _check_named_rate(model.path, on[0], backbone.rate_hz)
    return dataclasses.replace(model, on=on, backbone=backbone)


def by_input(path: Path) -> list[str]:
    """Return the listed networks whose embedding is as long as a file's input: it may be a head on them.

    Those come first whose heads go round as files that say nothing of it.
    """
    *batch, length = firstinput.shape(path) or (0,)
    fitting = [one.name for one in listed().values() if one.embedding_samples == length > 0]
    if len(batch) > 1 or any(n > 1 for n in batch):
        return []
    return sorted(fitting, key=lambda name: name not in BARE)


def named_rate(path: Path, on: str) -> int:
    """Return the rate that a head's file is named for, if not the usual one of a listed network; or 0."""
    named = NAMED_RATE.search(path.stem)
    rate_hz = int(named[1]) * 1000 if named else 0
    return 0 if on in listed() and listed()[on].rate_hz == rate_hz else rate_hz


def _check(model: Model) -> None:
    plain = {field.name: field.default for field in dataclasses.fields(Model)}
    for key in BACKBONES:
        if getattr(model, key) != plain[key]:
            raise ModelError(f"{model.path}: {key} is told, which a head has from the network that it is on")


def _check_named_rate(path: Path, on: str, rate_hz: int) -> None:
    """Refuse a bare head that is named for another rate: at the usual one it would say anything."""
    named = NAMED_RATE.search(path.stem)
    if named and int(named[1]) * 1000 != rate_hz:
        raise ModelError(
            f"{path}: is named for {named[1]} kHz, and {on} hears {rate_hz / 1000:g} kHz; put it into a"
            f' folder with a {modelfolder.MANIFEST} that says on = "{on}" and rate_hz = {named[1]}000: the'
            " rate of the sound that it is fed"
        )


def _backbone(on: str, model: Model) -> Model:
    if on in listed():
        found = catalogue()[on]
        if not found.found:
            raise ModelError(f"{model.path}: is a head on {on}. {found.how_to_get()}")
        return found
    place = model.path.parent / on
    if not (is_file(place) or own.is_one(place)):
        place = own.places().get(on, place)
    if is_folder(place):
        found = own.in_folder(place)
    elif is_file(place):
        found = _of_file(place)
    else:
        raise ModelError(
            f"{model.path}: is a head on {on!r}, and there is no such network; `on` takes"
            f" {', '.join((*listed(), *own.places()))}, or a .tflite or .onnx file or a folder with one, seen"
            f" from {model.path.parent}"
        )
    if found.path.resolve() == model.path.resolve():
        raise ModelError(f"{model.path}: is a head on itself (on = {on!r})")
    if found.on or _told_by_input(found):
        raise ModelError(f"{model.path}: is a head on {on!r}, which is a head, too; it takes a whole network")
    return found


def _of_file(path: Path) -> Model:
    """Describe a backbone by its file: its labels are not needed."""
    facts = own.told_by_file(path)
    facts.pop("labels_format", None)
    return Model(**own.named(path, facts), kind=kinds.found(path), path=path)


def _told_by_input(model: Model) -> tuple[str, ...]:
    """Return the listed network that a file is a head on: its input is as long as that one's embedding."""
    told = model.rate_hz or model.window_samples or model.front_end
    if model.kind not in kinds.SUFFIXES.values() or told:
        return ()
    fitting = by_input(model.path)
    if len(fitting) > 1 and fitting[0] not in BARE:
        n_values = listed()[fitting[0]].embedding_samples
        raise ModelError(
            f"{model.path}: takes {n_values} values, the embedding of {' or '.join(fitting)}; put it into a"
            f' folder with a {modelfolder.MANIFEST} that says which: on = "{fitting[0]}"'
        )
    return tuple(fitting[:1])
