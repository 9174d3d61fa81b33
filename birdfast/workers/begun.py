"""Worker processes that are begun: one may be so before anybody knows what it is to load.

A process takes as long to wake up as the command that wants it takes to find out what to do: side by side
they take half. This file needs the standard library alone.
"""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import IO

from .. import children, voice

ROOM_BYTES = 1 << 20  # asked for an order on its way: some seconds of sound, sent at once where that is given

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
def ahead(output: str | os.PathLike[str]) -> Iterator[None]:
    """Begin a worker now, for whoever wants the first in the context; one that nobody took is ended.

    Parameters
    ----------
    output : path
        The folder of a run: where it is there already, all may have been heard before, and none is begun.
    """
    voice.hold()
    with suppress(OSError):  # who needs one will say what is wrong
        if not os.path.lexists(output):
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


def taken() -> Begun:
    """Return the process that was begun ahead, once, or one that begins now; errors as `Begun`."""
    with suppress(IndexError):
        return _ahead.pop()
    return Begun()
