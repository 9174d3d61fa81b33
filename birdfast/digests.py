"""Digests: the SHA-256 of files, each read once a process so long as it stays the file that it was."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

SETTLED_S = 2.0  # since its last change: before that another might not move its clock, which is coarse

_KNOWN: dict[tuple[int, ...], str] = {}  # by what tells a file from another, and from itself as it was


def of_file(path: Path) -> str:
    """Return the SHA-256 of a file's content as it is now, in hex.

    Raises
    ------
    OSError
        It cannot be read.
    """
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        same = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        if same in _KNOWN:
            return _KNOWN[same]
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if time.time() - status.st_ctime > SETTLED_S:
        _KNOWN[same] = found
    return found
