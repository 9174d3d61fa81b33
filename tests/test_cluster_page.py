"""The job scripts of a page, through a stand-in for the scheduler; and a run that leaves in good order."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

import pytest

from birdfast import models
from birdfast.cli import exits
from birdfast.config import Options
from birdfast.journal import Record
from birdfast.runs import Follower, How, Run
from birdfast.runs import run as runs_run
from birdfast.runs.leaving import Leave, Left

from .commands import contents, ended, ran
from .recordings import noise, write
from .schedulers import Scheduler, environment, script

N_FILES = 8


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    folder.mkdir()
    for number in range(N_FILES):
        write(folder / f"{number}.wav", noise(12_000, seed=number), 8_000)
    return folder


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="it is /proc that tells whether a process listens")
def test_the_scripts_of_the_page_end_with_the_tables_of_one_run(
    tiny: models.Model, recordings: Path, tmp_path: Path
) -> None:
    cluster = Scheduler(tmp_path, tiny.path.parent)
    cluster.submit("birds.sbatch", [1, 2, 4], n_signals=1)
    assert cluster.n_requeued == 3
    assert {code for _, code in cluster.ends} == {0, -signal.SIGTERM}
    for task in (1, 2, 4):
        said = (tmp_path / f"birds.sbatch-{task}.out").read_text()
        assert said.count("left in time") == 1, "what it said before it was put back is kept"
        assert said.count(f"written: results/shard-{task}-of-4") == 1
    cluster.submit("merge.sbatch", [0])
    assert cluster.ends[-1] == (0, 64)  # task 3 has not run
    cluster.submit("birds.sbatch", [3])
    cluster.submit("merge.sbatch", [0])
    assert cluster.ends[-1] == (0, 0)
    assert ran("bin/birdfast", "infer", "recordings/", "-o", "one", cwd=tmp_path).returncode == 0
    assert contents(tmp_path / "whole") == contents(tmp_path / "one")


@pytest.mark.parametrize("name", ["birds.sbatch", "birds.pbs", "birds.lsf", "birds.sge"])
def test_every_script_of_the_page_tells_its_share(
    name: str, tiny: models.Model, recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = script(name)
    (line,) = [line for line in text.splitlines() if "birdfast infer" in line]
    assert ("#$ -S /bin/sh" in text) == name.endswith("sge"), "SGE looks at no #!"
    for key, value in environment(name, text, 2).items():
        monkeypatch.setenv(key, value)
    monkeypatch.chdir(tmp_path)
    command = line.partition("birdfast ")[2].split()
    assert ended(*command, "--model", tiny.path.parent, "--workers", "1") == 0
    with Record(tmp_path / "results" / "shard-2-of-4") as record:
        assert record.facts().shard == "2/4"


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM])
@pytest.mark.parametrize(("name", "code"), [("birds.sbatch", 0), ("birds.sge", 99)])
def test_a_signal_before_python_listens_puts_a_task_back(
    name: str, code: int, number: int, tmp_path: Path
) -> None:
    commands = {
        "birdfast": f"kill -{int(number)} $$",
        "srun": 'shift; "$@"; exit $?',
        "scontrol": 'echo "$@" > requeued',
    }
    for command, text in commands.items():
        (tmp_path / command).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / command).chmod(0o755)
    (tmp_path / name).write_text(script(name))
    told = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SLURM_CPUS_PER_TASK": "1"}
    told |= {"SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "2"}
    assert ran("sh", name, cwd=tmp_path, env=told).returncode == code
    assert (tmp_path / "requeued").exists() == (code == 0)


def test_lsf_puts_such_a_task_back_too() -> None:
    (codes,) = re.findall(r'^#BSUB -Q "([\d ]+)"$', script("birds.lsf"), re.MULTILINE)
    assert [int(code) for code in codes.split()] == [
        exits.LATER,
        *(exits.BY_SIGNAL + number for number in (signal.SIGUSR1, signal.SIGTERM)),
    ]


def test_force_would_begin_anew_each_time(tiny: models.Model, recordings: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    how = ["--model", tiny.path.parent, "-o", out, "--requeue-safe", "--force"]
    assert ended("infer", recordings, *how) == 64
    assert not out.exists()


class Asking(Follower):
    """Asks a run to leave when it hears of something."""

    def __init__(self, leave: Leave, when: str) -> None:
        if when in ("know", "begin", "add"):
            setattr(self, when, lambda *_: leave.ask())


@pytest.mark.parametrize("when", ["start", "know", "begin", "add", "tables"])
def test_a_run_that_leaves_goes_on_to_the_same_tables(
    when: str, tiny: models.Model, recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths, leave = [str(path) for path in sorted(recordings.iterdir())], Leave()

    def run() -> Run:
        return Run(paths, [tiny], Options(), tmp_path / "out", How(n_workers=1))

    with monkeypatch.context() as patch:
        if when == "tables":
            patch.setattr(runs_run, "write", lambda *_: leave.ask())
        if when == "start":
            patch.setattr(runs_run.Run, "_plan", lambda *_: leave.ask())
        with pytest.raises(Left):
            run().work(Asking(leave, when), leave=leave)
    leave.ask()  # the second is not heard
    assert not list((tmp_path / "out").glob("*.csv"))
    if when == "add":
        with Record(tmp_path / "out") as record:
            standing = record.standing()
        assert 1 <= standing.done <= 4
        assert standing.done + standing.waiting == N_FILES
    run().work()
    Run(paths, [tiny], Options(), tmp_path / "one", How(n_workers=1)).work()
    assert contents(tmp_path / "out") == contents(tmp_path / "one")
