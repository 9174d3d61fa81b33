"""Work: from checked blocks to scored windows, where it was pushed or in a thread behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from threading import Lock

from ..audio import Pace
from ..errors import ConfigError
from ..pipeline.ear import Amiss, Cut, Ear, Scored
from ..pipeline.lending import lent
from ..pipeline.listener import Listener
from .behind import Behind
from .hearing import Hearing, Whose
from .intake import PIECE_SAMPLES, Intake


class Work:
    """The sessions that a stream was lent, and all that it does with them.

    Parameters
    ----------
    listeners : sequence of Listener
    intake : Intake
    pace : Pace
    channels : sequence of int
        Those that are heard; 0 is the mix.
    take : callable of int and Scored
        Is given a listener's place and a window, in the thread that scores.
    waiting : int
        So many windows wait for a thread behind, at most; 0: they are scored at once.

    Attributes
    ----------
    is_over : bool
    """

    def __init__(
        self,
        listeners: Sequence[Listener],
        intake: Intake,
        pace: Pace,
        channels: Sequence[int],
        take: Callable[[int, Scored], object],
        waiting: int,
    ) -> None:
        self._intake, self._take, self.is_over = intake, take, False
        self._error: BaseException | None = None
        self._busy = Lock()
        with ExitStack() as stack:
            sessions = stack.enter_context(lent(listeners))
            self._hearing = Hearing(listeners, sessions, pace, channels, apart=waiting > 0)
            self._behind = Behind(self._score, waiting) if waiting else None
            self._stack = stack.pop_all()

    @property
    def dropped(self) -> int:
        """Windows that were not scored, as too many waited."""
        return 0 if self._behind is None else self._behind.dropped

    def forgive(self, amiss: Amiss) -> None:
        """Tell of windows whose scores are not finite, and go on; before the first push."""
        self._hearing.forgive(amiss)

    def push(self, samples: object) -> None:
        """Take a block; raises as `Stream.push`, and is over after a network's failure."""
        with self._alone():
            self._push(samples)

    def _push(self, samples: object) -> None:
        frames = self._intake.check(samples)
        try:
            for start in range(0, len(frames), PIECE_SAMPLES):
                if self.is_over:  # another thread closed it
                    return
                channels = self._intake.piece(frames, start)
                if self._behind is None:
                    for whose, scored in self._hearing.push(channels, Ear.hear):
                        self._take(whose.number, scored)
                else:
                    for whose, some in self._hearing.push(channels, Ear.cut):
                        self._behind.put(whose, some)
        except BaseException as error:
            self.close(error)
            raise

    def end(self) -> None:
        """Score what is left, as at a file's end: no window is dropped. Raises as `Stream.push`."""
        with self._alone():
            self._end()

    def _end(self) -> None:
        try:
            if self._behind is None:
                for whose, scored in self._hearing.end(Ear.hear, Ear.end):
                    self._take(whose.number, scored)
            else:
                for whose, some in self._hearing.end(Ear.cut, Ear.cut_end):
                    self._behind.put(whose, some, patient=True)
                self._behind.flush()
                self.check()
        except BaseException as error:
            self.close(error)
            raise
        self.close()

    def flush(self) -> None:
        """Wait until no window waits."""
        if self._behind is not None and not self.is_over:
            self._behind.flush()

    def check(self) -> None:
        """Raise what ended the thread behind, once."""
        failure = None if self._behind is None or self.is_over else self._behind.failure
        if failure is not None:
            self.close(failure)
            raise failure

    def close(self, error: BaseException | None = None) -> None:
        """End it, from any thread: sessions are given back when a push that is under way has returned."""
        self.is_over, self._error = True, self._error or error
        self._give_back_if_free()

    def _give_back_if_free(self) -> None:
        if self._busy.acquire(blocking=False):
            try:
                self._give_back()
            finally:
                self._busy.release()

    def _give_back(self) -> None:
        """Give sessions back, once; those that an error broke off in the middle are not lent again."""
        stack, error = self._stack.pop_all(), self._error
        if self._behind is not None:
            self._behind.stop()
        if error is None:
            stack.close()
        else:
            stack.__exit__(type(error), error, error.__traceback__)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Refuse a second thread, whose sound would come between: who waited would not know where."""
        if not self._busy.acquire(blocking=False):
            raise ConfigError(
                "another push is under way: one thread at a time pushes into a stream, or ends it"
            )
        try:
            yield
        finally:
            self._busy.release()
            if self.is_over:
                self._give_back_if_free()

    def _score(self, whose: Whose, some: Cut) -> None:
        self._take(whose.number, whose.ear.score(some))
