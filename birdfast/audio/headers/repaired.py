"""A file as it has to be read, while it stays as it is."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from .header import Piece


class Repaired(io.RawIOBase):
    """A file that is read as a sequence of pieces.

    Parameters
    ----------
    path : path
    pieces : sequence of bytes and (int, int)
        Bytes stand for themselves, two places for what the file has between them.
    """

    def __init__(self, path: Path, pieces: Sequence[Piece]) -> None:
        self._file = path.open("rb", buffering=0)
        self._pieces = pieces
        lengths = [len(piece) if isinstance(piece, bytes) else piece[1] - piece[0] for piece in pieces]
        *self._starts, self._length = accumulate(lengths, initial=0)
        self._place = 0

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer from the present place on, as far as there is something."""
        view = memoryview(buffer).cast("B")
        n_bytes = 0
        while n_bytes < len(view) and self._place < self._length:
            n_read = self._read(view[n_bytes:])
            if n_read == 0:
                break
            n_bytes += n_read
            self._place += n_read
        return n_bytes

    def _read(self, view: memoryview) -> int:
        """Read from one piece."""
        number = bisect_right(self._starts, self._place) - 1
        piece, within = self._pieces[number], self._place - self._starts[number]
        if isinstance(piece, bytes):
            found = piece[within : within + len(view)]
            view[: len(found)] = found
            return len(found)
        begin, end = piece
        self._file.seek(begin + within)
        return self._file.readinto(view[: end - begin - within]) or 0

    def seek(self, place: int, whence: int = 0) -> int:
        """Go to a place, as files do."""
        self._place = (0, self._place, self._length)[whence] + place
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
