"""Listings: which objects lie below a URL, in pages, and the versions that were told with them."""

from __future__ import annotations

import hashlib
import threading
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from ..errors import StoreError
from . import pages, patterns, stores, urls, versions
from .tries import is_answer, is_not_there, patiently
from .versions import Version

DOTS = frozenset((".", ".."))  # names of folders that no store has, and whoever asks for them resolves
NOTHING = -1  # in place of a size, or of a version's number, that was not told
UNKNOWN = -2  # in place of a size, of what was told before and may be another by now
AT_ONCE, AT_LEAST = 16, 64  # questions; and answers, of which one has to come, or the store is left alone


def listed(url: str) -> Iterator[tuple[str, Version]]:
    """Yield the objects below a URL, or those that fit it, with their versions; hidden ones are left out.

    In the order of their keys: a page at a time where stores have pages, a folder at a time elsewhere.

    Parameters
    ----------
    url : str
        A folder's, or with * a pattern.

    Raises
    ------
    StoreError
        The store does not list them.
    ConfigError
        As `stores.check`.
    """
    first, *chained = urls.links(url)
    store, path = patiently(url, lambda: stores.opened(url))
    own, _, above = first.partition("://")
    base, behind = path.rstrip("/"), "".join(f"::{link}" for link in chained)
    found: Iterator[Mapping[str, Any]]
    if is_pattern(url):
        pattern = patterns.Pattern(url, path)
        found = _fitting(url, store, pattern)
        base, above = pattern.base.rstrip("/"), patterns.base(above)
    elif own in pages.OF:
        found = _paged(url, store, f"{base}/")
    else:
        found = _walked(url, store, path)
    for one in found:
        name = str(one["name"])
        below = name.removeprefix(base).removeprefix("/")  # once: a key may begin with another
        if one["type"] == "file" and not _is_hidden(below):
            place = f"{above.rstrip('/')}/{below}" if above else below
            yield f"{own}://{place}{behind}", versions.of_info(one)


def meant(
    url: str, is_wanted: Callable[[str], bool], tell: Callable[[str], object] | None = None
) -> Iterator[str]:
    """Yield the objects that a URL means: itself, or those of the wanted names below it or that fit it.

    What was told of their versions is remembered; errors as `listed`. An address of the web is one file's.
    """
    stores.check(url)
    told = {"type": "directory"} if is_pattern(url) else stores.info(url)
    if told["type"] != "directory":
        known.add(url, versions.of_info(told))
        yield url
        return
    n_dots = 0
    for name, version in listed(url):
        own = urls.links(name)[0]
        if not is_wanted(own):
            continue
        if not DOTS.isdisjoint(own.split("/")):
            n_dots += 1
            continue
        known.add(name, version)
        yield name
    if n_dots and tell is not None:
        tell(f"{url}: {n_dots:,} left out, as . and .. in their names would lead elsewhere")


def _is_hidden(below: str) -> bool:
    return any(part.startswith(".") and part not in DOTS for part in below.split("/"))


def is_pattern(url: str) -> bool:
    """Whether a URL names all that fit it; in the address of a page these signs mean something else."""
    return "*" in urls.links(url)[0] and not url.startswith(("http:", "https:"))


def _fitting(url: str, store: Any, pattern: patterns.Pattern) -> Iterator[Mapping[str, Any]]:
    """Yield the objects that fit a pattern; fsspec's own way leaves out the folders that it fails to list."""
    if urls.protocol(url) in pages.OF:
        found = _paged(url, store, pattern.begins)
    else:
        found = _walked(url, store, pattern.base, pattern.leads_through)
    return (one for one in found if pattern.fits(str(one["name"])))


def _paged(url: str, store: Any, start: str) -> Iterator[Mapping[str, Any]]:
    """Yield the objects whose path begins so, which their stores sort."""
    bucket, _, prefix = start.partition("/")
    for some in pages.OF[urls.protocol(url)](url, store, bucket, prefix):
        yield from (one for one in some if not str(one["name"]).endswith("/"))


def _walked(
    url: str, store: Any, path: str, is_wanted: Callable[[str], bool] = lambda folder: True
) -> Iterator[Mapping[str, Any]]:
    """Yield the objects below a path, in the folders that are wanted."""
    top = path.rstrip("/") or path
    ahead: list[Mapping[str, Any]] = [{"name": top, "type": "directory"}]
    while ahead:
        one = ahead.pop()
        if one["type"] != "directory":
            yield one
            continue
        if (folder := one["name"]) != top and not is_wanted(str(folder)):
            continue
        inside = patiently(url, lambda folder=folder: store.ls(folder, detail=True))  # type: ignore[misc]
        ahead += sorted(inside, key=_key, reverse=True)


def _key(one: Mapping[str, Any]) -> str:
    """Return what an object's key begins with, so that folders stand where their objects' keys do."""
    name = str(one["name"]).rstrip("/")
    return f"{name}/" if one["type"] == "directory" else name


class Versions:
    """The versions that stores told, so that nobody asks again: 24 bytes an object; threads share them."""

    def __init__(self) -> None:
        self._rows, self._sorted = array("q"), np.zeros((0, 3), np.int64)
        self._lock = threading.Lock()

    def add(self, url: str, version: Version) -> None:
        """Remember what a listing told; what was told last counts."""
        told = (NOTHING if value is None else value for value in version)
        with self._lock:
            self._rows.extend((_hash(url), *told))

    def forget(self, url: str) -> None:
        """Let what was told of an object be asked for anew."""
        with self._lock:
            self._rows.extend((_hash(url), UNKNOWN, NOTHING))

    def of(self, url: str) -> Version | None:
        """Return what was told of an object, if it was listed."""
        with self._lock:
            if self._rows:
                self._sort()
            rows = self._sorted
        place = int(np.searchsorted(rows[:, 0], key := _hash(url), side="right")) - 1
        if place < 0 or rows[place, 0] != key or rows[place, 1] == UNKNOWN:
            return None
        size, number = (None if value == NOTHING else int(value) for value in rows[place, 1:])
        return Version(size, number)

    def _sort(self) -> None:
        rows = np.frombuffer(self._rows, np.int64).reshape(-1, 3)
        rows = np.concatenate([self._sorted, rows])
        rows = rows[np.argsort(rows[:, 0], kind="stable")]
        is_last = np.append(rows[1:, 0] != rows[:-1, 0], True)
        self._sorted, self._rows = rows[is_last], array("q")


def _hash(url: str) -> int:
    digest = hashlib.blake2b(url.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


known = Versions()


def version(url: str) -> Version:
    """Return what was told of an object, else what its store says now.

    Raises
    ------
    StoreError
        It does not answer; of what is not there, it is told that nothing is: (None, None).
    """
    told = known.of(url)
    return _asked(url) if told is None else told


def look_up(objects: Iterable[str]) -> None:
    """Ask stores for the versions of objects that no listing told, and remember them.

    Several at a time where threads may share a store. A store of which none of many answers comes, or
    elsewhere one does not, is asked no more: what is not known then, whoever fetches asks for.
    """
    unknown = dict[tuple[str, bool], list[str]]()
    for url in objects:
        if known.of(url) is None:
            unknown.setdefault((urls.place(url), stores.is_shared(url)), []).append(url)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for (_, several), of_one in unknown.items():
            n_at_least = AT_LEAST if several else 1
            for first in range(0, len(of_one), n_at_least):
                if not any([*(pool.map if several else map)(_learn, of_one[first : first + n_at_least])]):
                    break


def _asked(url: str) -> Version:
    try:
        return stores.version(url)
    except StoreError as error:
        if not is_not_there(error):
            raise
        return Version(None, None)


def _learn(url: str) -> bool:
    """Remember what a store says of an object; return whether it answers."""
    try:
        known.add(url, _asked(url))
    except StoreError as error:
        return is_answer(error)
    return True
