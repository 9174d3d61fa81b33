"""Requests to a warm pool: what of them is to do next, by turns, and what came of each."""

from __future__ import annotations

from collections import deque
from concurrent.futures import CancelledError, Future
from pathlib import Path
from threading import Event, Lock

import numpy as np

from ..errors import AudioError, BirdfastError, ConfigError
from ..outcomes import Outcome, Part
from ..pipeline import Sound, samples
from .answer import Answer
from .process import Job, Task

MAX_BYTES = 1 << 30  # of sound in memory, as float32: one worker gets it whole


def job_of(sound: Sound, rate_hz: int | None) -> tuple[str, Job]:
    """Return what failures are to call a sound, and what workers get of it.

    A relative path is meant from here, wherever a worker was started.

    Raises
    ------
    AudioError
        Sound in memory that is too long, not finite, without a rate, or no mono array of floats.
    """
    if not isinstance(sound, np.ndarray):
        path = Path(samples.name_of(sound))
        return str(path), Job(str(path.absolute()))
    checked, rate_hz = samples.check(sound, rate_hz)
    if checked.nbytes > MAX_BYTES:
        raise AudioError(
            f"{len(checked)} samples are too many in memory, {MAX_BYTES // 4} fit; write them to a file"
        )
    return samples.NAME, Job(samples.NAME, samples=np.ascontiguousarray(checked), rate_hz=rate_hz)


class Request:
    """What one caller waits for."""

    def __init__(self, number: int, job: Job) -> None:
        self.number, self.job = number, job
        self.answer: Future[Answer] = Future()
        self.waiting, self.n_out, self.wanted = deque([0]), 0, True
        self._outcomes: dict[int, Outcome] = {}
        self._parts: dict[tuple[int, int, int], Part] = {}

    @property
    def is_through(self) -> bool:
        """Whether nobody is at it, and there is nothing more to do."""
        return not self.waiting and not self.n_out

    def keep(self, part: Part) -> None:
        """Take dense rows; those of a stretch that is tried again take the first ones' place."""
        self._parts[part.stretch, part.model, part.number] = part

    def finish(self, outcome: Outcome) -> None:
        """Take what became of a stretch: the first brings the others, a failure ends those behind it."""
        self._outcomes[outcome.stretch] = outcome
        if outcome.stretch == 0:
            self.waiting.extend(range(1, outcome.n_stretches))
        if outcome.failures:
            self.waiting = deque(stretch for stretch in self.waiting if stretch < outcome.stretch)

    def whole(self) -> Answer:
        """Return what came, up to the first failure, whichever came first."""
        every = [self._outcomes[stretch] for stretch in sorted(self._outcomes)]
        end = next((place for place, outcome in enumerate(every, 1) if outcome.failures), len(every))
        return Answer(every[:end], [self._parts[place] for place in sorted(self._parts)])


class Requests:
    """The `work.Work` of a warm pool: a stretch of one request, then one of the next. Threads may share it.

    No worker is given anything ahead: what comes next may be short, and should not wait behind a stretch
    while another worker has nothing to do.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._open: dict[int, Request] = {}
        self._turns: deque[Request] = deque()
        self._number, self._opened = 0, False
        self._cancels: list[Event] = []
        self._n_cancelled = 0  # times that all there was was forgotten
        self._closed: BirdfastError | None = ConfigError("the pool is not open yet: with WarmPool() as pool")

    @property
    def are_closed(self) -> bool:
        """Whether no more are taken."""
        return self._closed is not None

    def open(self) -> None:
        """Take requests from now on.

        Raises
        ------
        ConfigError
            They were open before.
        """
        with self._lock:
            if self._opened:
                raise ConfigError("a pool is opened once: make another")
            self._opened, self._closed = True, None

    def check_open(self) -> None:
        """Raise what `close` was told, or that it was never opened, if no more are taken."""
        if self._closed is not None:
            raise type(self._closed)(*self._closed.args)

    def ticket(self) -> int:
        """Return what shows `add` whether all was cancelled since; raises as `check_open`."""
        with self._lock:
            self.check_open()
            return self._n_cancelled

    def add(self, job: Job, ticket: int) -> Request:
        """Take a request of somebody who drew a ticket before the sound was prepared, which may take long.

        Raises
        ------
        concurrent.futures.CancelledError
            All was cancelled or closed since.
        """
        with self._lock:
            if ticket != self._n_cancelled:
                raise CancelledError
            self.check_open()
            self._number += 1
            request = self._open[self._number] = Request(self._number, job)
            self._turns.append(request)
        return request

    def forget(self, request: Request) -> None:
        """Do no more of a request for which nobody waits."""
        with self._lock:
            self._give_up(request)

    def cancel(self) -> Event:
        """Forget all requests, and tell those who wait; return what is set when no worker is at them."""
        stopped = Event()
        with self._lock:
            self._n_cancelled += 1
            self._drop(None)
            self._cancels.append(stopped)
        return stopped

    def cancels(self) -> list[Event]:
        """Return what `cancel` did since, each once."""
        with self._lock:
            cancels, self._cancels = self._cancels, []
        return cancels

    def close(self, why: BirdfastError, *, failed: bool = False) -> None:
        """Take no more; those who wait are told that they are cancelled, or what failed."""
        with self._lock:
            self._closed = self._closed if failed and self._closed else why
            self._n_cancelled += not failed
            self._drop(why if failed else None)
            for stopped in self._cancels:
                stopped.set()

    def job(self, task: Task) -> Job:
        """Return the sound that a task is of."""
        with self._lock:
            return self._open[task.file].job

    def is_wanted(self, task: Task) -> bool:
        """Whether somebody still waits for the answer that a task is of."""
        with self._lock:
            return self._open[task.file].wanted

    def left(self) -> int:
        """Return how much there is to hand out ahead: nothing."""
        return 0

    def take(self) -> Task | None:
        """Choose a stretch of the request whose turn it is."""
        with self._lock:
            while self._turns:
                request = self._turns.popleft()
                if request.waiting:
                    request.n_out += 1
                    stretch = request.waiting.popleft()
                    self._line_up(request)
                    return Task(request.number, stretch)
        return None

    def put_back(self, task: Task) -> None:
        """Take a task back; it is the next of its request's, if somebody still waits for that."""
        with self._lock:
            request = self._open[task.file]
            request.n_out -= 1
            if request.wanted:
                request.waiting.appendleft(task.stretch)
            self._settle(request)

    def keep(self, task: Task, part: Part) -> None:
        """Take a task's dense rows."""
        with self._lock:
            self._open[task.file].keep(part)

    def finish(self, task: Task, outcome: Outcome) -> None:
        """Take what became of a task; that of the last answers its request."""
        with self._lock:
            request = self._open[task.file]
            request.n_out -= 1
            if request.wanted:
                request.finish(outcome)
            self._settle(request)

    def _settle(self, request: Request) -> None:
        """Put a request into the line if there is more of it to do, and answer it if there is none."""
        self._line_up(request)
        if request.is_through and request.number in self._open:
            del self._open[request.number]
            if request.wanted:
                request.answer.set_result(request.whole())

    def _line_up(self, request: Request) -> None:
        if request.waiting and request not in self._turns:
            self._turns.append(request)

    def _drop(self, why: BirdfastError | None) -> None:
        """Tell those who wait why they do so in vain; what a worker is at stays open until that is over."""
        for request in [*self._open.values()]:
            if request.wanted and why is not None:
                request.answer.set_exception(type(why)(*why.args))
            request.answer.cancel()
            self._give_up(request)

    def _give_up(self, request: Request) -> None:
        request.wanted = False
        request.waiting.clear()
        self._settle(request)
