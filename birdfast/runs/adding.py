"""Adding a model: a network's file becomes a folder with its labels and all that is known of it."""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from .. import models
from ..config import Options
from ..errors import BirdfastError, ConfigError
from ..grafting.inspection import Inspected
from ..models import manifest
from ..pipeline.listener import Listener
from . import facts_of_file
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

    The folder is there when it is whole, or not at all.

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
        Replace the model that is in the folder.

    Raises
    ------
    ModelError
        The file or its labels cannot be used, or do not fit together; the network cannot be run.
    ConfigError
        The folder is there, or cannot be made; or what is needed is not told.
    """
    inspected = facts_of_file.inspected(path)
    name = told.name or (folder.name if folder and models.is_name(folder.name) else path.stem)
    _check_name(name, path, folder)
    folder = (folder or models.folders()[0] / name).absolute()
    _check_place(folder, force=force)
    found = facts_of_file.find(path, inspected, dataclasses.replace(told, name=name), asking)
    asking.done()
    output_folder(folder.parent)
    with telling(folder, AGAIN), _unfinished(folder, path.parent) as made:
        _fill(made, path, inspected, found)
        listener = Listener(models.find(made), Options())
        facts = found.facts | {"n_classes": listener.sizes["scores"]}
        if listener.embedding_size:
            facts["embedding_samples"] = listener.embedding_size
        _write(made, facts, found)
        _put(made, folder, force=force)
    return Added(folder, inspected, listener)


def _check_name(name: str, path: Path, folder: Path | None) -> None:
    if not models.is_name(name):
        raise ConfigError(f"{path}: {name!r} cannot be a model's name; give another with --name")
    if folder is None and name in models.catalogue():
        raise ConfigError(f"name: {name} is that of a network that birdfast knows; give another with --name")


def _check_place(folder: Path, *, force: bool) -> None:
    """Refuse a folder that is not ours to make, before anything is asked."""
    if not os.path.lexists(folder) or _is_empty(folder):
        return
    if not _is_ours(folder):
        raise ConfigError(f"{folder}: is there, and no model that was added; take another folder with -o")
    if not force:
        raise ConfigError(f"{folder}: holds a model; take another --name or folder (-o), or --force")


def _is_empty(folder: Path) -> bool:
    try:
        return not folder.is_symlink() and folder.is_dir() and not any(folder.iterdir())
    except OSError:
        return False


def _is_ours(folder: Path) -> bool:
    try:
        return not folder.is_symlink() and (folder / "model.toml").read_text().startswith(manifest.HEAD)
    except (OSError, UnicodeDecodeError):
        return False


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


def _fill(made: Path, path: Path, inspected: Inspected, found: Found) -> None:
    """Copy the files, and write down what is known so far."""
    made.chmod(0o777 & ~_umask())
    _copy(path, made / found.facts["model"])
    for name in inspected.beside:
        within = Path(os.path.normpath(name))
        (made / within).parent.mkdir(parents=True, exist_ok=True)
        _copy(path.parent / name, made / within)
    if isinstance(found.labels, Path):
        _copy(found.labels, made / found.facts["labels"])
    else:
        facts_of_file.write_classes(made / found.facts["labels"], found.labels)
    _write(made, found.facts, found)


def _copy(source: Path, to: Path) -> None:
    if to.exists():
        raise ConfigError(f"{source}: a model's folder cannot hold two files of the name {to.name}")
    try:
        shutil.copyfile(source, to)
    except OSError as error:
        if error.filename == str(source):
            raise ConfigError(f"{source}: cannot be read ({error.strerror})") from error
        raise


def _write(made: Path, facts: dict[str, Any], found: Found) -> None:
    (made / "model.toml").write_text(manifest.text(facts, found.front_end), encoding="utf-8")


def _put(made: Path, folder: Path, *, force: bool) -> None:
    """Give a folder that is whole its name; a model that had it goes when the new one is there."""
    _check_place(folder, force=force)
    with _out_of_the_way(folder):
        made.rename(folder)


@contextmanager
def _out_of_the_way(folder: Path) -> Iterator[None]:
    """Move a model aside, and bring it back where the one in its place does not come."""
    if not os.path.lexists(folder) or _is_empty(folder):
        yield
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".old", dir=folder.parent))
    folder.rename(aside)
    try:
        yield
    except BaseException:
        aside.rename(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
