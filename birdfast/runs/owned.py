"""Owned: which of the lists that may lie in a store are those of a folder here.

Of a put that failed nobody knows whether its object is there, and of several that failed, which. So each list
is written down before it is put, and all count as ours until the folder goes on with another's.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from contextlib import suppress
from pathlib import Path

from .. import sources
from ..atomicfile import AtomicFile
from ..errors import ConfigError


class Owned:
    """What is written down of a folder's lists.

    Parameters
    ----------
    file : path
        Where; one that is not as we wrote it counts as none.

    Attributes
    ----------
    run : str
        See `commits.Commit`.
    """

    def __init__(self, file: Path) -> None:
        self._file, self.run, self._lists = file, "", list[str]()
        with suppress(ValueError, TypeError, LookupError):
            if file.exists():
                told = json.loads(sources.text(file, ConfigError))
                self.run, self._lists = str(told["run"]), list(told["lists"])

    def has(self, text: bytes) -> bool:
        """Whether a list is the folder's: whatever lies there was heard here, or is known here."""
        return _digest(text) in self._lists

    def add(self, text: bytes) -> None:
        """Write down a list that is about to be put."""
        self._write(self.run, [*self._lists, _digest(text)])

    def follow(self, run: str, text: bytes | None) -> None:
        """Write down that the folder has gone on with a list that lies there, and what it tells of."""
        self._write(run, [] if text is None else [_digest(text)])

    def begin_anew(self, text: bytes | None) -> None:
        """Write down that nothing that lies there counts any more."""
        self.follow(secrets.token_hex(8), text)

    def _write(self, run: str, lists: list[str]) -> None:
        with AtomicFile(self._file, mode="w", encoding="ascii") as file:
            json.dump({"run": run, "lists": lists}, file.stream)
        self.run, self._lists = run, lists


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()
