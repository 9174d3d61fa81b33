"""Sources: reading what others wrote, be it a manifest, a list, a table, an array or a network.

A file of that kind is read here and nowhere else: it has to be a regular one of a size that makes sense, so
that a pipe or a device keeps nobody waiting, and what is wrong with it is an error of the caller's kind.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import stat
import sys
import time
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..errors import BirdfastError
from .remembered import Remembered

# What such files have at most: they are held in memory, and a thousandth of it is usual.
TEXT_BYTES = 1 << 24  # manifests, recipes, labels
TABLE_BYTES = 1 << 30  # lists of paths, tables of clips and of detections
DATA_BYTES = 1 << 32  # networks, arrays, vectors

CHUNK_BYTES = 1 << 20
SETTLED_S = 2.0  # since a file's last change: before that another might not move its clock, which is coarse
MORE = "\0more"  # whose cells have no column: no header's name, as csv takes no null character in one
# Digests, by what tells a file from another, and from itself as it was.
_KNOWN: dict[tuple[int, ...], str] = {}

Place = str | os.PathLike[str]
Fault = type[BirdfastError]


@contextmanager
def opened(path: Place, fault: Fault, most_bytes: int = DATA_BYTES) -> Iterator[io.BufferedReader]:
    """Open a file, to be read in the context.

    Parameters
    ----------
    path : path
    fault : type
        The error that it is if the file cannot be read, also later in the context.
    most_bytes : int
        How large it may be.

    Raises
    ------
    fault
        It is missing, not a regular file or too large, or reading it fails.
    """
    try:
        with os.fdopen(_descriptor(path, fault), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise fault(f"{path}: cannot be read (not a regular file)")
            if status.st_size > most_bytes:
                raise fault(_too_large(path, f"{status.st_size:,}", most_bytes))
            yield file
    except OSError as error:
        raise fault(f"{path}: cannot be read ({error.strerror or error})") from error
    except MemoryError as error:
        raise fault(f"{path}: cannot be read (too little memory)") from error


def read(path: Place, fault: Fault, most_bytes: int = DATA_BYTES) -> bytes:
    """Return a file's content, or what is remembered of it; parameters and errors as `opened`."""
    if isinstance(path, Remembered):
        return path.data
    with opened(path, fault, most_bytes) as file:
        data = file.read(os.fstat(file.fileno()).st_size + 1)  # a buffer of the limit's size may not be there
        while len(data) <= most_bytes and (more := file.read(CHUNK_BYTES)):  # what /proc holds says: none
            data += more
    if len(data) > most_bytes:
        raise fault(_too_large(path, f"more than {most_bytes:,}", most_bytes))
    return data


def head(path: Place, n_bytes: int, fault: Fault) -> bytes:
    """Return the first bytes of a file of any size; errors as `opened`."""
    with opened(path, fault, sys.maxsize) as file:
        return file.read(n_bytes)


def sha256(path: Place, fault: Fault) -> str:
    """Return the SHA-256 of a file's content as it is now, in hex; parameters and errors as `opened`.

    Each file is read once a process so long as it stays the file that it was.
    """
    if isinstance(path, Remembered):
        return hashlib.sha256(path.data).hexdigest()
    with opened(path, fault) as file:
        status = os.fstat(file.fileno())
        same = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        if same in _KNOWN:
            return _KNOWN[same]
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if time.time() - status.st_ctime > SETTLED_S:
        _KNOWN[same] = found
    return found


def known() -> list[tuple[str, tuple[int, ...]]]:
    """Return the digests of the files that this process has read, for another on this machine to believe."""
    return [(digest, same) for same, digest in _KNOWN.items()]


def believe(told: Iterable[tuple[str, Sequence[int]]]) -> None:
    """Take what another process of ours knows: a file that is as it was then is not read for its digest."""
    _KNOWN.update((tuple(same), digest) for digest, same in told)


def text(path: Place, fault: Fault, most_bytes: int = TEXT_BYTES) -> str:
    """Return the text of a file, without the byte order mark that Windows' editors put first.

    Raises
    ------
    fault
        As `opened`, or it is not UTF-8.
    """
    try:
        return read(path, fault, most_bytes).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise fault(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from error


def toml(path: Place, fault: Fault) -> dict[str, Any]:
    """Return what a TOML file says.

    Raises
    ------
    fault
        As `opened`, or it is no TOML.
    """
    return parsed(path, read(path, fault, TEXT_BYTES), fault)


def parsed(path: Place, data: bytes, fault: Fault) -> dict[str, Any]:
    """Return what the content of a TOML file says; `fault` if it is none."""
    import tomllib  # most readers of files need none

    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise fault(f"{path}: no TOML ({error})") from error


def table(
    path: Place, columns: Sequence[str], fault: Fault, delimiter: str = ""
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows of a CSV with a header, each with the number of its last line.

    Parameters
    ----------
    path : path
    columns : sequence of str
        Those that it has to have; in the rows they are text, "" where a row is short.
    fault : type
    delimiter : str
        "": as the header tells (`delimiter_of`).

    Raises
    ------
    fault
        As `text`, or it is no CSV, lacks a column, or has a row that is longer than its header.
    """
    told = text(path, fault, TABLE_BYTES)
    parts = delimiter or delimiter_of(told.partition("\n")[0])
    # With the marks of its lines as they are: those within quotes are part of a value.
    rows = csv.DictReader(io.StringIO(told, newline=""), delimiter=parts, restkey=MORE)
    try:
        if missing := [column for column in columns if column not in (rows.fieldnames or ())]:
            raise fault(f"{path}: lacks the column {', '.join(missing)}")
        for row in rows:
            if more := len(row.pop(MORE, ())):  # a decimal comma moves all that comes behind it
                n_named = len(rows.fieldnames or ())
                why = f"{n_named + more} columns, and {n_named} in the header"
                raise fault(f"{path}: line {rows.line_num}: {why}; a value with {parts!r} in it wants quotes")
            yield rows.line_num, {**row, **{column: row[column] or "" for column in columns}}
    except csv.Error as error:
        raise fault(f"{path}: no CSV behind line {rows.line_num} ({error})") from error


def delimiter_of(header: str) -> str:
    """Return what parts the columns of a table: a tab, a comma, or a semicolon where there is neither."""
    return "\t" if "\t" in header else ";" if ";" in header and "," not in header else ","


def decimal(number: str) -> float:
    """Read a number with a decimal point, or with a comma, as many countries' spreadsheets write it.

    Of numbers whose range leaves no room for thousands.

    Raises
    ------
    ValueError
        It is none.
    """
    return float(number.replace(",", "."))


def composed(name: str) -> str:
    """Return a name in the one spelling (NFC) of those that look alike: an accent is part of its letter."""
    return unicodedata.normalize("NFC", name)


def alike(name: str) -> str:
    """Return a name as it is compared: composed, without blanks around it, upper and lower case the same."""
    return composed(name).strip().casefold()


def _descriptor(path: Place, fault: Fault) -> int:
    """Open a file without waiting for anybody: a pipe's writer, a terminal's carrier."""
    try:
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except ValueError as error:  # a null character in the name
        raise fault(f"{os.fspath(path)!r}: not a file name ({error})") from error


def _too_large(path: Place, n_bytes: str, most_bytes: int) -> str:
    return f"{path}: {n_bytes} bytes; a file of its kind has {most_bytes:,} at most"
