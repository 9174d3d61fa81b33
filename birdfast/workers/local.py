"""Local: a cluster of Dask on this machine, as a program that lives as long as its standard input.

Dask changes the environment of whoever makes a cluster, starts the user's script once more in each worker,
and closes what it made as Python ends, with tracebacks where a signal comes then. So none is made in the
user's process; who starts this program handles the signals that terminals and schedulers send to all at once.
"""

from __future__ import annotations

import copy
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TextIO

import dask
from distributed import LocalCluster

from .. import children, voice
from ..errors import FEW_FILES, ConfigError
from .cores import usable_cores

STARTS = 3  # of a program one of whose workers is killed before it is ready
CLOSE_S = 20.0  # that workers have to end
PARENTS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1")  # to handle
FILES, FILES_OF_WORKER = 20, 12  # that are opened for a cluster, and for each of its workers
INHERITED = "DASK_INTERNAL_INHERIT_CONFIG"  # by which Dask's own programs have their parent's configuration
OF_CLUSTERS = ("distributed", "temporary-directory")  # what of it is about clusters
CONFIG = {"distributed.scheduler.unknown-task-duration": "60s"}  # that a share takes, until Dask knows


def check_files(n_workers: int) -> None:
    """Refuse to begin where fewer files may be opened yet: Dask would say so again and again, for ever.

    Parameters
    ----------
    n_workers : int
        That are to be started on this machine.

    Raises
    ------
    ConfigError
        With `FEW_FILES`.
    """
    opened = list[int]()
    try:
        for _ in range(FILES + FILES_OF_WORKER * n_workers):
            opened.append(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        raise ConfigError(FEW_FILES) from error
    finally:
        for one in opened:
            os.close(one)


def started(stack: ExitStack, n_workers: int) -> str:
    """Return the address of a cluster's scheduler, which ends with the stack.

    Raises
    ------
    ConfigError
        It cannot be made.
    """
    why = ""
    for _ in range(STARTS):
        with ExitStack() as one:
            told = one.enter_context(_program(n_workers, max(1, len(usable_cores()) // n_workers)))
            if "address" in told:
                stack.enter_context(one.pop_all())
                return told["address"]
            why = told["error"]
    raise ConfigError(why)


@contextmanager
def _program(*numbers: int) -> Iterator[dict[str, str]]:
    """Have a program of so many workers and threads of each, and what it tells first."""
    theirs = {name: copy.deepcopy(dask.config.get(name, None)) for name in OF_CLUSTERS}
    dask.config.set(CONFIG, config=theirs)
    with subprocess.Popen(
        children.command(f"{__package__}.local", *map(str, numbers)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # what is wrong is told by the one line
        env={**children.environment(), INHERITED: dask.config.serialize(theirs)},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            yield json.loads(line) if line.endswith(b"\n") else {"error": "its process was killed"}
        finally:
            process.stdin.close()
            try:
                process.wait(CLOSE_S)
            except subprocess.TimeoutExpired:
                process.kill()  # its workers end with it


def main() -> None:
    """Make a cluster, tell its address on the output, and close it when standard input ends."""
    for name in PARENTS:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    n_workers, n_threads = map(int, sys.argv[1:])
    made = list[LocalCluster]()
    watch = threading.Thread(target=_end_with_parent, args=(made,))
    watch.start()
    with os.fdopen(os.dup(voice.OUT), "w", encoding="ascii") as answers:
        os.dup2(voice.ERR, voice.OUT)  # what a library prints is no answer
        _say(answers, _made(made, n_workers, n_threads))
    watch.join()


def _made(made: list[LocalCluster], n_workers: int, n_threads: int) -> dict[str, str]:
    for name in ("__spec__", "__file__"):
        setattr(sys.modules["__main__"], name, None)  # or each worker would run this program
    try:
        made.append(
            LocalCluster(
                n_workers=n_workers,
                threads_per_worker=n_threads,
                memory_limit=0,  # theirs is that of a process which only waits
                dashboard_address=None,
                # where HTTP is served all the same; many may be here
                scheduler_kwargs={"dashboard_address": ":0"},
                silence_logs=logging.CRITICAL,
            )
        )
    except Exception as error:  # of whatever lies on the way
        return {"error": str(error) or type(error).__name__}
    return {"address": made[0].scheduler_address}


def _say(answers: TextIO, told: dict[str, str]) -> None:
    with suppress(OSError):  # nobody is there any more
        answers.write(json.dumps(told) + "\n")
        answers.flush()


def _end_with_parent(made: list[LocalCluster]) -> None:
    """End this program when its parent has closed its standard input; workers that are just starting, too."""
    os.read(0, 1)
    try:
        for cluster in made:
            cluster.close()
    finally:
        os._exit(0)  # Python's own end would wait for workers that are not ready yet


if __name__ == "__main__":
    main()
