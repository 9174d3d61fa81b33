"""Numbers, and what has them, as people say them."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from itertools import islice


def typed(dtype: str, shape: Sequence[int | None]) -> str:
    """Return an array's type and shape: None is a length that anybody may choose."""
    return f"{dtype} [{', '.join('any' if length is None else str(length) for length in shape)}]"


def extra_hint(name: str) -> str:
    """Return how to get the packages of an extra of birdfast.

    Of what is installed pip takes the extra's list from there, so that it does not matter whence it came:
    from a package index, a wheel or a clone.
    """
    from importlib import metadata

    try:
        metadata.distribution("birdfast")
    except metadata.PackageNotFoundError:
        return f"from the folder of birdfast: {install_hint(f'.[{name}]')}"
    return install_hint(f"birdfast[{name}]")


def install_hint(package: str) -> str:
    """Return the command that installs a package for the Python that runs this, as it can be typed here."""
    import shlex
    import shutil

    pip, own = shutil.which("pip"), os.path.dirname(sys.executable)  # noqa: PTH120 - links are not followed
    if pip is not None and os.path.dirname(pip) == own:  # noqa: PTH120
        return f"pip install {shlex.quote(package)}"
    near = os.path.relpath(sys.executable)
    python = sys.executable if near.startswith(os.pardir) else near
    return f"{shlex.quote(python)} -m pip install {shlex.quote(package)}"


def counted(number: int, noun: str) -> str:
    """Return "1 file", "2,000 files"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def some(lines: Collection[str], what: str, most: int = 3) -> Iterator[str]:
    """Yield the first of several lines, and how many more of what there are."""
    yield from islice(lines, most)
    if len(lines) > most:
        yield f"and of {counted(len(lines) - most, f'more {what}')}"


def hours(seconds: float) -> str:
    """Return "4.2 s", "3 min 07 s", "12,345.6 h"."""
    return f"{seconds / 3600:,.1f} h" if seconds >= 3600 else lasting(seconds)


def exact(seconds: float) -> str:
    """Return what somebody chose, in the largest unit that it fills: 36 s, 1.5 h."""
    size, unit = next((one for one in ((3600, "h"), (60, "min")) if seconds >= one[0]), (1, "s"))
    return f"{seconds / size:.6g} {unit}"


def lasting(seconds: float) -> str:
    """Write seconds as people say them: 4.2 s, 3 min 07 s, 5 h 12 min."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def width(text: str) -> int:
    """Return the columns of a terminal that a text takes: two a wide sign (UAX #11), none an accent."""
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        for sign in text
    )


def fitted(text: str, columns: int) -> str:
    """Return a text filled with blanks to so many columns; of a longer one the beginning, and an ellipsis."""
    if width(text) > columns:
        while text and width(text) > columns - 1:
            text = text[:-1]
        text += "\N{HORIZONTAL ELLIPSIS}"
    return text + " " * (columns - width(text))


def folded(line: str, columns: int) -> Iterator[str]:
    """Yield a line in parts that fit the columns, broken between words; one with a blank before it whole."""
    if line.startswith(" ") or width(line) <= columns:
        yield line
        return
    words = line.split(" ")
    part = words[0]
    for word in words[1:]:
        if width(part) + 1 + width(word) > columns:
            yield part
            part = f"  {word}"
        else:
            part += f" {word}"
    yield part
