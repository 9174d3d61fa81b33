"""Slurm: jobs in which workers of Dask run, as dask_jobqueue hands them in."""

from __future__ import annotations

import math
import shutil
import subprocess
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
from .local import CONFIG

BACK_S = 15.0  # in which a worker that ended may be started again in its job, as Dask counts
SAFE_PATH = "export PYTHONSAFEPATH=1"  # no module is looked for in the folder that a job starts in
LOOK_EVERY_S = 60.0  # at Slurm's queue, while no machine is there: it is asked by everybody
ANSWER_S = 30.0  # that it may take


class Book(SchedulerPlugin):  # type: ignore[misc]
    """What Slurm said of jobs, and which of those that it took have brought no worker yet.

    Parameters
    ----------
    queued : callable
        Returns the numbers of our jobs that Slurm still has; None if it does not say.
    """

    def __init__(self, queued: Callable[[], set[str] | None]) -> None:
        self._queued, self._refusal, self._went_s, self._looked_s = queued, "", -math.inf, -math.inf
        self._expected: dict[str, str] = {}  # a job's number, by the name of its worker

    def take(self, job: str, number: str) -> None:
        """Slurm took a job."""
        self._expected[job], self._looked_s = number, monotonic()
        self._refusal = ""  # jobs are handed in again as others end: what Slurm said last is what counts

    def refuse(self, why: str) -> None:
        """Slurm refused a job."""
        self._refusal = why

    def close(self, job: str) -> None:
        """A job was taken back."""
        self._expected.pop(job, None)

    def add_worker(self, scheduler: Any, worker: str) -> None:
        """A worker came: it has the name of its job, and a number where there are several."""
        name = str(scheduler.workers[worker].name)
        self.close(name)
        self.close(name.rpartition("-")[0])

    def remove_worker(self, scheduler: Any, worker: str, **_: Any) -> None:
        """A worker went."""
        self._went_s = monotonic()

    def why_none(self) -> str:
        """Return why there will be no worker, where there is none now; "" where one may come.

        A job that ended before its worker came is one that Dask waits for all the same: so Slurm is asked.
        """
        if self._expected and monotonic() >= self._looked_s + LOOK_EVERY_S:
            expected, queued = dict(self._expected), self._queued()
            self._looked_s = monotonic()
            for name, number in expected.items():
                if queued is not None and number not in queued and self._expected.get(name) == number:
                    self.close(name)
                    self._refusal = f"job {number} ended before its worker came; its output says why"
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
    least, most = (chosen.pop(name, None) for name in ("minimum", "maximum"))
    if (n_jobs is None) == (most is None):
        raise ConfigError(f"{path}: wants either jobs, or maximum (and minimum), of how many there are")
    # so many, too: jobs that are only handed in once are gone when their time is up
    least, most = (least or 0, most) if n_jobs is None else (n_jobs, n_jobs)
    if type(least) is not int or type(most) is not int or not 0 <= least <= most or not most:
        raise ConfigError(f"{path}: jobs, or maximum, is a whole number, from 1; minimum is at most maximum")
    if shutil.which(command := SLURMJob.submit_command) is None:
        raise ConfigError(
            f"cluster slurm:{path}: {command} is not here: Slurm is asked from a machine that has it"
        )
    book = Book(queued)

    class Job(SLURMJob):  # type: ignore[misc]
        """A job that may be refused: Dask, which starts it, would keep why to itself, and fail as it ends."""

        async def start(self) -> None:
            try:
                await super().start()
            except Exception as error:
                book.refuse(_words(error))
                await ProcessInterface.start(self)
            else:
                book.take(str(self.name), str(self.job_id))

        async def close(self) -> None:
            book.close(str(self.name))
            await super().close()

    class Cluster(SLURMCluster):  # type: ignore[misc]
        job_cls = Job

    def wanted(name: str) -> Any:
        usual = f"jobqueue.{chosen.get('config_name') or 'slurm'}.{name.replace('_', '-')}"
        return chosen.get(name) or dask.config.get(usual, None)

    def make() -> Any:
        # a port for HTTP that no other has, unless one was chosen
        options = {"dashboard_address": ":0", **(wanted("scheduler_options") or {}), "plugins": [book]}
        prologue = [SAFE_PATH, *(wanted("job_script_prologue") or [])]
        how = {"scheduler_options": options, "job_script_prologue": prologue}
        with dask.config.set(CONFIG):
            cluster = Cluster(**{"processes": 1, **chosen, **how})
        cluster.adapt(minimum_jobs=least, maximum_jobs=most)
        return cluster

    return make, book.why_none


def queued() -> set[str] | None:
    """Return the numbers of this person's jobs that wait, run or end in Slurm; None if it does not say."""
    command = [shutil.which("squeue") or "squeue", "--me", "--noheader", "--format=%A"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_S)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if told.returncode else set(told.stdout.split())


def _words(error: Exception) -> str:
    """Return what sbatch said, of all that dask_jobqueue makes of it."""
    told = str(error).rpartition("stderr:")[2].split() or str(error).split()
    return " ".join(told) or type(error).__name__
