"""Executors: whatever runs functions elsewhere, by the contract of `concurrent.futures`.

`ThreadPoolExecutor`, loky's, mpi4py's and Dask's are members. One more thing is asked for if it is there:
`slots`, how many functions it runs at a time now; else the user says so.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, runtime_checkable

from ..config import whole
from ..errors import ConfigError
from ..words import extra_hint
from .futures import Future

DASK = "distributed"


@runtime_checkable
class Executor(Protocol):
    """Runs functions that are found by their names, of arguments that are text and numbers.

    They return dictionaries of such, after minutes; how many may be at work at a time is told beside it.
    """

    def submit(self, fn: Callable[..., Any], /, *arguments: Any) -> Future:
        """Let a function be run somewhere; any exception means that it takes no more."""


@runtime_checkable
class Slotted(Executor, Protocol):
    """An executor that knows how many functions it runs at a time, and needs no number."""

    def slots(self) -> int:
        """Return how many there may be at work now: more or fewer than before, 0 while nobody is there."""


@runtime_checkable
class Choosing(Protocol):
    """An executor that knows which machine was at a function."""

    def shun(self, future: Any) -> None:
        """Let the machine that was at a future have none of the run's any more, and be no slot."""

    def is_growing(self) -> bool:
        """Whether machines that were asked for are still to come."""


@runtime_checkable
class Resting(Protocol):
    """An executor of ours that wishes for machines while a run lasts."""

    def rest(self) -> None:
        """Wish for nothing more, and close what we opened."""


def rest(executor: object) -> None:
    """Let an executor of ours wish for nothing more; a user's own is the user's to close."""
    if isinstance(executor, Resting):
        executor.rest()


def of(cluster: Any) -> Slotted | None:
    """Return an executor with slots of what a user has.

    Parameters
    ----------
    cluster : Executor, a pair of one and how many functions it runs at a time, Dask's Client or Cluster
        Or None. One of `concurrent.futures` itself knows how many.

    Raises
    ------
    ConfigError
        It is none of them, an asynchronous one, or nobody says how many.
    """
    if _is_dasks(cluster, "ClientExecutor"):  # of Client.get_executor
        cluster = cluster._client
    if any(_is_dasks(cluster, kind) for kind in ("Client", "Cluster")) and cluster.asynchronous:
        raise ConfigError(
            f"cluster: {type(cluster).__name__} is asynchronous; give one that is not (asynchronous=False)"
        )
    if _is_dasks(cluster, "Client"):
        from .dask import Dask

        return Dask(lambda: cluster)
    if _is_dasks(cluster, "Cluster"):
        from . import clusters

        return clusters.of(cluster)
    told = cluster[1] if isinstance(cluster, tuple) and len(cluster) == 2 else None
    executor: Slotted | None = cluster if told is None else cluster[0]
    if executor is None or isinstance(cluster, Slotted):
        return executor
    if not isinstance(executor, Executor):
        raise ConfigError(
            f"cluster: {type(cluster).__name__} is no executor (concurrent.futures), and no Client of Dask"
        )
    if told is None:
        # `_max_workers` is no promise of theirs, but has been its name since they came
        told = getattr(executor, "_max_workers", None)
    if told is None:
        raise ConfigError(
            f"cluster: {type(cluster).__name__} does not say how many tasks it runs at a time; give"
            " (executor, number)"
        )
    return Fixed(executor, whole("cluster", told, 1))


def _is_dasks(cluster: Any, name: str) -> bool:
    kinds = type(cluster).__mro__
    return any(one.__name__ == name and one.__module__.partition(".")[0] == DASK for one in kinds)


def opened(cluster: Any) -> AbstractContextManager[Any]:
    """Return a context manager of a cluster: one that words make ends with it, any other is its owner's.

    Parameters
    ----------
    cluster : str, or whatever `of` takes
        Words are those of `clusters.opened`.

    Raises
    ------
    ConfigError
        Dask is not installed; on entering as `clusters.opened`.
    """
    if not isinstance(cluster, str):
        return nullcontext(cluster)
    try:
        from . import clusters
    except ImportError as error:
        hint = extra_hint("cluster")
        raise ConfigError(f"cluster: needs packages that are not installed; {hint}") from error
    return clusters.opened(cluster)


class Fixed:
    """An executor with a number of slots that somebody told.

    Parameters
    ----------
    executor : Executor
    n_slots : int
    """

    def __init__(self, executor: Executor, n_slots: int) -> None:
        self._n_slots, self.submit = n_slots, executor.submit

    def slots(self) -> int:
        """Return what was told."""
        return self._n_slots
