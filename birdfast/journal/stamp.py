"""A file's stamp: its size and time of change, by which a journal knows it again; and the head it had.

Of an object in a store it is the size and the number of its version (`versions.Version`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

from .. import sources
from ..errors import BirdfastError, ConfigError, StoreError
from ..sources import listings, stores
from .database import new_digest

HOUR_NS = 3_600 * 10**9
HEAD_BYTES = 1 << 16
CHANGED = "is no longer the file that was heard"
TOUCHED = "has another time of change than when it was heard: copied since, or changed"


class Stamp(NamedTuple):
    """A file's size and time of change in ns, or its version's number; both None for one that is not there.

    Some servers do not tell how large an object is. Of one that was fetched since, no time is known.
    """

    size: int | None
    mtime_ns: int | None

    def fits(self, now: Stamp) -> bool:
        """Whether a file may be as it was: of the same size, and time so far as that is known."""
        is_in_time = self.mtime_ns in (None, now.mtime_ns) or self.is_an_hour_from(now)
        return self.size == now.size and is_in_time

    def is_told(self, now: Stamp) -> bool:
        """Whether it is what is told now; of an object that may be its version alone, without a size."""
        is_of_it = now.size is None and now != NOWHERE and self.mtime_ns == now.mtime_ns
        return self == now or is_of_it

    def is_an_hour_from(self, other: Stamp) -> bool:
        """Whether the clocks may have changed in between: FAT keeps local time, without saying which."""
        if self.size is None or self.size != other.size or None in (self.mtime_ns, other.mtime_ns):
            return False
        return abs((self.mtime_ns or 0) - (other.mtime_ns or 0)) == HOUR_NS

    def difference(self, now: Stamp | None, *, is_object: bool = False) -> str:
        """Return in words what is no longer the same."""
        if now in (None, self):
            return "it changed while it was heard"
        if NOWHERE in (self, now):
            return "it was not there" if self == NOWHERE else "it has gone"
        if self.size is not None and now.size is not None and self.size != now.size:
            return f"{self.size:,} bytes, now {now.size:,}"
        return "another version" if is_object else "another time of change"


NOWHERE = Stamp(None, None)


def of(path: bytes) -> Stamp:
    """Return a file's stamp; an object's as it was listed, if it was."""
    if stores.is_url(name := os.fsdecode(path)):
        try:
            return Stamp(*listings.version(name))
        except StoreError:
            return NOWHERE
    try:
        status = os.stat(path)  # noqa: PTH116 - Path takes no bytes
    except (OSError, ValueError):
        return NOWHERE
    return Stamp(status.st_size, status.st_mtime_ns)


def look_up(paths: Iterable[str]) -> None:
    """Ask stores for the versions of many objects, before `told` is asked for each."""
    listings.look_up(filter(stores.is_url, paths))


def told(path: bytes) -> Stamp | None:
    """Return a file's stamp; None of an object that was looked up, and whose store did not tell."""
    if stores.is_url(name := os.fsdecode(path)):
        version = listings.known.of(name)
        return None if version is None else Stamp(*version)
    return of(path)


def head(path: bytes) -> bytes | None:
    """Return the digest of a file's first 64 KiB; None if they cannot be read."""
    name = os.fsdecode(path)
    try:
        if stores.is_url(name):
            return new_digest(stores.head(name, HEAD_BYTES)).digest()
        return new_digest(sources.head(name, HEAD_BYTES, ConfigError)).digest()
    except BirdfastError:
        return None


def is_same(path: bytes, was: Stamp, its_head: bytes | None) -> bool:
    """Whether what lies at a path, be it by a link, is a file as it was, by its size and its head.

    Its time of change decides only where nobody knows its head: a copy that was fetched again has another.
    """
    now = of(path)
    if its_head is None:
        return now.size is not None and was.fits(now)
    return now.size == was.size and head(path) == its_head


def doubt(path: bytes, was: Stamp, its_head: bytes | None) -> str:
    """Return in words why what lies at a path may not be a file as it was; empty where all is the same.

    Of a file that is longer than its head these cannot tell a copy from one that was changed behind it.
    """
    if not is_same(path, was, its_head):
        return CHANGED
    is_all_known = its_head is not None and (was.size or 0) <= HEAD_BYTES
    return "" if is_all_known or was.fits(of(path)) else TOUCHED
