"""Clusters of Dask: found, or made, by what a person says of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from distributed import Client
from distributed.comm.addressing import parse_host_port
from distributed.comm.registry import get_backend

from ..errors import ClusterError, ConfigError
from ..words import install_hint
from . import local
from .dask import Dask

CONNECT_S = 30.0
LOGGERS = ("distributed", "distributed.client")  # to which Dask gives handlers


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
        if kind == "local" and rest.isdecimal() and (n := int(rest)):
            executor = Dask(lambda: _connected(stack, told, partial(local.started, stack, n), n))
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


def _connected(stack: ExitStack, told: str, make: Callable[[], Any], n_here: int = 0) -> Client:
    """Return the client of a cluster, which is made now if need be, until the stack is left."""
    local.check_files(n_here)
    stack.enter_context(_quiet())
    try:
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

    async def _ensure_connected(self, timeout: float | None = None) -> None:
        """Wait no longer: Dask sets no limit to a greeting, which what is no scheduler never ends."""
        try:
            await asyncio.wait_for(super()._ensure_connected(timeout=timeout), timeout)
        except TimeoutError as error:
            raise OSError(f"nobody answers as a scheduler of Dask within {timeout:.0f} s") from error


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


def _slurm(path: Path) -> tuple[Callable[[], Any], Callable[[], str]]:
    """Return what makes a cluster of jobs of Slurm, and why it takes none."""
    try:
        from . import slurm
    except ImportError as error:
        hint = install_hint("dask-jobqueue")
        raise ConfigError(f"cluster slurm: needs a package that is not installed; {hint}") from error
    return slurm.jobs(path)


@contextmanager
def _quiet() -> Iterator[None]:
    """Let Dask print nothing by itself: what is wrong is said by us. Several may be in this at a time."""

    def is_said(record: logging.LogRecord) -> bool:
        return record.levelno >= logging.CRITICAL

    handlers = [handler for name in LOGGERS for handler in logging.getLogger(name).handlers]
    for handler in handlers:
        handler.addFilter(is_said)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(is_said)
