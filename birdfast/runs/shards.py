"""Shares of a run for several machines: which files are whose, told by their names, or their sizes too."""

from __future__ import annotations

import hashlib
import heapq
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from .. import inputs
from ..config import By
from ..errors import ConfigError, StoreError
from ..journal import stamp
from ..sources import stores
from ..words import counted

MOST = 10_000_000  # far more shares than any array has tasks


class Shard(NamedTuple):
    """The share `number` of `of`, counted from 1; all of about as many files, or about as many bytes."""

    number: int
    of: int
    by: By = "hash"

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def parse(text: str, by: By = "hash") -> Shard:
    """Read "2/4".

    Raises
    ------
    ConfigError
        It is no such pair, or the first number is not within the second.
    """
    number, _, of = text.partition("/") if isinstance(text, str) else ("", "", "")
    why = ""
    if is_number(number) and is_number(of):
        if 1 <= int(number) <= int(of):
            return Shard(int(number), int(of), by)
        why = f" ({number} is more than {of})" if int(number) else " (shares count from 1)"
    raise ConfigError(
        f"shard: {text!r} does not fit{why}; it takes 1/4, 2/4, ... 4/4, and {MOST:,} at most, auto/N in a"
        " task of a job array, or none for all files"
    )


def is_number(text: str) -> bool:
    """Whether a text is a number that a share, or an array's task, may have."""
    return text.isascii() and text.isdecimal() and len(text) <= len(str(MOST)) and int(text) <= MOST


def sizes_of(paths: Sequence[str], shard: Shard | None) -> list[int] | None:
    """Return how large files are, in bytes, where that decides whose they are; 0 of one that is not there.

    Raises
    ------
    ConfigError
        A store does not tell.
    """
    if shard is None or shard.by == "hash":
        return None
    stamp.look_up(paths)
    for path in paths:
        if stores.is_url(path) and stamp.told(os.fsencode(path)) is None:
            raise ConfigError(
                f"{path}: its store does not tell how large it is, which decides whose it is; run again, or"
                " give shares by hash (--shard-by hash)",
                is_unavailable=_may_answer_later(path),
            )
    return [inputs.size_bytes(path) or 0 for path in paths]


def _may_answer_later(url: str) -> bool:
    """Ask a store once more, and return whether it is silent, or speaks again, rather than refuses."""
    try:
        stores.head(url, 1, n_tries=1)
    except StoreError as error:
        return error.is_unavailable
    return True


def share(paths: Sequence[str], shard: Shard, sizes: Sequence[int] | None = None) -> list[int]:
    """Return the places of a share's files in the list of all.

    By a hash of the path below the folder that all share, so that machines agree which see the
    folder at different places; or by `sizes`, the largest first, each to the share that has least.
    """
    if sizes is None:
        named = enumerate(names(paths))
        return [place for place, name in named if _hash(name) % shard.of == shard.number - 1]
    whole = [*names(paths)]
    least = [(0, number) for number in range(1, shard.of + 1)]
    own = list[int]()
    for place in sorted(range(len(paths)), key=lambda place: (-sizes[place], whole[place])):
        n_bytes, number = least[0]
        # a file of no bytes takes its time, too
        heapq.heapreplace(least, (n_bytes + max(1, sizes[place]), number))
        if number == shard.number:
            own.append(place)
    return sorted(own)


def told(shard: Shard, n_files: int, of: int) -> str:
    """Return in words how many of all files are a share's."""
    own = f"{n_files:,} of" if n_files else "none of the"
    return f"share {shard}: {own} {counted(of, 'file')}"


def names(paths: Sequence[str]) -> Iterator[str]:
    """Yield paths below the folder that all share; a list of a million would take as much memory again."""
    try:
        common = os.path.commonpath({os.path.dirname(path) for path in paths})  # noqa: PTH120
    except ValueError:  # some of them absolute, some not
        yield from paths
    else:
        yield from (os.path.relpath(path, common or os.curdir) for path in paths)


def digest(paths: Sequence[str], sizes: Sequence[int] | None = None) -> str:
    """Return what tells one list of files from another: their number, a hash of their names, and of sizes."""
    listed, between = hashlib.blake2b(digest_size=8), b""
    for name in names(paths):
        listed.update(between + name.encode("utf-8", "surrogateescape"))
        between = b"\0"
    told = f"{len(paths)} files, {listed.hexdigest()}"
    if sizes is None:
        return told
    weighed = hashlib.blake2b(" ".join(map(str, sizes)).encode(), digest_size=8).hexdigest()
    return f"{told}, by {sum(sizes)} bytes, {weighed}"


def missing(every: Sequence[Shard]) -> list[int]:
    """Return the numbers of the shares that are not there.

    Raises
    ------
    ConfigError
        One is there twice, or of another division; the message says which.
    """
    if len({shard.of for shard in every}) > 1:
        raise ConfigError(f"shards of different divisions: {', '.join(sorted({*map(str, every)}))}")
    if len(set(every)) < len(every):
        twice = sorted({str(shard) for shard in every if every.count(shard) > 1})
        raise ConfigError(f"a shard is there twice: {', '.join(twice)}")
    return sorted({*range(1, every[0].of + 1)} - {shard.number for shard in every})


def ranges(numbers: Iterable[int]) -> str:
    """Return numbers as job arrays take them: "3,17-19"."""
    told = list[str]()
    for _, run in groupby(enumerate(sorted(numbers)), key=lambda pair: pair[1] - pair[0]):
        first, *rest = (number for _, number in run)
        told.append(f"{first}-{rest[-1]}" if rest else str(first))
    return ",".join(told)


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).digest())
