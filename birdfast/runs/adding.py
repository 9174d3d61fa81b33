"""Adding a model: a network's file becomes a folder with its labels and all that is known of it."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from .. import models, sources
from ..atomicfile import AtomicFile, umask
from ..config import Options
from ..errors import ConfigError, ModelError
from ..grafting.inspection import Inspected
from ..modelfolder import MANIFEST
from ..models import manifest
from ..models.model import listed
from ..pipeline.listener import Listener
from . import facts_of_file, written
from .asking import Asking
from .facts_of_file import Found
from .output import AGAIN, output_folder, telling
from .told import Told
from .unfinished import unfinished
from .written import Digests

File = tuple[str, Path]  # its name in the folder, and what is copied


class Added(NamedTuple):
    """A model that was added: its folder, what its file says, and who has run it once."""

    folder: Path
    inspected: Inspected
    listener: Listener


def add(
    path: Path,
    told: Told,
    asking: Asking,
    folder: Path | None = None,
    *,
    force: bool = False,
    converted: bool = False,
) -> Added:
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
    converted : bool
        The file is our own, of a checkpoint: it is moved, not copied, and the manifest says so.

    Raises
    ------
    ModelError
        The file or its labels cannot be used, or do not fit together; the network cannot be run.
    ConfigError
        The folder is there, or cannot be made; or what is needed is not told.
    """
    inspected = facts_of_file.inspected(path)
    was_told, folder = folder is not None, folder and plain(folder)
    name = told.name or (folder.name if folder and models.is_name(folder.name) else path.stem)
    folder = folder or plain(models.folders()[0] / name)
    check_name(name, path, folder)
    check_place(folder, force=force)
    if not was_told:
        asking.place(folder)
    found = facts_of_file.find(path, inspected, dataclasses.replace(told, name=name), asking)
    asking.done()
    files, head = _files(path, inspected, found), manifest.OF_A_CHECKPOINT if converted else manifest.HEAD
    output_folder(folder.parent)
    with telling(folder.parent, AGAIN), unfinished(folder, path.parent) as made:
        _fill(made, files, path if converted else None)
        (made / MANIFEST).write_text(manifest.text(found.facts, found.front_end, head), encoding="utf-8")
        listener = Listener(models.find(made), Options())
        facts = found.facts | {"n_classes": listener.sizes["scores"]}
        if listener.embedding_size:
            facts["embedding_samples"] = listener.embedding_size
        if listener.model.backbone is not None:
            facts["on_sha256"] = listener.model.backbone.sha256()
        _put(made, folder, found._replace(facts=facts), head, force=force)
    return Added(folder, inspected, listener)


def plain(folder: Path) -> Path:
    """Return a folder's place from the root on, without "..", so that its name is the last part."""
    return Path(os.path.abspath(folder))  # noqa: PTH100


def check_name(name: str, path: Path, folder: Path) -> None:
    """Refuse a name that no model can have, or that is another's among the models."""
    if not models.is_name(name):
        raise ConfigError(f"{path}: {name!r} cannot be a model's name; give another with --name")
    if os.path.realpath(folder.parent) not in map(os.path.realpath, models.folders()):
        return
    known = {one.casefold(): one for one in listed()}
    for called in (name, folder.name):
        if (one := known.get(called.casefold())) is not None:
            nearly = "" if one == called else f" ({one}), but for its capitals"
            raise ConfigError(
                f"name: {called} is that of a network that birdfast knows{nearly}; give another with --name"
            )
    if folder.name != name:
        raise ConfigError(
            f"{folder}: lies among the models, where --model finds one by its folder's name; give it that"
            f" --name, or the folder the name {name}"
        )


def check_place(folder: Path, *, force: bool) -> None:
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
    return not folder.is_symlink() and written.manifest(folder).startswith(manifest.HEADS)


def _files(path: Path, inspected: Inspected, found: Found) -> list[File]:
    """Return the model's files, each once; refuse those that leave its folder, or are in each other's way."""
    files: list[File] = [(found.facts["model"], path), (found.facts["labels"], found.labels)]
    for one in map(os.path.normpath, inspected.beside):
        if Path(one).is_absolute() or Path(one).parts[0] == os.pardir:
            raise ModelError(f"{path}: its weights lie in {one}, which is not below its folder")
        files.append((one, path.parent / one))
    files = [*dict.fromkeys(files)]
    if several := _several([MANIFEST, *(name for name, _ in files)]):
        raise ConfigError(f"{path}: a model's folder cannot hold two files of one name: {', '.join(several)}")
    return files


def _several(names: Sequence[str]) -> list[str]:
    """Return names that, on some system, more than one file has, or a file and a folder of another."""
    every = Counter(name.casefold() for name in names)
    every.update({str(one).casefold() for name in names for one in [*Path(name).parents][:-1]})
    return sorted(name for name in names if every[name.casefold()] > 1)


def _fill(made: Path, files: Sequence[File], ours: Path | None) -> None:
    """Copy the files, but for one that is ours: that is moved."""
    made.chmod(0o777 & ~umask())
    for name, source in files:
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        if source == ours:
            source.rename(made / name)
        else:
            _copy(source, made / name)


def _copy(source: Path, to: Path) -> None:
    try:
        with source.open("rb") as read, AtomicFile(to, mode="wb") as file:  # on the disk before its name is
            shutil.copyfileobj(read, file.stream)
    except OSError as error:
        if error.filename == str(source):
            raise ConfigError(f"{source}: cannot be read ({error.strerror})") from error
        raise


def _put(made: Path, folder: Path, found: Found, head: str, *, force: bool) -> None:
    """Give a folder that is whole its name, or its files their places among those of an earlier model."""
    check_place(folder, force=force)
    if not os.path.lexists(folder) or _is_empty(folder):
        text = manifest.text(found.facts, found.front_end, head)
        told = written.listed(text, written.within(made))
        with AtomicFile(made / MANIFEST, mode="w", encoding="utf-8", newline="") as file:
            file.stream.write(told)
        made.rename(folder)
        return
    named = {key: found.facts[key] for key in ("model", "labels")}
    apart = {name: _apart(made, folder, name) for name in {*named.values()}}  # a file may be both
    facts = found.facts | {key: apart[name] for key, name in named.items()}
    _check_apart(made, folder)
    written.replace(folder, made, manifest.text(facts, found.front_end, head))


def _apart(made: Path, folder: Path, name: str) -> str:
    """Return a file's name, a new one where an earlier file is in its way: both are there for a while."""
    digest = sources.sha256(made / name, ModelError)
    if not _several(_names({name: digest}, written.of(folder))):
        return name
    fresh = f"{Path(name).stem}-{digest[:8]}{Path(name).suffix}"
    (made / name).rename(made / fresh)
    return fresh


def _names(new: Digests, old: Digests) -> list[str]:
    """Return the names of two models' files: one that both have is one."""
    return [name for name, _ in {*new.items(), *old.items()}]


def _check_apart(made: Path, folder: Path) -> None:
    """Refuse weights that have the names of others, by which the network looks for them."""
    new = written.within(made)
    several = _several(_names(new, written.of(folder))) or [one for one in new if (folder / one).is_dir()]
    if several:
        raise ConfigError(
            f"{folder}: its model has other weights, or a folder, of the name {several[0]}, and both cannot"
            " lie there while one replaces the other; move that model away, or take another --name or folder"
        )
