"""Where results go: a folder that is there in time, and what its disk cannot do, in words."""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .. import atomicfile, sources
from ..atomicfile import AtomicFile
from ..config import path
from ..errors import FEW_FILES, TOO_MANY_OPEN, ConfigError, OutputError
from ..journal import MERGED, NAME, Folder
from ..sources import stores
from ..tables import About, check_strangers

KEPT = "what was done is kept, the same command goes on"
AGAIN = "the same command begins anew"
NAMES = (errno.ENAMETOOLONG, errno.EINVAL)  # what the same command would end with again


def output_folder(name: str | os.PathLike[str]) -> Path:
    """Return a folder that is there now.

    Raises
    ------
    ConfigError
        It cannot be made, is a file, or no path.
    """
    if isinstance(name, str) and stores.is_url(name):
        raise ConfigError(f"output: {name} is a URL; results go into a folder of this machine")
    folder = Path(path("output", name))
    try:
        atomicfile.make_folder(folder)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be the output folder ({error.strerror})") from error
    return folder


def check_new(file: Path, inputs: Iterable[Path], *, force: bool) -> None:
    """Refuse a file that is there, unless it is to be replaced, and one that is read.

    Raises
    ------
    ConfigError
        It is one of them, or no file can be there.
    """
    atomicfile.check_apart(file, *inputs)
    atomicfile.check_replaceable(file)
    if os.path.lexists(file) and not force:
        raise ConfigError(f"{file}: is there; take another name, or --force to replace it")


def check_tables(folder: Path, about: About, *signs: str) -> None:
    """Refuse a folder with tables that are not known to be ours.

    Parameters
    ----------
    folder : path
    about : About
    *signs : str
        Names of files beside the tables that tell, besides the journal's.

    Raises
    ------
    ConfigError
        See `tables.check_strangers`.
    """
    if not any((folder / sign).exists() for sign in (NAME, *signs)):
        check_strangers(folder, about)


def sign(folder: Path, command: str, runs: Iterable[Path]) -> None:
    """Leave a word whose the tables are, before the first is there; a run's journal says it as well.

    The runs' folders stand there with their whole paths: who reads it may be in another folder.
    """
    atomicfile.tidy(folder, re.escape(MERGED))
    if not (folder / NAME).exists():
        whole = [_as_line(str(run.absolute())) for run in runs]
        told = (f"birdfast {command} wrote the tables in this folder, from the runs in", *whole)
        path = folder / MERGED
        with AtomicFile(path, mode="w", newline="", encoding="utf-8", errors="surrogateescape") as file:
            file.stream.writelines(f"{line}\n" for line in told)


def merged_from(folder: Path) -> list[str]:
    """Return the folders of the runs whose tables `birdfast merge` wrote here; none where it wrote none."""
    file = folder / MERGED
    if (folder / NAME).exists() or not file.is_file():
        return []
    first, *runs = sources.text(file, ConfigError).removesuffix("\n").split("\n")
    if not first.startswith("birdfast merge "):
        return []
    return [json.loads(run) if run.startswith('"') else run for run in runs]


def _as_line(path: str) -> str:
    """Return a path on one line, quoted as JSON has it if it has several, or is no text."""
    return path if path.isprintable() else json.dumps(path)


def check_no_run(folder: Path) -> None:
    """Refuse a folder that holds a run, whose tables would be replaced by those of others.

    Raises
    ------
    ConfigError
        It holds one.
    """
    if os.path.lexists(folder / NAME):
        raise ConfigError(
            f"{folder}: holds a run of `birdfast infer` ({NAME}), whose tables would be replaced;"
            " take another folder"
        )


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep a folder from other commands.

    Raises
    ------
    ConfigError
        One is at work in it.
    OutputError
        It cannot be looked into.
    """
    try:
        lock = Folder(folder)
    except ConfigError as error:
        raise ConfigError(f"{folder}: another birdfast is at work in it") from error
    with lock:
        yield


@contextmanager
def telling(output: Path, advice: str = KEPT) -> Iterator[None]:
    """Say in words what the disk cannot do.

    Raises
    ------
    OutputError
        In the place of an OSError, with `advice` behind it but for names that are too long.
    ConfigError
        In its place, too, if it names a file elsewhere: what is read may lie on another disk; or if too few
        files may be open.
    """
    try:
        yield
    except OSError as error:
        if error.errno in TOO_MANY_OPEN:
            raise ConfigError(FEW_FILES) from error
        reason = error.strerror or str(error)
        if _lies_elsewhere(error, output):
            raise ConfigError(f"{os.fsdecode(error.filename)}: {reason}") from error
        more = "" if error.errno in NAMES else f"; {advice}"
        raise OutputError(f"{output}: cannot be written ({reason}){more}") from error


def _lies_elsewhere(error: OSError, output: Path) -> bool:
    """Whether an error names a file that is not in the output folder, nor beside an output that is a file."""
    if not isinstance(error.filename, str | bytes):
        return False
    home = output if os.path.isdir(output) else output.parent  # noqa: PTH112 -- pathlib's may raise
    return not Path(os.fsdecode(error.filename)).absolute().is_relative_to(home.absolute())
