"""Remote: a run's files are heard elsewhere, in shares that an executor hands out; a `Workforce`.

What comes of a share comes by its part file alone, so the journal, the tables and whoever waits hear what a
local pool would have said. A part that is whole when a run begins anew is taken as it is.
"""

from __future__ import annotations

import os
import queue
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from time import monotonic
from typing import Self

import numpy as np

from .. import inputs, voice
from ..arrays import Int64
from ..config import Options
from ..errors import ClusterError
from ..models import Digests, Model
from ..outcomes import Outcome, Part
from ..sources import reach, stores
from ..words import counted
from . import ahead, orders, parts, share
from .bundles import RETURNS, TRIES, Bundles
from .executor import Slotted
from .out import Out
from .pool import LEAVE_S, Pool
from .process import Job, Task
from .scratch import USUAL
from .slots import Slots
from .spent import SETTLE_EVERY_S, Spent
from .work import ended, given_up

LOOK_EVERY_S = 1.0  # how many machines there are, and what is late


class Remote:
    """Machines elsewhere, by an executor; a context manager.

    Parameters
    ----------
    models : sequence of Model
        Their files lie at the same places everywhere.
    options : Options
    executor : Slotted
    folder : path
        The run's; everybody sees it at the same place.
    n_workers : int or None
        Worker processes of each share; None takes a machine's cores, or as many as its part of them has.
    file_timeout_s : float or None
        As `crew.Crew`.

    Attributes
    ----------
    notes, hear, digests
        As `Workforce`.
    scratch : Scratch
        Where each machine fetches to what lies in stores.
    settle : callable
        Makes sure that what was yielded stays, before the parts that it came in go.
    """

    scratch = USUAL

    def __init__(
        self,
        models: Sequence[Model],
        options: Options,
        executor: Slotted,
        folder: Path,
        n_workers: int | None = None,
        file_timeout_s: float | None = None,
    ) -> None:
        self._models, self._options, self._executor = models, options, executor
        self._folder = folder.absolute() / parts.FOLDER
        self._n_workers, self._file_timeout_s = n_workers, file_timeout_s
        self._came: queue.SimpleQueue[Out] = queue.SimpleQueue()
        self._out: set[Out] = set()
        self._slots = Slots(executor, lambda words: self.hear(words))
        self._lacking = set[str]()  # files that this process does not get at either
        self._until_s: float | None = None  # when it has left at the latest, if it was asked to
        self.notes: dict[str, None] = {}
        self.hear: Callable[[str], object] = voice.say
        self.settle: Callable[[], object] = lambda: None

    @cached_property
    def digests(self) -> list[Digests]:
        """What the models' files hold here when first asked; elsewhere they have to be the same."""
        return ahead.digests(self._models, self._options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for out in self._out:
            if self._until_s is None or out.future is None or out.future.cancel():  # nobody is at it
                out.take_back()
        share.end_idle()  # where the executor's workers are threads of this process

    def widths(self) -> list[dict[str, int]]:
        """Let one worker here tell: so what is wrong with a model is known before machines are asked for.

        Then they are, as a folder becomes a run's after this: one that never began is to leave none behind.
        """
        with Pool(self._models, self._options, 1) as pool:
            pool.hear = self.hear
            widths = pool.widths()
            self.notes |= pool.notes
        self._executor.slots()
        return widths

    def work(self, jobs: Sequence[Job]) -> Iterator[tuple[int, Outcome | Part]]:
        """Work off a list of files: share by share as they come, the files of each in their order.

        Errors, and what is yielded, as `Pool.work`.

        Raises
        ------
        ClusterError
            The executor takes no more, or no machine is fit: it does not see the run's folder or files,
            cannot run the models, ...
        """
        parts.make(self._folder)
        parts.remove(self._folder, parts.ORDER)  # who is still at one from before ends
        waiting = np.ones(len(jobs), np.bool_)
        spent = Spent(self._folder, self.settle)
        for number, what in spent.found(jobs, self._hearing.of):
            waiting[number] = False
            yield number, what
        numbers = np.flatnonzero(waiting)
        sizes = [inputs.size_bytes(jobs[number].path) or 0 for number in numbers.tolist()]
        bundles = Bundles(sizes, max(1, self._executor.slots()))
        if not bundles.is_through:
            self._slots.tell()
        while not bundles.is_through and not self._has_left():
            if self._until_s is None:
                self._hand_out(bundles, numbers, jobs)
            for out in self._listen():
                for place, what in self._what_came(out, bundles, jobs, numbers):
                    yield int(numbers[place]), what
                spent.add(parts.of(out.order))
            spent.settle(SETTLE_EVERY_S)
        spent.settle()
        if self._out and not bundles.is_through:
            n_files = sum(len(out.bundle.places) for out in self._out)
            self.hear(
                f"{counted(n_files, 'file')} with machines: the next run takes what is whole by then, no more"
            )
        if bundles.is_through:
            for out in self._out:
                out.take_back()
            parts.tidy(self._folder.parent)

    def leave(self) -> None:
        """Hand out nothing more; `work` ends when all came back that is out, or soon without it.

        Who is at a bundle then stays at it: the next run takes the part that it is by then. It may be called
        in a signal's handler.
        """
        self._until_s = monotonic() + LEAVE_S

    def _has_left(self) -> bool:
        return self._until_s is not None and (monotonic() >= self._until_s or not self._out)

    # ---- out ----

    @cached_property
    def _hearing(self) -> orders.Hearing:
        how = (self._n_workers, self._file_timeout_s)
        return orders.hearing(self._models, self.digests, self._options, *how, self.scratch)

    def _hand_out(self, bundles: Bundles, numbers: Int64, jobs: Sequence[Job]) -> None:
        bundles.n_slots = max(1, n_slots := self._slots.count(len(self._out)))
        while len(self._out) < n_slots:
            if (bundle := bundles.again(monotonic(), self._slots.next)) is None:
                return
            files = [orders.named(jobs[number]) for number in numbers[bundle.places].tolist()]
            lacking = [n for n, (path, _, *stamp) in enumerate(files) if not self._may_be_here(path, stamp)]
            order = orders.write(self._folder, self._hearing, files, lacking)
            out = Out(bundle, order, self._slots.take())
            self._out.add(out)
            try:
                out.future = self._executor.submit(share.hear, str(out.order))
            except Exception as error:  # any library's
                why = f"the cluster takes no more tasks ({error}); what was done is kept"
                raise ClusterError(why) from error
            out.future.add_done_callback(partial(self._put, out))

    def _may_be_here(self, path: str, stamp: list[int | None]) -> bool:
        is_seen = path not in self._lacking and stamp != [None, None]
        return is_seen and (stores.is_url(path) or os.access(path, os.R_OK))

    def _is_here(self, path: str) -> bool:
        """Whether this process gets at a file that a machine does not get at: then that is the machine's."""
        if path not in self._lacking and reach.why_not(path):
            self._lacking.add(path)
        return path not in self._lacking

    def _put(self, out: Out, _: object) -> None:
        self._came.put(out)

    # ---- back ----

    def _listen(self) -> Iterator[Out]:
        """Wait for a moment, and yield what came back."""
        try:
            out = self._came.get(timeout=LOOK_EVERY_S)
        except queue.Empty:
            return
        self._out.discard(out)
        self._slots.give_back(out.slot)
        yield out

    def _what_came(
        self, out: Out, bundles: Bundles, jobs: Sequence[Job], numbers: Int64
    ) -> Iterator[tuple[int, Outcome | Part]]:
        """Yield what came of a bundle, by the places of its jobs in the plan."""
        told = out.told(self._hearing.of, self._is_here, has_run=self._slots.has_run)
        self._slots.has_run |= "unfit" not in told and "back" not in told
        now_s = monotonic()
        self.notes |= dict.fromkeys(told.get("notes", ()))
        for line in told.get("asides", ()):
            self.hear(line)
        if "part" in told:
            self._slots.praise()
            fresh = {*bundles.done(out.bundle, now_s).tolist()}
            for number, what in parts.read(parts.of(out.order)):
                if (place := int(out.bundle.places[number])) in fresh:
                    yield place, what
        elif self._until_s is not None:
            pass  # the same signal may have reached it
        elif "unfit" in told or "unseen" in told:
            if "unfit" in told:  # else nobody gets at them, and the next order says so
                self._slots.complain(told["unfit"], told.get("host", ""), out.future)
            bundles.lost(out.bundle, now_s, is_blamed=None)
        else:
            is_blamed = "lost" in told
            how = (told["lost"], TRIES) if is_blamed else (told["back"], RETURNS)
            for place in bundles.lost(out.bundle, now_s, is_blamed=is_blamed).tolist():
                job = jobs[numbers[place]]
                failure = ended(job.path, "Lost", *how)
                yield place, given_up(Task(place, 0), job, failure)
        out.take_back()
        for other in [one for one in self._out if not bundles.is_wanted(one.bundle)]:
            other.take_back()
