"""Patterns: which objects a URL with * means, and in which folders of their store they may lie."""

from __future__ import annotations

import re

from ..errors import ConfigError

SIGNS = re.compile(r"[*?[]")
ANY_DEPTH = "**"


def base(path: str) -> str:
    """Return the folder below which all lies that fits, with its slash; "" where it is the store's first."""
    literal = SIGNS.split(path)[0]
    return literal[: literal.rfind("/") + 1]


class Pattern:
    """What fits a path with *, ?, [...] and **, as fsspec reads them.

    Parameters
    ----------
    url : str
        Whose path it is, for words.
    path : str

    Attributes
    ----------
    base : str
        As `base`.
    begins : str
        What the names of all begin with that fit, their bucket at least.

    Raises
    ------
    ConfigError
        It has ** in a part of a path, where it stands for whole folders.
    """

    def __init__(self, url: str, path: str) -> None:
        self.base, literal = base(path), SIGNS.split(path)[0]
        self.begins = literal if "/" in literal else path
        *folders, _ = path[len(self.base) :].split("/")
        self._is_deep = ANY_DEPTH in path
        if ANY_DEPTH in folders:
            folders = folders[: folders.index(ANY_DEPTH)]
        try:
            self._fits, *self._parts = map(_compiled, (path, *folders))
        except ValueError as error:
            raise ConfigError(f"{url}: ** stands for whole folders, /**/ or at the end") from error

    def fits(self, name: str) -> bool:
        """Whether an object is meant."""
        return self._fits.match(name) is not None

    def leads_through(self, folder: str) -> bool:
        """Whether anything that is meant may lie in a folder: not in a hidden one."""
        below = folder.rstrip("/").removeprefix(self.base).split("/")
        if below[-1].startswith(".") or (len(below) > len(self._parts) and not self._is_deep):
            return False
        return all(part.match(name) for part, name in zip(self._parts, below, strict=False))


def _compiled(pattern: str) -> re.Pattern[str]:
    from fsspec.utils import glob_translate

    return re.compile(glob_translate(pattern))
