"""Remembering: where the files of a question are, and what the small ones hold when it is asked."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from .. import sources
from ..errors import ConfigError
from ..sources.remembered import Remembered


def where(name: str, told: str) -> str | None:
    """Return where a file of a question is now; None for the language that models' labels are in.

    Raises
    ------
    ConfigError
        It is looked for, and nowhere.
    """
    if name in ("species", "exclude"):
        from ..species import lists

        return str(lists.file_of(Path(told)))
    if name == "language":
        from ..species import languages

        named = languages.find(told)
        return None if named is None else str(named)
    return told


def as_it_is(file: sources.Place, most_bytes: int) -> Remembered | None:
    """Return what a file holds now, if it is a text of so many bytes at most.

    Raises
    ------
    ConfigError
        It cannot be read.
    """
    if isinstance(file, Remembered):
        return file
    data = sources.head(file, most_bytes + 1, ConfigError)
    with suppress(UnicodeDecodeError):  # whoever reads it says what is wrong with it
        return Remembered(str(file), data.decode()) if len(data) <= most_bytes else None
    return None
