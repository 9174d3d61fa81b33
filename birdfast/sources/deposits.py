"""Deposits: what is put into stores, looked for there, and taken away again."""

from __future__ import annotations

import os

from ..errors import ConfigError, StoreError
from . import stores, urls
from .tries import is_not_there, patiently

SEEN_HALF = ("file", "sftp", "ssh")  # a folder's file has its name before it is whole
TAKING = (*urls.AMAZON, *urls.GOOGLE, *urls.AZURE, "memory", *SEEN_HALF)


def check(url: str) -> None:
    """Refuse a URL that nothing can be put below.

    Raises
    ------
    ConfigError
        It is an archive's or a server's that gives alone; or as `stores.check`.
    StoreError
        Its store cannot be opened.
    """
    if len(urls.links(url)) > 1 or urls.protocol(url) not in TAKING:
        told = ", ".join(f"{one}://" for one in TAKING)
        raise ConfigError(f"{url}: nothing can be put there; {told} take results")
    patiently(url, lambda: stores.opened(url))


def put(file: str | os.PathLike[str], url: str) -> None:
    """Put a file into a store: the object is there whole or not at all; large ones go in several parts.

    Raises
    ------
    StoreError
        The store does not take it.
    """

    def ask() -> None:
        store, path = stores.opened(url)
        if urls.protocol(url) in SEEN_HALF:
            store.makedirs(path.rpartition("/")[0], exist_ok=True)
            store.put_file(os.fspath(file), f"{path}.part")
            store.mv(f"{path}.part", path)
        else:
            # adlfs would hold 128 pieces of 4 MB in memory.
            more = {"max_concurrency": 4} if urls.protocol(url) in urls.AZURE else {}
            store.put_file(os.fspath(file), path, **more)

    try:
        patiently(url, ask)
    except StoreError as error:
        if is_not_there(error):
            raise StoreError(f"{url}: cannot be put: there is no such bucket") from error.__cause__
        raise


def remove(url: str) -> None:
    """Remove an object that may be there; errors as `put`."""

    def ask() -> None:
        store, path = stores.opened(url)  # whose `exists` may take any error for no
        if urls.protocol(url) in urls.AZURE:  # older adlfs have no rm_file
            store.rm(path, expand_path=False)
        else:
            store.rm_file(path)

    try:
        patiently(url, ask)
    except StoreError as error:
        if not is_not_there(error):
            raise


def read(url: str, most_bytes: int) -> bytes | None:
    """Return a small object, None if it is not there; errors as `put`."""
    try:
        found = stores.head(url, most_bytes + 1)
    except StoreError as error:
        if is_not_there(error):
            return None
        raise
    if len(found) > most_bytes:
        raise StoreError(f"{url}: larger than {most_bytes:,} bytes")
    return found


def names(url: str) -> list[str]:
    """Return what lies right below a URL, folders too; nothing where nothing is. Errors as `put`."""

    def ask() -> list[str]:
        store, path = stores.opened(url)
        try:
            return [str(one).rstrip("/").rpartition("/")[2] for one in store.ls(path, detail=False)]
        except FileNotFoundError:
            return []

    return patiently(url, ask)
