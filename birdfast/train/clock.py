"""Clock: how long the stages of trainings took, and how long what is left will take."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic

from ..words import lasting

LINE_EVERY_S = 30.0
BELIEVED = 0.05  # of a count
STAGES = ("codebook", "embedding", "head")
TEST = "test"


@dataclass
class Task:
    """A training that is to come: its title, how many clips it has, its stages, and what they took."""

    title: str
    n_clips: int
    stages: tuple[str, ...] = STAGES
    took_s: dict[str, float] = field(default_factory=dict)


@dataclass
class Part:
    """A count within a stage: of how many, and how many were done when it was first told, and are now.

    What comes before the first is no part of its pace, and a pace is believed when enough have been counted:
    recordings come in bursts.
    """

    total: int = 0
    first: int = 0
    first_s: float = 0.0
    done: int = 0

    def rest_s(self, now_s: float) -> float:
        """How long it will take to its end, at the pace so far, as far as one can say."""
        counted = self.done - self.first
        if counted < max(1, BELIEVED * self.total):
            return 0.0
        return (now_s - self.first_s) * (self.total - self.done) / counted


class Clock:
    """Says now and then how far trainings are that come one after the other; a `bars.Watcher`.

    A stage is taken to last as long as the one of its name before it, in proportion to the clips. Of one that
    nobody has seen yet no more is known than what it has taken so far: what is left is then "at least".

    Parameters
    ----------
    tasks : sequence of Task
        In their order.
    say : callable
        Gets a line when the last one is `every_s` seconds ago, and one at the end of each task.
    every_s : float
    now_s : callable
        The time; it never goes back.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        say: Callable[[str], None],
        every_s: float = LINE_EVERY_S,
        now_s: Callable[[], float] = monotonic,
    ) -> None:
        self._tasks, self._number, self._say = [*tasks], 0, say
        self._every_s, self._now_s = every_s, now_s
        self._began_s = self._said_s = self._stage_s = now_s()
        self._stage, self._part = "", Part()
        self._paces: dict[str, float] = {}  # seconds a clip, of the last stage of a name

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a task, if the name is its title, or a stage of the one at work."""
        task = self._tasks[self._number]
        if name == task.title:
            yield
            self._number += 1
            self._tell_task(task)
            return
        if name in task.stages:  # those before it were found as they were kept
            later = task.stages[task.stages.index(name) :]
            task.stages = tuple(one for one in task.stages if one in task.took_s or one in later)
        self._stage, self._stage_s = name, self._now_s()
        self._part = Part()
        yield
        task.took_s[name] = self._now_s() - self._stage_s
        self._paces[name] = task.took_s[name] / max(1, task.n_clips)
        self._stage = ""

    def step(self, done: int, total: int, unit: str, *, bar: bool) -> str:
        """Say how far a stage is, if it is time to; return what is said beside a bar."""
        now_s = self._now_s()
        if total != self._part.total or done < self._part.done:
            self._part = Part(total, done, now_s)
        self._part.done = done
        if not bar and now_s - self._said_s >= self._every_s:
            self._tell(f"{self._place()}: {done:,} of {total:,} {unit}; {self._left()}")
        return f"{self._place()}; {self._left()}"

    def left_s(self) -> tuple[float, bool]:
        """Return the seconds that all tasks will still take, and whether it can be more."""
        now_s, left_s, is_least = self._now_s(), 0.0, False
        paces = dict(self._paces)
        for task in self._tasks[self._number :]:
            for name in (one for one in task.stages if one not in task.took_s):
                expected_s = paces.get(name, 0.0) * task.n_clips
                is_least = is_least or name not in self._paces
                if name == self._stage and task is self._tasks[self._number]:
                    spent_s, rest_s = now_s - self._stage_s, self._part.rest_s(now_s)
                    paces[name] = max(expected_s, spent_s + rest_s) / max(1, task.n_clips)
                    expected_s = max(expected_s - spent_s, rest_s)
                left_s += expected_s
        return left_s, is_least

    def _place(self) -> str:
        """Return which task and stage is at work, in words."""
        task = self._tasks[min(self._number, len(self._tasks) - 1)]
        several = f"{task.title} ({self._number + 1} of {len(self._tasks)})" if len(self._tasks) > 1 else ""
        return ", ".join(filter(None, (several, self._stage))) or task.title

    def _left(self) -> str:
        """Return how long it has taken and will take, in words."""
        left_s, is_least = self.left_s()
        so_far = f"{lasting(self._now_s() - self._began_s)} so far"
        if is_least and left_s < 0.1:
            return f"{so_far}, what is left is not known yet"
        return f"{so_far}, {'at least ' if is_least else ''}{lasting(left_s)} left"

    def _tell_task(self, task: Task) -> None:
        several = f"{task.title} ({self._number} of {len(self._tasks)})"
        stages = ", ".join(f"{name} {lasting(seconds)}" for name, seconds in task.took_s.items())
        is_last = self._number == len(self._tasks)
        end = f"{lasting(self._now_s() - self._began_s)} in all" if is_last else self._left()
        self._tell(f"{several if len(self._tasks) > 1 else task.title}: {stages or 'was done before'}; {end}")

    def _tell(self, line: str) -> None:
        self._said_s = self._now_s()
        self._say(line)
