"""A worker process as its parent sees it: started, told what to do, heard, and ended."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from time import monotonic
from typing import IO, Any, NamedTuple

from ..config import Options
from ..errors import ConfigError, ModelError
from ..models import Model
from ..outcomes import Outcome, Part
from . import wire

ONE_THREAD = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM")
END_S = 5.0  # for a worker that has hung up to tell how it ended: Python takes its time, on a busy core most
ERRORS = {error.__name__: error for error in (ModelError, ConfigError)}


class Job(NamedTuple):
    """A file to be heard, and the numbers of the models that are to hear it."""

    path: str
    models: tuple[int, ...] = (0,)


class Task(NamedTuple):
    """One stretch of one job's file, both by number."""

    file: int
    stretch: int


class Worker:
    """A worker process as its parent sees it."""

    def __init__(self, models: Sequence[Model], options: Options, cpu: int | None) -> None:
        ours, theirs = socket.socketpair()
        self.errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", __package__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stderr=self.errors,
                env=_environment(),
            )
        self.socket = ours
        self._inbox = wire.Inbox(ours)
        self.tasks: deque[Task] = deque()
        self.ready = self.overdue = False
        self.heard_s = monotonic()
        self.notes: list[str] = []
        self.widths: list[dict[str, int]] = []
        told = [_plain(model) for model in models]
        self._tell({"models": told, "options": options.as_dict(), "cpu": cpu, "parent": os.getpid()})

    def start(self, task: Task, job: Job) -> None:
        """Hand out a stretch."""
        if not self.tasks:
            self.heard_s = monotonic()  # it had nothing to say before
        self.tasks.append(task)
        self._tell({"path": job.path, "stretch": task.stretch, "models": job.models})

    def receive(self) -> Iterator[tuple[Task, Outcome | Part]]:
        """Read what has come, and yield the parts and outcomes that are whole now, each with its task.

        Raises
        ------
        EOFError, OSError
            The worker is gone.
        BirdfastError
            It could not start: the model's or the options' fault.
        """
        messages = self._inbox.read()
        self.heard_s = monotonic()  # a piece of a message will do
        for told, blob in messages:
            if "error" in told:
                raise ERRORS[told["error"]](told["message"])
            if "ready" in told:
                self.ready, self.notes, self.widths = True, told["ready"], told["widths"]
            elif "part" in told:
                yield self.tasks[0], wire.part(told["part"], blob)
            elif "outcome" in told:
                yield self.tasks.popleft(), wire.outcome(told["outcome"], blob)

    @property
    def silent_s(self) -> float:
        """Seconds since it was heard, or told what to do."""
        return monotonic() - self.heard_s

    def stop_if_overdue(self, limit_s: float) -> None:
        """Kill the process if it is silent for longer; that is noticed as any other end."""
        if self.silent_s > limit_s:
            self.overdue = True
            self.process.kill()

    def end(self) -> tuple[str, str]:
        """Stop the process if it still runs, and return how it ended: in a word, and in words."""
        self.socket.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(END_S)
        self.process.kill()
        code = self.process.wait()
        kind = signal.Signals(-code).name if code < 0 else "Exit"
        how = f"signal {kind}" if code < 0 else f"exit code {code}"
        if self.overdue:
            kind, how = "Timeout", f"after {self.silent_s:.0f} s without a sign of life"
        with self.errors:
            self.errors.seek(0)
            last = self.errors.read().decode(errors="replace").strip().splitlines()[-1:]
        return kind, ": ".join([how, *last])

    def _tell(self, message: dict[str, Any]) -> None:
        with suppress(ConnectionError):  # its end is noticed when its outcome is awaited
            wire.send(self.socket, message)


def _plain(model: Model) -> dict[str, Any]:
    facts = dataclasses.asdict(model)
    return facts | {"path": os.fspath(facts["path"]), "labels_path": os.fspath(facts["labels_path"])}


def _environment() -> dict[str, str]:
    """Return an environment in which libraries keep to one thread and our packages are found."""
    threads = {f"{library}_NUM_THREADS": "1" for library in ONE_THREAD}
    return {**os.environ, **threads, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
