"""A scratch folder: where fetched recordings lie until they are heard, of so many bytes at every moment."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Condition
from typing import NamedTuple, Self

from ..config import checks
from ..errors import ConfigError

USUAL_BYTES = 4 * 10**9
MARGIN_BYTES = 10**9  # of the disk, which others need, too
PREFIX = "birdfast-fetched-"


class Scratch(NamedTuple):
    """Where a scratch folder is to be, and of how many bytes at most.

    Attributes
    ----------
    folder : path or None
        It is made in it; None is the system's place for such.
    gb : float or None
        Billions of bytes; None is 4, or what the disk has free less one.
    """

    folder: str | os.PathLike[str] | None = None
    gb: float | None = None

    def check(self) -> None:
        """Refuse a size that is none; ConfigError."""
        if self.gb is not None:
            checks.number("scratch_gb", self.gb, 0, fitting="billions of bytes, more than 0")
            checks.check(self.gb > 0, "scratch_gb", self.gb, "billions of bytes, more than 0")


USUAL = Scratch()


class ScratchRoom:
    """A scratch folder of a process; a context manager.

    It goes at the end; that of a killed run goes when the next begins.

    Parameters
    ----------
    scratch : Scratch

    Attributes
    ----------
    path : path
    most_bytes : int

    Raises
    ------
    ConfigError
        It cannot be made, or its disk is full.
    """

    def __init__(self, scratch: Scratch) -> None:
        scratch.check()
        home = Path(scratch.folder or tempfile.gettempdir())
        try:
            home.mkdir(parents=True, exist_ok=True)
            _tidy(home)
            self.path, self._lock = _made(home)
            free = shutil.disk_usage(home).free
        except OSError as error:
            raise ConfigError(
                f"{home}: cannot be the scratch folder ({error.strerror}); --scratch names another"
            ) from error
        usual = min(USUAL_BYTES, free - MARGIN_BYTES)
        self.most_bytes = int(usual if scratch.gb is None else scratch.gb * 1e9)
        self._room, self._taken, self._next = Condition(), 0, 0
        self._passed = set[int]()  # turns that are over, and not yet come to
        if self.most_bytes <= 0:
            self.__exit__()
            raise ConfigError(
                f"{home}: its disk has no room to fetch recordings to; --scratch names another, --scratch-gb"
                " says how much may be taken"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)

    @contextmanager
    def turn(self, number: int, is_over: Callable[[], bool]) -> Iterator[Turn]:
        """Be one of those who want room, from 0 on.

        However the context ends, the next has its turn then, and what was taken and not kept is given back.
        """
        turn = Turn(self, number, is_over)
        try:
            yield turn
        finally:
            self._pass(number)
            self.give_back(turn.n_bytes)

    def _pass(self, number: int) -> None:
        with self._room:
            if number >= self._next:
                self._passed.add(number)
            while self._next in self._passed:
                self._passed.remove(self._next)
                self._next += 1
            self._room.notify_all()

    def take(self, turn: int, n_bytes: int, is_over: Callable[[], bool]) -> bool:
        """Wait for room in the order of turns, from 0 on; return whether there is any before it is over.

        So what is to be heard first is never without room because of what comes behind it.
        """
        with self._room:
            while not is_over():
                if turn == self._next and self._taken + n_bytes <= self.most_bytes:
                    self._taken += n_bytes
                    self._pass(turn)
                    return True
                self._room.wait()
            return False

    def give_back(self, n_bytes: int) -> None:
        """Let others have room; of 0 bytes it wakes those who wait."""
        with self._room:
            self._taken -= n_bytes
            self._room.notify_all()


class Turn:
    """One who wants room, in `ScratchRoom.turn`.

    Attributes
    ----------
    n_bytes : int
        What was taken, and is not kept.
    """

    def __init__(self, room: ScratchRoom, number: int, is_over: Callable[[], bool]) -> None:
        self._room, self._number, self._is_over, self.n_bytes = room, number, is_over, 0

    def take(self, n_bytes: int) -> bool:
        """Wait for room, as `ScratchRoom.take`; once."""
        is_there = self._room.take(self._number, n_bytes, self._is_over)
        self.n_bytes = n_bytes if is_there else 0
        return is_there

    def keep(self, n_bytes: int) -> None:
        """Keep so much of what was taken beyond the context: whoever keeps it gives it back."""
        self.n_bytes -= n_bytes


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


def _tidy(home: Path) -> None:
    """Remove what runs that were killed have left: nobody holds its lock."""
    for path in home.glob(f"{PREFIX}*"):
        with suppress(OSError):
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if os.fstat(lock).st_uid == os.getuid() and stat.S_ISDIR(os.fstat(lock).st_mode):
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(lock)
