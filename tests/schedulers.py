"""A stand-in for a scheduler: it reads a job script's own lines, and runs its tasks, two at a time."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import docpages
from .commands import LIMIT_S

DOCS = docpages.DOCS / "cluster.md"
AT_ONCE = 2
# What is typed on a cluster, as scripts of its own: a step's process is the program's.
STANDINS = {
    "birdfast": """
        case "$1" in infer) set -- "$@" --model {model} ;; esac
        exec {python} -m birdfast "$@"
    """,
    # Since 22.05 a step need not have the cores of its job's script unless it is told them once more.
    "srun": """
        case "$1" in --cpus-per-task="$SLURM_CPUS_PER_TASK") shift ;; *)
            if [ "$2" = infer ]; then echo "srun: a step of one core" >&2; exit 1; fi ;;
        esac
        echo $$ > "$STEP"; exec "$@"
    """,
    # Slurm ends the script that asks for it, wherever that is.
    "scontrol": 'echo "$2" >> "$REQUEUED"; kill "$PPID"',
}
ARRAYS = {
    "sbatch": (r"^#SBATCH --array=(\d+)-(\d+)$", "SLURM_ARRAY_TASK_"),
    "pbs": (r"^#PBS -J (\d+)-(\d+)$", "PBS_ARRAY_INDEX"),
    "lsf": (r"^#BSUB -J birds\[(\d+)-(\d+)\]$", "LSB_JOBINDEX"),
    "sge": (r"^#\$ -t (\d+)-(\d+)$", "SGE_TASK_"),
}


def script(name: str) -> str:
    """Return a job script of the page."""
    (text,) = [one.text for one in docpages.blocks(DOCS.read_text("utf-8")) if one.file == name]
    return text


def environment(name: str, text: str, task: int) -> dict[str, str]:
    """Return what the scheduler of a script tells a task."""
    shape, variable = ARRAYS[name.rpartition(".")[2]]
    low, high = re.search(shape, text, re.MULTILINE).groups()  # type: ignore[union-attr]
    told = {"ID": task, "MIN": low, "MAX": high, "STEP": 1, "COUNT": int(high) - int(low) + 1}
    if variable == "SGE_TASK_":
        told = {"ID": task, "FIRST": low, "LAST": high, "STEPSIZE": 1}
    if variable.endswith("_"):
        return {f"{variable}{key}": str(value) for key, value in told.items()}
    return {variable: str(task)}


class Scheduler:
    """A folder in which jobs run.

    Attributes
    ----------
    ends : list of (task, int)
        The exit codes of scripts, as they came; of one that was put back by Slurm that of its signal.
    n_requeued : int
    """

    def __init__(self, folder: Path, model: Path) -> None:
        self.folder, self.ends, self.n_requeued = folder, list[tuple[int, int]](), 0
        (folder / "bin").mkdir()
        for name, text in STANDINS.items():
            path = folder / "bin" / name
            path.write_text(f"#!/bin/sh\n{text.format(model=model, python=sys.executable)}\n")
            path.chmod(0o755)

    def submit(self, name: str, tasks: list[int], n_signals: int = 0) -> None:
        """Run a script's tasks to their end, each asked to leave so often at first."""
        (self.folder / name).write_text(script(name))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda task: self._run(name, task, n_signals), tasks))

    def _run(self, name: str, task: int, n_signals: int) -> None:
        step, requeued = (self.folder / f"{name}-{task}.{what}" for what in ("step", "requeued"))
        text = (self.folder / name).read_text()
        told = {} if name.startswith("merge") else environment(name, text, task)
        told |= {"STEP": str(step), "REQUEUED": str(requeued), "SLURM_ARRAY_JOB_ID": "7"}
        told |= {"SLURM_CPUS_PER_TASK": "16"}
        told |= {"PBS_O_WORKDIR": str(self.folder), "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"}
        for number in range(n_signals + 1):
            command = ["sh", str(self.folder / name)]
            # Slurm begins a task's output anew each time, unless it is told not to.
            mode = "ab" if "--open-mode=append" in text else "wb"
            with (
                (self.folder / f"{name}-{task}.out").open(mode) as out,
                subprocess.Popen(
                    command, cwd=self.folder, env={**os.environ, **told}, stdout=out, stderr=out
                ) as process,
            ):
                if number < n_signals:
                    _ask(process, step)
                code = process.wait(LIMIT_S)
            step.unlink(missing_ok=True)
            self.ends.append((task, code))
            if not requeued.exists():
                return
            assert requeued.read_text() == f"7_{task}\n"
            requeued.unlink()
            self.n_requeued += 1


def _ask(script: subprocess.Popen[bytes], step: Path) -> None:
    """Send a step what comes before the end of its time, when it listens, and again until it has ended."""
    while script.poll() is None:
        if step.exists() and (pid := step.read_text().strip()) and _listens(int(pid)):
            while _is_sent(int(pid)):
                time.sleep(0.01)
            return
        time.sleep(0.01)


def _is_sent(pid: int) -> bool:
    """Send it to a step; whether that is there."""
    try:
        os.kill(pid, signal.SIGUSR1)
    except ProcessLookupError:
        return False
    return True


def _listens(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = re.search(r"^SigCgt:\s*(\w+)", status, re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) >> (signal.SIGUSR1 - 1) & 1)
