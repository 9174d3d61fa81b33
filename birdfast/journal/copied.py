"""Copied: a journal as it is at one moment, also while a run is at work in it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from .database import NAME, Database, check_begun


def copy(folder: Path, to: Path) -> None:
    """Copy a folder's journal as it was committed last: one file, which needs no log beside it.

    Parameters
    ----------
    folder : path
    to : path
        What is there is replaced.

    Raises
    ------
    ConfigError
        There is none, it cannot be read, or the copy finds no room. NotBegunError as `check_begun`.
    """
    check_begun(folder / NAME)
    to.unlink(missing_ok=True)
    journal = Database(folder / NAME, "ro")
    with journal.told(), closing(journal.database), closing(sqlite3.connect(to)) as copied:
        journal.database.backup(copied)
        copied.execute("PRAGMA journal_mode = DELETE")
