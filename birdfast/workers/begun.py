"""Worker processes that are begun: some may be so before anybody knows what they are to load.

A process takes as long to wake up as the command that wants it takes to find out what to do: side by side
they take half. This file needs the standard library alone.
"""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import IO

from .. import children, voice
from .cores import usable_cores

ROOM_BYTES = 1 << 20  # asked for an order on its way: some seconds of sound, sent at once where that is given
SHORT_BYTES = 1 << 20  # few files with less last longer than a minute

_ahead: list[Begun] = []


class Begun:
    """A process that wakes up and waits for what to load.

    Attributes
    ----------
    socket : socket
        Our end: where it is closed, the process ends by itself.
    errors : file
        What it writes to its standard error.
    process : Popen

    Raises
    ------
    OSError
        It cannot be started: too many open files or processes.
    """

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs, ExitStack() as stack:
            self.socket = stack.enter_context(ours)
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM_BYTES)
            self.errors: IO[bytes] = stack.enter_context(tempfile.TemporaryFile())
            self.process = subprocess.Popen(
                children.command(__package__, str(theirs.fileno())),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self.errors,
                env=children.environment(),
            )
            stack.pop_all()  # closed by who takes it


@contextmanager
def ahead(
    output: str | os.PathLike[str], inputs: Sequence[str] = (), n_workers: int | None = None
) -> Iterator[None]:
    """Begin workers now, for whoever wants the first in the context; those that nobody took are ended.

    Parameters
    ----------
    output : path
        The folder of a run: where it is there already, all may have been heard before, and none is begun.
    inputs : sequence of path
        What is to be heard; a short file alone is one worker's.
    n_workers : int or None
        How many there are to be at most. No more are begun than find a core beside this process: others on
        its own would slow it, and all wait for it.
    """
    voice.hold()
    most = n_workers or sys.maxsize
    with suppress(OSError):  # who needs one will say what is wrong
        if not os.path.lexists(output):
            for _ in range(1 if _are_short(inputs) else max(1, min(most, len(usable_cores()) - 1))):
                _ahead.append(Begun())
    try:
        yield
    finally:
        while _ahead:
            begun = _ahead.pop()
            begun.process.kill()
            begun.process.wait()
            begun.socket.close()
            begun.errors.close()


def _are_short(inputs: Sequence[str]) -> bool:
    """Whether that is one file of some seconds, for all that is known before folders are looked into."""
    with suppress(OSError, ValueError):  # who opens it will say what is wrong
        (one,) = map(os.stat, inputs)
        return stat.S_ISREG(one.st_mode) and one.st_size < SHORT_BYTES
    return False


def taken() -> Begun:
    """Return a process that was begun ahead, each once, or one that begins now; errors as `Begun`."""
    with suppress(IndexError):
        return _ahead.pop(0)
    return Begun()
