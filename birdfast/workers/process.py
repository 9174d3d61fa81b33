"""A worker process as its parent sees it: started, told what to do, heard, and ended."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np

from .. import sources, voice
from ..arrays import Float32
from ..config import Options
from ..errors import ConfigError, ModelError, ModelMemoryError, ModelRuntimeError
from ..models import Digests, Model
from ..outcomes import Outcome, Part
from . import wire
from .begun import taken

END_S = 5.0  # for a worker that has hung up to tell how it ended: Python takes its time, on a busy core most
ERRORS = {error.__name__: error for error in (ModelError, ModelMemoryError, ModelRuntimeError, ConfigError)}


class Job(NamedTuple):
    """A file or sound in memory to be heard, the numbers of the models that are to hear it, and how.

    Attributes
    ----------
    path : str
        What a failure names, where the sound is in memory.
    models : tuple of int
    kinds : tuple of str or None
        The dense rows to send in place of detections; None finds detections: see `Pipeline.analyse`.
    samples : float32 [n] or None
        Mono sound in memory, contiguous; it is heard in one stretch.
    rate_hz : int
        Its rate.
    place : str or None
        Where the file lies, if the path is a URL's: it was fetched.
    """

    path: str
    models: tuple[int, ...] = (0,)
    kinds: tuple[str, ...] | None = None
    samples: Float32 | None = None
    rate_hz: int = 0
    place: str | None = None


class Task(NamedTuple):
    """One stretch of one job's file or sound, both by number."""

    file: int
    stretch: int


class Worker:
    """A worker process as its parent sees it: started, and then told what to load (`load`).

    Parameters
    ----------
    hear : callable
        Takes what the worker has to say to whoever waits for it.

    Attributes
    ----------
    silent_s : float
        Seconds that its parent has listened since it was heard, or told what to do; who listens counts them.
    """

    def __init__(self, hear: Callable[[str], object] = voice.say) -> None:
        begun = taken()
        self.socket, self.errors, self.process = begun.socket, begun.errors, begun.process
        self._inbox, self._outbox = wire.Inbox(begun.socket), wire.Outbox(begun.socket)
        self._hear = hear
        self.tasks: deque[Task] = deque()
        self.ready = self.overdue = False
        self.silent_s = 0.0
        self.notes: list[str] = []
        self.sizes: list[dict[str, int]] = []

    def load(
        self, models: Sequence[Model], digests: Sequence[Digests], options: Options, cpu: int | None
    ) -> None:
        """Let it load models, if their files are still those that are meant."""
        order = {"models": [plain(model) for model in models], "digests": digests, "known": sources.known()}
        self._outbox.put({**order, "options": options.as_dict(), "cpu": cpu, "parent": os.getpid()})

    def start(self, task: Task, job: Job) -> None:
        """Hand out a stretch; what of it the worker has no room for yet waits for `flush`."""
        if not self.tasks:
            self.silent_s = 0.0  # it had nothing to say before
        self.tasks.append(task)
        order = {
            "path": job.place or job.path,
            "stretch": task.stretch,
            "models": job.models,
            "kinds": job.kinds,
        }
        if job.samples is None:
            self._outbox.put(order)
        else:
            self._outbox.put({**order, "rate_hz": job.rate_hz}, job.samples.view(np.uint8).data)

    @property
    def is_owed(self) -> bool:
        """Whether a part of an order is still to be sent."""
        return bool(self._outbox)

    def flush(self) -> None:
        """Send on what waits."""
        self._outbox.flush()

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
        self.silent_s = 0.0  # a piece of a message will do
        for told, blob in messages:
            if "error" in told:
                raise ERRORS[told["error"]](told["message"])
            if "aside" in told:
                self._hear(told["aside"])
            elif "ready" in told:
                self.ready, self.notes, self.sizes = True, told["ready"], told["sizes"]
            elif "part" in told:
                yield self.tasks[0], wire.part(told["part"], blob)
            elif "outcome" in told:
                yield self.tasks.popleft(), wire.outcome(told["outcome"], blob)

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


def plain(model: Model) -> dict[str, Any]:
    """Return a model as JSON has it; that of its backbone is in it."""
    return _with_text(dataclasses.asdict(model))


def _with_text(facts: dict[str, Any]) -> dict[str, Any]:
    for one in filter(None, [facts["backbone"], *facts["parts"]]):
        _with_text(one)
    facts |= {key: os.fspath(facts[key]) for key in ("path", "labels_path")}
    return facts
