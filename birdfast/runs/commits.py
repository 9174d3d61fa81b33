"""Commits: what an object beside the results in a store says of them.

It is put last. What is about to be replaced is taken from its list first, so no file that it lists is ever
another one than it says, whenever the run that puts them is killed.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

from .. import sources
from .._version import __version__
from ..errors import ConfigError, OutputError
from ..sources import deposits

NAME = "birdfast.json"
FORMAT = 1
SHA256 = re.compile("[0-9a-f]{64}")


class Content(NamedTuple):
    """What a file's content is known by."""

    bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Self:
        """Return a file's; OutputError if it cannot be read."""
        with sources.opened(path, OutputError, sys.maxsize) as file:
            return cls(path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


@dataclasses.dataclass(frozen=True)
class Commit:
    """What a store has of a run.

    Attributes
    ----------
    run : str
        Another one for each --force, which what was heard before does not go on with.
    files : dict of str to Content
        What is there whole, by its name below the results' URL.
    changing : set of str
        What may be there, whole or not, of this content or of another.
    complete : bool
        Whether the tables are those of all files.
    """

    run: str = ""
    files: Mapping[str, Content] = dataclasses.field(default_factory=dict)
    changing: frozenset[str] = frozenset()
    complete: bool = False

    @property
    def names(self) -> set[str]:
        """All that may be there."""
        return {*self.files, *self.changing}

    def text(self) -> bytes:
        """Return it as it is put: no two are the same, so each tells who put it."""
        told = {
            "format": FORMAT,
            "written_by": f"birdfast {__version__}",
            "complete": self.complete,
            "run": self.run,
            "put": secrets.token_hex(8),
            "files": {name: self.files[name]._asdict() for name in sorted(self.files)},
            "changing": sorted(self.changing),
        }
        return (json.dumps(told, indent=1) + "\n").encode()

    @classmethod
    def of(cls, url: str, text: bytes) -> Self:
        """Read what was put.

        Raises
        ------
        ConfigError
            It is none of ours.
        """
        try:
            told: dict[str, Any] = json.loads(text)
            if told["format"] != FORMAT:
                raise ConfigError(f"{url}: of another birdfast (format {told['format']}, ours {FORMAT})")
            files = {name: Content(int(one["bytes"]), one["sha256"]) for name, one in told["files"].items()}
            changing, is_complete = frozenset(told["changing"]), told["complete"] is True
            found = cls(str(told.get("run", "")), files, changing, is_complete)
            digests = [one.sha256 for one in files.values()]
            if not all(map(SHA256.fullmatch, digests)) or not all(map(_is_below, found.names)):
                raise ValueError
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            raise ConfigError(f"{url}: no list of results as birdfast writes it") from error
        return found


def read(url: str) -> bytes | None:
    """Return what results' commit says now; None where there is none. StoreError as `deposits.read`."""
    return deposits.read(f"{url}/{NAME}", sources.TABLE_BYTES)


def _is_below(name: str) -> bool:
    """Whether a name is of something below the results, and not of their list."""
    return name != NAME and not {"", ".", ".."} & {*name.split("/")}
