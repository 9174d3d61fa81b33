"""Workers that work off lists of files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from time import monotonic

from ..outcomes import Outcome, Part
from .crew import Crew
from .process import Job
from .queue import Queue

TELL_EVERY_S = 10.0  # that models are still being opened: a large network is rewritten first


class Pool(Crew):
    """A crew that works lists of files off; parameters and errors as `crew.Crew`."""

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
            One worker after the other dies before it is ready, or none can be started in a dead one's place.
        """
        queue = Queue(jobs)
        while not queue.is_through:
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
