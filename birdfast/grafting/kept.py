"""Files that are kept from one run to the next: nobody but we may write them, and one process makes each."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from ..atomicfile import AtomicFile
from ..errors import ModelError
from . import places

T = TypeVar("T")
UNREADABLE = (OSError, ValueError, KeyError, TypeError, ModelError)  # there is none, or it is damaged


def make(folder: Path) -> None:
    """Make a folder in which only we may write, whatever the umask says."""
    folder.mkdir(mode=0o777 & ~places.OTHERS_WRITE, parents=True, exist_ok=True)


def replace(path: Path, data: bytes) -> None:
    """Write a file that only we may write, whatever the umask says, in place of what is there."""
    with AtomicFile(path, mode="wb") as file:
        handle = file.stream.fileno()
        os.fchmod(handle, os.fstat(handle).st_mode & ~places.OTHERS_WRITE)
        file.stream.write(data)


def once(path: Path, read: Callable[[], T], make: Callable[[], T]) -> T:
    """Return what is read, or else made, if no other process makes it just then; `read` raises UNREADABLE."""
    with contextlib.suppress(*UNREADABLE):
        return read()
    with alone(path):
        with contextlib.suppress(*UNREADABLE):  # perhaps another process made it while this one waited
            return read()
        return make()


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
