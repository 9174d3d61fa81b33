"""Adding a model: a network's file becomes a folder with its labels and all that is known of it."""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from .. import models, sources
from ..atomicfile import AtomicFile
from ..config import Options
from ..errors import BirdfastError, ConfigError, ModelError
from ..grafting.inspection import Inspected
from ..modelfolder import MANIFEST
from ..models import manifest
from ..pipeline.listener import Listener
from . import facts_of_file, written
from .asking import Asking
from .facts_of_file import Found
from .output import AGAIN, output_folder, telling
from .told import Told


class Added(NamedTuple):
    """A model that was added: its folder, what its file says, and who has run it once."""

    folder: Path
    inspected: Inspected
    listener: Listener


def add(path: Path, told: Told, asking: Asking, folder: Path | None = None, *, force: bool = False) -> Added:
    """Make a model's folder of a network's file, and run the network once.

    The folder is there when it is whole, or not at all; where a model is replaced, it or the new one is
    there, whatever ends this.

    Parameters
    ----------
    path : path
        A .tflite or .onnx file.
    told : Told
        What whoever adds it says.
    asking : Asking
    folder : path or None
        None is one of the model's name where models lie.
    force : bool
        Replace the model that is in the folder, if birdfast wrote all that is there.

    Raises
    ------
    ModelError
        The file or its labels cannot be used, or do not fit together; the network cannot be run.
    ConfigError
        The folder is there, or cannot be made; or what is needed is not told.
    """
    inspected = facts_of_file.inspected(path)
    name = told.name or (folder.name if folder and models.is_name(folder.name) else path.stem)
    folder = (folder or models.folders()[0] / name).absolute()
    _check_name(name, path, folder)
    _check_place(folder, force=force)
    asking.place(folder)
    found = facts_of_file.find(path, inspected, dataclasses.replace(told, name=name), asking)
    asking.done()
    _check_files(path, inspected, found)
    output_folder(folder.parent)
    with telling(folder, AGAIN), _unfinished(folder, path.parent) as made:
        _fill(made, path, inspected, found)
        listener = Listener(models.find(made), Options())
        facts = found.facts | {"n_classes": listener.sizes["scores"]}
        if listener.embedding_size:
            facts["embedding_samples"] = listener.embedding_size
        _put(made, folder, found._replace(facts=facts), force=force)
    return Added(folder, inspected, listener)


def _check_name(name: str, path: Path, folder: Path) -> None:
    if not models.is_name(name):
        raise ConfigError(f"{path}: {name!r} cannot be a model's name; give another with --name")
    known = [one for one in models.catalogue() if one.casefold() == name.casefold()]
    if known and folder.parent in [place.absolute() for place in models.folders()]:
        nearly = "" if known == [name] else f" ({known[0]}), but for its capitals"
        raise ConfigError(
            f"name: {name} is that of a network that birdfast knows{nearly}; give another with --name"
        )


def _check_place(folder: Path, *, force: bool) -> None:
    """Refuse a folder that is not ours to make, before anything is asked."""
    if not os.path.lexists(folder) or _is_empty(folder):
        return
    if not _is_ours(folder):
        raise ConfigError(f"{folder}: is there, and no model that was added; take another folder with -o")
    if not force:
        raise ConfigError(f"{folder}: holds a model; take another --name or folder (-o), or --force")
    written.check_ours(folder)


def _is_empty(folder: Path) -> bool:
    try:
        return not folder.is_symlink() and folder.is_dir() and not any(folder.iterdir())
    except OSError:
        return False


def _is_ours(folder: Path) -> bool:
    return not folder.is_symlink() and written.manifest(folder).startswith(manifest.HEAD)


@contextmanager
def _unfinished(folder: Path, source: Path) -> Iterator[Path]:
    """Lend a neighbour of a folder that is yet to be made; what is left of it at the end goes."""
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    try:
        yield made
    except BirdfastError as error:
        raise type(error)(str(error).replace(str(made), str(source))) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _check_files(path: Path, inspected: Inspected, found: Found) -> None:
    """Refuse files of which two would have one name in the folder, on some system, or that leave it."""
    known = {MANIFEST: "what is known of the model"}
    names = {
        found.facts["model"]: path,
        found.facts["labels"]: found.labels if isinstance(found.labels, Path) else path,
    }
    for one in inspected.beside:
        if _within(one).startswith("..") or Path(one).is_absolute():
            raise ModelError(f"{path}: its weights lie in {one}, which is not below its folder")
    for name, source in [*names.items(), *((_within(one), path.parent / one) for one in inspected.beside)]:
        above = [str(one) for one in Path(name).parents][:-1]
        for one in (name, *above):
            if (other := known.get(one.casefold())) is not None:
                raise ConfigError(
                    f"{source}: a model's folder cannot hold two files of the name {one}: {other} has it"
                )
        known[name.casefold()] = str(source)


def _within(name: str) -> str:
    return os.path.normpath(name)


def _fill(made: Path, path: Path, inspected: Inspected, found: Found) -> None:
    """Copy the files, and write down what is known so far."""
    made.chmod(0o777 & ~_umask())
    _copy(path, made / found.facts["model"])
    for name in inspected.beside:
        (made / _within(name)).parent.mkdir(parents=True, exist_ok=True)
        _copy(path.parent / name, made / _within(name))
    if isinstance(found.labels, Path):
        _copy(found.labels, made / found.facts["labels"])
    else:
        facts_of_file.write_classes(made / found.facts["labels"], found.labels)
    (made / MANIFEST).write_text(manifest.text(found.facts, found.front_end), encoding="utf-8")


def _copy(source: Path, to: Path) -> None:
    try:
        with source.open("rb") as read, AtomicFile(to, mode="wb") as file:  # on the disk before its name is
            shutil.copyfileobj(read, file.stream)
    except OSError as error:
        if error.filename == str(source):
            raise ConfigError(f"{source}: cannot be read ({error.strerror})") from error
        raise


def _put(made: Path, folder: Path, found: Found, *, force: bool) -> None:
    """Give a folder that is whole its name, or its files their places among those of an earlier model."""
    _check_place(folder, force=force)
    if not os.path.lexists(folder) or _is_empty(folder):
        text = manifest.text(found.facts, found.front_end)
        told = written.listed(text, written.within(made))
        with AtomicFile(made / MANIFEST, mode="w", encoding="utf-8", newline="") as file:
            file.stream.write(told)
        made.rename(folder)
        return
    facts = found.facts | {key: _apart(made, folder, found.facts[key]) for key in ("model", "labels")}
    _check_apart(made, folder)
    written.replace(folder, made, manifest.text(facts, found.front_end))


def _apart(made: Path, folder: Path, name: str) -> str:
    """Return a file's name, a new one if a file of the earlier model has it: both are there for a while."""
    digest = sources.sha256(made / name, ModelError)
    if written.of(folder).get(name, digest) == digest:
        return name
    fresh = f"{Path(name).stem}-{digest[:8]}{Path(name).suffix}"
    (made / name).rename(made / fresh)
    return fresh


def _check_apart(made: Path, folder: Path) -> None:
    """Refuse weights that have the names of others, by which the network looks for them."""
    new, old = written.within(made), written.of(folder)
    for name in new.keys() & old.keys():
        if new[name] != old[name]:
            raise ConfigError(
                f"{folder}: its model has other weights of the name {name}, and both cannot lie there while"
                " one replaces the other; move that model away, or take another --name or folder"
            )


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
