"""Arrays: what their types are called, and rows that wait until there are enough of them."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Floats = NDArray[np.floating[Any]]
Int16 = NDArray[np.int16]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Bools = NDArray[np.bool_]
Rows = NDArray[np.void]  # of a structured type: detections, dense rows
Array = NDArray[Any]


def write_npz(stream: IO[bytes], arrays: Mapping[str, Array]) -> None:
    """Write arrays as an .npz file, as `numpy.savez` does; none of objects, which would be pickled.

    NumPy's own takes `allow_pickle` from 2.1 on (before, it made an array of it), and before 2 left a
    traceback where the disk was full.
    """
    with zipfile.ZipFile(stream, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as part:
                np.lib.format.write_array(part, np.asanyarray(array), allow_pickle=False)


class Gathering:
    """Rows that wait until there are `n_bytes` of them: chunks do not tell how the rows came."""

    def __init__(self, kind: np.dtype[np.void], n_bytes: int) -> None:
        self.kind = kind
        self._waiting, self._n = np.empty(max(1, n_bytes // kind.itemsize), kind), 0

    def add(self, rows: Rows) -> Iterator[Rows]:
        """Take rows [n] and yield each chunk that they fill: a view, good until the next turn."""
        while len(rows):
            taken = rows[: len(self._waiting) - self._n]
            self._waiting[self._n : self._n + len(taken)] = taken
            self._n, rows = self._n + len(taken), rows[len(taken) :]
            if self._n == len(self._waiting):
                yield from self.rest()

    def rest(self) -> Iterator[Rows]:
        """Yield what waits, if anything does."""
        n, self._n = self._n, 0
        if n:
            yield self._waiting[:n]
