"""Versions: what tells an object of a store from another, and from itself as it was."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

# What tells one content of an object from another: the first that its store has. Google's ETag also changes
# when an object moves to a cheaper class, its generation does not.
TELLING = (
    *("generation", "ETag", "etag", "e_tag", "md5Hash", "Content-MD5", "Digest", "CRC"),
    *("Last-Modified", "last_modified", "LastModified", "mtime", "modified", "created"),
)


class Version(NamedTuple):
    """What tells an object from another, and from itself as it was: bytes, and a number of 63 bits.

    The number is a digest of the object's ETag, or of what else its store tells contents by. Both are None of
    an object that is not there.
    """

    size: int | None
    number: int | None


def of_info(told: Mapping[str, Any]) -> Version:
    """Return the version of what a store tells."""
    size, signs = told.get("size"), ((key, told.get(key)) for key in TELLING)
    found = next(((key, _plain(key, value)) for key, value in signs if value not in (None, "")), None)
    digest = hashlib.blake2b(repr(found).encode("utf-8", "backslashreplace"), digest_size=8).digest()
    return Version(size if size is None else int(size), int.from_bytes(digest) >> 1)


def _plain(key: str, sign: Any) -> Any:
    """Return a sign as a listing and a question have it: one tells seconds, or quotes, the other does not."""
    if key == "etag" and isinstance(sign, str):
        return sign.strip('"')
    if isinstance(sign, datetime):
        sign = sign.timestamp()
    return round(sign, 3) if isinstance(sign, float) else sign
