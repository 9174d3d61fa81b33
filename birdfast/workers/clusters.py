"""Clusters of Dask: found, or made, by what a person says of them."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import dask
from distributed import Client, LocalCluster
from distributed.comm.addressing import parse_host_port
from distributed.comm.registry import get_backend

from ..errors import ClusterError, ConfigError
from ..words import install_hint
from .cores import usable_cores
from .dask import Dask

CONNECT_S = 30.0
SAFE = "PYTHONSAFEPATH"
CONFIG = {
    "distributed.scheduler.unknown-task-duration": "60s",  # that a share takes, until Dask knows
    "logging": {"distributed": "critical"},
}

_hiding = threading.Lock()
_hiders: list[object] = []  # as many as there are
_hidden: dict[str, Any] = {}  # by which the user's script is found


@contextmanager
def opened(told: str) -> Iterator[Dask]:
    """Be at a cluster of Dask, when it is first needed: one that is there, or one that ends with the context.

    Parameters
    ----------
    told : str
        A scheduler's address, "local:N" for so many workers on this machine, or "slurm:FILE" (`slurm.jobs`).

    Raises
    ------
    ConfigError
        It is none of them; when it is needed: it cannot be reached, or not be made.
    """
    kind, _, rest = told.partition(":")
    with ExitStack() as stack:
        if kind == "local" and rest.isdecimal() and int(rest):
            executor = Dask(lambda: _connected(stack, told, partial(_local, stack, int(rest))))
        elif kind == "slurm" and rest:
            make, why_none = _slurm(Path(rest))
            executor = Dask(lambda: _connected(stack, told, make), why_none=why_none)
        elif _is_address(told):
            executor = Dask(lambda: _connected(stack, told, lambda: told))
        else:
            raise ConfigError(f"cluster {told}: it takes tcp://HOST:PORT, local:N or slurm:FILE")
        try:
            yield executor
        finally:
            executor.rest()


def _connected(stack: ExitStack, told: str, make: Callable[[], Any]) -> Client:
    """Return the client of a cluster, which is made now if need be, until the stack is left."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what is wrong is said by us
    try:
        with dask.config.set(CONFIG), _safe_path():
            cluster = make()
        if not isinstance(cluster, str):
            stack.enter_context(cluster)
        return stack.enter_context(_Client(cluster, timeout=CONNECT_S, set_as_default=False))
    except Exception as error:  # of whatever lies on the way
        why = str(error) or type(error).__name__
        raise ClusterError(f"cluster {told}: no cluster is there ({why})") from error


class _Client(Client):  # type: ignore[misc]
    """A Client that is closed where it cannot begin: it would try that for a minute, as it is forgotten."""

    def start(self, **how: Any) -> None:
        try:
            super().start(**how)
        except BaseException:
            self.close()
            raise


def _is_address(told: str) -> bool:
    """Whether it is SCHEME://HOST:PORT, of a scheme that Dask speaks."""
    scheme, _, place = told.partition("://")
    try:
        get_backend(scheme)
        host, port = parse_host_port(place)
    except (ValueError, ImportError):
        return False
    return bool(host) and 0 < port < 1 << 16


def of(cluster: Any) -> Dask:
    """Return a cluster of Dask that is there, as an executor with a Client of its own."""
    return Dask(lambda: _Client(cluster, timeout=CONNECT_S, set_as_default=False), is_ours=True)


def _local(stack: ExitStack, n_workers: int) -> LocalCluster:
    stack.enter_context(_no_script())  # below the cluster, which starts a worker that died again
    n_threads = max(1, len(usable_cores()) // n_workers)
    return LocalCluster(
        n_workers=n_workers,
        threads_per_worker=n_threads,
        memory_limit=0,  # theirs is that of a process which only waits
        dashboard_address=None,
        scheduler_kwargs={"dashboard_address": ":0"},  # where HTTP is served all the same; many may be here
        silence_logs=logging.CRITICAL,
    )


def _slurm(path: Path) -> tuple[Callable[[], Any], Callable[[], str]]:
    """Return what makes a cluster of jobs of Slurm, and why it takes none."""
    try:
        from . import slurm
    except ImportError as error:
        hint = install_hint("dask-jobqueue")
        raise ConfigError(f"cluster slurm: needs a package that is not installed; {hint}") from error
    return slurm.jobs(path)


@contextmanager
def _safe_path() -> Iterator[None]:
    """Let Python processes that start look for no module in the folder that they start in."""
    before = os.environ.get(SAFE)
    os.environ[SAFE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[SAFE]
        else:
            os.environ[SAFE] = before


@contextmanager
def _no_script() -> Iterator[None]:
    """Let Python processes that start not run the user's script: it need not guard itself against that.

    What the user starts meanwhile by multiprocessing (spawn, forkserver) does not run it either: functions
    that lie in the script itself are not found there; those of modules are. Several may be in this at a time.
    """
    main = sys.modules["__main__"]
    with _hiding:
        for name in ("__file__", "__spec__"):
            if (value := getattr(main, name, None)) is not None:  # else another hides it already
                _hidden[name] = value
                setattr(main, name, None)
        _hiders.append(main)
    try:
        yield
    finally:
        with _hiding:
            _hiders.pop()
            while _hidden and not _hiders:
                setattr(main, *_hidden.popitem())
