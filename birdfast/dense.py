"""Dense rows: what a network says of every window, in parts that fit the memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PART_BYTES = 1 << 20  # of rows that travel together

Rows = NDArray[np.void]


class Part(NamedTuple):
    """Dense rows that go from a worker into the journal: the `number`th part of a stretch.

    `rows` are the bytes of `row`s, at most `PART_BYTES` (or one row) of them.
    """

    stretch: int
    number: int
    kind: str
    rows: bytes


def row(width: int) -> np.dtype[np.void]:
    """Return the type of a dense row: start_s, end_s, and so many values."""
    return np.dtype([("start_s", "<f8"), ("end_s", "<f8"), ("values", "<f4", (width,))])


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


class Sender:
    """Sends the dense rows of a stretch on, in parts of bounded size."""

    def __init__(self, stretch: int, widths: Mapping[str, int], send: Callable[[Part], object]) -> None:
        self._stretch, self._send, self._n_parts = stretch, send, 0
        self._gathering = {kind: Gathering(row(width), PART_BYTES) for kind, width in widths.items()}

    def add(self, dense: Mapping[str, Rows]) -> None:
        for kind, rows in dense.items():
            self._pass_on(kind, self._gathering[kind].add(rows))

    def end(self) -> int:
        """Send what is left, and return how many parts there were."""
        for kind, gathering in self._gathering.items():
            self._pass_on(kind, gathering.rest())
        return self._n_parts

    def _pass_on(self, kind: str, chunks: Iterator[Rows]) -> None:
        for rows in chunks:
            self._send(Part(self._stretch, self._n_parts, kind, rows.tobytes()))
            self._n_parts += 1
