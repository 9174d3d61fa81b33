"""A bell: wakes a thread that waits for sockets, from any other thread."""

from __future__ import annotations

import selectors
import socket
from contextlib import suppress

# What a bell is waited for with, among few others: it takes no call of the system to say which.
Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)
MANY_RINGS = 1 << 12  # are heard at once


class Bell:
    """A socket to wait for, among others, that can be read when somebody rang."""

    def __init__(self) -> None:
        self._here, self._there = socket.socketpair()
        self._here.setblocking(False)
        self._there.setblocking(False)

    def fileno(self) -> int:
        """Return the number of what is waited for."""
        return self._here.fileno()

    def ring(self) -> None:
        """Wake who waits; nothing happens where that is under way, or nobody will wait any more."""
        with suppress(OSError):
            self._there.send(b"\0")

    def hush(self) -> None:
        """Forget who rang so far."""
        with suppress(BlockingIOError):
            self._here.recv(MANY_RINGS)

    def close(self) -> None:
        """Close it; it may still be rung."""
        self._here.close()
        self._there.close()
