"""Standard streams that may be closed, full or gone: talking never decides how a command ends.

What a command prints on standard output is its result, so that a full disk there is told; what it says on
standard error is not.
"""

from __future__ import annotations

import io
import os
import sys
from typing import IO, Any, NoReturn

from ..errors import OutputError


def prepare() -> None:
    """Open what was closed, or the next file would get its number; and stand between us and the streams."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
    if sys.stdout is None:
        sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", closefd=False))
    if sys.stderr is None:
        sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb", closefd=False))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names need not be text
        sys.stdout = _Results(sys.stdout)
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr = _Talk(sys.stderr)


def silence() -> None:
    """Point the output nowhere: Python writes what is left of it at its end, and would fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(nowhere, number)


class _Stream(io.TextIOBase):
    """A stream that does as another does, but for what happens when it cannot be written."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            self.fail(error)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self.fail(error)

    def fail(self, error: OSError) -> None:
        raise NotImplementedError

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()


class _Results(_Stream):
    def fail(self, error: OSError) -> NoReturn:
        if isinstance(error, BrokenPipeError):
            raise error
        raise OutputError(f"standard output: cannot be written ({error.strerror})") from error


class _Talk(_Stream):
    def fail(self, error: OSError) -> None:
        """Go on without a word: there is nobody who could hear why."""
