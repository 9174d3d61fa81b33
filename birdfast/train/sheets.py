"""Sheets: rows of float32 that come in parts, in memory to a limit, behind it in files without names.

Such a file goes when its last reader does, also when the process is killed.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from threading import Lock
from typing import IO

import numpy as np

from ..arrays import Float32
from ..spool import nameless

LONG_BYTES = 1 << 25  # a sheet that is longer goes to a file of its own as it comes
DISK_SHARE = 0.5  # of what is free when the first file is begun


class Sheet:
    """Rows of equal length that come in parts.

    Parameters
    ----------
    folder : path or None
        Where the file of a long one is made; None is the system's place for such.
    """

    def __init__(self, folder: Path | None) -> None:
        self.n_rows = 0
        self._folder, self._parts = folder, list[Float32]()
        self._n_columns = self._n_bytes = 0
        self._file: IO[bytes] | None = None

    def add(self, rows: Float32) -> None:
        """Take in float32 [n, n_columns]."""
        self.n_rows, self._n_columns = self.n_rows + len(rows), rows.shape[1]
        self._parts.append(rows)
        self._n_bytes += rows.nbytes
        if self._n_bytes > LONG_BYTES:
            self._file = self._file or nameless(self._folder, self)
            self._write(self._file)

    def values(self) -> Float32:
        """Return all rows: float32 [n_rows, n_columns], a `numpy.memmap` of a long sheet."""
        if self._file is None:
            empty = np.zeros((0, self._n_columns), np.float32)
            return np.concatenate([empty, *self._parts])
        self._write(self._file)
        self._file.flush()
        return np.memmap(self._file, np.float32, "r", shape=(self.n_rows, self._n_columns))

    def _write(self, file: IO[bytes]) -> None:
        """Bring what is in memory to the file."""
        for part in self._parts:
            file.write(np.ascontiguousarray(part).data)
        self._parts, self._n_bytes = [], 0


class Cabinet:
    """Keeps sheets as long as there is room, those that are not in memory in one file; threads share it.

    Parameters
    ----------
    memory_bytes : int
        What those in memory take at the most.

    Attributes
    ----------
    folder : path or None
        Where files are made; to be chosen before the memory is used up.
    """

    def __init__(self, memory_bytes: int, folder: Path | None = None) -> None:
        self.folder = folder
        self._memory_left, self._disk_left = memory_bytes, -1
        self._file: IO[bytes] | None = None
        self._lock = Lock()

    def keep(self, values: Float32) -> Kept | None:
        """Return how to find rows again, or None: there is no room for them.

        A long sheet, which is in a file already, is copied: each in its own would be a descriptor each.
        """
        with self._lock:
            if not isinstance(values, np.memmap) and values.nbytes <= self._memory_left:
                self._memory_left -= values.nbytes
                return Kept(values)
            if not self._take_disk(values.nbytes):
                return None
            self._file = self._file or nameless(self.folder, self)
            offset = self._file.seek(0, 2)
            self._file.write(np.ascontiguousarray(values).data)
            self._file.flush()
            return Kept(self._file, offset, values.shape)

    def _take_disk(self, n_bytes: int) -> bool:
        if self._disk_left < 0:
            place = self.folder or tempfile.gettempdir()
            self._disk_left = int(shutil.disk_usage(place).free * DISK_SHARE)
        if n_bytes > self._disk_left:
            return False
        self._disk_left -= n_bytes
        return True


class Kept:
    """Rows in memory, or where they are in a file."""

    def __init__(self, source: Float32 | IO[bytes], offset: int = 0, shape: tuple[int, ...] = ()) -> None:
        self._source, self._offset, self._shape = source, offset, shape

    def values(self) -> Float32:
        """Return the rows; those of a file are mapped."""
        if isinstance(self._source, np.ndarray):
            return self._source
        if 0 in self._shape:
            return np.zeros(self._shape, np.float32)
        return np.memmap(self._source, np.float32, "r", self._offset, self._shape)
