"""Folders beside each other: a run's own, locked while it lives, among those of a user's other runs.

Each tells what it holds, so that all together keep to one bound, and what a killed run left goes.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

PREFIX = "birdfast-fetched-"
TOLD = "told"  # the file in each folder that says what it holds
WORDS = struct.Struct("<qq")  # bytes, and a ticket


class _Told(NamedTuple):
    """What another folder tells: the bytes it holds, the ticket of who waits there for more (0: nobody)."""

    path: Path
    n_bytes: int
    ticket: int


class FolderBeside:
    """A folder of a run of its own in a place that other runs may use, too.

    Where the file system has no locks, or cannot be looked at, each run is alone.

    Parameters
    ----------
    home : path
        The place.

    Attributes
    ----------
    path : path
        The folder.
    n_beside : int
        Bytes that others held when this one last asked.

    Raises
    ------
    OSError
        It cannot be made.
    """

    def __init__(self, home: Path) -> None:
        self._home, self._ticket, self._told, self.n_beside = home, 0, -1, 0
        self.path, self._lock = _made(home)
        try:
            self._told = os.open(self.path / TOLD, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError:
            self.close()
            raise
        self.tell(0)

    def close(self) -> None:
        """Remove the folder; what others tell is of no use any more."""
        shutil.rmtree(self.path, ignore_errors=True)
        for handle in (self._told, self._lock):
            with suppress(OSError):
                os.close(handle)
        self._told = self._lock = -1

    def tell(self, n_bytes: int) -> None:
        """Let others know what is held."""
        with suppress(OSError):  # it was closed, or its disk takes nothing: what was told before holds
            os.pwrite(self._told, WORDS.pack(n_bytes, self._ticket), 0)

    def claim(self, n_held: int, n_bytes: int, most_bytes: int) -> bool:
        """Return whether so many bytes may be held beside those that are, by all here together; else line up.

        Who lines up has room in the order of those who do, and asks again until then, or calls `step_out`.
        Where nobody holds anything there is room in any case.
        """
        with _looking_alone(self._home) as is_alone:
            if not is_alone:
                return False
            others = self._others()
            self._ticket = self._ticket or 1 + max((other.ticket for other in others), default=0)
            self.n_beside = sum(other.n_bytes for other in others)
            n_all = n_held + self.n_beside
            is_first = not any(0 < other.ticket < self._ticket for other in others)
            is_room = is_first and (n_all == 0 or n_all + n_bytes <= most_bytes)
            if is_room:
                self._ticket = 0
            self.tell(n_held + n_bytes if is_room else n_held)
        return is_room

    def step_out(self, n_held: int) -> None:
        """Wait for room no more."""
        self._ticket = 0
        self.tell(n_held)

    def others_bytes(self) -> int:
        """Return how much lies in others' folders by now; remove what killed ones have left."""
        n_bytes = 0
        for other in self._others():
            with suppress(OSError), os.scandir(other.path) as files:
                n_bytes += sum(file.stat(follow_symlinks=False).st_size for file in files)
        return n_bytes

    def _others(self) -> list[_Told]:
        """Return what those that live tell; remove what those that were killed have left."""
        others = []
        for path in self._home.glob(f"{PREFIX}*"):
            with suppress(OSError):
                if path.name != self.path.name and (told := _looked_at(path)) is not None:
                    others.append(told)
        return others


def _looked_at(path: Path) -> _Told | None:
    """Return what the folder of a run that lives tells; one that nobody has locked is a killed one's."""
    lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if os.fstat(lock).st_uid != os.getuid():
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file = os.open(TOLD, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=lock)
            try:
                told = os.pread(file, WORDS.size, 0)
            finally:
                os.close(file)
            return _Told(path, *WORDS.unpack(told)) if len(told) == WORDS.size else None
        shutil.rmtree(path, ignore_errors=True)  # which goes
        return None
    finally:
        os.close(lock)


@contextmanager
def _looking_alone(home: Path) -> Iterator[bool]:
    """Keep others in a place from looking; the context's value is whether nobody did."""
    handle, is_alone = -1, True
    try:
        with suppress(OSError):  # it has no locks, or may not be read
            handle = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                is_alone = False
        yield is_alone
    finally:
        if handle >= 0:
            os.close(handle)


def _made(home: Path) -> tuple[Path, int]:
    """Make a folder and lock it: before that another run may take it for a killed one's."""
    while True:
        path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=home))
        try:
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except FileNotFoundError:
            continue
        with suppress(OSError):  # a file system without locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        with suppress(OSError):
            if os.path.samestat(path.stat(), os.fstat(lock)):
                return path, lock
        os.close(lock)
