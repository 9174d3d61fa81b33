"""Digests of large files kept from one process to the next, so that a start does not read them all again.

A digest is that of a file as it was: device, inode, size, and the times of its last change in content and in
anything, to the nanosecond (`sources.sha256`). One is taken from an earlier process only where all of these
are the same, and so it is read anew

- when it was replaced, touched, or rewritten in its place, whatever time its writer then gives it: nobody
  sets the time of the last change in anything;
- after each start of the system: a device's number, and what is in it, may be another's by then; the same
  holds for another machine that has the cache's folder, too;
- while it is younger than a minute: what is written through memory moves the clock late;
- where it lies in memory alone (tmpfs): what is written through a map of it moves no clock;
- where the file system's clock is coarse, as a memory card's is, or the system tells no name of its start.

Who may write the cache's folder could have it say anything: it is believed only as rewritten networks are.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from .. import sources
from ..errors import ConfigError
from . import kept, places

NAME = "digests.json"
MOST = 256  # files that are remembered, of all machines that share the folder
SETTLED_S = 60.0  # before this process began: by then the system has written what was changed in memory
COARSE_NS = 10_000_000  # clocks that tick in such steps
BOOT = Path("/proc/sys/kernel/random/boot_id")  # Linux
MOUNTS = Path("/proc/self/mountinfo")  # proc(5)
IN_MEMORY = frozenset(("tmpfs", "ramfs", "rootfs", "devtmpfs", "hugetlbfs"))
BEGAN_S = time.time()

Known = tuple[str, tuple[int, ...]]  # a digest, and what tells the file as it was


@contextlib.contextmanager
def believed(folder: Path | None) -> Iterator[None]:
    """Take what earlier processes know of files, and keep what is read in the context.

    Parameters
    ----------
    folder : path or None
        The cache's; None, or one that others may write, keeps nothing.
    """
    started, unclocked = _start(), _in_memory()
    if folder is None or not started or unclocked is None:
        yield
        return
    path = folder / NAME
    before = _read(path)
    sources.believe(known for start, known in before if start == started and known[1][0] not in unclocked)
    # What others told this process they may have read before it began, of files that were young then.
    told = {*sources.known(), *(known for _, known in before)}
    yield
    new = [known for known in sources.known() if known not in told and known[1][0] not in unclocked]
    if new := [known for known in new if _is_settled(known)]:
        every = [*before, *((started, known) for known in new)][-MOST:]
        with contextlib.suppress(OSError, ConfigError):  # a full disk only costs the next start's time
            kept.make(folder)
            kept.replace(path, json.dumps(every).encode())


def _start() -> str:
    """Return the name of the system's start; "" where it has none."""
    try:
        return BOOT.read_text().strip()
    except OSError:
        return ""


def _in_memory() -> set[int] | None:
    """Return the devices of file systems that are in memory alone; None where the system does not tell."""
    try:
        mounts = [line.split(" - ", 1) for line in MOUNTS.read_text(errors="replace").splitlines()]
        kinds = [(where.split()[2].split(":"), what.split()[0]) for where, what in mounts]
        return {os.makedev(*map(int, numbers)) for numbers, kind in kinds if kind in IN_MEMORY}
    except (OSError, ValueError, IndexError):
        return None


def _is_settled(known: Known) -> bool:
    _, (*_, changed_ns) = known
    return changed_ns < (BEGAN_S - SETTLED_S) * 1e9 and changed_ns % COARSE_NS != 0


def _read(path: Path) -> list[tuple[str, Known]]:
    """Return what is kept, each with the start of its system; nothing of a file that is damaged."""
    with contextlib.suppress(OSError, ValueError, TypeError, RecursionError):
        if not places.distrust(path):
            return [(str(start), (_digest(digest), _same(same))) for start, (digest, same) in _told(path)]
    return []


def _told(path: Path) -> list[tuple[str, tuple[str, list[int]]]]:
    told: list[tuple[str, tuple[str, list[int]]]] = json.loads(path.read_bytes())
    return told


def _digest(told: str) -> str:
    if len(bytes.fromhex(told)) != 32:
        raise ValueError("no SHA-256")
    return told


def _same(told: list[int]) -> tuple[int, ...]:
    device, inode, n_bytes, content_ns, changed_ns = map(int, told)
    return device, inode, n_bytes, content_ns, changed_ns
