"""Tables of tokens: a recording as the sequence of its frames' tokens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ..atomicfile import AtomicFile
from .files import CsvFile, ParquetFile, escaped

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class TokensParquet(ParquetFile):
    """Token sequences, a row a recording: file, frame_s (from token to token), tokens."""

    name: ClassVar = "tokens.parquet"

    def __init__(self, folder: Path, frame_s: float) -> None:
        import pyarrow

        tokens = pyarrow.list_(pyarrow.int32())
        fields = {"file": pyarrow.string(), "frame_s": pyarrow.float64(), "tokens": tokens}
        super().__init__(folder / self.name, fields)
        self._record_batch, self._frame_s = pyarrow.RecordBatch, frame_s

    def write(self, path: str, tokens: NDArray[np.int32]) -> None:
        """Append a recording's tokens: int32 [n]."""
        row = {"file": [escaped(path)], "frame_s": [self._frame_s], "tokens": [tokens]}
        self._writer.write_batch(self._record_batch.from_pydict(row, schema=self._schema))

    @classmethod
    def names(cls, _: int) -> Iterator[str]:
        """Yield the names of all files that any number of recordings take."""
        yield cls.name


class TokensNpy(CsvFile):
    """Token sequences as .npy files named by number, and tokens.csv, which tells whose each is."""

    name: ClassVar = "tokens.csv"

    def __init__(self, folder: Path, frame_s: float) -> None:
        super().__init__(folder / self.name, ("tokens", "frame_s", "file"))
        self._folder, self._frame_s, self._number = folder, frame_s, 0

    def write(self, path: str, tokens: NDArray[np.int32]) -> None:
        """Write a recording's tokens: int32 [n]."""
        import numpy

        name = self.numbered(self._number)
        self._number += 1
        with AtomicFile(self._folder / name, mode="wb") as file:
            numpy.save(file.stream, tokens, allow_pickle=False)
        self._write_row((name, f"{self._frame_s:g}", path))

    @classmethod
    def names(cls, n_recordings: int) -> Iterator[str]:
        """Yield the names of all files that so many recordings take at most."""
        yield cls.name
        yield from map(cls.numbered, range(n_recordings))

    @staticmethod
    def numbered(number: int) -> str:
        """Return the name of a recording's file."""
        return f"{number:06d}.npy"
