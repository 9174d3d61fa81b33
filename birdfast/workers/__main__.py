"""What runs in a worker: load the models once, then analyse stretch after stretch."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from time import monotonic
from typing import Any

import numpy as np

from .. import sources, voice
from ..config import Options
from ..errors import BirdfastError
from ..models import Digests, check_unchanged, described
from ..outcomes import Outcome, Part
from ..pipeline import Pipeline
from . import wire

PR_SET_PDEATHSIG = 1  # linux/prctl.h
PARENTS = ("SIGINT", "SIGTERM", "SIGUSR1")  # to handle: terminals and clusters send them to all at once
SILENT_S = 1.0  # then a worker says that it lives: half of `patience.LEAST_TIMEOUT_S`


def main(fd: int) -> None:
    """Be a worker: load the pipeline, then analyse what is asked until the parent hangs up."""
    for name in PARENTS:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    parent = socket.socket(fileno=fd)
    orders, ours = _orders(parent), Voice(parent)
    voice.tell_asides(lambda line: ours.say({"aside": line}))
    with parent, suppress(EOFError, BrokenPipeError, ConnectionResetError):
        order, _ = next(orders)
        _die_with(order["parent"])
        if order["cpu"] is not None:
            os.sched_setaffinity(0, [order["cpu"]])
        with warnings.catch_warnings(record=True) as notes:
            warnings.simplefilter("always", RuntimeWarning)
            try:
                pipeline = _loaded(order)
            except BirdfastError as error:
                ours.say({"error": type(error).__name__, "message": str(error)})
                return
        sizes = [listener.sizes for listener in pipeline.listeners]
        told = [str(note.message) for note in notes]
        ours.say({"ready": told, "sizes": sizes})
        warnings.showwarning = _say_later  # type: ignore[assignment]
        for order, sound in orders:
            ours.say(*wire.of_outcome(_analyse(pipeline, order, sound, ours)))
            del sound  # it may be large, and the next order far away


def _loaded(order: Mapping[str, Any]) -> Pipeline:
    """Load the models that are meant, whose files may be replaced at any moment."""
    sources.believe(order["known"])
    models = [described(**facts) for facts in order["models"]]
    digests = [Digests(*told) for told in order["digests"]]
    check_unchanged(models, digests)
    pipeline = Pipeline(models, Options(**order["options"]))
    check_unchanged(models, digests)
    return pipeline


def _say_later(message: Warning | str, category: type[Warning], *_: object) -> None:
    """Say what only shows when a graph is first needed, as that it runs without XNNPACK."""
    if issubclass(category, RuntimeWarning):
        voice.aside(str(message))


class Voice:
    """What a worker says to its parent: what it finds, and that it lives if it finds nothing for long."""

    def __init__(self, parent: socket.socket) -> None:
        self._parent, self._spoke_s = parent, monotonic()

    def say(self, told: Mapping[str, Any], blob: bytes | bytearray = b"") -> None:
        """Send a message."""
        wire.send(self._parent, told, blob)
        self._spoke_s = monotonic()

    def send(self, part: Part) -> None:
        """Send dense rows."""
        self.say(*wire.of_part(part))

    def alive(self) -> None:
        """Say that there is progress, unless something was said just now."""
        if monotonic() - self._spoke_s >= SILENT_S:
            self.say({"alive": True})


def _orders(parent: socket.socket) -> Iterator[wire.Message]:
    inbox = wire.Inbox(parent)
    while True:
        yield from inbox.read()


def _analyse(pipeline: Pipeline, order: Mapping[str, Any], sound: bytes | bytearray, voice: Voice) -> Outcome:
    """Analyse a stretch of a file, or sound that came with the order."""
    which = {"only": order["models"], "kinds": order["kinds"]}
    if "rate_hz" not in order:
        return pipeline.analyse(order["path"], order["stretch"], voice.send, voice.alive, **which)
    samples = np.frombuffer(sound, np.float32)
    return pipeline.analyse_samples(samples, order["rate_hz"], voice.send, voice.alive, **which)


def _die_with(parent: int) -> None:
    """Let the system end this process with its parent, also one that is killed outright (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was faster
        os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
