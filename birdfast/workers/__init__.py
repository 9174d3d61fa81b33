"""Worker processes: one a core, pinned to it, each with a single-threaded session of its own.

A worker is `python -m birdfast.workers`, started afresh (no fork), that talks with its parent over a
socket in JSON and raw arrays. The parent hands out stretches of files and gives the outcomes on in
the order of the files, whatever the number of workers; dense rows at once, as they come, in parts.
"""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from multiprocessing import connection
from typing import Self

from .. import audio
from ..config import Options
from ..errors import ConfigError, ModelError
from ..models import Model
from ..outcomes import Failure, Outcome, Part
from .cores import usable_cores
from .process import Task, Worker

__all__ = ["Pool", "Task", "Worker", "usable_cores"]

TRIES = 2  # of a stretch whose worker died: the second time alone in its worker
STARTS = 3  # workers that may die one after the other before they are ready
START_TIMEOUT_S = 300.0  # until a worker is ready: one may prepare the network, while the others wait
FILE_TIMEOUT_S, FILE_TIMEOUT_S_PER_MB = 300.0, 10.0  # far beyond what the slowest disk and core need
LOOK_EVERY_S = 1.0  # for workers that are overdue
AHEAD_FILES = 256  # how far the files handed out may run ahead of the first unfinished one


class Pool:
    """Workers over a list of files: iterate to get each stretch's outcome, in the files' order.

    The parts of a stretch's dense rows come before its outcome, but between others'. A stretch whose
    worker dies is tried again, and so are its parts: those with the same numbers take the first ones' place.

    Parameters
    ----------
    paths : sequence of str
    model : Model
    options : Options
    n_workers : int or None
        None takes one for each physical core that this process may use.
    file_timeout_s : float or None
        Seconds that a worker may be silent at a file; None allows for the file's size, generously.

    Attributes
    ----------
    notes : dict of str to None
        What the workers have to say to the user, each once, in order.

    Yields
    ------
    (int, Outcome)
        The file's number, and what became of its next stretch.
    (int, Part)
        A file's number, and dense rows of any stretch of it.

    Raises
    ------
    ModelError, ConfigError
        The workers cannot start, or not so many; or one after the other dies before it is ready.
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

    @property
    def n_workers(self) -> int:
        """How many there are."""
        return len(self._cpus)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.push(self.__exit__)  # of those that were started before one could not be
            for cpu in self._cpus:
                self._workers.append(self._hire(cpu))
            stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.process.kill()  # it has nothing to tidy up, and takes its time to leave by itself
        for worker in self._workers:
            worker.end()

    def widths(self) -> dict[str, int]:
        """Wait for a worker that is ready, and return how wide its dense rows are: `Pipeline.widths`."""
        while not (ready := [worker for worker in self._workers if worker.ready]):
            self._listen()
        return ready[0].widths

    def __iter__(self) -> Iterator[tuple[int, Outcome | Part]]:
        while self._first_open.file < len(self._paths):
            self._feed()
            yield from self._listen()
            yield from self._in_order()

    def _feed(self) -> None:
        """Give everyone something to do, and something to go on with while there is enough for all."""
        for worker in self._workers:
            if not worker.tasks and (task := self._suspects.popleft() if self._suspects else self._take()):
                worker.start(task, self._paths[task.file])
        for worker in self._workers:
            alone = len(worker.tasks) != 1 or self._deaths[worker.tasks[0]]
            if not alone and self._left() >= self.n_workers and (task := self._take()):
                worker.start(task, self._paths[task.file])

    def _limit_s(self, worker: Worker) -> float:
        """Return how long a worker may be silent: for its whole start, or at a stretch.

        The way to a stretch far into a file may lead through all before, without a word. The file is
        looked at late: it may lie where every look hangs.
        """
        if not worker.ready:
            return max(START_TIMEOUT_S, self._file_timeout_s or 0)
        if self._file_timeout_s is not None:
            return self._file_timeout_s
        if worker.silent_s <= FILE_TIMEOUT_S:
            return FILE_TIMEOUT_S
        size_bytes = audio.size_bytes(self._paths[worker.tasks[0].file]) or 0
        return FILE_TIMEOUT_S + FILE_TIMEOUT_S_PER_MB * size_bytes / 1e6

    def _left(self) -> int:
        """Return how much there is that may be handed out now."""
        last_file = min(len(self._paths), self._first_open.file + AHEAD_FILES)
        return len(self._again) + last_file - self._next_file

    def _take(self) -> Task | None:
        """Choose what to do next: the rest of files that were begun, then the next file."""
        if self._again:
            return self._again.popleft()
        if not self._left():
            return None
        self._next_file += 1
        return Task(self._next_file - 1, 0)

    def _listen(self) -> list[tuple[int, Part]]:
        """Hear who has something to say, for a while, and stop who is overdue; return the parts that came."""
        ready = connection.wait([worker.socket for worker in self._workers], LOOK_EVERY_S)
        talking = [worker for worker in self._workers if worker.socket in ready]
        parts = [part for worker in talking for part in self._receive(worker)]
        for worker in self._workers:
            if worker.tasks or not worker.ready:
                worker.stop_if_overdue(self._limit_s(worker))
        return parts

    def _receive(self, worker: Worker) -> list[tuple[int, Part]]:
        parts = []
        try:
            for task, came in worker.receive():
                if isinstance(came, Part):
                    parts.append((task.file, came))
                else:
                    self._finish(task, came)
        except (EOFError, OSError):
            self._replace(worker)
            return parts
        if worker.ready:
            self._failed_starts = 0
        self.notes |= dict.fromkeys(worker.notes)
        return parts

    def _finish(self, task: Task, outcome: Outcome) -> None:
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
        try:
            return Worker(self._model, self._options, cpu if self._pins else None)
        except OSError as error:  # too many open files or processes: nothing is wrong with the output
            hint = "; take fewer with --workers" if self._workers else ""
            raise ConfigError(
                f"{len(self._workers)} of {len(self._cpus)} workers run, and no other can be started"
                f" ({error.strerror}){hint}"
            ) from error
