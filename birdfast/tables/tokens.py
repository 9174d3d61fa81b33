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

from .. import atomicfile, sources
from ..atomicfile import RANDOM, AtomicFile
from ..errors import ConfigError
from .files import CsvFile, ParquetFile, escaped, read_csv

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NUMBERED = re.compile(r"[0-9]{6,}\.npy")
NAMING = ".tokens.naming"  # the sequences that are ours while no tokens.csv says so
NAMING_HEADER = ("sequence",)
MAGIC = b"PAR1"  # what a Parquet file begins with
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
        return cls._columns(folder) == cls.header

    @classmethod
    def is_damaged(cls, folder: Path) -> bool:
        """Whether what has this name in a folder may be ours, and cannot be read: cut off, or empty."""
        if cls._columns(folder) is not None:
            return False
        return MAGIC.startswith(sources.head(folder / cls.name, len(MAGIC), ConfigError))

    @classmethod
    def _columns(cls, folder: Path) -> tuple[str, ...] | None:
        import pyarrow.parquet

        try:
            return tuple(pyarrow.parquet.read_schema(folder / cls.name).names)
        except (OSError, pyarrow.ArrowException):
            return None

    def write(self, path: str, tokens: NDArray[np.int32]) -> None:
        """Append a recording's tokens: int32 [n]."""
        row = {"file": [escaped(path)], "frame_s": [self._frame_s], "tokens": [tokens]}
        self._writer.write_batch(self._record_batch.from_pydict(row, schema=self._schema))


class TokensNpy(CsvFile):
    """Token sequences as .npy files named by number, and tokens.csv, which tells whose each is.

    None gets its name before all are whole. Then earlier tables go (`make_way`), and the sequences that they
    name, before new ones come: at no moment does a table name what is another recording's. What goes and
    comes is written down first, under `NAMING`: so where that breaks off, be it by a kill, the next run knows
    its own.
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
        """Whether an earlier one lies in a folder, be it one whose naming broke off."""
        return _ours(folder) is not None

    @classmethod
    def is_damaged(cls, folder: Path) -> bool:
        """Whether what has this name in a folder may be ours, and cannot be read: no CSV, or empty."""
        try:
            return not sum(bool(row) for row in read_csv(folder / cls.name, ConfigError))
        except (ConfigError, csv.Error, UnicodeError):
            return True

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
            if kind is None:
                (self._folder / NAMING).unlink(missing_ok=True)
        finally:
            if self._room is not None:
                shutil.rmtree(self._room, ignore_errors=True)

    def announce(self) -> None:
        """Write down which sequences go and which come."""
        earlier, new = _ours(self._folder) or [], [path.name for path in self._places]
        with CsvFile(self._folder / NAMING, NAMING_HEADER) as naming:
            for name in dict.fromkeys([*earlier, *new]):
                naming.write_row([name])

    def _name_all(self) -> None:
        """Put the sequences in the place of the earlier ones; where that fails, the table gets no name."""
        try:
            for name in _named(self._folder) or ():
                if not (self._folder / name).is_dir():
                    (self._folder / name).unlink(missing_ok=True)
            for path in self._places:
                path.replace(self._folder / path.name)
        except BaseException as error:
            super().__exit__(type(error), error, error.__traceback__)
            raise


KINDS: dict[str, type[TokensParquet] | type[TokensNpy]] = {"parquet": TokensParquet, "npy": TokensNpy}


def kinds(folder: Path, wanted: str) -> list[str]:
    """Return the kinds of tables to write: the one that is wanted, and one that an earlier run left.

    Raises
    ------
    ConfigError
        A table of another kind is there that cannot be read: it would stay, and might say something else.
    """
    for kind, table in KINDS.items():
        if kind != wanted and (folder / table.name).is_file() and table.is_damaged(folder):
            raise ConfigError(
                f"{folder / table.name}: damaged, so nobody can tell what it says;"
                " remove it, or take another folder"
            )
    return [kind for kind, table in KINDS.items() if kind == wanted or table.is_in(folder)]


def make_way(coming: Iterable[AtomicFile]) -> None:
    """Remove the earlier tables of a folder, once those are whole that take their places.

    Until the first of the new ones has its name none is there, so at no moment do tables of two runs lie
    together, wherever this is broken off.
    """
    tables = list(coming)
    for table in tables:
        table.finish()
    for table in tables:
        if isinstance(table, TokensNpy):
            table.announce()
    for table in tables:
        table.path.unlink(missing_ok=True)


def check(folder: Path, kinds: Iterable[str], n_recordings: int) -> None:
    """Refuse a folder in which a sequence would replace what an earlier run did not write.

    Raises
    ------
    ConfigError
        The message names the file.
    """
    ours = set(_ours(folder) or ())
    for number in range(n_recordings if "npy" in kinds else 0):
        path = folder / _name(number)
        atomicfile.check_replaceable(path)
        if os.path.lexists(path) and path.name not in ours:
            raise ConfigError(f"{path}: is there, and no earlier tokens.csv names it; take another folder")


def tidy(folder: Path) -> None:
    """Remove the sequences of a run that was killed before they had their names; the folder must be ours.

    Those of one that was killed while they got them stay until others take their place.
    """
    if _listed(folder / TokensNpy.name, TokensNpy.header) is not None and _named(folder) is not None:
        (folder / NAMING).unlink()
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


def _ours(folder: Path) -> list[str] | None:
    """Return the sequences in a folder that we wrote; None if none of our tables is there, nor was begun.

    A tokens.csv has its name only before the first and after the last of the sequences is touched, so what
    it says goes before `NAMING`.
    """
    listed = _listed(folder / TokensNpy.name, TokensNpy.header)
    return _named(folder) if listed is None else listed


def _named(folder: Path) -> list[str] | None:
    return _listed(folder / NAMING, NAMING_HEADER)


def _listed(path: Path, header: tuple[str, ...]) -> list[str] | None:
    """Return the sequences that a table of ours names in its first column; None if there is none."""
    try:
        rows = read_csv(path, ConfigError)
        if tuple(next(rows, ())) != header:
            return None
        return [row[0] for row in rows if row and NUMBERED.fullmatch(row[0])]
    except (ConfigError, csv.Error, UnicodeError):
        return None
