"""Which files hold the same: a copy or a hard link of what is learnt from is no test of it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from .. import bars
from .threads import Threads

State = tuple[int, int]  # of a file: its size, and when it was changed
MUCH_BYTES = 1 << 28  # to read: below it nobody waits
_known: dict[tuple[str, State], str] = {}  # digests of files by their paths, in the state that they had


def named(paths: Iterable[str], *, n_workers: int = 1, bar: bool = False) -> dict[str, str]:
    """Return one name for all files that hold the same: by path, the first of their real paths.

    Only files that have their size in common with others are read, each once in a process as long as it
    stays what it is. What is no regular file, is empty or cannot be read is like none but itself.

    Parameters
    ----------
    paths : iterable of str
    n_workers : int
        Threads that read.
    bar : bool
        Show how far it is, on a terminal, where there is much to read.
    """
    real = {path: os.path.realpath(path) for path in paths}
    states = {path: state(path) for path in sorted({*real.values()})}
    of_size: dict[int, list[str]] = defaultdict(list)
    for path, (size, _) in states.items():
        of_size[size].append(path)
    alike = [path for size, some in of_size.items() if size and len(some) > 1 for path in some]
    _read([(path, states[path]) for path in alike], n_workers, bar)
    first: dict[str, str] = {}
    name = {path: path for path in states}
    for path in alike:
        name[path] = first.setdefault(_known[path, states[path]], path)
    return {path: name[its] for path, its in real.items()}


def digest(path: str) -> str:
    """Return the SHA-256 of a file in hex, or its path where it cannot be read; each is read as `named`."""
    file = (os.path.realpath(path), state(path))
    _read([file], 1, False)
    return _known[file]


def _read(files: Iterable[tuple[str, State]], n_workers: int, bar: bool) -> None:
    """Take the digests of files that are not known yet."""
    new = [file for file in files if file not in _known]
    if not new:
        return
    much = sum(size for _, (size, _) in new) > MUCH_BYTES
    with (
        bars.of_recordings(len(new), shown=bar and much, doing="compared") as shown,
        Threads(n_workers) as threads,
    ):
        for file, digest in zip(new, threads.map(_digest, (path for path, _ in new)), strict=True):
            _known[file] = digest
            shown.update()


def state(path: str) -> State:
    """Return the state of a regular file, of size 0 for all else."""
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return 0, 0
    return (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else (0, 0)


def _digest(path: str) -> str:
    """Return the SHA-256 of a file, or its path where it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return path
