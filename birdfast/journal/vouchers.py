"""Vouchers: what a journal remembers of a table that was written from it, to know it from one of before.

A run that goes on leaves the tables of before in its folder until it writes them anew, and may be ended when
nothing is left but that. So a voucher has two digests: of all that the table was made of, and of the table.
"""

from __future__ import annotations

import hashlib
import sys
from contextlib import suppress
from pathlib import Path

from .. import sources
from ..errors import ConfigError
from .database import ROWS, new_digest
from .record import Record
from .writable import Writable

# A part like any other, but of no file: these count from 1.
PLACE = (0, 0, 0, 0, "table")
FOUND = "SELECT digest, rows FROM part WHERE (file, model, stretch, number, kind) = (?, ?, ?, ?, ?)"
MADE_OF = """
    SELECT number, path, file.digest, model, state, hearing.digest FROM file LEFT JOIN hearing ON file = id
    WHERE number IS NOT NULL ORDER BY number, model"""


def give(journal: Writable, table: Path) -> None:
    """Vouch for a table that was just written from a journal, in place of the one vouched for before.

    Raises
    ------
    OutputError
        The folder takes no more.
    """
    with journal.told():
        with suppress(ConfigError):  # nobody may read it: then it is made anew by whoever needs it
            told = _made_of(journal) + _of_table(table)
            values = (*PLACE, new_digest(told).digest(), told)
            journal.database.execute("INSERT OR REPLACE INTO part VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        journal.commit()


def hold(record: Record, table: Path) -> bool:
    """Whether a table is the one that a journal vouches for, and the journal has not changed since.

    Raises
    ------
    ConfigError
        The journal is damaged.
    """
    with record.told():
        digest, told = record.database.execute(FOUND, PLACE).fetchone() or (b"", b"")
        made_of = _made_of(record)
        if new_digest(told).digest() != digest or not told.startswith(made_of):
            return False
        with suppress(ConfigError):  # the table is not there
            return bool(made_of + _of_table(table) == told)
    return False


def _of_table(table: Path) -> bytes:
    with sources.opened(table, ConfigError, sys.maxsize) as file:
        return hashlib.file_digest(file, new_digest).digest()


def _made_of(record: Record) -> bytes:
    """Return the digest of all that decides what tables say: digests of what was heard stand for it."""
    run = record.database.execute
    digest = new_digest(repr(run("SELECT facts, asked, files FROM run").fetchone()).encode())
    found = run(MADE_OF)
    while rows := found.fetchmany(ROWS):
        digest.update(repr(rows).encode("utf-8", "backslashreplace"))
    return digest.digest()
