"""Workers in jobs of Slurm, of which a stand-in takes the scripts: `--cluster slurm:FILE`."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from birdfast import ConfigError, models
from birdfast.errors import ClusterError
from birdfast.workers import clusters

from .test_cluster import folder, needs_dask, run, small, tables

__all__ = ["folder", "small"]

pytestmark = needs_dask
# As a batch job does: in a session of its own, and what is printed is the number that scancel takes. The
# script is kept, as Slurm does: who hands it in deletes it at once.
SBATCH = """#!/bin/sh
cp "$1" "{jobs}.$$"
setsid sh "{jobs}.$$" > "{jobs}.$$.log" 2>&1 &
echo $! >> {jobs}
echo "Submitted batch job $!"
"""
SCANCEL = """#!/bin/sh
kill -- "-$1"
"""
CHOSEN = """
cores = 1
memory = "1GB"
jobs = {n_jobs}
scheduler_options = {{ host = "127.0.0.1", dashboard_address = ":0" }}
"""


@pytest.fixture
def chosen(tmp_path: Path) -> str:
    pytest.importorskip("dask_jobqueue", reason="dask-jobqueue is not installed")
    (tmp_path / "slurm.toml").write_text(CHOSEN.format(n_jobs=2))
    return f"slurm:{tmp_path / 'slurm.toml'}"


def typed(folder: Path, monkeypatch: pytest.MonkeyPatch, **commands: str) -> None:
    """Put commands on PATH."""
    folder.mkdir()
    for name, text in commands.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


@pytest.mark.long
@pytest.mark.usefixtures("small")
def test_jobs_hear_the_files_and_end_with_the_run(
    deep: models.Model, folder: Path, tmp_path: Path, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = tmp_path / "jobs"
    typed(tmp_path / "bin", monkeypatch, sbatch=SBATCH.format(jobs=jobs), scancel=SCANCEL)
    run(folder, deep, tmp_path / "local", n_workers=1)
    with clusters.opened(chosen) as cluster:
        run(folder, deep, tmp_path / "there", n_workers=1, cluster=cluster)
    assert tables(tmp_path / "there") == tables(tmp_path / "local")
    numbers = [int(line) for line in jobs.read_text().split()]
    assert len(numbers) >= 2, "so many were asked for"
    until_s = time.monotonic() + 30
    while alive := [one for one in numbers if psutil.pid_exists(one)]:
        assert time.monotonic() < until_s, f"{alive} of {numbers} live on"
        time.sleep(0.05)


@pytest.mark.long
@pytest.mark.usefixtures("small")
def test_a_job_whose_time_is_up_is_handed_in_again(
    deep: models.Model, folder: Path, tmp_path: Path, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slurm ends it as scancel does: the batch script gets SIGTERM, and its step."""
    jobs = tmp_path / "jobs"
    typed(tmp_path / "bin", monkeypatch, sbatch=SBATCH.format(jobs=jobs), scancel=SCANCEL)
    of_jobs = Path(chosen.removeprefix("slurm:"))
    of_jobs.write_text(of_jobs.read_text().replace("jobs = 2", "jobs = 1"))
    run(folder, deep, tmp_path / "local", n_workers=1)
    import dask

    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "1s"}),
        clusters.opened(chosen) as cluster,
    ):
        assert cluster.client.wait_for_workers(1, timeout=60) is None
        os.killpg(int(jobs.read_text()), signal.SIGTERM)
        run(folder, deep, tmp_path / "there", n_workers=1, cluster=cluster)
    assert tables(tmp_path / "there") == tables(tmp_path / "local")
    assert len(jobs.read_text().split()) > 1


@pytest.mark.parametrize("n_jobs", ["1", "jobs-up-to-2"])
@pytest.mark.usefixtures("small")
def test_a_slurm_that_takes_no_job_ends_a_run_in_its_words(
    deep: models.Model,
    folder: Path,
    tmp_path: Path,
    chosen: str,
    monkeypatch: pytest.MonkeyPatch,
    n_jobs: str,
) -> None:
    if n_jobs != "1":
        of_jobs = Path(chosen.removeprefix("slurm:"))
        of_jobs.write_text(of_jobs.read_text().replace("jobs = 2", "minimum = 1\nmaximum = 2"))
    refusal = '#!/bin/sh\necho "sbatch: error: invalid partition specified: birds" >&2; exit 1\n'
    typed(tmp_path / "bin", monkeypatch, sbatch=refusal, scancel=SCANCEL)
    words = r"the cluster has no machine, and gets none \(sbatch: error: invalid partition specified: birds\)"
    with clusters.opened(chosen) as cluster, pytest.raises(ClusterError, match=words):
        run(folder, deep, tmp_path / "there", n_workers=1, cluster=cluster)


def test_that_a_refusal_counts_once_every_job_that_was_taken_has_come_and_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slurm = _slurm()
    now_s = 100.0
    monkeypatch.setattr(slurm, "monotonic", lambda: now_s)
    scheduler = SimpleNamespace(workers={})

    def come(name: str) -> None:
        scheduler.workers["tcp://a"] = SimpleNamespace(name=name)
        book.add_worker(scheduler, "tcp://a")

    book = slurm.Book(lambda: None)
    assert book.why_none() == "", "it was not asked yet"
    for number, name in enumerate(("birds-0", "birds-1", "birds-3")):
        book.take(name, str(number))
    book.refuse("expired")
    come("birds-0")
    come("birds-0")  # as its nanny started it again
    book.remove_worker(scheduler, "tcp://a")
    now_s += slurm.BACK_S
    assert book.why_none() == "", "the other is in the queue"
    come("birds-1-0")  # of several processes
    book.close("birds-3")
    assert book.why_none() == "expired"
    book.remove_worker(scheduler, "tcp://a")
    assert book.why_none() == "", "its nanny may start it again"
    now_s += slurm.BACK_S
    assert book.why_none() == "expired"
    book.take("birds-2", "4")
    come("birds-2")
    assert book.why_none() == ""


def test_jobs_that_slurm_no_longer_has_and_that_brought_no_worker_are_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slurm = _slurm()
    now_s, told = 100.0, list[set[str] | None]()
    monkeypatch.setattr(slurm, "monotonic", lambda: now_s)
    book = slurm.Book(lambda: told[-1])
    book.take("birds-0", "7")
    book.take("birds-1", "8")
    for queue in (None, {"7", "8"}, {"8"}):  # it does not say; both wait; one was cancelled
        told.append(queue)
        now_s += slurm.LOOK_EVERY_S
        assert book.why_none() == ""
    told.append({"80"})
    assert book.why_none() == "", "it was asked just now"
    now_s += slurm.LOOK_EVERY_S
    assert book.why_none() == "job 8 ended before its worker came; its output says why"


@pytest.mark.parametrize("queue", ["printf '%s\\n' 7 8", "echo 7; echo slurm_load_jobs >&2; exit 1", None])
def test_the_queue_is_slurm_s_or_nothing_is_known_of_it(
    queue: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slurm = _slurm()
    monkeypatch.setenv("PATH", "/nowhere" if queue is None else os.environ["PATH"])
    if queue is not None:
        typed(tmp_path / "bin", monkeypatch, squeue=f"#!/bin/sh\n{queue}\n")
    assert slurm.queued() == ({"7", "8"} if queue and "printf" in queue else None)


def test_a_port_of_its_scheduler_is_any_unless_it_was_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slurm = _slurm()
    typed(tmp_path / "bin", monkeypatch, sbatch=SBATCH)
    asked = list[dict[str, object]]()

    class Cluster:
        def __init__(self, **how: Any) -> None:
            assert how["job_script_prologue"][0] == slurm.SAFE_PATH
            asked.append(how["scheduler_options"] | {"prologue": how["job_script_prologue"][1:]})

        def adapt(self, minimum_jobs: int, maximum_jobs: int) -> None: ...

    monkeypatch.setattr(slurm, "SLURMCluster", Cluster)
    of_jobs = tmp_path / "slurm.toml"
    for options in ("", '[scheduler_options]\ndashboard_address = ":1"\nhost = "a"\n'):
        of_jobs.write_text(f"jobs = 1\n{options}")
        slurm.jobs(of_jobs)[0]()
    assert [(one["dashboard_address"], one.get("host")) for one in asked] == [(":0", None), (":1", "a")]


def _slurm() -> Any:
    pytest.importorskip("dask_jobqueue", reason="dask-jobqueue is not installed")
    from birdfast.workers import slurm

    return slurm


def test_a_machine_without_slurm_is_told_so_as_the_words_are_read(
    chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ConfigError, match=f"cluster {chosen}: sbatch is not here"), clusters.opened(chosen):
        pass


@pytest.mark.parametrize("told", ["cores = 1", "jobs = 1\nmaximum = 2"])
def test_how_many_jobs_has_to_be_said_once(chosen: str, told: str) -> None:
    Path(chosen.removeprefix("slurm:")).write_text(told)
    with pytest.raises(ConfigError, match="wants either jobs, or maximum"), clusters.opened(chosen):
        pass


@pytest.mark.parametrize("told", ["jobs = 0", "jobs = '2'", "jobs = true", "minimum = 3\nmaximum = 2"])
def test_a_number_of_jobs_that_is_none_is_refused(chosen: str, told: str) -> None:
    Path(chosen.removeprefix("slurm:")).write_text(told)
    with pytest.raises(ConfigError, match="jobs, or maximum, is a whole number"), clusters.opened(chosen):
        pass
