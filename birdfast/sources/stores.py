"""Stores: recordings that lie in buckets, on servers or in archives, and are known by a URL.

The one home of fsspec, whose libraries speak to the stores: credentials and places of servers are theirs
(FSSPEC_S3_ENDPOINT_URL, AWS_PROFILE, ...). What a store does not do at once is tried again, a bounded number
of times; what it refuses is said in words.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping, Sequence
from functools import cache, partial
from importlib import import_module
from typing import Any

from ..errors import ConfigError
from ..words import extra_hint, install_hint
from .transfers import watch
from .tries import patiently
from .urls import AMAZON, AZURE, GOOGLE, LINK, URL, links, protocol
from .versions import Version, of_info

# What speaks each protocol: the packages that have to be there.
NEEDS = {
    **dict.fromkeys(AMAZON, ("s3fs",)),
    **dict.fromkeys(GOOGLE, ("gcsfs",)),
    **dict.fromkeys(AZURE, ("adlfs",)),
    **dict.fromkeys(("sftp", "ssh"), ("paramiko",)),
    **dict.fromkeys(("http", "https"), ("aiohttp",)),
    **dict.fromkeys(("zip", "memory", "file"), ()),
}
SHARED = (*AMAZON, *GOOGLE, *AZURE, "http", "https")  # by threads, and dear to open
# What a URL names first, where its store asks for it.
NAMING = {**dict.fromkeys((*AMAZON, *GOOGLE), "bucket"), **dict.fromkeys(AZURE, "container")}
NAMING |= dict.fromkeys(("sftp", "ssh", "http", "https"), "host")
# Where s3fs and adlfs end a key, whatever its name.
VERSIONED = {**dict.fromkeys(AMAZON, "?versionId="), **dict.fromkeys(AZURE, "?versionid=")}
LOGGERS = ("adlfs", "asyncio", "azure", "gcsfs", "google", "paramiko")  # what they print, our errors say
SILENT_S = 60.0  # of a server, before what it was asked is asked anew


def is_url(path: str | os.PathLike[str]) -> bool:
    """Whether a path names something in a store: s3://b/dawn.wav, zip://dawn.wav::s3://b/may.zip."""
    return isinstance(path, str) and URL.match(path) is not None


def plain(path: str) -> str:
    """Return a URL with its protocols in small letters, as S3:// is s3://; a path as it is."""
    return LINK.sub(lambda found: found[0].lower(), path) if is_url(path) else path


def base(given: Sequence[str], found: Sequence[str]) -> str:
    """Return the URL that recordings are seen from: the one that all lie below; "/" where there is none."""
    ends = [least((f"{path.rpartition('/')[0]}/" for path in found), default="") for least in (min, max)]
    common = os.path.commonprefix(ends)  # noqa: RUF071 - text; what these two begin with, all do
    if len(given) == 1 and is_url(given[0]) and common.startswith(above := f"{plain(given[0]).rstrip('/')}/"):
        common = above
    folder = common.rpartition("/")[0]
    return folder if "://" in folder and all(len(links(path)) == 1 for path in found) else os.sep


def check(url: str) -> list[str]:
    """Return what a URL leads through, each of which somebody here speaks; nobody is asked yet.

    Raises
    ------
    ConfigError
        Nobody speaks its protocol, or who does is not installed; or a bucket is wanted, and it names none.
    """
    for link in (chain := links(plain(url))):
        if (speaks := protocol(link)) not in NEEDS:
            told = ", ".join(f"{one}://" for one in NEEDS)
            raise ConfigError(f"{url}: nobody here speaks {speaks}://; {told} are known")
        if speaks in NAMING and not link.split("/", 3)[2]:
            raise ConfigError(f"{url}: names no {NAMING[speaks]}")
        _check_installed(url, NEEDS[speaks])
    return chain


def opened(url: str) -> tuple[Any, str]:
    """Return the store that a URL is in, as fsspec has it, and its path there.

    Some are called for that (SFTP), and raise what they like: `patiently` has words for it.

    Raises
    ------
    ConfigError
        As `check`.
    """
    chain = check(url := plain(url))
    if len(chain) == 1:
        if (ends := VERSIONED.get(speaks := protocol(url))) is not None and ends in url:
            raise ConfigError(f"{url}: {ends} cannot be in a name here; copy it to another")
        with _opening:
            store = _shared(speaks, os.getpid(), _account(url)) if speaks in SHARED else _own(url)
        return store, store._strip_protocol(url)
    if url.count("::") >= len(chain):
        raise ConfigError(f"{url}: what is in an archive cannot be reached where a name has :: in it")
    from fsspec.core import url_to_fs

    found: tuple[Any, str] = url_to_fs(url)
    return found


def version(url: str) -> Version:
    """Ask a store what an object is now.

    Raises
    ------
    StoreError
        It does not say.
    """
    return of_info(info(url))


def is_shared(url: str) -> bool:
    """Whether threads ask the store of a URL side by side."""
    return protocol(url) in SHARED and len(links(url)) == 1


def info(url: str) -> Mapping[str, Any]:
    """Ask a store what it knows of an object, or a folder; errors as `version`."""
    return patiently(url, lambda: _fresh(url))


def fetch(url: str, file: str, most_bytes: int, closing: threading.Event | None = None) -> Version:
    """Fetch a whole object, and return the version that came.

    Parameters
    ----------
    url : str
    file : str
        Where it goes; what is there is replaced, and left where the fetching fails.
    most_bytes : int
        It never takes more.
    closing : Event or None
        Once it is set, nobody waits for the object any more.

    Raises
    ------
    StoreError
        It cannot be had, or it is larger.
    """
    return patiently(url, partial(_fetch, url, file, most_bytes, closing), closing)


def head(url: str, n_bytes: int, n_tries: int | None = None) -> bytes:
    """Return an object's first bytes; errors as `version`."""

    def ask() -> bytes:
        store, path = opened(url)
        with store.open(path, "rb", cache_type="none") as file:  # else 50 MB are fetched for 64 KiB
            return bytes(file.read(n_bytes))

    return patiently(url, ask, n_tries=n_tries)


def _fresh(url: str) -> Mapping[str, Any]:
    store, path = opened(url)
    told: Mapping[str, Any] = store.info(path)
    return told


def _fetch(url: str, file: str, most_bytes: int, closing: threading.Event | None) -> Version:
    store, path = opened(url)
    # s3fs would hold ten large pieces of an object in memory, adlfs 128 smaller ones.
    more = {"max_concurrency": 1} if protocol(url) in (*AMAZON, *AZURE) else {}
    store.get_file(path, file, callback=watch(most_bytes, closing), **more)
    came, now = os.stat(file).st_size, of_info(_fresh(url))  # noqa: PTH116
    if now.size is not None and came != now.size:  # a connection that was cut is no cut recording
        raise OSError(f"{came:,} of {now.size:,} bytes came")
    return now._replace(size=came)


_opening = threading.Lock()


@cache
def _shared(protocol: str, process: int, account: str | None) -> Any:
    """Return the one store of a protocol in a process: several threads ask it, and it keeps no listings."""
    import fsspec

    _hush()

    if protocol.startswith("http"):
        import aiohttp

        patience = aiohttp.ClientTimeout(total=None, sock_connect=SILENT_S, sock_read=SILENT_S)
        usual = fsspec.config.conf.get(protocol, {}).get("client_kwargs", {})
        return fsspec.filesystem(protocol, client_kwargs={"timeout": patience, **usual})
    if protocol in GOOGLE:
        # The usual class asks what kind of bucket one is by gRPC, which some networks keep for minutes.
        # Small objects go between lines of text: a server may take a last \r for an end of line.
        return import_module("gcsfs.core").GCSFileSystem(use_listings_cache=False, consistency="size")
    if account is None:
        return fsspec.filesystem(protocol, use_listings_cache=False)
    store = fsspec.filesystem(protocol, use_listings_cache=False, account_name=account)
    if (other := store.service_client.account_name) not in (None, account):
        raise ConfigError(f"{account}: AZURE_STORAGE_CONNECTION_STRING is another account's, {other}")
    return store


def _account(url: str) -> str | None:
    """Return the account that a URL of Azure names: abfss://birds@ACCOUNT.dfs.core.windows.net/dawn.wav."""
    if protocol(url) not in AZURE:
        return None
    import fsspec

    told = fsspec.get_filesystem_class(protocol(url))._get_kwargs_from_urls(url)
    return told.get("account_name")  # type: ignore[no-any-return]


def _hush() -> None:
    """Leave it to whoever set up logging to hear what libraries log; without, Python prints it."""
    for name in LOGGERS:
        if not (logger := logging.getLogger(name)).handlers:
            logger.addHandler(logging.NullHandler())


def _own(url: str) -> Any:
    """Return the store of a URL that says more of it than its protocol: sftp://HOST/dawn.wav."""
    import fsspec

    _hush()
    kind = fsspec.get_filesystem_class(protocol(url))
    store = kind(**kind._get_kwargs_from_urls(url))
    if protocol(url) in ("sftp", "ssh"):  # which is kept, also when its server hung up
        line = store.client.get_transport()
        if line is None or not line.is_active():
            store._connect()
    return store


def _check_installed(url: str, packages: tuple[str, ...]) -> None:
    try:
        import_module("fsspec")
    except ImportError as error:
        raise ConfigError(f"{url}: URLs need fsspec: {extra_hint('cluster')}") from error
    for package in packages:
        try:
            import_module(package)
        except ImportError as error:
            raise ConfigError(f"{url}: needs {package}: {install_hint(package)}") from error
