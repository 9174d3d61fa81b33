"""A file of lines that are there as soon as they are written, however the program ends."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import IO, Self

from ..errors import ConfigError, OutputError


class LineFile:
    """A file that grows by whole lines, as a log does; a context manager.

    Parameters
    ----------
    path : path
        Its folder is made if it is missing.
    append : bool
        Go on behind what is there.

    Raises
    ------
    ConfigError
        It cannot be written, or has something in it, without `append`.
    """

    def __init__(self, path: Path, *, append: bool) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = path.open("ab", buffering=0)
        except OSError as error:
            raise ConfigError(f"{path}: cannot be written ({error.strerror})") from error
        if self._file.tell() and not append:
            self._file.close()
            raise ConfigError(f"{path}: has something in it; --append goes on behind it")

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
        data = lines.encode()
        try:
            while data:
                data = data[self._file.write(data) :]
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written ({error.strerror})") from error
