"""Workers that work off lists of files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..outcomes import Outcome, Part
from ..sources import stores
from .crew import Crew
from .process import Job
from .queue import Queue
from .scratch import USUAL


class Pool(Crew):
    """A crew that works lists of files off, a `Workforce`; parameters and errors as `crew.Crew`.

    Attributes
    ----------
    scratch : Scratch
        Where what lies in stores is fetched to, before it is heard.
    """

    scratch = USUAL

    def work(self, jobs: Sequence[Job]) -> Iterator[tuple[int, Outcome | Part]]:
        """Work off a list of files.

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
        """
        if not any(stores.is_url(job.path) for job in jobs):
            yield from self._worked_off(Queue(jobs))
            return
        from .fetched import Fetched  # threads that most runs do without

        with Fetched(jobs, self.scratch, self.wake) as queue:
            yield from self._worked_off(queue)

    def _worked_off(self, queue: Queue) -> Iterator[tuple[int, Outcome | Part]]:
        self._deaths.clear()  # of another list's files, by the same numbers
        while not queue.is_through:
            self.turn(queue)
            yield from queue.came()

    def widths(self) -> list[dict[str, int]]:
        """Wait for a worker that is ready, and return how wide each model's rows are, by kind kept."""
        ready = self.first_ready(Queue([]))
        return [{kind: sizes[kind] for kind in self._options.rows} for sizes in ready.sizes]
