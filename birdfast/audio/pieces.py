"""A file as it should have been: pieces of it, and bytes that take the place of others."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

Piece = bytes | tuple[int, int]  # bytes as they are, or from where to where in the file


class Pieces(io.RawIOBase):
    """Pieces of a file one behind the other, opened for reading; the file itself stays as it is.

    Parameters
    ----------
    path : path
    pieces : sequence of bytes or (int, int)
        Bytes, or where a piece of the file begins and ends.
    """

    def __init__(self, path: Path, pieces: Sequence[Piece]) -> None:
        self._file = path.open("rb", buffering=0)
        self._pieces = pieces
        sizes = [len(piece) if isinstance(piece, bytes) else piece[1] - piece[0] for piece in pieces]
        self._begins = [0, *accumulate(sizes)]
        self._place = 0

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer from the present place on, at most to the end of a piece."""
        number = bisect_right(self._begins, self._place) - 1
        if number >= len(self._pieces):
            return 0
        piece, inside = self._pieces[number], self._place - self._begins[number]
        view = memoryview(buffer).cast("B")[: self._begins[number + 1] - self._place]
        if isinstance(piece, bytes):
            view[:] = piece[inside : inside + len(view)]
            n_bytes = len(view)
        else:
            self._file.seek(piece[0] + inside)
            n_bytes = self._file.readinto(view) or 0
        self._place += n_bytes
        return n_bytes

    def seek(self, place: int, whence: int = 0) -> int:
        """Go to a place, as files do."""
        self._place = max(0, (0, self._place, self._begins[-1])[whence] + place)
        return self._place

    def tell(self) -> int:
        """Return the present place."""
        return self._place

    def seekable(self) -> bool:
        """Return that it can go anywhere."""
        return True

    def readable(self) -> bool:
        """Return that it is there for reading."""
        return True

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
