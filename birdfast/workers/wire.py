"""Messages between a run and its workers: a line of JSON, and raw bytes behind it where it says so.

What comes of a stretch is packed and unpacked here alone: `of_outcome` and `outcome`, `of_part` and `part`.
"""

from __future__ import annotations

import dataclasses
import json
import socket
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..outcomes import DETECTION, Failure, Fetched, Heard, Outcome, Part

CHUNK_BYTES = 1 << 18
MOST_BYTES = 1 << 22  # are read at once

Message = tuple[dict[str, Any], bytes | bytearray]


def send(to: socket.socket, told: Mapping[str, Any], blob: bytes | bytearray = b"") -> None:
    """Send a message, waiting until the other side has room for it."""
    to.sendall(line(told, len(blob)))
    to.sendall(blob)


class Outbox:
    """Sends messages without ever waiting: what the other side has no room for yet is kept until it has."""

    def __init__(self, to: socket.socket) -> None:
        self._to, self._waiting = to, deque[memoryview]()

    def __bool__(self) -> bool:
        """Whether something waits."""
        return bool(self._waiting)

    def put(self, told: Mapping[str, Any], blob: memoryview | bytes = b"") -> None:
        """Take a message, its raw bytes as they lie in memory, and send what there is room for."""
        self._waiting += [memoryview(line(told, len(blob))), memoryview(blob)]
        self.flush()

    def flush(self) -> None:
        """Send what there is room for now; where the other side is gone, nothing waits any more."""
        try:
            while self._waiting:
                sent = self._to.send(self._waiting[0][:CHUNK_BYTES], socket.MSG_DONTWAIT)
                self._waiting[0] = self._waiting[0][sent:]
                if not len(self._waiting[0]):
                    self._waiting.popleft()
        except BlockingIOError:
            return
        except OSError:
            self._waiting.clear()  # its end is noticed when its outcome is awaited


class Inbox:
    """Puts messages together from the pieces in which they come.

    A sender may hang in the middle of one: `read` takes what is there, and waits only for the first byte.
    """

    def __init__(self, source: socket.socket) -> None:
        self._source, self._held = source, bytearray()
        self._told: dict[str, Any] = {}  # of a message whose raw bytes are on their way
        self._blob, self._n_there = bytearray(), 0

    def read(self) -> list[Message]:
        """Read once, and return the messages that are whole now.

        Raises
        ------
        EOFError, OSError
            The other side is gone.
        """
        if missing := len(self._blob) - self._n_there:
            with memoryview(self._blob) as blob:  # at once to where they stay: sound is large
                n_read = self._source.recv_into(blob[self._n_there :], min(missing, MOST_BYTES))
            if not n_read:
                raise EOFError
            self._n_there += n_read
            return [self._taken()] if n_read == missing else []
        piece = self._source.recv(CHUNK_BYTES)
        if not piece:
            raise EOFError
        self._held += piece
        return list(self._whole())

    def _whole(self) -> Iterator[Message]:
        while (end := self._held.find(b"\n") + 1) > 0:
            self._told = json.loads(self._held[:end])
            self._blob = bytearray(self._told.pop("n_bytes"))
            there = self._held[end : end + len(self._blob)]
            self._n_there = len(there)
            self._blob[: self._n_there] = there
            del self._held[: end + self._n_there]
            if self._n_there < len(self._blob):
                return
            yield self._taken()

    def _taken(self) -> Message:
        message = (self._told, self._blob)
        self._told, self._blob, self._n_there = {}, bytearray(), 0
        return message


def line(told: Mapping[str, Any], n_bytes: int) -> bytes:
    """Return a message's line of JSON, before so many raw bytes."""
    return json.dumps({**told, "n_bytes": n_bytes}).encode() + b"\n"


def of_outcome(outcome: Outcome) -> Message:
    """Return an outcome as a message."""
    told, blobs = _plain(outcome), []
    told["heard"] = []
    for heard in outcome.heard:
        plain, blob = _plain(heard), heard.detections.tobytes()
        del plain["detections"]
        told["heard"].append(plain | {"n_bytes": len(blob)})
        blobs.append(blob)
    return {"outcome": told}, b"".join(blobs)


def outcome(told: dict[str, Any], blob: bytes | bytearray) -> Outcome:
    """Return what `of_outcome` packed, of the message's "outcome" and its bytes."""
    fetched = told["fetched"] and Fetched(*told["fetched"])
    came, start = Outcome(**told | {"failure": _failure(told), "fetched": fetched, "heard": []}), 0
    for plain in told["heard"]:
        stop = start + plain.pop("n_bytes")
        detections = np.frombuffer(blob[start:stop], DETECTION)
        came.heard.append(Heard(**plain | {"failure": _failure(plain), "detections": detections}))
        start = stop
    return came


def of_part(part: Part) -> Message:
    """Return a part of dense rows as a message."""
    told = part._asdict()
    return {"part": told}, told.pop("rows")


def part(told: dict[str, Any], blob: bytes | bytearray) -> Part:
    """Return what `of_part` packed, of the message's "part" and its bytes."""
    return Part(**told, rows=bytes(blob))


def _plain(value: Outcome | Heard) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def _failure(told: Mapping[str, Any]) -> Failure | None:
    return told["failure"] and Failure(*told["failure"])
