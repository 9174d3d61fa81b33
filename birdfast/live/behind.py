"""Behind: a thread that scores windows while sound comes, with a bound on what waits for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Condition, Thread, current_thread

from ..pipeline.ear import Cut
from .hearing import Whose

Score = Callable[[Whose, Cut], object]


class Behind:
    """Windows that wait for one thread, which scores them in their order.

    Parameters
    ----------
    score : callable of Whose and Cut
        Called in the thread.
    most : int
        So many windows wait at most.

    Attributes
    ----------
    dropped : int
        Windows that came when so many waited, and were not scored.
    failure : BaseException or None
        What ended the thread before its time.
    """

    def __init__(self, score: Score, most: int) -> None:
        self._score, self._most, self.dropped = score, most, 0
        self.failure: BaseException | None = None
        self._waiting, self._changed = deque[tuple[Whose, Cut]](), Condition()
        self._is_busy = self._is_over = False
        self._thread = Thread(target=self._work, name="birdfast-live", daemon=True)
        self._thread.start()

    def put(self, whose: Whose, some: Cut, *, patient: bool = False) -> None:
        """Let a copy of a window wait; where too many do it is dropped, or waits for room (`patient`)."""
        with self._changed:
            if patient:
                self._changed.wait_for(lambda: self._has_room or self._is_over or self.failure is not None)
            if not self._has_room:
                self.dropped += len(some.windows)
                return
            self._waiting.append((whose, some._replace(windows=some.windows.copy())))
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until nothing waits, or the thread has failed."""
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    self.failure is not None or not (self._is_busy or (self._waiting and not self._is_over))
                )
            )

    def stop(self) -> None:
        """End the thread, after the window that it is at; what waits is left."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()
        if self._thread is not current_thread():  # where `follow` closes its stream
            self._thread.join()

    @property
    def _has_room(self) -> bool:
        return len(self._waiting) < self._most

    def _work(self) -> None:
        try:
            while (one := self._next()) is not None:
                self._score(*one)
        except BaseException as error:  # whoever pushes next is told
            self.failure = error
        finally:
            with self._changed:
                self._is_busy = False
                self._changed.notify_all()

    def _next(self) -> tuple[Whose, Cut] | None:
        with self._changed:
            self._is_busy = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._is_over or self._waiting)
            if self._is_over:
                return None
            self._is_busy = True
            return self._waiting.popleft()
