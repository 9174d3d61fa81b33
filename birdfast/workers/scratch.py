"""A scratch folder: where fetched recordings lie until they are heard, of so many bytes at every moment."""

from __future__ import annotations

import errno
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Condition
from time import monotonic, sleep
from typing import NamedTuple, Self

from ..config import checks
from ..errors import ConfigError, OutputError
from .beside import FolderBeside

USUAL_BYTES = 4 * 10**9
MARGIN_BYTES = 10**9  # of the disk, which others need, too
LOOK_EVERY_S = 0.2  # whether others have room to give
TELL_AFTER_S = 60.0  # that others have it
FULL = (errno.ENOSPC, errno.EDQUOT)
FULL_WAITS_S = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0)  # before each other try of what met a full disk
ALL_BYTES = 1 << 60  # what nobody else can hold anything beside


class Scratch(NamedTuple):
    """Where a scratch folder is to be, and of how many bytes at most.

    Attributes
    ----------
    folder : path or None
        It is made in it; None is the system's place for such.
    gb : float or None
        Billions of bytes, which all runs and tasks of a user take together there; None is 4, or what the disk
        has free less one.
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

    It goes at the end; that of a killed run goes when the next begins. What it holds, and what others in the
    same place do, is never more together than `most_bytes`.

    Parameters
    ----------
    scratch : Scratch
    is_over : callable
        Whether nobody waits for it any more.

    Attributes
    ----------
    path : path
    most_bytes : int

    Raises
    ------
    ConfigError
        It cannot be made.
    OutputError
        Its disk is full, and stays so for all of `FULL_WAITS_S`, or until nobody waits.
    """

    def __init__(self, scratch: Scratch, is_over: Callable[[], bool] = lambda: False) -> None:
        scratch.check()
        for wait_s in (*FULL_WAITS_S, None):
            try:
                self._folder, self.most_bytes = _made(scratch)
                break
            except OutputError:
                if wait_s is None or is_over():
                    raise
                until_s = monotonic() + wait_s
            while monotonic() < until_s and not is_over():
                sleep(LOOK_EVERY_S)
        self.path = self._folder.path
        self._room, self._taken, self._next = Condition(), 0, 0
        self._passed = set[int]()  # turns that are over, and not yet come to
        self._n_alone = 0  # who wait until nobody else holds anything
        self._waits_since_s: float | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._room:
            self._folder.close()

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
            turn.give_back()

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

        So what is to be heard first is never without room because of what comes behind it. Who wants
        `ALL_BYTES` comes before all turns, and has them when nobody holds anything.
        """
        is_alone = n_bytes == ALL_BYTES
        with self._room:
            self._n_alone += is_alone
            try:
                while not is_over():
                    is_next = is_alone or (turn == self._next and not self._n_alone)
                    if is_next and self._folder.claim(self._taken, n_bytes, self.most_bytes):
                        self._taken += n_bytes
                        self._waits_since_s = None
                        self._pass(turn)
                        return True
                    if is_next and self._waits_since_s is None:
                        self._waits_since_s = monotonic()
                    self._room.wait(LOOK_EVERY_S if is_next else None)
                self._folder.step_out(self._taken)
                return False
            finally:
                self._n_alone -= is_alone
                self._room.notify_all()

    def word(self) -> str | None:
        """Return what is to be said of a wait, once: others, who may have been stopped, have the room."""
        with self._room:
            since_s = self._waits_since_s
            if not self._folder.n_beside or since_s is None or monotonic() - since_s < TELL_AFTER_S:
                return None
            self._waits_since_s = math.inf
        return f"{self.path.parent}: other runs have the room there; what is to be fetched waits for it"

    def has_free(self, n_bytes: int) -> bool:
        """Whether the disk has so much."""
        return shutil.disk_usage(self.path).free >= n_bytes

    def give_back(self, n_bytes: int) -> None:
        """Let others have room; of 0 bytes it wakes those who wait."""
        with self._room:
            self._taken -= n_bytes
            self._folder.tell(self._taken)
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
        """Wait for room, as `ScratchRoom.take`; what was taken before is given back first."""
        self.give_back()
        is_there = self._room.take(self._number, n_bytes, self._is_over)
        self.n_bytes = n_bytes if is_there else 0
        return is_there

    def give_back(self) -> None:
        """Give back what was taken, and is not kept."""
        self._room.give_back(self.n_bytes)
        self.n_bytes = 0

    def keep(self, n_bytes: int) -> None:
        """Keep so much of what was taken beyond the context: whoever keeps it gives it back."""
        self.n_bytes -= n_bytes


def _made(scratch: Scratch) -> tuple[FolderBeside, int]:
    """Make a scratch folder; return it, and how many bytes all beside each other may hold there."""
    home = Path(scratch.folder or tempfile.gettempdir())
    try:
        home.mkdir(parents=True, exist_ok=True)
        folder = FolderBeside(home)
        free = shutil.disk_usage(home).free + folder.others_bytes()
    except OSError as error:
        if error.errno in FULL:
            raise _full(home) from error
        raise ConfigError(
            f"{home}: cannot be the scratch folder ({error.strerror}); --scratch names another"
        ) from error
    usual = min(USUAL_BYTES, free - MARGIN_BYTES)
    most_bytes = int(usual if scratch.gb is None else scratch.gb * 1e9)
    if min(most_bytes, free) <= 0:
        folder.close()
        raise _full(home)
    return folder, most_bytes


def _full(home: Path) -> OutputError:
    return OutputError(
        f"{home}: its disk has no room to fetch recordings to; --scratch names another, --scratch-gb says how"
        " much may be taken; what was done is kept, and the same command goes on"
    )
