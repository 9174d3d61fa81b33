"""Dask as an executor: one share at a time for each worker of a cluster, which is one birdfast pool.

What of Dask's ways is thought of here:

- Which worker gets a share is decided here, and Dask holds to it (`workers=`, and no others): a machine never
  has two at a time, however many threads it has, and nothing is stolen. Shares take minutes, and what Dask
  knows of their length is a guess.
- A share whose worker died, was closed or was cut off counts as lost when the scheduler no longer has that
  worker. Its task is cancelled, as no other may take it: how many deaths Dask allows a task
  (`allowed-failures`) does not matter, and a share that ends its workers is split by us until the file stands
  alone. A worker that its nanny started again is another one; where it has the same port as before and was
  away for less than a second, Dask gives it the same task, whose part is the same.
- A worker that retires (adaptive scaling, `--lifetime`) is closed when it has nothing to do, or its share
  comes back and goes out again: the scheduler's events tell this from a death, so that no file is blamed.
- What a task returned lies on its worker until it is fetched. Where that dies in between, Dask waits for the
  task to be run again, which nobody may: so each is fetched by a thread of its own, which holds up nobody.
- Heartbeats flow, as the task's thread waits for a process and holds no lock of Python's. A worker that is
  silent for `worker-ttl` (5 minutes) is dropped by the scheduler; before that, what it has goes out a second
  time, once nothing else is left.
- More machines are wished for by tasks that no worker may take: that is what adaptive scaling looks at.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, InvalidStateError
from contextlib import suppress
from functools import cached_property, partial
from time import monotonic
from typing import Any

from ..errors import ClusterError, ConfigError
from .futures import Lost, UnfitError
from .share import N_WORKERS

KEY = "birdfast-share"  # by which Dask knows how long such tasks took
NOBODY = "birdfast-wishes-for-more"  # no machine's name
LOOK_EVERY_S = 1.0
GONE_S = 60.0  # that the scheduler may be silent


class _Task(Future[Any]):
    """A task, and the address of the worker that has it."""

    address = ""


class Dask:
    """A cluster of Dask as an executor.

    Parameters
    ----------
    connect : callable
        Returns the Client, when it is first needed.
    is_ours : bool
        The Client is closed when we rest, and another one made when it is needed again.
    why_none : callable
        Tells why whoever has the machines gives none, or "".
    """

    def __init__(
        self, connect: Callable[[], Any], *, is_ours: bool = False, why_none: Callable[[], str] = str
    ) -> None:
        self._connect, self._is_ours, self._why_none = connect, is_ours, why_none
        self._at: dict[str, tuple[_Task, Any]] = {}  # by the worker's address: ours, and Dask's
        self._threads: dict[str, int] = {}
        self._looked_s, self._n_looks_idle, self._number = -LOOK_EVERY_S, 0, 0
        self._ending = threading.Lock()  # a task may end in several threads at a time
        self._wishes: list[Any] = []
        self._left: set[Future[Any]] = set()  # at work for a run that has ended
        self._unfit: set[str] = set()  # addresses of workers that are given no more

    @cached_property
    def client(self) -> Any:
        """The connection."""
        return self._connect()

    def slots(self) -> int:
        """Return how many workers there are for a run; those at work at a share that have gone have lost it.

        Raises
        ------
        ConfigError
            The scheduler has gone, or there is no worker, and whoever has the machines gives none.
        """
        if monotonic() - self._looked_s >= LOOK_EVERY_S:
            self._threads, self._looked_s = self._ask("ncores"), monotonic()
            if not self._threads and (why := self._why_none()):
                raise ClusterError(
                    f"the cluster has no machine, and gets none ({why}); what was done is kept"
                )
            for address, (ours, theirs) in self._at.copy().items():  # others end while the scheduler is asked
                if address in self._threads:
                    continue
                self._end(address, ours, error=self._why_gone(address))
                theirs.cancel()
            is_idle = bool(self._idle())
            self._n_looks_idle = self._n_looks_idle + 1 if is_idle else 0
            if self._n_looks_idle < 2:  # between two shares
                self._wish(max(1, len(self._threads)))
            else:
                self._wish(0)
        n_fit = len(self._threads.keys() - self._unfit)
        return n_fit - sum(ours in self._left for ours, _ in [*self._at.values()])

    def shun(self, future: Any) -> None:
        """Let the worker that was at a task have no other of this run."""
        self._unfit.add(future.address)

    def is_growing(self) -> bool:
        """Whether the cluster, if somebody here has it, is to have workers that are not there yet."""
        cluster = getattr(self.client, "cluster", None)
        return bool({*getattr(cluster, "plan", ())} - {*getattr(cluster, "observed", ())})

    def _idle(self) -> set[str]:
        return self._threads.keys() - self._at.keys() - self._unfit

    def submit(self, fn: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        """Let a worker that is at nothing run a function."""
        address = next(iter(self._idle()))
        host, n_threads = _host(address), self._threads[address]
        is_alone = [_host(other) for other in self._threads].count(host) == 1
        n_workers = None if is_alone and n_threads == 1 else n_threads
        theirs = self._submitted(address, _at_work, n_workers, fn, arguments)
        ours = _Task()
        ours.address = address
        ours.set_running_or_notify_cancel()  # its worker is not free before it ends
        self._at[address] = ours, theirs
        theirs.add_done_callback(partial(self._came, address, ours))
        return ours

    def _submitted(self, where: str, *what: Any) -> Any:
        self._number += 1
        key = f"{KEY}-{os.getpid()}-{id(self)}-{self._number}"
        how = {"key": key, "workers": [where], "allow_other_workers": False, "pure": False}
        return self.client.submit(*what, **how)

    def _came(self, address: str, ours: Future[Any], theirs: Any) -> None:
        """Tell what became of a task; Dask has one thread for all that is called so."""
        if theirs.status == "finished":
            threading.Thread(target=self._fetch, args=(address, ours, theirs), daemon=True).start()
        elif theirs.status == "error":
            self._end(address, ours, error=_why_failed(address, theirs.exception()))
        else:  # by who runs the cluster, or as the scheduler was started again
            self._end(address, ours, error=CancelledError(f"the cluster took back what {address} was at"))

    def _fetch(self, address: str, ours: Future[Any], theirs: Any) -> None:
        try:
            told = theirs.result()
        except BaseException as error:  # its worker has gone, and it was cancelled
            self._end(address, ours, error=Lost(str(error) or type(error).__name__))
        else:
            self._end(address, ours, told)

    def _end(
        self, address: str, ours: Future[Any], told: Any = None, error: BaseException | None = None
    ) -> None:
        """Tell what became of a task, once; its worker is free."""
        with self._ending:
            if self._at.get(address, (None, None))[0] is ours:
                del self._at[address]
        self._left.discard(ours)
        with suppress(InvalidStateError):
            if error is None:
                ours.set_result(told)
            else:
                ours.set_exception(error)

    def _why_gone(self, address: str) -> Exception:
        """Return how a worker that is no longer there went."""
        events = self._ask("events", topic=address)
        gone = [event for _, event in events if event.get("action") == "remove-worker"]
        if gone and gone[-1].get("expected"):
            return CancelledError(f"the worker {address} has retired")
        return Lost(f"the worker {address} has gone")

    def _ask(self, what: str, **how: Any) -> Any:
        """Ask the scheduler."""
        try:
            return self.client.sync(getattr(self.client.scheduler, what), callback_timeout=GONE_S, **how)
        except ConfigError:  # nobody was there to begin with
            raise
        except Exception as error:  # of whatever lies on the way
            why = str(error) or type(error).__name__
            raise ClusterError(f"the cluster's scheduler has gone ({why}); what was done is kept") from error

    def _wish(self, n: int) -> None:
        while len(self._wishes) > n:
            self._wishes.pop().cancel()
        while len(self._wishes) < n:
            self._wishes.append(self._submitted(NOBODY, _nothing))

    def rest(self) -> None:
        """Wish for nothing more, until somebody asks for slots again; a scheduler may have gone."""
        with suppress(Exception):
            self._wish(0)
        self._wishes.clear()
        self._unfit.clear()
        self._left |= {ours for ours, _ in [*self._at.values()]}
        self._looked_s, self._n_looks_idle = -LOOK_EVERY_S, 0
        if self._is_ours and "client" in self.__dict__:
            with suppress(Exception):
                self.client.close()
            del self.client


def _why_failed(address: str, error: BaseException) -> Exception:
    """Return why a task failed: ours tell what they meet, so it was killed, or never began."""
    told = " ".join(str(error).split()) or type(error).__name__
    if type(error).__name__ == "KilledWorker":
        return Lost(told)
    return UnfitError(f"no task begins at {address} ({told})", address)


def _host(address: str) -> str:
    return address.rpartition(":")[0]


def _at_work(n_workers: int | None, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Run a function in a worker, whose shares are heard by so many processes."""
    N_WORKERS.set(n_workers)
    return function(*arguments)


def _nothing() -> None:
    """Never run."""
