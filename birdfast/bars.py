"""Progress: bars on standard error, and whoever watches how far the work is, with or without a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, Protocol, Self, TypeVar

Result = TypeVar("Result")


class Watcher(Protocol):
    """Who is told of the stages of a long work and of their steps; see `watched`."""

    def stage(self, name: str) -> AbstractContextManager[object]:
        """Take note that a stage begins, and ends with the context; they may lie in one another."""

    def step(self, done: int, total: int, unit: str, *, bar: bool) -> str:
        """Take note of how far a stage is; return what is to stand behind the bar, if there is one."""


_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Let a watcher be told of all that is done in the context."""
    before = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(before)


def stage(name: str) -> AbstractContextManager[object]:
    """Tell whoever watches that a stage begins: a context manager."""
    watcher = _watcher.get()
    return nullcontext() if watcher is None else watcher.stage(name)


def told(name: str, work: Callable[[], Result]) -> Callable[[], Result]:
    """Return work that is a stage of this name, whenever it is done."""

    def done() -> Result:
        with stage(name):
            return work()

    return done


def step(done: int, total: int, unit: str) -> None:
    """Tell whoever watches how far a stage is that has no bar."""
    watcher = _watcher.get()
    if watcher is not None:
        watcher.step(done, total, unit, bar=False)


def of_bytes(total: int, remark: str) -> Any:
    """Return a bar over the bytes of a run's files, with a remark behind it: a context manager."""
    from tqdm import tqdm

    layout = "{percentage:3.0f}%{postfix} |{bar}| {remaining} left"
    return tqdm(total=total, bar_format=layout, smoothing=0.05, dynamic_ncols=True, postfix=remark)


def of_recordings(total: int, *, shown: bool, doing: str = "") -> Recordings:
    """Return a bar over recordings that goes away when done, for terminals alone: a context manager.

    `doing` stands before it.
    """
    return Recordings(total, shown, doing)


class Recordings:
    """A bar over recordings, of which whoever watches is told, too."""

    def __init__(self, total: int, shown: bool, doing: str) -> None:
        self._total, self._done, self._watcher = total, 0, _watcher.get()
        self._bar: Any = None
        if shown and sys.stderr is not None and sys.stderr.isatty():  # or tqdm's thread would watch nothing
            from tqdm import tqdm

            layout = "{l_bar}{bar}| {n_fmt}/{total_fmt} recordings [{elapsed}<{remaining}]{postfix}"
            self._bar = tqdm(total=total, bar_format=layout, leave=False, desc=doing or None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def update(self) -> None:
        """Count a recording."""
        self._done += 1
        has_bar, remark = self._bar is not None, ""
        if self._watcher is not None:
            remark = self._watcher.step(self._done, self._total, "recordings", bar=has_bar)
        if has_bar:
            self._bar.set_postfix_str(remark, refresh=False)
            self._bar.update()
