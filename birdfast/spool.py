"""Spools: rows too many for the memory, in files without names; what fits the system keeps in memory.

Such a file goes when its last reader does, also when the process is killed.
"""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import numpy as np

from .arrays import Array, Float32, Floats

CHUNK_BYTES = 1 << 24  # of rows
BLOCK_BYTES = 1 << 26  # of columns


def nameless(folder: Path | None, owner: object) -> IO[bytes]:
    """Return a file without a name in a folder, or the system's place, open as long as its owner lives."""
    file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 -- its owner closes it
    weakref.finalize(owner, file.close)
    return file


class Spool:
    """Rows of float32 that come in parts, and are there as one array in the end.

    Parameters
    ----------
    width : int
    folder : path or None
        On whose disk the rows are; None is the system's place for such.
    """

    def __init__(self, width: int, folder: Path | None = None) -> None:
        self._file, self._width, self._n = nameless(folder, self), width, 0

    def add(self, rows: Array) -> None:
        """Append rows [n, width]."""
        self._file.write(np.ascontiguousarray(rows, np.float32).data)
        self._n += len(rows)

    def array(self) -> Float32:
        """Return all rows: float32 [n, width], on the disk; no more can be added."""
        if not self._n * self._width:
            return np.zeros((self._n, self._width), np.float32)
        with self._file as file:  # what is mapped stays when it is closed
            file.flush()
            return np.memmap(file, np.float32, "r+", shape=(self._n, self._width))


def zeros(n: int, width: int) -> Float32:
    """Return zeros [n, width], on the disk."""
    if not n * width:
        return np.zeros((n, width), np.float32)
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, np.float32, "w+", shape=(n, width))


def chunks(values: Floats) -> Iterator[slice]:
    """Yield which rows are to be taken at a time."""
    step = max(1, CHUNK_BYTES // max(1, values.shape[1] * 4))
    for first in range(0, len(values), step):
        yield slice(first, min(first + step, len(values)))


def change_columns(values: Float32, change: Callable[[Float32], Float32]) -> None:
    """Put in every column's place what becomes of it: float32 [n] to the same; some columns at a time."""
    if not values.size:
        return
    n_columns = max(1, BLOCK_BYTES // (4 * len(values)))
    for start in range(0, values.shape[1], n_columns):
        block = np.array(values[:, start : start + n_columns])
        for column in block.T:
            column[:] = change(column)
        values[:, start : start + n_columns] = block
