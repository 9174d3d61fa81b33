"""Slurm: jobs in which workers of Dask run, as dask_jobqueue hands them in."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import dask
from dask_jobqueue import SLURMCluster
from dask_jobqueue.slurm import SLURMJob
from distributed import SchedulerPlugin
from distributed.deploy.spec import ProcessInterface

from .. import sources
from ..errors import ConfigError

BACK_S = 15.0  # in which a worker that ended may be started again in its job, as Dask counts


class Book(SchedulerPlugin):  # type: ignore[misc]
    """What Slurm said of jobs, and which of those that it took have brought no worker yet.

    Parameters
    ----------
    asks_again : bool
        Whether jobs are handed in again as others end: then what Slurm said last is what counts.
    """

    def __init__(self, *, asks_again: bool) -> None:
        self._asks_again, self._refusal, self._went_s = asks_again, "", -math.inf
        self._expected: set[str] = set()

    def take(self, job: str) -> None:
        """Slurm took a job."""
        self._expected.add(job)
        if self._asks_again:
            self._refusal = ""

    def refuse(self, why: str) -> None:
        """Slurm refused a job."""
        self._refusal = why

    def close(self, job: str) -> None:
        """A job was taken back."""
        self._expected.discard(job)

    def add_worker(self, scheduler: Any, worker: str) -> None:
        """A worker came: it has the name of its job, and a number where there are several."""
        name = str(scheduler.workers[worker].name)
        self._expected -= {name, name.rpartition("-")[0]}

    def remove_worker(self, scheduler: Any, worker: str, **_: Any) -> None:
        """A worker went."""
        self._went_s = monotonic()

    def why_none(self) -> str:
        """Return why there will be no worker, where there is none now; "" where one may come."""
        return "" if self._expected or monotonic() < self._went_s + BACK_S else self._refusal


def jobs(path: Path) -> tuple[Callable[[], Any], Callable[[], str]]:
    """Return what makes a cluster of jobs, and what tells why there will be no worker where none is, or "".

    Parameters
    ----------
    path : Path
        A TOML of what dask_jobqueue.SLURMCluster takes, and of `jobs`, or of `minimum` and `maximum`.

    Raises
    ------
    ConfigError
        It does not say how many jobs, or there is no sbatch.
    """
    chosen = sources.toml(path, ConfigError)
    n_jobs = chosen.pop("jobs", None)
    limits = {name: chosen.pop(name, None) for name in ("minimum", "maximum")}
    if (n_jobs is None) == (limits["maximum"] is None):
        raise ConfigError(f"{path}: wants either jobs, or maximum (and minimum), of how many there are")
    if shutil.which(command := SLURMJob.submit_command) is None:
        raise ConfigError(
            f"cluster slurm:{path}: {command} is not here: Slurm is asked from a machine that has it"
        )
    book = Book(asks_again=n_jobs is None)

    class Job(SLURMJob):  # type: ignore[misc]
        """A job that may be refused: Dask, which starts it, would keep why to itself, and fail as it ends."""

        async def start(self) -> None:
            try:
                await super().start()
            except Exception as error:
                book.refuse(_words(error))
                await ProcessInterface.start(self)
            else:
                book.take(str(self.name))

        async def close(self) -> None:
            book.close(str(self.name))
            await super().close()

    class Cluster(SLURMCluster):  # type: ignore[misc]
        job_cls = Job

    def make() -> Any:
        usual = f"jobqueue.{chosen.get('config_name') or 'slurm'}.scheduler-options"
        theirs = chosen.get("scheduler_options") or dask.config.get(usual, None) or {}
        # a port for HTTP that no other has, unless one was chosen
        options = {"dashboard_address": ":0", **theirs, "plugins": [book]}
        cluster = Cluster(**{"processes": 1, **chosen, "scheduler_options": options})
        if n_jobs is None:
            cluster.adapt(minimum_jobs=limits["minimum"] or 0, maximum_jobs=limits["maximum"])
        else:
            cluster.scale(jobs=n_jobs)
        return cluster

    return make, book.why_none


def _words(error: Exception) -> str:
    """Return what sbatch said, of all that dask_jobqueue makes of it."""
    told = str(error).rpartition("stderr:")[2].split() or str(error).split()
    return " ".join(told) or type(error).__name__
