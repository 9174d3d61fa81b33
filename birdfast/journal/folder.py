"""The output folder of a run: locked so long as the run lives, and missed when it has gone."""

from __future__ import annotations

import fcntl
import os
from copy import copy
from pathlib import Path
from typing import Self

from ..errors import FEW_FILES, TOO_MANY_OPEN, ConfigError, OutputError


class Folder:
    """A folder that is locked for this process, so long as it lives: no file is needed, none stays behind.

    Parameters
    ----------
    path : path
    shared : bool
        Others may lock it in the same way: those who read, while nobody writes.

    Attributes
    ----------
    path : path

    Raises
    ------
    ConfigError
        Another run is at work in it.
    OutputError
        It cannot be looked into.
    """

    def __init__(self, path: Path, *, shared: bool = False) -> None:
        self.path = path
        try:
            self._lock = os.open(path, os.O_RDONLY)
        except OSError as error:
            if error.errno in TOO_MANY_OPEN:
                raise ConfigError(FEW_FILES) from error
            raise OutputError(f"{path}: cannot be looked into ({error.strerror})") from error
        try:
            fcntl.flock(self._lock, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.release()
            raise ConfigError(
                f"{path}: another run is at work in it (`birdfast status` says how far)"
            ) from error
        except OSError:  # a file system without locks: SQLite's own are left
            pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def lent(self) -> Folder:
        """Return the same lock for another to release: the folder is locked until all have released it."""
        lent = copy(self)
        lent._lock = os.dup(self._lock)
        return lent

    def release(self) -> None:
        """Let others have it."""
        os.close(self._lock)

    def check(self) -> None:
        """Notice a folder that was removed or moved away: its files can be written on, for nobody.

        Raises
        ------
        OutputError
            It has gone.
        """
        check_same(self.path, os.fstat(self._lock))


def check_same(path: Path, begun: os.stat_result) -> None:
    """Notice that a folder or file is not the one that a run began with; OutputError as `Folder.check`."""
    try:
        here = os.path.samestat(path.stat(), begun)
    except OSError as error:
        raise OutputError(f"{path}: has gone since the run began ({error.strerror})") from error
    if not here:
        raise OutputError(f"{path}: has gone since the run began; another has its name")
