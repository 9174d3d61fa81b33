"""Shares of a run for several machines: which files are whose, told by their names alone."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from typing import NamedTuple

from ..errors import ConfigError


class Shard(NamedTuple):
    """The share `number` of `of`, counted from 1."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def parse(text: str) -> Shard:
    """Read "2/4".

    Raises
    ------
    ConfigError
        It is no such pair, or the first number is not within the second.
    """
    number, _, of = text.partition("/") if isinstance(text, str) else ("", "", "")
    if number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of):
        return Shard(int(number), int(of))
    raise ConfigError(f"shard: {text!r} does not fit; it takes 1/4, 2/4, ... 4/4")


def share(paths: Sequence[str], shard: Shard) -> list[int]:
    """Return the places of a share's files in the list of all.

    By a hash of the path below the folder that all share, so that machines agree which see the
    folder at different places.
    """
    return [place for place, name in enumerate(names(paths)) if _hash(name) % shard.of == shard.number - 1]


def names(paths: Sequence[str]) -> list[str]:
    """Return paths below the folder that all share."""
    try:
        common = os.path.commonpath({os.path.dirname(path) for path in paths})  # noqa: PTH120
    except ValueError:  # some of them absolute, some not
        return list(paths)
    return [os.path.relpath(path, common or os.curdir) for path in paths]


def digest(paths: Sequence[str]) -> str:
    """Return what tells one list of files from another: their number and a hash of their names."""
    listed = "\0".join(names(paths)).encode("utf-8", "surrogateescape")
    return f"{len(paths)} files, {hashlib.blake2b(listed, digest_size=8).hexdigest()}"


def check_all(shards: Sequence[Shard]) -> None:
    """Refuse shares that are not one whole.

    Raises
    ------
    ConfigError
        One is missing, there twice, or of another division; the message says which.
    """
    if len({shard.of for shard in shards}) > 1:
        raise ConfigError(f"shards of different divisions: {', '.join(map(str, shards))}")
    missing = {Shard(number, shards[0].of) for number in range(1, shards[0].of + 1)} - set(shards)
    if missing:
        raise ConfigError(f"shards are missing: {', '.join(map(str, sorted(missing)))}")
    if len(set(shards)) < len(shards):
        raise ConfigError(f"a shard is there twice: {', '.join(map(str, sorted(shards)))}")


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).digest())
