"""A spool: rows of a run that are needed all at once, on the disk; the system's memory holds what fits."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from ..arrays import Float32

BLOCK_BYTES = 1 << 26


class Spool:
    """Rows of a fixed width, in a file without a name; a context manager.

    Parameters
    ----------
    folder : path
        On whose disk the rows are.
    width : int
    """

    def __init__(self, folder: Path, width: int) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self._width, self._n_rows = width, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, rows: Float32) -> None:
        """Append rows: float32 [n, width]."""
        self._file.write(np.ascontiguousarray(rows, np.float32).tobytes())
        self._n_rows += len(rows)

    def change_columns(self, change: Callable[[Float32], Float32]) -> None:
        """Put in every column's place what becomes of it: float32 [n_rows] to the same."""
        if not self._n_rows * self._width:
            return
        every = self._mapped()
        n_columns = max(1, BLOCK_BYTES // (4 * self._n_rows))
        for start in range(0, self._width, n_columns):
            block = np.array(every[:, start : start + n_columns])
            for column in block.T:
                column[:] = change(column)
            every[:, start : start + n_columns] = block

    def rows(self, first: int, n: int) -> Float32:
        """Return rows: float32 [n, width]."""
        if not n * self._width:
            return np.zeros((n, self._width), np.float32)
        return np.array(self._mapped()[first : first + n])

    def _mapped(self) -> np.memmap[tuple[int, int], np.dtype[np.float32]]:
        self._file.flush()
        return np.memmap(self._file, np.float32, "r+", shape=(self._n_rows, self._width))
