"""The library that makes calls fail: built, told by the environment, and asked what it saw."""

from __future__ import annotations

import errno
import os
import shutil
import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from birdfast.children import PACKAGE

SOURCE = Path(__file__).with_name("failing.c")
CALLS = (
    *("open", "read", "write", "sync", "rename", "unlink", "map"),
    *("fork", "exec", "thread", "stat", "list", "make", "truncate"),
)
ALLOCATIONS = ("alloc",)  # which count under the name "allocation"
KINDS = (*CALLS, *ALLOCATIONS)
STATE = struct.Struct(f"{len(KINDS)}Q{(16 - len(KINDS)) * 8}xQ8x512sQ8192s")  # `struct state`
KILL, HALF = 0, -1
OURS = "birdfast"
BENEATH = (
    *("failing.so", "libc.so", "libpthread", "libm.so", "libgcc_s", "libstdc++", "ld-linux", "linux-vdso"),
    *("libpython", "python"),
)
OF_PROGRAM = "_PyEval_EvalFrameDefault"
# What a kind of call fails with; what can be done by halves is that, too, which is no failure.
ERRORS = {
    "open": (errno.EIO, errno.EMFILE, errno.EACCES, errno.ENOSPC, errno.ENOMEM),
    "read": (errno.EIO, HALF),
    "write": (errno.ENOSPC, errno.EIO, HALF),
    "sync": (errno.EIO, errno.ENOSPC),
    "rename": (errno.EIO, errno.ENOSPC, errno.EACCES),
    "unlink": (errno.EIO, errno.EACCES),
    "map": (errno.ENOMEM,),
    "fork": (errno.EAGAIN, errno.ENOMEM),
    "exec": (errno.ENOMEM, errno.EIO),
    "thread": (errno.EAGAIN,),
    "stat": (errno.EIO, errno.EACCES),
    "list": (errno.EIO, errno.EACCES, errno.EMFILE),
    "make": (errno.ENOSPC, errno.EIO),
    "truncate": (errno.EIO,),
    "alloc": (errno.ENOMEM,),
}


class Fault(NamedTuple):
    """The `number`-th call of a kind fails `how` it says, once or ever since."""

    kind: str
    number: int
    how: int
    ever: bool = False

    def __str__(self) -> str:
        how = {KILL: "kills", HALF: "half"}.get(self.how) or errno.errorcode[self.how]
        return f"{self.kind} {self.number} {how} {'ever' if self.ever else 'once'}"


def compiler() -> str | None:
    """Return a C compiler, if there is one."""
    return shutil.which(os.environ.get("CC", "cc"))


class Preload:
    """The library, compiled into a folder, and what it counted last.

    Parameters
    ----------
    folder : path
        For the library and what it shares with the processes; outside of `under`.
    under : sequence of str
        Beginnings of the names of files whose calls count.
    """

    def __init__(self, folder: Path, *under: str) -> None:
        self.library, self.state, self.log = (folder / name for name in ("failing.so", "state", "log"))
        self.under = ":".join(under)
        command = [
            compiler() or "cc",
            "-std=gnu11",
            "-O1",
            "-g",
            "-shared",
            "-fPIC",
            "-o",
            self.library,
            SOURCE,
        ]
        subprocess.run([*map(str, command), "-ldl", "-pthread"], check=True)

    def environment(self, fault: Fault | None = None, is_logged: bool = False) -> dict[str, str]:
        """Return what a command's environment has more, and begin to count anew."""
        self.state.write_bytes(bytes(STATE.size))
        told = {"LD_PRELOAD": self.library, "FAILING_STATE": self.state, "FAILING_UNDER": self.under}
        if fault is not None:
            times = "ever" if fault.ever else "once"
            told["FAILING_CALL"] = f"{fault.kind}:{fault.number}:{fault.how}:{times}"
        if is_logged:
            self.log.write_bytes(b"")
            told["FAILING_LOG"] = self.log
        return {name: str(value) for name, value in told.items()}

    def counts(self) -> dict[str, int]:
        """Return how many calls there were, by kind."""
        return dict(zip(KINDS, STATE.unpack(self.state.read_bytes())[: len(KINDS)], strict=True))

    def struck(self) -> str:
        """Return which call failed first; empty where none did."""
        return struck_in(self.state.read_bytes())

    def crash(self) -> str:
        """Return whose code crashed first, of all processes: a file's name, or OURS; empty where none did."""
        return culprit(self.stack()) if self.stack() else ""

    def stack(self) -> list[str]:
        """Return where a process crashed first, from the innermost: file, tab, function, if it has a name."""
        *_, n_crashes, stack = STATE.unpack(self.state.read_bytes())
        return [*os.fsdecode(stack.split(b"\0")[0]).splitlines(), ""] if n_crashes else []


def struck_in(state: bytes) -> str:
    """Return which call failed first, by what processes share; empty where none did."""
    n_struck, first, *_ = STATE.unpack(state)[len(KINDS) :]
    return os.fsdecode(first.split(b"\0")[0]) if n_struck else ""


def culprit(stack: Sequence[str]) -> str:
    """Return who is to answer for a crash, by its stack from the innermost frame on: file, tab, function.

    What all programs stand on does what it is asked, and so does Python: who calls it without its lock, or
    with nothing, is to answer, unless Python was running a program itself. What has no file was compiled
    just now, of our source, and a stack that ends too soon may be ours as well.
    """
    for file, _, function in (line.partition("\t") for line in stack):
        name = Path(file).name
        if function.startswith(OF_PROGRAM):
            return name
        if not name.startswith(BENEATH):
            return OURS if not name or Path(file).is_relative_to(PACKAGE) else name
    return OURS
