"""A crew of worker processes: hired, given what there is to do, heard, and replaced when one dies."""

from __future__ import annotations

import os
import selectors
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cached_property
from time import monotonic
from typing import Self

from .. import voice
from ..config import Options
from ..errors import ConfigError, ModelError
from ..models import Digests, Model
from ..outcomes import Part
from . import ahead, patience
from .bell import Bell, Selector
from .cores import usable_cores
from .process import Task, Worker
from .work import Work, ended, given_up

TRIES = 2  # of a stretch whose worker died: the second time alone in its worker
STARTS = 3  # workers that may die one after the other before they are ready
LOOK_EVERY_S = 1.0  # for workers that are overdue


class Crew:
    """Worker processes, one a core; a context manager.

    Parameters
    ----------
    models : sequence of Model
        Each worker loads all of them.
    options : Options
    n_workers : int or None
        None takes one for each physical core that this process may use.
    file_timeout_s : float or None
        Seconds that a worker may be silent at a file; None allows for the file's size, generously.
    at_first : int or None
        Start so many, and others when there is more to do than these are at; None starts all.

    Attributes
    ----------
    notes : dict of str to None
        What the workers have to say to the user, each once, in order.
    hear : callable, who takes what they say meanwhile to whoever waits

    Raises
    ------
    ModelError, ConfigError
        The workers cannot start, or not so many; or one after the other dies before it is ready.
    """

    def __init__(
        self,
        models: Sequence[Model],
        options: Options,
        n_workers: int | None = None,
        file_timeout_s: float | None = None,
        at_first: int | None = None,
    ) -> None:
        cores = usable_cores()
        self._models, self._options = models, options
        self._cpus = [cores[i % len(cores)] for i in range(n_workers or len(cores))]
        # With fewer workers than cores there may be another run beside this one: on the same cores, if
        # both were pinned. Then the system places them better.
        self._pins = hasattr(os, "sched_setaffinity") and len(self._cpus) == len(cores)
        self._workers: list[Worker] = []
        self._file_timeout_s, self._at_first = file_timeout_s, at_first
        self._suspects: deque[Task] = deque()
        self._deaths: Counter[Task] = Counter()
        self._failed_starts = 0
        self._bell: Bell | None = None
        self.notes: dict[str, None] = {}
        self.hear: Callable[[str], object] = voice.say

    @cached_property
    def digests(self) -> list[Digests]:
        """What the models' files held when first asked: a worker that is hired later takes no other."""
        return ahead.digests(self._models, self._options)

    @property
    def n_workers(self) -> int:
        """How many there are at most."""
        return len(self._cpus)

    def __enter__(self) -> Self:
        voice.hold()  # before the first socket and, in a run, before the journal
        self._bell = Bell()
        with ExitStack() as stack:
            stack.push(self.__exit__)  # of those that were started before one could not be
            self._enlist(self.n_workers if self._at_first is None else self._at_first)
            stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()  # they have nothing to tidy up, and take their time to leave by themselves
        for worker in self._workers:
            worker.end()
        if self._bell is not None:
            self._bell.close()

    @property
    def ready(self) -> list[Worker]:
        """Those that have loaded their models."""
        return [worker for worker in self._workers if worker.ready]

    def turn(self, work: Work) -> None:
        """Hand out what there is to do, and hear for a while what comes of it."""
        self._feed(work)
        self._listen(work)

    def wake(self) -> None:
        """Let `turn` come to its end soon, as there is something new to do; from any thread."""
        if self._bell is not None:  # else nobody waits yet
            self._bell.ring()

    def start_anew(self, work: Work) -> None:
        """Put others in the place of workers that are at something, and put that back."""
        busy = [worker for worker in self._workers if worker.tasks]
        for worker in busy:
            worker.process.kill()
        for task in [*self._suspects, *(task for worker in busy for task in worker.tasks)]:
            work.put_back(task)
        self._suspects.clear()
        for place, *_ in map(self._dismiss, busy):
            self._workers.insert(place, self._hire(self._cpus[place]))

    def kill(self) -> None:
        """Kill the workers, from any thread: `turn` notices their ends."""
        for worker in [*self._workers]:
            worker.process.kill()

    def _enlist(self, n_wanted: int) -> None:
        n_before = len(self._workers)
        for _ in self._cpus[n_before:n_wanted]:
            self._workers.append(self._started())
        for worker, cpu in zip(self._workers[n_before:], self._cpus[n_before:], strict=False):
            self._load(worker, cpu)  # large files are looked at while workers wake up

    def _feed(self, work: Work) -> None:
        """Give everyone something to do, and something to go on with while there is enough for all."""
        self._enlist(sum(bool(worker.tasks) for worker in self._workers) + work.left())
        for worker in sorted(self._workers, key=lambda worker: not worker.ready):
            if not worker.tasks and (task := self._next(work)):
                worker.start(task, work.job(task))
        for worker in self._workers:
            alone = len(worker.tasks) != 1 or self._deaths[worker.tasks[0]]
            if not alone and work.left() >= len(self._workers) and (task := work.take()):
                worker.start(task, work.job(task))

    def _next(self, work: Work) -> Task | None:
        """Choose what a worker with nothing to do is to do alone: first what another died at."""
        while self._suspects:
            task = self._suspects.popleft()
            if work.is_wanted(task):
                return task
            work.put_back(task)
        return work.take()

    def _listen(self, work: Work) -> None:
        """Hear who has something to say, for a while, and stop who is overdue."""
        assert self._bell is not None
        with Selector() as selector:
            selector.register(self._bell, selectors.EVENT_READ)
            for worker in self._workers:
                wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if worker.is_owed else 0)
                selector.register(worker.socket, wanted, worker)
            began_s = monotonic()
            events = selector.select(LOOK_EVERY_S)
        waited_s = patience.listened_s(monotonic() - began_s, LOOK_EVERY_S)
        for worker in self._workers:
            worker.silent_s += waited_s
        for key, happened in events:
            if key.data is None:
                self._bell.hush()
                continue
            if happened & selectors.EVENT_WRITE:
                key.data.flush()
            if happened & selectors.EVENT_READ:
                self._receive(key.data, work)
        for worker in self._workers:
            if worker.tasks or not worker.ready:
                worker.stop_if_overdue(patience.limit_s(worker, work, self._file_timeout_s))

    def _receive(self, worker: Worker, work: Work) -> None:
        try:
            for task, came in worker.receive():
                if isinstance(came, Part):
                    work.keep(task, came)
                else:
                    work.finish(task, came)
        except (EOFError, OSError):
            self._replace(worker, work)
            return
        if worker.ready:
            self._failed_starts = 0
        self.notes |= dict.fromkeys(worker.notes)

    def _replace(self, worker: Worker, work: Work) -> None:
        """Put another worker in a dead one's place; what that one was at is tried once more, alone."""
        place, kind, how = self._dismiss(worker)
        self._failed_starts += not worker.ready
        if self._failed_starts >= STARTS:
            raise ModelError(f"a worker ended before it was ready ({how})")
        if worker.tasks and worker.ready:
            self._deaths[worker.tasks[0]] += 1
        for task in reversed(worker.tasks):
            if self._deaths[task] >= TRIES:
                job = work.job(task)
                work.finish(task, given_up(task, job, ended(job.path, kind, how, TRIES)))
            elif self._deaths[task]:
                self._suspects.appendleft(task)
            else:
                work.put_back(task)
        self._workers.insert(place, self._hire(self._cpus[place]))

    def _dismiss(self, worker: Worker) -> tuple[int, str, str]:
        """Let go of a worker; return its place, and how it ended in a word and in words."""
        place = self._workers.index(worker)
        kind, how = worker.end()  # it takes its time: until then `kill` reaches it
        self._workers.pop(place)
        return place, kind, how

    def _hire(self, cpu: int) -> Worker:
        worker = self._started()
        self._load(worker, cpu)
        return worker

    def _load(self, worker: Worker, cpu: int) -> None:
        worker.load(self._models, self.digests, self._options, cpu if self._pins else None)

    def _started(self) -> Worker:
        try:
            return Worker(self.hear)
        except OSError as error:  # too many open files or processes: nothing is wrong with the output
            hint = "; take fewer with --workers" if self._workers else ""
            raise ConfigError(
                f"{len(self._workers)} of {len(self._cpus)} workers run, and no other can be started"
                f" ({error.strerror}){hint}"
            ) from error
