"""Slurm: jobs in which workers of Dask run, as dask_jobqueue hands them in."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dask_jobqueue import SLURMCluster
from dask_jobqueue.slurm import SLURMJob
from distributed.deploy.spec import ProcessInterface

from .. import sources
from ..errors import ConfigError


def jobs(path: Path) -> tuple[Callable[[], Any], Callable[[], str]]:
    """Return what makes a cluster of jobs, and what tells why Slurm took none of them, or "".

    Parameters
    ----------
    path : Path
        A TOML of what dask_jobqueue.SLURMCluster takes, and of `jobs`, or of `minimum` and `maximum`.

    Raises
    ------
    ConfigError
        It does not say how many jobs; when a cluster is made: there is no sbatch.
    """
    chosen = sources.toml(path, ConfigError)
    n_jobs = chosen.pop("jobs", None)
    limits = {name: chosen.pop(name, None) for name in ("minimum", "maximum")}
    if (n_jobs is None) == (limits["maximum"] is None):
        raise ConfigError(f"{path}: wants either jobs, or maximum (and minimum), of how many there are")
    taken, refused = list[str](), list[str]()

    class Job(SLURMJob):  # type: ignore[misc]
        """A job that may be refused: Dask, which starts it, would keep why to itself, and fail as it ends."""

        async def start(self) -> None:
            try:
                await super().start()
                taken.append(self.job_id)
            except Exception as error:
                refused.append(_words(error))
                await ProcessInterface.start(self)

    class Cluster(SLURMCluster):  # type: ignore[misc]
        job_cls = Job

    def make() -> Any:
        if shutil.which(Job.submit_command) is None:
            raise ConfigError(f"{Job.submit_command} is not here: Slurm is asked from a machine that has it")
        cluster = Cluster(**{"processes": 1, **chosen})
        if n_jobs is None:
            cluster.adapt(minimum_jobs=limits["minimum"] or 0, maximum_jobs=limits["maximum"])
        else:
            cluster.scale(jobs=n_jobs)
        return cluster

    return make, lambda: refused[-1] if refused and not taken else ""


def _words(error: Exception) -> str:
    """Return what sbatch said, of all that dask_jobqueue makes of it."""
    told = str(error).rpartition("stderr:")[2].split() or str(error).split()
    return " ".join(told) or type(error).__name__
