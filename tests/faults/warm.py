"""A process that has imported what commands import, and becomes one of them by a fork: a try costs no start.

It is preloaded with `failing.c` and counts nothing itself; each command is told what fails when it begins.
Imports are no files of a job, so that a command makes the calls that one from a shell makes.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from select import select

MODULES = "FAILING_MODULES"  # a file for the names of what a command has imported at its end
NO_THREADS = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}  # of imports: no fork takes them along


class Warm:
    """A warm process; a context manager.

    Parameters
    ----------
    library : path
        What is preloaded.
    modules : sequence of str
        What it imports, see `MODULES`.
    """

    def __init__(self, library: Path, modules: Sequence[str]) -> None:
        environment = {**os.environ, "LD_PRELOAD": str(library), "OMP_NUM_THREADS": "1", **NO_THREADS}
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__], env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,  # or `select` misses what was read
        )  # fmt: skip
        self._tell(modules)
        assert self._told() == 1, "threads, which no fork takes along"

    def __enter__(self) -> Warm:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def ran(self, command: Sequence[str], environment: Mapping[str, str], said: Path, limit_s: float) -> int:
        """Run a command of birdfast, which says what it says into a file; return how it ended.

        Raises
        ------
        subprocess.TimeoutExpired
            It hung; all of its session is killed.
        """
        self._tell([command, dict(environment), str(said)])
        process = self._told()
        if not select([self._process.stdout], [], [], limit_s)[0]:
            from .. import stacks  # not above: this file is a program, too

            hung = subprocess.TimeoutExpired(command, limit_s)
            hung.add_note(stacks.of_session(process))
            with suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)
            self._told()
            raise hung
        return os.waitstatus_to_exitcode(self._told())

    def _tell(self, what: object) -> None:
        self._process.stdin.write(json.dumps(what).encode() + b"\n")

    def _told(self) -> int:
        return int(self._process.stdout.readline())


def serve() -> list[str]:
    """Import and fork until the parent hangs up; in a forked process, return what it is to do."""
    orders = open(0, closefd=False)  # noqa: SIM115  (its descriptor is replaced in who leaves here)
    for name in json.loads(orders.readline()):
        with suppress(Exception):  # what is no module by its name
            importlib.import_module(name)
    gc.freeze()
    print(sum(1 for _ in Path("/proc/self/task").iterdir()), flush=True)
    for line in orders:
        command, environment, said = json.loads(line)
        process = os.fork()
        if not process:
            _become(environment, said)
            return command
        print(process, flush=True)
        print(os.waitpid(process, 0)[1], flush=True)
    os._exit(0)  # there is nothing to flush, and perhaps nobody who reads


def _become(environment: Mapping[str, str], said: str) -> None:
    os.setsid()
    os.environ.update(environment)
    for fd, name in ((0, os.devnull), (1, said), (2, said)):
        opened = os.open(name, os.O_RDWR | os.O_APPEND)
        os.dup2(opened, fd)
        os.close(opened)
    ctypes.CDLL(None).failing_prepare()


def _end(command: list[str]) -> None:
    from birdfast.__main__ import main

    sys.argv = ["birdfast", *command]
    try:
        sys.exit(main())
    finally:
        if MODULES in os.environ:
            Path(os.environ[MODULES]).write_text(json.dumps(sorted(sys.modules)))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    _end(serve())
