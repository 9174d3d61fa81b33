"""The one voice: what is said on the standard streams, which may be closed, full or gone.

`say` and `report` talk, and talking never decides how a command ends; `answer` gives what was asked for, and
whether that can be written does. Names are strangers' words: what would move a terminal's cursor or turn its
text around is shown as an escape.
"""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any, NoReturn

from .errors import OutputError

OUT, ERR = 1, 2  # the numbers of the streams that are written


def hold() -> None:
    """Open standard streams that are closed on nothing: else the next file has their numbers, and their text.

    A closed stream is the lowest number that is free, so it is the one that is opened.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def prepare() -> None:
    """Stand between this process and its streams, whoever writes; before anything else is opened."""
    hold()
    if sys.stdout is None:
        sys.stdout = io.TextIOWrapper(os.fdopen(OUT, "wb", closefd=False))
    if sys.stderr is None:
        sys.stderr = io.TextIOWrapper(os.fdopen(ERR, "wb", closefd=False))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a stream's encoding may not have every letter
        sys.stdout = _Results(sys.stdout)
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr = _Talk(sys.stderr)
    tell_asides(say)


def silence(*numbers: int) -> None:
    """Point streams nowhere: Python writes what is left of them at its end, and would fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in numbers:
        os.dup2(nowhere, number)
    os.close(nowhere)


def say(*lines: str) -> None:
    """Say lines to whoever waits, on standard error."""
    with suppress(OSError, ValueError):  # a program's own stream may be closed, too
        _put(sys.stderr, lines)


def aside(line: str) -> None:
    """Say what whoever waits waits for: to whom it was told to (`tell_asides`), or as a RuntimeWarning."""
    _hearers[-1](line)


def tell_asides(hearer: Callable[[str], object]) -> None:
    """Let another hear asides in this process from now on: a terminal, or a worker's parent."""
    _hearers[:] = [hearer]


def report(*lines: str) -> None:
    """Say on standard output what was done, when it is done whether or not anybody hears."""
    try:
        _put(sys.stdout, lines)
    except (OSError, OutputError):
        silence(OUT)


def answer(*lines: str) -> None:
    """Print what was asked for on standard output.

    Raises
    ------
    OutputError
        The stream takes no more.
    BrokenPipeError
        Nobody reads any more.
    """
    _put(sys.stdout, lines)


def _warn(line: str) -> None:
    warnings.warn(line, RuntimeWarning, stacklevel=3)


_hearers: list[Callable[[str], object]] = [_warn]  # one


def shown(text: str) -> str:
    """Return text on one line, and fit for a terminal: what is not printed as a sign stands there escaped."""
    return "".join(sign if sign.isprintable() else _escape(sign) for sign in text)


def _escape(sign: str) -> str:
    return sign.encode("unicode_escape").decode("ascii")


def _put(stream: IO[str] | None, lines: tuple[str, ...]) -> None:
    if stream is not None:
        stream.write("".join(f"{shown(line)}\n" for line in lines))
        stream.flush()


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
