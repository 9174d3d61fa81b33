"""Messages between a run and its workers: a line of JSON, and raw bytes behind it where it says so."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from typing import Any

CHUNK_BYTES = 1 << 18

Message = tuple[dict[str, Any], bytes]


def send(to: socket.socket, told: Mapping[str, Any], blob: bytes = b"") -> None:
    """Send a message, waiting until the other side has room for it."""
    to.sendall(json.dumps({**told, "n_bytes": len(blob)}).encode() + b"\n")
    to.sendall(blob)


class Inbox:
    """Puts messages together from the pieces in which they come.

    A sender may hang in the middle of one: `read` takes what is there, and waits only for the first byte.
    """

    def __init__(self, source: socket.socket) -> None:
        self._source, self._held = source, bytearray()

    def read(self) -> list[Message]:
        """Read once, and return the messages that are whole now.

        Raises
        ------
        EOFError, OSError
            The other side is gone.
        """
        piece = self._source.recv(CHUNK_BYTES)
        if not piece:
            raise EOFError
        self._held += piece
        return list(self._whole())

    def _whole(self) -> Iterator[Message]:
        while (end := self._held.find(b"\n") + 1) > 0:
            told = json.loads(self._held[:end])
            stop = end + told.pop("n_bytes")
            if len(self._held) < stop:
                return
            blob = bytes(self._held[end:stop])
            del self._held[:stop]
            yield told, blob
