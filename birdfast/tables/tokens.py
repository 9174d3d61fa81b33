"""Tables of tokens: a recording as the sequence of its frames' tokens."""

from __future__ import annotations

import csv
import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar

from .. import atomicfile
from ..atomicfile import RANDOM, AtomicFile
from ..errors import ConfigError
from .files import CsvFile, ParquetFile, escaped, read_csv

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NUMBERED = re.compile(r"[0-9]{6,}\.npy")
ROOM = re.compile(rf"\.tokens\.{RANDOM}\.part")


class TokensParquet(ParquetFile):
    """Token sequences, a row a recording: file, frame_s (from token to token), tokens."""

    name: ClassVar = "tokens.parquet"
    header: ClassVar = ("file", "frame_s", "tokens")

    def __init__(self, folder: Path, frame_s: float, *, csv_safe: bool = False) -> None:
        import pyarrow

        types = (pyarrow.string(), pyarrow.float64(), pyarrow.list_(pyarrow.int32()))
        super().__init__(folder / self.name, dict(zip(self.header, types, strict=True)))
        self._record_batch, self._frame_s = pyarrow.RecordBatch, frame_s

    @classmethod
    def is_in(cls, folder: Path) -> bool:
        """Whether an earlier one lies in a folder."""
        import pyarrow.parquet

        try:
            return tuple(pyarrow.parquet.read_schema(folder / cls.name).names) == cls.header
        except (OSError, pyarrow.ArrowException):
            return False

    def write(self, path: str, tokens: NDArray[np.int32]) -> None:
        """Append a recording's tokens: int32 [n]."""
        row = {"file": [escaped(path)], "frame_s": [self._frame_s], "tokens": [tokens]}
        self._writer.write_batch(self._record_batch.from_pydict(row, schema=self._schema))


class TokensNpy(CsvFile):
    """Token sequences as .npy files named by number, and tokens.csv, which tells whose each is.

    None gets its name before all are whole. Then those that an earlier tokens.csv names go, and it itself,
    before new ones come: at no moment does a table name what is another recording's.
    """

    name: ClassVar = "tokens.csv"
    header: ClassVar = ("tokens", "frame_s", "file")

    def __init__(self, folder: Path, frame_s: float, *, csv_safe: bool = False) -> None:
        super().__init__(folder / self.name, self.header, csv_safe=csv_safe)
        self._folder, self._frame_s = folder, frame_s
        self._room: Path | None = None
        self._places: list[Path] = []

    @classmethod
    def is_in(cls, folder: Path) -> bool:
        """Whether an earlier one lies in a folder."""
        return _listed(folder) is not None

    def write(self, path: str, tokens: NDArray[np.int32]) -> None:
        """Write a recording's tokens: int32 [n]."""
        import numpy

        if self._room is None:
            self._room = Path(tempfile.mkdtemp(prefix=".tokens.", suffix=".part", dir=self._folder))
        place = self._room / _name(len(self._places))
        with AtomicFile(place, mode="wb") as file:
            numpy.save(file.stream, tokens, allow_pickle=False)
        self.write_row((place.name, f"{self._frame_s:g}", path))
        self._places.append(place)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._name_all()
            super().__exit__(kind, error, trace)
        finally:
            if self._room is not None:
                shutil.rmtree(self._room, ignore_errors=True)

    def _name_all(self) -> None:
        """Put the sequences in the place of the earlier ones; where that fails, the table gets no name."""
        try:
            self.finish()
            earlier = _listed(self._folder)
            for name in earlier or ():
                if not (self._folder / name).is_dir():
                    (self._folder / name).unlink(missing_ok=True)
            if earlier is not None:
                self.path.unlink()
            for path in self._places:
                path.replace(self._folder / path.name)
        except BaseException as error:
            super().__exit__(type(error), error, error.__traceback__)
            raise


KINDS: dict[str, type[TokensParquet] | type[TokensNpy]] = {"parquet": TokensParquet, "npy": TokensNpy}


def kinds(folder: Path, wanted: str) -> list[str]:
    """Return the kinds of tables to write: the one that is wanted, and one that an earlier run left."""
    return [kind for kind, table in KINDS.items() if kind == wanted or table.is_in(folder)]


def check(folder: Path, kinds: Iterable[str], n_recordings: int) -> None:
    """Refuse a folder in which a sequence would replace what an earlier run did not write.

    Raises
    ------
    ConfigError
        The message names the file.
    """
    ours = set(_listed(folder) or ())
    for number in range(n_recordings if "npy" in kinds else 0):
        path = folder / _name(number)
        atomicfile.check_replaceable(path)
        if os.path.lexists(path) and path.name not in ours:
            raise ConfigError(f"{path}: is there, and no earlier tokens.csv names it; take another folder")


def tidy(folder: Path) -> None:
    """Remove the sequences of a run that was killed before they had their names; the folder must be ours."""
    for room in folder.iterdir():
        if ROOM.fullmatch(room.name) and room.is_dir() and not room.is_symlink():
            atomicfile.tidy(room, NUMBERED.pattern)
            for path in room.iterdir():
                if NUMBERED.fullmatch(path.name):
                    path.unlink()
            with suppress(OSError):  # what is not ours lies in it
                room.rmdir()


def _name(number: int) -> str:
    return f"{number:06d}.npy"


def _listed(folder: Path) -> list[str] | None:
    """Return the sequences that a folder's tokens.csv names; None if there is none that we wrote."""
    try:
        rows = read_csv(folder / TokensNpy.name, ConfigError)
        if tuple(next(rows, ())) != TokensNpy.header:
            return None
        return [row[0] for row in rows if row and NUMBERED.fullmatch(row[0])]
    except (ConfigError, csv.Error, UnicodeError):
        return None
