"""Threads: work that several do, and whoever waits for it notices where one of them has died.

A thread that finds no memory as it begins, or between two pieces of work, is gone, and what it was to do
stays undone: Python's own pool waits for that for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Self, TypeVar

from .. import memory

Result = TypeVar("Result")
LOOK_S = 1.0  # how often it is looked whether all threads live
# Of address space that a thread takes as it begins: a stack, and what glibc maps for its allocations.
# `Thread.start` waits for ever for one that dies there (python/cpython#140746).
ROOM_BYTES = (8 << 20) + (128 << 20)


class Threads:
    """Threads to work on; a context manager, which waits for what is begun.

    Parameters
    ----------
    n : int
        One is the caller's own: none is started then.
    """

    def __init__(self, n: int) -> None:
        self._pool = ThreadPoolExecutor(n) if n > 1 else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def map(self, work: Callable[..., Result], *each: Iterable[Any]) -> Iterator[Result]:
        """Return an iterator over the results of work, as the builtin `map` does, but not by turns.

        Raises
        ------
        MemoryError
            There is too little for a thread, or one has died of it.
        """
        if self._pool is None:
            return map(work, *each)
        return self._results(self._pool, self._begun(self._pool, work, each))

    def _begun(
        self, pool: ThreadPoolExecutor, work: Callable[..., Result], each: Iterable[Iterable[Any]]
    ) -> list[Future[Result]]:
        memory.ask(ROOM_BYTES)
        return [pool.submit(work, *given) for given in zip(*each, strict=False)]

    def _results(self, pool: ThreadPoolExecutor, begun: list[Future[Result]]) -> Iterator[Result]:
        begun.reverse()  # so that none is held that was taken
        try:
            while begun:
                yield self._result(pool, begun.pop())
        finally:
            for future in begun:
                future.cancel()

    def _result(self, pool: ThreadPoolExecutor, future: Future[Result]) -> Result:
        while not wait([future], LOOK_S).done:
            is_whole = all(thread.is_alive() for thread in pool._threads)  # nothing public tells it
            if not is_whole and not future.done():
                raise MemoryError("a thread has died")
        return future.result()
