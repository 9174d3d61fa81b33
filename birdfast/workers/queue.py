"""A queue of files: what of them is to do next, and what came of them, in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from ..outcomes import Outcome, Part
from .process import Job, Task

AHEAD_FILES = 256  # how far the files handed out may run ahead of the first unfinished one


class Queue:
    """The `work.Work` of a run: files, of which the first stretch tells how many there are.

    Parameters
    ----------
    jobs : sequence of Job
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._again: deque[Task] = deque()
        self._next_file = 0
        self._first_open = Task(0, 0)
        self._n_stretches: dict[int, int] = {}  # of the files at work
        self._done: dict[Task, Outcome] = {}
        self._parts: list[tuple[int, Part]] = []

    @property
    def is_through(self) -> bool:
        """Whether the last outcome was given."""
        return self._first_open.file == len(self._jobs)

    def job(self, task: Task) -> Job:
        """Return the job that a task is of."""
        return self._jobs[task.file]

    def is_wanted(self, task: Task) -> bool:
        """Whether a task is still to be done: all are."""
        return True

    def left(self) -> int:
        """Return how much there is that may be handed out now."""
        last_file = min(len(self._jobs), self._first_open.file + AHEAD_FILES)
        return len(self._again) + last_file - self._next_file

    def take(self) -> Task | None:
        """Choose what to do next: the rest of files that were begun, then the next file."""
        if self._again:
            return self._again.popleft()
        if not self.left():
            return None
        self._next_file += 1
        return Task(self._next_file - 1, 0)

    def put_back(self, task: Task) -> None:
        """Take a task back that no worker began."""
        self._again.appendleft(task)

    def keep(self, task: Task, part: Part) -> None:
        """Take a task's dense rows."""
        self._parts.append((task.file, part))

    def finish(self, task: Task, outcome: Outcome) -> None:
        """Take what became of a task; that of a file's first brings forth the others."""
        self._done[task] = outcome
        if task.stretch == 0:
            self._n_stretches[task.file] = outcome.n_stretches
            self._again.extend(Task(task.file, stretch) for stretch in range(1, outcome.n_stretches))
        outcome.n_stretches = self._n_stretches[task.file]  # the file may be another by now

    def came(self) -> Iterator[tuple[int, Outcome | Part]]:
        """Yield what has come since: the parts of dense rows, and the outcomes whose turn it is."""
        parts, self._parts = self._parts, []
        yield from parts
        while (outcome := self._done.pop(self._first_open, None)) is not None:
            file, stretch = self._first_open
            if outcome.is_last:
                del self._n_stretches[file]
            self._first_open = Task(file + 1, 0) if outcome.is_last else Task(file, stretch + 1)
            yield file, outcome
