"""Workers that work off lists of files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import monotonic

from ..errors import OutputError
from ..outcomes import Outcome, Part
from ..sources import stores
from .crew import Crew
from .process import Job, Worker
from .queue import Queue
from .scratch import USUAL
from .work import Work

LEAVE_S = 5.0  # that workers have to end what they are at: clusters kill some 30 s after they asked
TELL_EVERY_S = 10.0  # that models are still being opened: a large network is rewritten first


class Pool(Crew):
    """A crew that works lists of files off, a `Workforce`; parameters and errors as `crew.Crew`.

    Attributes
    ----------
    scratch : Scratch
        Where what lies in stores is fetched to, before it is heard.
    """

    scratch = USUAL

    _until_s: float | None = None  # when it has left at the latest, if it was asked to
    _list: Queue | None = None  # that is being worked off, or was last

    def work(self, jobs: Sequence[Job]) -> Iterator[tuple[int, Outcome | Part]]:
        """Work off a list of files; one that was begun before, and not ended, is over then.

        The parts of a stretch's dense rows come before its outcome, but between others'. A stretch whose
        worker dies is tried again, and so are its parts: those with the same numbers take the first ones'
        place.

        Yields
        ------
        (int, Outcome)
            The job's number, and what became of its file's next stretch, in the order of the jobs.
        (int, Part)
            The job's number, and dense rows of any stretch of its file.

        Raises
        ------
        ModelError, ConfigError
            One worker after the other dies before it is ready, or none can be started in a dead one's place;
            or what lies in stores cannot be fetched to the scratch folder.
        OutputError
            That folder's disk is full, and stays so.
        RuntimeError
            Another list was begun since.
        """
        if not any(stores.is_url(job.path) for job in jobs):
            yield from self._worked_off(Queue(jobs))
            return
        from .fetched import Fetched  # threads that most runs do without

        try:
            queue = Fetched(jobs, self.scratch, self.wake, self.hear, self._is_leaving)
        except OutputError:
            if self._is_leaving():  # nobody waits for room any more
                return
            raise
        with queue:
            yield from self._worked_off(queue)

    def _worked_off(self, queue: Queue) -> Iterator[tuple[int, Outcome | Part]]:
        self._list = queue
        self._deaths.clear()  # of another list's files, by the same numbers
        self.start_anew(Queue(()))  # who is still at them would answer for this one's
        while not queue.is_through and not self._has_left():
            if self._list is not queue:
                raise RuntimeError("another list of files was begun: this one is over")
            self.turn(queue)
            yield from queue.came()

    def widths(self) -> list[dict[str, int]]:
        """Wait for a worker that is ready, and return how wide each model's rows are, by kind kept."""
        queue, began_s = Queue([]), (told_s := monotonic())
        while not self.ready:
            self._listen(queue)
            if monotonic() - told_s >= TELL_EVERY_S:
                told_s = monotonic()
                self.hear(f"the models are still being opened, after {told_s - began_s:.0f} s")
        return [{kind: sizes[kind] for kind in self._options.rows} for sizes in self.ready[0].sizes]

    def leave(self) -> None:
        """Hand out nothing more; `work` ends when all is heard that is begun, or soon without it.

        It may be called in a signal's handler.
        """
        self._until_s = monotonic() + LEAVE_S
        self.wake()

    def _is_leaving(self) -> bool:
        return self._until_s is not None

    def _has_left(self) -> bool:
        if self._until_s is None:
            return False
        return monotonic() >= self._until_s or not any(worker.tasks for worker in self._workers)

    def _feed(self, work: Work) -> None:
        if self._until_s is None:
            super()._feed(work)

    def _replace(self, worker: Worker, work: Work) -> None:
        """Nobody is to blame for a worker's end while all leave: the same signal may have reached it."""
        if self._until_s is None:
            super()._replace(worker, work)
        else:
            self._dismiss(worker)
