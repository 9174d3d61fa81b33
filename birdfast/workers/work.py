"""Work: what a crew of workers is given to do, and who hears what comes of it."""

from __future__ import annotations

from typing import Protocol

from .. import inputs
from ..outcomes import Failure, Heard, Outcome, Part
from .process import Job, Task


class Work(Protocol):
    """What a crew is given to do, and who hears what comes of it."""

    def take(self) -> Task | None:
        """Return what to do next; None where there is nothing now."""

    def put_back(self, task: Task) -> None:
        """Take a task back that no worker began, or that was stopped."""

    def is_wanted(self, task: Task) -> bool:
        """Whether anybody still waits for what becomes of a task; one that is not is put back."""

    def left(self) -> int:
        """Return how much there is that may be handed out ahead, to workers that are at something."""

    def job(self, task: Task) -> Job:
        """Return the job that a task is of."""

    def keep(self, task: Task, part: Part) -> None:
        """Take a task's dense rows, as they arise; when it is tried again they come again."""

    def finish(self, task: Task, outcome: Outcome) -> None:
        """Take what became of a task."""


def given_up(task: Task, job: Job, failure: Failure) -> Outcome:
    """Return what becomes of a task that cannot be done: a failure of all models that were to hear it."""
    return Outcome(task.stretch, failure=failure, heard=[Heard(model) for model in job.models])


def ended(path: str, kind: str, how: str, n_tries: int) -> Failure:
    """Return the failure of a file at which one worker after the other ended, in a word and in words how."""
    reason = f"{path}: the worker process ended {n_tries} times at it ({how})"
    return Failure(path, "worker", kind, reason, inputs.size_bytes(path))
