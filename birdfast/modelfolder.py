"""A trained model as a folder: model.toml, and the arrays it names as .npy files, all under SHA-256.

The manifest's last line is the hash of all before it, so that a folder that was changed or cut is known.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np

from . import sources
from .arrays import Array
from .atomicfile import AtomicFile, make_folder
from .config import Activation
from .errors import ConfigError, ModelError
from .sources import npy
from .windows import LENGTHS_S
from .words import extra_hint

MANIFEST = "model.toml"
KIND, HEAD = "stsg", "head"
VERSION, KNOWN = 2, (1, 2)  # 2: with a class for background, and thresholds, if it has them
SEAL = b'\nmanifest_sha256 = "'

Arrays = dict[str, Array]


def _are_text(values: Any) -> bool:
    return all(isinstance(value, str) for value in values)


WANTED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "title": (lambda value: isinstance(value, str), "text"),
    "licence": (lambda value: isinstance(value, str), "text"),
    "activation": (lambda value: value in get_args(Activation), " or ".join(get_args(Activation))),
    "window_s": (
        lambda value: type(value) in (int, float) and LENGTHS_S[0] <= value <= LENGTHS_S[1],
        f"{LENGTHS_S[0]} to {LENGTHS_S[1]} seconds",
    ),
    "classes": (
        lambda value: isinstance(value, list) and _are_text(value) and len({*value}) == len(value) > 0,
        "a list of different names",
    ),
    "frontend": (lambda value: isinstance(value, dict), "a table"),
    "pooling": (lambda value: isinstance(value, dict), "a table"),
    "arrays": (lambda value: isinstance(value, dict) and _are_text(value.values()), "a table of SHA-256"),
}


def _are_several(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def one_or_several(value: Any) -> bool:
        return len(value) > 1 and all(map(fits, value)) if isinstance(value, list) else fits(value)

    return one_or_several


# A head is a classifier on a network's embedding: `on` is that network's name or, seen from the folder, its
# place, and `on_sha256` the file that it was trained on. On several, whose embeddings are joined, both are
# lists.
OF_HEAD: dict[str, tuple[Callable[[Any], bool], str]] = {
    **{key: WANTED[key] for key in ("title", "licence", "activation", "classes", "arrays")},
    "on": (
        _are_several(lambda value: isinstance(value, str) and value != ""),
        "a network's name or place, or a list of several",
    ),
    "on_sha256": (
        _are_several(lambda value: isinstance(value, str) and bool(re.fullmatch("[0-9a-fA-F]{64}", value))),
        "64 hexadecimal digits, or a list of as many of them",
    ),
}
KINDS = {KIND: WANTED, HEAD: OF_HEAD}
MOST = 2.0  # of a threshold: what lies above 1 is reached by nothing


def _are_thresholds(value: Any) -> bool:
    return isinstance(value, dict) and all(
        type(one) in (int, float) and 0 <= one <= MOST for one in value.values()
    )


# What a model may have: the class that is none, the least confidence of each of the others, and how its
# confidences were calibrated.
MAY: dict[str, tuple[Callable[[Any], bool], str]] = {
    "background": (lambda value: isinstance(value, str), "one of its classes"),
    "thresholds": (_are_thresholds, "a table of confidences by class, of all classes but the background"),
    "calibration": (
        lambda value: isinstance(value, dict) and type(value.get("precision")) in (int, float),
        "a table with the precision that thresholds were chosen for",
    ),
}


def kind_of(folder: Path) -> str:
    """Return the kind of trained model that a folder's manifest tells ("": none), without judging it."""
    try:
        told = sources.read(folder / MANIFEST, ModelError, sources.TEXT_BYTES).decode(errors="replace")
    except ModelError:
        return ""
    lines = [line.split() for line in told.splitlines()]
    return next((kind for kind in KINDS if ["kind", "=", f'"{kind}"'] in lines), "")


def is_one(folder: Path) -> bool:
    """Whether a folder's manifest says that it is a trained model of tokens."""
    return kind_of(folder) == KIND


def write(
    folder: str | os.PathLike[str], facts: Mapping[str, Any], arrays: Mapping[str, Array], kind: str = KIND
) -> None:
    """Write a model; the manifest comes last, so that a folder with a fresh one is whole.

    Parameters
    ----------
    folder : path
        Made if it is missing; arrays of a model that was there are replaced.
    facts : dict
        What goes into the manifest, as TOML can hold it.
    arrays : dict of str to array
    kind : "stsg" or "head"

    Raises
    ------
    ConfigError
        The folder cannot be written, or tomli-w is missing.
    """
    try:
        import tomli_w
    except ModuleNotFoundError as error:
        raise ConfigError(f"training needs {error.name}: {extra_hint('train')}") from error
    folder = Path(folder)
    try:
        make_folder(folder)
        (folder / MANIFEST).unlink(missing_ok=True)  # what is half-written is no model
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written ({error.strerror})") from error
    hashes = {}
    for name, array in arrays.items():
        stream = io.BytesIO()
        np.save(stream, array, allow_pickle=False)
        hashes[name] = hashlib.sha256(stream.getvalue()).hexdigest()
        with AtomicFile(folder / f"{name}.npy", mode="wb") as file:
            file.stream.write(stream.getvalue())
    told = tomli_w.dumps({"kind": kind, "version": VERSION, **facts, "arrays": hashes}).encode().rstrip()
    seal = hashlib.sha256(told).hexdigest().encode()
    with AtomicFile(folder / MANIFEST, mode="wb") as file:
        file.stream.write(told + SEAL + seal + b'"\n')


def facts(folder: str | os.PathLike[str], kind: str = KIND) -> dict[str, Any]:
    """Read a model's manifest.

    Parameters
    ----------
    folder : path
    kind : "stsg" or "head"

    Returns
    -------
    dict
        What `write` was given, and the table `arrays`: each one's SHA-256. The keys that its kind wants
        (`KINDS`) are there, with values that fit; what is in frontend and pooling is not looked at.

    Raises
    ------
    ModelError
        It is missing, damaged, was changed, is of a newer birdfast, or a key of it does not fit; the
        message says which.
    """
    path = Path(folder) / MANIFEST
    told, seal, rest = sources.read(path, ModelError, sources.TEXT_BYTES).rpartition(SEAL)
    if not seal or rest != hashlib.sha256(told).hexdigest().encode() + b'"\n':
        raise ModelError(f"{path}: was changed or cut: its SHA-256 is not the one in its last line")
    found = sources.parsed(path, told, ModelError)
    if found.get("kind") != kind:
        raise ModelError(f"{path}: of the kind {found.get('kind')!r}, which this birdfast does not know")
    if found.get("version") not in KNOWN:
        raise ModelError(
            f"{path}: of version {found.get('version')}, made by a newer birdfast; this one knows {KNOWN[-1]}"
        )
    for key, (fits, wanted) in KINDS[kind].items():
        if key not in found:
            raise ModelError(f"{path}: lacks {key}")
        _check(path, key, found[key], fits(found[key]), wanted)
    if kind == HEAD:
        fits = np.shape(found["on"]) == np.shape(found["on_sha256"])
        _check(path, "on_sha256", found["on_sha256"], fits, OF_HEAD["on_sha256"][1])
    check_detecting(path, found)
    return found


def check_detecting(path: Path, facts: Mapping[str, Any]) -> None:
    """Refuse what a model may have (`MAY`) beside its classes, where it does not fit; ModelError names it."""
    for key in [key for key in MAY if key in facts]:
        _check(path, key, facts[key], MAY[key][0](facts[key]), MAY[key][1])
    classes, background = {*facts["classes"]}, facts.get("background")
    if "background" in facts:
        _check(path, "background", background, background in classes, MAY["background"][1])
    if "thresholds" in facts:
        fits_all = facts["thresholds"].keys() == classes - {background}
        _check(path, "thresholds", [*facts["thresholds"]], fits_all, MAY["thresholds"][1])


def detecting(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what facts say of which scores are detections, as `models.Model` has it."""
    background = facts["classes"].index(facts["background"]) if "background" in facts else -1
    return {"background": background, "thresholds": thresholds(facts)}


def thresholds(facts: Mapping[str, Any]) -> tuple[float, ...]:
    """Return the thresholds of a manifest in the order of its classes; none where it has none.

    That of background is one that no confidence reaches.
    """
    told = facts.get("thresholds")
    return () if told is None else tuple(float(told.get(name, MOST)) for name in facts["classes"])


def _check(path: Path, key: str, value: Any, fits: bool, wanted: str) -> None:
    if not fits:
        raise ModelError(f"{path}: {key} = {value!r} does not fit; it takes {wanted}")


def arrays(folder: str | os.PathLike[str], hashes: Mapping[str, str]) -> Arrays:
    """Read the arrays that a manifest names.

    Raises
    ------
    ModelError
        One is missing, was changed or cut, or holds values that are not finite.
    """
    found = {}
    for name, sha256 in hashes.items():
        path = Path(folder) / f"{name}.npy"
        if path.parent != Path(folder) or path.name != f"{name}.npy":
            raise ModelError(f"{folder}: {name!r} is no name of an array")
        data = sources.read(path, ModelError)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise ModelError(f"{path}: was changed or cut: its SHA-256 is not the one in {MANIFEST}")
        array = found[name] = np.ascontiguousarray(npy.array(path, data, ModelError))
        if array.dtype != np.float32 or not np.isfinite(array).all():
            raise ModelError(f"{path}: holds {array.dtype}; finite float32 is wanted")
    return found
