"""A file of lines that are there as soon as they are written, however the program ends."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from .. import atomicfile
from ..errors import ConfigError, OutputError


class LineFile:
    """A file that grows by whole lines, as a log does; a context manager.

    Parameters
    ----------
    path : path
        Its folder is made if it is missing.
    append : bool
        Go on behind what is there.

    Attributes
    ----------
    is_torn : bool
        The last line that is there has no end, as a full disk or a power cut leaves it. It stays as it is:
        what is written next begins a line of its own.

    Raises
    ------
    ConfigError
        It cannot be written, is no regular file, or has something in it, without `append`.
    """

    def __init__(self, path: Path, *, append: bool) -> None:
        self.path = path
        atomicfile.check_replaceable(path)
        try:
            atomicfile.make_folder(path.parent)
            self._file: IO[bytes] = path.open("a+b", buffering=0)
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written ({error.strerror})") from error
        n_bytes = self._file.seek(0, os.SEEK_END)
        if n_bytes and not append:
            self._file.close()
            raise ConfigError(f"{path}: has something in it; --append goes on behind it")
        self._file.seek(max(0, n_bytes - 1))
        self.is_torn = self._file.read(1) not in (b"", b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, lines: str) -> None:
        """Write whole lines.

        Raises
        ------
        OutputError
            The disk takes no more; of the last line a part may be there.
        """
        data = b"\n" * self.is_torn + lines.encode()
        self.is_torn = False
        try:
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written ({error.strerror})") from error
