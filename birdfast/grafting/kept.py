"""Files that are kept from one run to the next: nobody but we may write them, and one process makes each."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from ..atomicfile import AtomicFile
from . import places


def make(folder: Path) -> None:
    """Make a folder in which only we may write, whatever the umask says."""
    folder.mkdir(mode=0o777 & ~places.OTHERS_WRITE, parents=True, exist_ok=True)


def replace(path: Path, data: bytes) -> None:
    """Write a file that only we may write, whatever the umask says, in place of what is there."""
    with AtomicFile(path, mode="wb") as file:
        handle = file.stream.fileno()
        os.fchmod(handle, os.fstat(handle).st_mode & ~places.OTHERS_WRITE)
        file.stream.write(data)


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Wait until no other process makes the same file; where locks are not to be had, go ahead."""
    try:
        import fcntl

        make(path.parent)
        lock = path.with_suffix(".lock").open("wb")
    except (ImportError, OSError):
        yield
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
