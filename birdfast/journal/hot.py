"""Hot journals of SQLite: what a process that was killed as it wrote left, to be rolled back."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

# At the end of one that names a file of other databases, which SQLite would remove: none of ours does.
OF_SEVERAL = bytes.fromhex("d9d505f920a163d7")


def roll_back(path: Path) -> None:
    """Let SQLite undo what was half-written, which it does not for who only reads.

    SQLite knows by its locks whether somebody is at work; where the folder may not be written, who reads
    is told so by what comes next.
    """
    hot = path.with_name(f"{path.name}-journal")
    with suppress(OSError, sqlite3.Error):
        if not hot.stat().st_size:
            return
        with hot.open("rb") as file:
            file.seek(-min(len(OF_SEVERAL), hot.stat().st_size), os.SEEK_END)
            if file.read() == OF_SEVERAL:
                return
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, timeout=5)) as database:
            database.execute("PRAGMA schema_version").fetchone()
