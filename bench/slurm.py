"""A real Slurm of one node, on this machine's loopback: the job scripts of docs/cluster.md, and --cluster.

    apt-get install slurm-wlm munge
    make slurm                          as root, some minutes; needs BirdNET and dask-jobqueue

The Slurm is one of its own, whatever else is here: its configuration, state and key lie in a folder that is
gone at the end, as its daemons are. Tests have stand-ins for it (tests/schedulers.py, tests/test_slurm.py).
Ends with exit code 1 where something does not hold.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from birdfast.cli import exits
from tests.commands import contents
from tests.recordings import noise, write
from tests.schedulers import script

N_FILES, RATE_HZ, LENGTH_S, LIMIT_S = 40, 48_000, 60, 120
CONFIGURATION = """
ClusterName=birds
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
AuthInfo=socket={folder}/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/affinity
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
NodeName={host} NodeAddr=127.0.0.1 CPUs={n_cores} RealMemory=2000
PartitionName=main Nodes={host} Default=YES
"""
OF_DASK = """
cores = 1
memory = "1GB"
walltime = "00:10:00"
jobs = 1
scheduler_options = { host = "127.0.0.1" }
"""


def said(*command: str) -> str:
    """Return what a command prints; it ends with 0."""
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, text=True, timeout=LIMIT_S
    ).stdout.strip()


def until(holds: Callable[[], object], what: str) -> None:
    """Wait until something holds."""
    end_s = time.monotonic() + LIMIT_S
    while not holds():
        if time.monotonic() > end_s:
            sys.exit(f"it never came to this: {what}")
        time.sleep(0.2)


@contextmanager
def slurm(folder: Path) -> Iterator[None]:
    """Have a Slurm of one node, all of which lies in a folder; commands find it by SLURM_CONF."""
    with socket.socket() as one, socket.socket() as other:
        for taken in (one, other):
            taken.bind(("127.0.0.1", 0))
        ports = [taken.getsockname()[1] for taken in (one, other)]
    for name in ("state", "spool"):
        (folder / name).mkdir()
    (folder / "key-file").write_bytes(os.urandom(128))
    (folder / "key-file").chmod(0o600)
    told = {"host": socket.gethostname(), "folder": folder, "ports": ports, "n_cores": os.cpu_count()}
    (folder / "slurm.conf").write_text(CONFIGURATION.format(**told))
    os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
    munge = [
        f"--{name}={folder / name}" for name in ("socket", "key-file", "log-file", "seed-file", "pid-file")
    ]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(["munged", "--foreground", "--force", *munge], **quiet) as munged:
        daemons = [munged]
        try:
            until((folder / "socket").exists, "munged answers")
            daemons += [subprocess.Popen([name, "-D"], **quiet) for name in ("slurmctld", "slurmd")]
            until(lambda: "idle" in subprocess.getoutput("sinfo -h"), "the node is idle")
            yield
            until(lambda: "idle" in said("sinfo", "-h"), "all jobs have ended")
        finally:
            for daemon in reversed(daemons):
                daemon.terminate()
                daemon.wait(LIMIT_S)


def shares(folder: Path) -> None:
    """Run the page's scripts: a task is asked to leave and put back, another cancelled and started again."""
    one_core = script("birds.sbatch").replace("--cpus-per-task=16", "--cpus-per-task=1")
    (folder / "birds.sbatch").write_text(one_core)
    (folder / "merge.sbatch").write_text(script("merge.sbatch"))
    job = said("sbatch", "--parsable", "birds.sbatch")
    for task, asked in ((2, []), (1, ["--signal=USR1"])):
        output = folder / f"slurm-{job}_{task}.out"
        until(lambda at=output: at.exists() and "share " in at.read_text(), "a task is at work")
        # it may send a signal again for a while, though that was heard
        with subprocess.Popen(["scancel", *asked, f"{job}_{task}"]) as sending:
            until(lambda at=output: "exit code 75" in at.read_text(), "a task has left in time")
            sending.kill()
    merging = said("sbatch", "--parsable", f"--dependency=afterany:{job}", "merge.sbatch")
    until(lambda: "BeginTime" in said("squeue", "-h", "-o%r", "-j", job), "a task was put back")
    said("scontrol", "update", f"JobId={job}_1", "StartTime=now")
    until(lambda: not said("squeue", "-h"), "merge has ended")
    refusal = (folder / f"slurm-{merging}.out").read_text()
    assert "--array=2 with --shard auto/4 goes on" in refusal, refusal
    put_back = (folder / f"slurm-{job}_1.out").read_text()
    assert put_back.count("left in time") == put_back.count("written: ") == 1, put_back
    said("sbatch", "--wait", "--array=2", "birds.sbatch")
    said("sbatch", "--wait", "merge.sbatch")


def jobs(folder: Path) -> None:
    """Hear all in jobs, of which one is cancelled; a partition that is none is refused in Slurm's words."""
    (folder / "slurm.toml").write_text(OF_DASK)
    command = ["birdfast", "infer", "recordings", "--cluster", "slurm:slurm.toml", "-o"]
    with subprocess.Popen([*command, "there"]) as run:
        until(lambda: said("squeue", "-h", "-tR", "-o%A"), "a job runs")
        first = said("squeue", "-h", "-tR", "-o%A")
        until(lambda: "Registered to" in (folder / f"slurm-{first}.out").read_text(), "its worker came")
        said("scancel", first)
        assert run.wait(LIMIT_S) == 0
    (folder / "slurm.toml").write_text(f'queue = "nowhere"\n{OF_DASK}')
    refused = subprocess.run([*command, "refused"], stderr=subprocess.PIPE, text=True, timeout=LIMIT_S)
    assert refused.returncode == exits.UNAVAILABLE, refused
    assert "invalid partition specified: nowhere" in refused.stderr, refused


def main() -> None:
    """Compare what Slurm's machines heard with a run without it."""
    if missing := [name for name in ("munged", "slurmctld", "slurmd", "sbatch") if not shutil.which(name)]:
        sys.exit(f"{', '.join(missing)}: not here; apt-get install slurm-wlm munge")
    if os.geteuid():
        sys.exit("slurmd wants root, to run jobs")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # with its daemons
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)  # munged wants to be reached
        folder, daemons = Path(made, "work"), Path(made, "slurm")
        for place in (folder / "recordings", daemons):
            place.mkdir(parents=True)
        for number in range(N_FILES):
            path = folder / "recordings" / f"{number}.wav"
            write(path, noise(RATE_HZ * LENGTH_S, seed=number), RATE_HZ)
        os.chdir(folder)
        said("birdfast", "infer", "recordings", "-o", "local", "--quiet")
        with slurm(daemons):
            shares(folder)
            jobs(folder)
        heard = contents(folder / "local")
        assert contents(folder / "whole") == heard, "the shares are another run"
        assert contents(folder / "there") == heard, "the jobs are another run"
    print("shares and jobs of a real Slurm: the same bytes")


if __name__ == "__main__":
    main()
