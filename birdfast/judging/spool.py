"""A spool: rows that are too many for the memory lie in a file without a name."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator

import numpy as np

from ..arrays import Array, Float32, Floats

CHUNK_BYTES = 1 << 24


class Spool:
    """Rows of float32 that come in parts, and are there as one array in the end."""

    def __init__(self, width: int) -> None:
        self._file, self._width, self._n = tempfile.TemporaryFile(), width, 0  # noqa: SIM115
        weakref.finalize(self, self._file.close)

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
