"""Which files hold the same: a copy or a hard link of what is learnt from is no test of it."""

from __future__ import annotations

import functools
import hashlib
import os
import stat
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

State = tuple[int, int]  # of a file: its size, and when it was changed


def named(paths: Iterable[str]) -> dict[str, str]:
    """Return one name for all files that hold the same: by path, the first of their real paths.

    Only files that have their size in common with others are read, each once in a process as long as it
    stays what it is. What is no regular file, is empty or cannot be read is like none but itself.

    Parameters
    ----------
    paths : iterable of str
    """
    real = {path: os.path.realpath(path) for path in paths}
    states = {path: _state(path) for path in sorted({*real.values()})}
    of_size: dict[int, list[str]] = defaultdict(list)
    for path, (size, _) in states.items():
        of_size[size].append(path)
    first: dict[str, str] = {}
    name = {path: path for path in states}
    for size, alike in of_size.items():
        for path in alike if size and len(alike) > 1 else ():
            name[path] = first.setdefault(_digest(path, states[path]), path)
    return {path: name[its] for path, its in real.items()}


def _state(path: str) -> State:
    """Return the state of a regular file, of size 0 for all else."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return 0, 0
    return (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else (0, 0)


@functools.cache
def _digest(path: str, _: State) -> str:
    """Return the SHA-256 of a file in this state, or its path where it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return path
