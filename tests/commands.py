"""Commands for tests: what a person types, and what lies in the folder afterwards."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from birdfast import models
from birdfast.__main__ import main
from birdfast.journal import MERGED, NAME

from . import stacks

LIMIT_S = 600  # for what hangs: no command of a test takes so long, be the machine as busy as it may


def ran(*command: object, limit_s: float = LIMIT_S, **how: object) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in a session of its own: where it hangs, all that it started ends with it.

    The error then has a note of what each of its threads was at.
    """
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **how}
    with subprocess.Popen(list(map(str, command)), start_new_session=True, **how) as process:
        try:
            printed, said = process.communicate(timeout=limit_s)
        except BaseException as error:
            if isinstance(error, subprocess.TimeoutExpired):
                error.add_note(stacks.of_session(process.pid))
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, printed, said)


def birdfast(*arguments: object, **how: object) -> subprocess.CompletedProcess[str]:
    return ran(sys.executable, "-m", "birdfast", *arguments, **how)


def ended(*arguments: object) -> object:
    """Return the exit code of a command that runs in this process: of what is refused before much is done."""
    try:
        return main(list(map(str, arguments)))
    except SystemExit as end:  # argparse's
        return end.code


@contextmanager
def started(*command: object, **how: object) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command that hears SIGINT, though the tests may ignore it, as under nohup and a shell's &.

    It is killed at the end if it still runs.
    """
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)  # a new program has what we have now
    try:
        process = subprocess.Popen(list(map(str, command)), **how)
    finally:
        signal.signal(signal.SIGINT, ours)
    with process:
        try:
            yield process
        finally:
            process.kill()


def infer(tiny: models.Model, *arguments: object) -> subprocess.CompletedProcess[str]:
    return birdfast("infer", "--model", tiny.path.parent, *arguments)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def contents(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir() if path.name not in (NAME, MERGED)}
