"""The one voice: what is said on the standard streams, which may be closed, full or gone.

`say` and `report` talk, and talking never decides how a command ends; `answer` gives what was asked for, and
whether that can be written does. Names are strangers' words: what would move a terminal's cursor or turn its
text around is shown as an escape.

On a terminal lines are folded to its width, but for those that begin with a blank: a table's rows, commands
to be copied. There they have colour, too, unless NO_COLOR is set; FORCE_COLOR gives it everywhere.
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
from .words import folded

OUT, ERR = 1, 2  # the numbers of the streams that are written
USUAL_COLUMNS = 80
STYLES = {"heading": "1", "bad": "31", "quiet": "2", "command": "36"}  # bold, red, faint, cyan: ECMA-48, SGR


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


def say(*lines: str, style: str = "") -> None:
    """Say lines to whoever waits, on standard error; `style` is one of `STYLES`, "" is plain."""
    with suppress(OSError, ValueError):  # a program's own stream may be closed, too
        _put(sys.stderr, lines, columns(sys.stderr), style)


def aside(line: str) -> None:
    """Say what whoever waits waits for: to whom it was told to (`tell_asides`), or as a RuntimeWarning."""
    _hearers[-1](line)


def tell_asides(hearer: Callable[[str], object]) -> None:
    """Let another hear asides in this process from now on: a terminal, or a worker's parent."""
    _hearers[:] = [hearer]


def report(*lines: str) -> None:
    """Say on standard output what was done, when it is done whether or not anybody hears."""
    try:
        _put(sys.stdout, lines, columns(sys.stdout))
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


def data(lines: str) -> None:
    """Print lines for programs on standard output, in UTF-8 as they are; on a terminal as `answer` does.

    Raises
    ------
    OutputError, BrokenPipeError
        As `answer`.
    """
    if columns(sys.stdout) is not None:
        answer(*lines.splitlines())
    elif sys.stdout is not None:
        if isinstance(sys.stdout, _Results):
            sys.stdout.reconfigure(encoding="utf-8", newline="")
        sys.stdout.write(lines)
        sys.stdout.flush()


def _warn(line: str) -> None:
    warnings.warn(line, RuntimeWarning, stacklevel=3)


_hearers: list[Callable[[str], object]] = [_warn]  # one


def shown(text: str) -> str:
    """Return text on one line, and fit for a terminal: what is not printed as a sign stands there escaped."""
    return "".join(sign if sign.isprintable() else _escape(sign) for sign in text)


def _escape(sign: str) -> str:
    return sign.encode("unicode_escape").decode("ascii")


def columns(stream: IO[str] | None) -> int | None:
    """Return how wide a stream's terminal is, COLUMNS before all; None where it has none."""
    if stream is None or not stream.isatty():
        return None
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told):
        return int(told)
    try:
        return os.get_terminal_size(stream.fileno()).columns or USUAL_COLUMNS  # 0: it does not know
    except OSError:
        return USUAL_COLUMNS


def is_coloured(stream: IO[str]) -> bool:
    """Whether a stream takes colour: NO_COLOR says no, then FORCE_COLOR yes, else its terminal says."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (stream.isatty() and os.environ.get("TERM") != "dumb")


def _put(stream: IO[str] | None, lines: tuple[str, ...], width: int | None = None, style: str = "") -> None:
    if stream is None:
        return
    begin, end = (f"\x1b[{STYLES[style]}m", "\x1b[0m") if style and is_coloured(stream) else ("", "")
    safe = (shown(line) for line in lines)
    parts = (part for line in safe for part in ([line] if width is None else folded(line, width)))
    stream.write("".join(f"{begin}{part}{end}\n" for part in parts))
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
