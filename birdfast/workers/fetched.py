"""A queue of files that lie in stores: threads fetch them ahead, and they go once they are heard."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import PurePath
from threading import Condition, Event, Thread
from time import monotonic
from typing import NamedTuple, Self

from .. import inputs, outcomes, voice
from ..errors import StoreError
from ..journal import stamp
from ..outcomes import Failure, Outcome
from ..sources import listings, stores, urls
from ..sources.versions import Version
from .process import Job, Task
from .queue import AHEAD_FILES, Queue
from .scratch import ALL_BYTES, FULL, FULL_WAITS_S, Scratch, ScratchRoom, Turn
from .work import given_up

THREADS = 8  # a store answers late, and several questions at once
END_S = 2.0  # for all threads to notice that nobody waits for what they fetch


class _Came(NamedTuple):
    """What came of fetching a file: where it lies and what it is, or why it does not; none of a local one."""

    place: str | None = None
    n_bytes: int = 0
    fetched: outcomes.Fetched | None = None
    failure: Failure | None = None


class Fetched(Queue):
    """A `Queue` whose files may lie in stores; a context manager, in which threads fetch them.

    A file is handed out once it is here. The first that is not heard has room before all others, so all are
    heard in the end, however little room there is.

    Parameters
    ----------
    jobs : sequence of Job
    scratch : Scratch
    wake : callable
        Is called, by any thread, when there is something new to do.
    hear : callable
        Takes what there is to say to the user meanwhile.
    is_over : callable
        As `ScratchRoom`.

    Raises
    ------
    ConfigError, OutputError
        As `ScratchRoom`.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        scratch: Scratch,
        wake: Callable[[], object],
        hear: Callable[[str], object] = voice.say,
        is_over: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__(jobs)
        self._room, self._wake, self._hear = ScratchRoom(scratch, is_over), wake, hear
        self._news, self._closing = Condition(), Event()
        self._next_fetch, self._n_allowed = 0, AHEAD_FILES
        self._came_in = deque[tuple[int, _Came]]()
        self._ready = deque[int]()
        self._here: dict[int, _Came] = {}
        self._n_finished = Counter[int]()

    def __enter__(self) -> Self:
        self._threads = [Thread(target=self._fetch_all, daemon=True) for _ in range(THREADS)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._room.give_back(0)
        with self._news:
            self._news.notify_all()
        until_s = monotonic() + END_S
        for thread in self._threads:  # one that waits for a silent store ends with the process
            thread.join(max(0.0, until_s - monotonic()))
        self._room.__exit__()

    def job(self, task: Task) -> Job:
        """Return the job that a task is of, with where its file lies now."""
        came = self._here.get(task.file)
        return super().job(task)._replace(place=came and came.place)

    def left(self) -> int:
        """Return how much there is that may be handed out now."""
        self._take_in()
        return len(self._again) + len(self._ready)

    def take(self) -> Task | None:
        """Choose what to do next: the rest of files that were begun, then the next that is here."""
        if not self.left():
            return None
        return self._again.popleft() if self._again else Task(self._ready.popleft(), 0)

    def finish(self, task: Task, outcome: Outcome) -> None:
        """Take what became of a task; a file that is heard goes."""
        came = self._here.get(task.file)
        if came is not None and came.place is not None:
            outcome.fetched = came.fetched
            _name(outcome, came.place, self._jobs[task.file].path)
        super().finish(task, outcome)
        self._n_finished[task.file] += 1
        if self._n_finished[task.file] == outcome.n_stretches:
            del self._n_finished[task.file]
            self._let_go(self._here.pop(task.file, _Came()))
        with self._news:
            self._n_allowed = self._first_open.file + AHEAD_FILES
            self._news.notify_all()

    def _take_in(self) -> None:
        """Take what the threads have brought since."""
        if (word := self._room.word()) is not None:
            self._hear(word)
        while self._came_in:
            file, came = self._came_in.popleft()
            if came.failure is None:
                self._here[file] = came
                self._ready.append(file)
            else:
                task = Task(file, 0)
                self.finish(task, given_up(task, self._jobs[file], came.failure))

    def _fetch_all(self) -> None:
        """Be a thread: fetch what is next, until there is nothing more, or nobody waits for it."""
        while (file := self._next_to_fetch()) is not None:
            self._came_in.append((file, self._fetch(file, self._jobs[file].path)))
            self._wake()

    def _next_to_fetch(self) -> int | None:
        with self._news:
            while self._next_fetch >= self._n_allowed and not self._closing.is_set():
                if self._next_fetch >= len(self._jobs):
                    return None
                self._news.wait()
            if self._closing.is_set() or self._next_fetch >= len(self._jobs):
                return None
            self._next_fetch += 1
            return self._next_fetch - 1

    def _fetch(self, file: int, path: str) -> _Came:
        """Return what came of a file; whatever that is, the next has its turn."""
        suffix = PurePath(urls.links(path)[0].partition("?")[0]).suffix
        place = os.fspath(self._room.path / f"{file}{suffix[:16]}")
        with self._room.turn(file, self._closing.is_set) as turn:
            try:
                return self._brought(path, place, turn) if stores.is_url(path) else _Came()
            except Exception as error:  # else everybody would wait for it
                with suppress(OSError):
                    os.unlink(place)  # noqa: PTH108
                return _failed(path, error, inputs.size_bytes(path))

    def _brought(self, path: str, place: str, turn: Turn) -> _Came:
        most, size = self._room.most_bytes, listings.version(path).size
        n_bytes = most if size is None else size  # what does not tell its size takes all of it
        if n_bytes > most:
            why = (
                f"{n_bytes:,} bytes, and {most:,} may be fetched at a time; --scratch-gb says how much, and"
                " with more --retry asks for it again"
            )
            return _failed(path, StoreError(f"{path}: {why}"), size)
        if (version := self._fetched(path, place, n_bytes, size or 0, turn)) is None:
            return _Came()
        head = stamp.head(os.fsencode(place)) or b""
        came = _Came(place, inputs.size_bytes(place) or 0, outcomes.Fetched(*version, head.hex()))
        turn.keep(came.n_bytes)
        return came

    def _fetched(self, path: str, place: str, n_bytes: int, least_bytes: int, turn: Turn) -> Version | None:
        """Fetch a file once it has room; None where nobody waits for it any more.

        A full disk is no fault of the file's: what else of ours lies there goes first, then, for a while,
        what is somebody else's may.
        """
        full: StoreError | None = None
        if not turn.take(n_bytes):
            return None
        for wait_s in (*FULL_WAITS_S, None):
            try:
                if full is not None and not self._room.has_free(least_bytes):
                    raise full
                return stores.fetch(path, place, n_bytes, self._closing)
            except StoreError as error:
                if getattr(error.__cause__, "errno", None) not in FULL:
                    raise
                if wait_s is None:
                    why = f"{self._room.path.parent} has no room for it; --scratch names another folder"
                    raise StoreError(f"{path}: {why}") from error.__cause__
                full = error
            with suppress(OSError):
                os.unlink(place)  # noqa: PTH108
            turn.give_back()
            self._closing.wait(wait_s)
            if not turn.take(ALL_BYTES):
                return None
        raise AssertionError

    def _let_go(self, came: _Came) -> None:
        if came.place is not None:
            with suppress(OSError):
                os.unlink(came.place)  # noqa: PTH108
            self._room.give_back(came.n_bytes)


def _failed(path: str, error: Exception, size: int | None = None) -> _Came:
    kind, told = type(error.__cause__ or error).__name__, str(error)
    message = told if told.startswith(path) else f"{path}: cannot be fetched ({told})"
    return _Came(failure=Failure(path, "fetch", kind, message, size))


def _name(outcome: Outcome, place: str, url: str) -> None:
    """Let an outcome speak of an object by its URL, and not of where it lay."""

    def named(failure: Failure | None) -> Failure | None:
        if failure is None:
            return None
        return failure._replace(path=url, message=failure.message.replace(place, url))

    outcome.failure = named(outcome.failure)
    outcome.notes = [note.replace(place, url) for note in outcome.notes]
    for heard in outcome.heard:
        heard.failure = named(heard.failure)
