"""Stacks: what a command that does not end was at, thread by thread."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PYTHONS = "call (const char *)_Py_DumpTracebackThreads(2, 0, 0)"  # onto its own standard error
DEBUGGER_S = 60


def of_session(leader: int) -> str:
    """Return what each thread of a session's processes waits for, and its stack where gdb may look.

    Python's own stacks are then written to the processes' standard error. They are to be killed afterwards:
    not every call outlives that somebody looks.
    """
    return "\n".join(line for process in _of_session(leader) for line in _of_process(process))


def _of_session(leader: int) -> Iterator[Path]:
    for process in sorted(Path("/proc").glob("[0-9]*")):
        with suppress(OSError):
            if os.getsid(int(process.name)) == leader:
                yield process


def _of_process(process: Path) -> Iterator[str]:
    with suppress(OSError):
        words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        yield f"process {process.name}: {words}"
        for thread in sorted((process / "task").iterdir()):
            yield f"thread {thread.name} ({_told(thread / 'comm')}) is in {_told(thread / 'wchan')}"
    if shutil.which("gdb"):
        how = ("gdb", "-nx", "-batch", "-p", process.name, "-ex", "set pagination off")
        with suppress(subprocess.TimeoutExpired):
            seen = subprocess.run(
                [*how, "-ex", "thread apply all backtrace 30", "-ex", PYTHONS],
                capture_output=True, text=True, errors="replace", timeout=DEBUGGER_S,
            )  # fmt: skip
            yield seen.stdout.strip()


def _told(file: Path) -> str:
    with suppress(OSError):
        return file.read_text().strip()
    return "?"
