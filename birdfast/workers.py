"""Worker processes: one a core, pinned to it, each with a single-threaded session of its own.

A worker is `python -m birdfast.workers`, started afresh (no fork), that talks with its parent over a
socket in JSON and raw arrays. The parent hands out stretches of files and gives the outcomes on in
the order of the files, whatever the number of workers.
"""

from __future__ import annotations

import ctypes
import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import warnings
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from multiprocessing import connection
from pathlib import Path
from time import monotonic
from typing import IO, Any, NamedTuple, Self

import numpy as np

from . import audio
from .config import Options
from .errors import BirdfastError, ConfigError, ModelError
from .models import Model
from .pipeline import DETECTION, Outcome, Pipeline
from .tables import Failure

TRIES = 2  # of a stretch whose worker died: the second time alone in its worker
STARTS = 3  # workers that may die one after the other before they are ready
FILE_TIMEOUT_S, FILE_TIMEOUT_S_PER_MB = 300.0, 10.0  # far beyond what the slowest disk and core need
PR_SET_PDEATHSIG = 1  # linux/prctl.h
LOOK_EVERY_S = 1.0  # for workers that are overdue
IN_FLIGHT = 2  # a stretch at work and the next one waiting, so that no worker waits for its parent
AHEAD_FILES = 256  # how far the files handed out may run ahead of the first unfinished one
ONE_THREAD = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM")
ERRORS = {error.__name__: error for error in (ModelError, ConfigError)}


class Task(NamedTuple):
    """One stretch of one file, both by number."""

    file: int
    stretch: int


def usable_cores() -> list[int]:
    """Return a logical CPU for each physical core that this process may use.

    The affinity mask and a control group's quota are respected; siblings of one core count once.
    """
    if not hasattr(os, "sched_getaffinity"):
        return list(range(os.cpu_count() or 1))
    cores: dict[str, int] = {}
    for cpu in sorted(os.sched_getaffinity(0)):
        siblings = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        try:
            cores.setdefault(siblings.read_text(), cpu)
        except OSError:
            cores[str(cpu)] = cpu
    return list(cores.values())[: _quota()]


class Worker:
    """A worker process as its parent sees it."""

    def __init__(self, model: Model, options: Options, cpu: int | None) -> None:
        ours, theirs = socket.socketpair()
        self.errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", __spec__.name, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stderr=self.errors,
                env=_environment(),
            )
        self.connection = connection.Connection(ours.detach())
        self.tasks: deque[Task] = deque()
        self.ready = self.overdue = False
        self.began_s = monotonic()
        self.notes: list[str] = []
        order = {"model": _plain(model), "options": options.as_dict(), "cpu": cpu, "parent": os.getpid()}
        self._tell(order)

    def start(self, task: Task, path: str) -> None:
        """Hand out a stretch."""
        if not self.tasks:
            self.began_s = monotonic()
        self.tasks.append(task)
        self._tell({"path": path, "stretch": task.stretch})

    def outcome(self) -> Outcome | None:
        """Receive the next outcome; None when the worker says that it is ready.

        Raises
        ------
        EOFError
            The worker is gone.
        BirdfastError
            It could not start: the model's or the options' fault.
        """
        message = json.loads(self.connection.recv_bytes())
        self.began_s = monotonic()
        if "error" in message:
            raise ERRORS[message["error"]](message["message"])
        if "ready" in message:
            self.ready = True
            self.notes = message["ready"]
            return None
        failure = message.pop("failure")
        detections = np.frombuffer(self.connection.recv_bytes(), DETECTION)
        return Outcome(**message, failure=failure and Failure(*failure), detections=detections)

    def stop_if_overdue(self, limit_s: float) -> None:
        """Kill the process if it is at one stretch for longer; that is noticed as any other end."""
        if self.ready and monotonic() - self.began_s > limit_s:
            self.overdue = True
            self.process.kill()

    def end(self) -> tuple[str, str]:
        """Stop the process if it still runs, and return how it ended: in a word, and in words."""
        self.connection.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(0 if self.tasks or not self.ready else 1)
        self.process.kill()
        code = self.process.wait()
        kind = signal.Signals(-code).name if code < 0 else "Exit"
        how = f"signal {kind}" if code < 0 else f"exit code {code}"
        if self.overdue:
            kind, how = "Timeout", f"after {monotonic() - self.began_s:.0f} s without an answer"
        with self.errors:
            self.errors.seek(0)
            last = self.errors.read().decode(errors="replace").strip().splitlines()[-1:]
        return kind, ": ".join([how, *last])

    def _tell(self, message: dict[str, Any]) -> None:
        with suppress(ConnectionError):  # its end is noticed when its outcome is awaited
            self.connection.send_bytes(json.dumps(message).encode())


class Pool:
    """Workers over a list of files: iterate to get each stretch's outcome, in the files' order.

    Parameters
    ----------
    paths : sequence of str
    model : Model
    options : Options
    n_workers : int or None
        None takes one for each physical core that this process may use.
    file_timeout_s : float or None
        Seconds that a worker may take for one stretch; None allows for the file's size, generously.

    Attributes
    ----------
    notes : dict of str to None
        What the workers have to say to the user, each once, in order.

    Yields
    ------
    (int, Outcome)
        The file's number, and what became of its next stretch.

    Raises
    ------
    ModelError, ConfigError
        The workers cannot start; or one after the other dies before it is ready.
    """

    def __init__(
        self,
        paths: Sequence[str],
        model: Model,
        options: Options,
        n_workers: int | None = None,
        file_timeout_s: float | None = None,
    ) -> None:
        cores = usable_cores()
        self._paths, self._model, self._options = paths, model, options
        self._cpus = [cores[i % len(cores)] for i in range(n_workers or len(cores))]
        # With fewer workers than cores there may be another run beside this one: on the same cores, if
        # both were pinned. Then the system places them better.
        self._pins = hasattr(os, "sched_setaffinity") and len(self._cpus) == len(cores)
        self._workers: list[Worker] = []
        self._file_timeout_s = file_timeout_s
        self._again: deque[Task] = deque()
        self._suspects: deque[Task] = deque()
        self._deaths: Counter[Task] = Counter()
        self._failed_starts = 0
        self._next_file = 0
        self._first_open = Task(0, 0)
        self._done: dict[Task, Outcome] = {}
        self.notes: dict[str, None] = {}

    def __enter__(self) -> Self:
        self._workers = [self._hire(cpu) for cpu in self._cpus]
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for worker in self._workers:
            if worker.tasks or kind is not None:
                worker.process.kill()
            worker.connection.close()
        for worker in self._workers:
            worker.end()

    def __iter__(self) -> Iterator[tuple[int, Outcome]]:
        while self._first_open.file < len(self._paths):
            for worker in self._workers:
                self._feed(worker)
            connections = [worker.connection for worker in self._workers]
            for ready in connection.wait(connections, LOOK_EVERY_S):
                self._receive(next(worker for worker in self._workers if worker.connection is ready))
            for worker in self._workers:
                if worker.tasks:
                    worker.stop_if_overdue(self._limit_s(worker.tasks[0]))
            yield from self._in_order()

    def _feed(self, worker: Worker) -> None:
        if self._suspects and not worker.tasks:
            task = self._suspects.popleft()
            worker.start(task, self._paths[task.file])
        while len(worker.tasks) < IN_FLIGHT and not (worker.tasks and self._deaths[worker.tasks[0]]):
            if (next_task := self._take()) is None:
                return
            worker.start(next_task, self._paths[next_task.file])

    def _limit_s(self, task: Task) -> float:
        """Return how long a stretch may take: a stretch far into a file may have to go through all before."""
        if self._file_timeout_s is not None:
            return self._file_timeout_s
        return FILE_TIMEOUT_S + FILE_TIMEOUT_S_PER_MB * (audio.size_bytes(self._paths[task.file]) or 0) / 1e6

    def _take(self) -> Task | None:
        """Choose what to do next: the rest of files that were begun, then the next file."""
        if self._again:
            return self._again.popleft()
        if self._next_file >= min(len(self._paths), self._first_open.file + AHEAD_FILES):
            return None
        self._next_file += 1
        return Task(self._next_file - 1, 0)

    def _receive(self, worker: Worker) -> None:
        try:
            outcome = worker.outcome()
        except (EOFError, OSError):
            self._replace(worker)
            return
        self._failed_starts = 0
        self.notes |= dict.fromkeys(worker.notes)
        if outcome is not None:
            task = worker.tasks.popleft()
            self._done[task] = outcome
            if task.stretch == 0:
                self._again.extend(Task(task.file, stretch) for stretch in range(1, outcome.n_stretches))

    def _replace(self, worker: Worker) -> None:
        """Put another worker in a dead one's place; what that one was at is tried once more, alone."""
        place = self._workers.index(worker)
        self._workers.pop(place)
        kind, how = worker.end()
        self._failed_starts += not worker.ready
        if self._failed_starts >= STARTS:
            raise ModelError(f"a worker ended before it was ready ({how})")
        if worker.tasks and worker.ready:
            self._deaths[worker.tasks[0]] += 1
        for task in reversed(worker.tasks):
            if self._deaths[task] >= TRIES:
                self._give_up(task, kind, how)
            else:
                (self._suspects if self._deaths[task] else self._again).appendleft(task)
        self._workers.insert(place, self._hire(self._cpus[place]))

    def _give_up(self, task: Task, kind: str, how: str) -> None:
        path = self._paths[task.file]
        reason = f"{path}: the worker process ended {TRIES} times at it ({how})"
        failure = Failure(path, "worker", kind, reason, audio.size_bytes(path))
        self._done[task] = Outcome(failure=failure)

    def _in_order(self) -> Iterator[tuple[int, Outcome]]:
        while (outcome := self._done.pop(self._first_open, None)) is not None:
            file, stretch = self._first_open
            if stretch == 0:
                self._n_stretches = outcome.n_stretches
            last = stretch + 1 >= self._n_stretches
            self._first_open = Task(file + 1, 0) if last else Task(file, stretch + 1)
            yield file, outcome

    def _hire(self, cpu: int) -> Worker:
        return Worker(self._model, self._options, cpu if self._pins else None)


def main(fd: int) -> None:
    """Be a worker: load the pipeline, then analyse what is asked until the parent hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    parent = connection.Connection(fd)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        order = json.loads(parent.recv_bytes())
        _die_with(order["parent"])
        if order["cpu"] is not None:
            os.sched_setaffinity(0, [order["cpu"]])
        with warnings.catch_warnings(record=True) as notes:
            warnings.simplefilter("always", RuntimeWarning)
            try:
                pipeline = Pipeline(_model(order["model"]), Options(**order["options"]))
            except BirdfastError as error:
                _answer(parent, {"error": type(error).__name__, "message": str(error)})
                return
        _answer(parent, {"ready": [str(note.message) for note in notes]})
        while True:
            task = json.loads(parent.recv_bytes())
            outcome = pipeline.analyse(task["path"], task["stretch"])
            told = {field.name: getattr(outcome, field.name) for field in dataclasses.fields(outcome)}
            detections = told.pop("detections")
            _answer(parent, told)
            parent.send_bytes(detections.tobytes())


def _die_with(parent: int) -> None:
    """Let the system end this process with its parent, also one that is killed outright (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was faster
        os._exit(1)


def _answer(parent: connection.Connection, message: dict[str, Any]) -> None:
    parent.send_bytes(json.dumps(message).encode())


def _plain(model: Model) -> dict[str, Any]:
    facts = dataclasses.asdict(model)
    return facts | {"path": os.fspath(facts["path"]), "labels_path": os.fspath(facts["labels_path"])}


def _model(facts: dict[str, Any]) -> Model:
    return Model(**facts | {"path": Path(facts["path"]), "labels_path": Path(facts["labels_path"])})


def _environment() -> dict[str, str]:
    """Return an environment in which libraries keep to one thread and our packages are found."""
    threads = {f"{library}_NUM_THREADS": "1" for library in ONE_THREAD}
    return {**os.environ, **threads, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _quota() -> int | None:
    """Return how many cores a control group lets us use, rounded up; None for no limit."""
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, -(-int(quota) // int(period)))
    except (OSError, ValueError):
        return None


if __name__ == "__main__":
    main(int(sys.argv[1]))
