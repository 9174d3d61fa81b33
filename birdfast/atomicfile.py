"""A file that is whole or not there."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from .errors import ConfigError

RANDOM = "[a-z0-9_]+"  # what tempfile puts into a name


class AtomicFile:
    """A file that gets its name when it is whole: a temporary neighbour, renamed at the end.

    Parameters
    ----------
    path : path
        The name; a file that has it is replaced.
    **how
        As `open`: mode, encoding, newline.

    Attributes
    ----------
    stream : file
        Where to write.
    is_synced : bool
        Whether the end brings the file to the disk; who has many may do that for all of them.

    Raises
    ------
    ConfigError
        The name is a folder's, or the folder takes no file. Said before anything is computed.
    """

    is_synced = True

    def __init__(self, path: Path, **how: Any) -> None:
        self.path = path
        handle, self._part = _begun(path)
        os.fchmod(handle, 0o666 & ~umask())
        self.stream: IO[Any] = os.fdopen(handle, **how)

    def __enter__(self) -> Self:
        return self

    def finish(self) -> None:
        """Bring all that was written to the disk, so that only the name is missing; the end does it, too."""
        self.stream.flush()
        if self.is_synced:
            os.fsync(self.stream.fileno())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.finish()
                self._part.replace(self.path)
                if self.is_synced:
                    _keep_names(self.path.parent)
        finally:
            self._part.unlink(missing_ok=True)  # first: closing fails on a full disk
            self.stream.close()


def make_folder(folder: Path) -> None:
    """Make a folder that is there after a power cut, with those above it; one that is there is fine.

    Raises
    ------
    OSError
        It cannot be made.
    """
    new = [one for one in (folder, *folder.parents) if not os.path.lexists(one)]
    folder.mkdir(parents=True, exist_ok=True)
    for one in new:
        _keep_names(one.parent)


def check(path: Path) -> None:
    """Refuse a name that an `AtomicFile` could not get, before anything is computed; nothing is left.

    Raises
    ------
    ConfigError
        As `AtomicFile`.
    """
    handle, part = _begun(path)
    os.close(handle)
    part.unlink()


def check_apart(path: Path, *inputs: Path) -> None:
    """Refuse to write what is read.

    Raises
    ------
    ConfigError
        The name leads to one of the inputs.
    """
    for other in inputs:
        if path.exists() and other.exists() and path.samefile(other):
            raise ConfigError(f"{path}: is read, so it cannot be written; take another name")


def tidy(folder: Path, names: str) -> None:
    """Remove what a process that was killed has left of files whose names match; the folder must be ours.

    Parameters
    ----------
    folder : path
    names : str
        A regular expression of whole names.
    """
    of_ours = re.compile(rf"\.(?:{names})\.{RANDOM}\.part")
    for part in folder.iterdir():
        if of_ours.fullmatch(part.name) and not part.is_dir():
            part.unlink(missing_ok=True)


def check_replaceable(path: Path) -> None:
    """Refuse a name that something has which is no file: a folder, a device, a pipe.

    Raises
    ------
    ConfigError
        There is such a thing.
    """
    try:
        mode = path.stat().st_mode
    except OSError:  # not there, or whoever writes it says why it cannot be
        return
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "no regular file"
        raise ConfigError(f"{path}: cannot be written (it is {what}); move it away, or choose another output")


def _begun(path: Path) -> tuple[int, Path]:
    """Make the temporary neighbour of a file: its descriptor, and its name."""
    check_replaceable(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written into {path.parent} ({error.strerror})") from error
    return handle, Path(name)


def _keep_names(folder: Path) -> None:
    """Bring a folder's names to the disk, so that a file that had its name has it after a power cut.

    Some file systems do not do that, and one may write into folders that one may not open: the file is whole
    all the same.
    """
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def umask() -> int:
    """Return the permissions that new files do not get in this process."""
    current = os.umask(0)
    os.umask(current)
    return current
