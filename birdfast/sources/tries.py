"""Tries: what a store does not do at once is asked again, a bounded number of times, later each time."""

from __future__ import annotations

import errno
import random
import threading
from collections.abc import Callable
from textwrap import shorten
from time import monotonic
from typing import TypeVar

from ..errors import ConfigError, StoreError
from . import credentials
from .urls import AZURE, GOOGLE, links, place, protocol

TRIES = 5
TRIES_OF = dict.fromkeys((*GOOGLE, *AZURE), 2)  # whose libraries try for a minute by themselves
SILENT_S = 3.0  # then whoever waits is told why
BACKOFF_S = 0.5  # before the second try; it doubles, more or less
FINAL = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, NotImplementedError)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)  # of our own disk
# Kinds of errors that say that what is asked makes no sense, or what came: botocore's and zipfile's by name.
SENSELESS = (
    *("ValueError", "TypeError", "LookupError", "ImportError"),
    *("BadZipFile", "ParamValidationError", "ProfileNotFound", "NoRegionError"),
)
MOST_SIGNS = 400  # of a library's own words: some list all that they have tried
PASSING = (408, 425, 429)  # HTTP's answers that say: later

T = TypeVar("T")
_hearers = list[Callable[[str], object]]()  # one at most
_slow = set[str]()  # stores of which that is told


class Refused(Exception):
    """What no other try would mend."""


def patiently(
    url: str, ask: Callable[[], T], closing: threading.Event | None = None, n_tries: int | None = None
) -> T:
    """Ask a store, and again where it may answer another time: `n_tries` in all, or as usual there.

    Raises
    ------
    StoreError
        It refused, or the last try failed, as it does not answer or has its own trouble (`is_unavailable`);
        `__cause__` is the store's own error.
    """
    began_s = monotonic()
    closing, most = closing or threading.Event(), n_tries or TRIES_OF.get(protocol(links(url)[-1]), TRIES)
    for tried in range(1, most + 1):
        try:
            return ask()
        except ConfigError:
            raise
        except Exception as caught:  # stores raise what they like
            error = _meant(url, caught)
            is_final = _is_final(url, error)
            if tried == most or is_final or closing.is_set():
                times = f" {tried} times" if tried > 1 else ""
                told = f"{url}: {words(url, error)}{times}{credentials.hint(url, error)}"
                raise StoreError(told, is_unavailable=not (is_final or _is_senseless(error))) from error
        if monotonic() - began_s >= SILENT_S:
            _tell_again(url, error, most)
        closing.wait(BACKOFF_S * 2 ** (tried - 1) * random.uniform(0.5, 1.5))
    raise AssertionError


def tell(hearer: Callable[[str], object]) -> None:
    """Let somebody hear, in this process from now on, which store is slow and asked again; each once."""
    _hearers[:] = [hearer]


def _tell_again(url: str, error: BaseException, most: int) -> None:
    store = place(links(url)[-1])
    if store not in _slow:
        _slow.add(store)
        for hear in _hearers:
            hear(f"{url}: {words(url, error)}; it is asked again, {most} times in all")


def _meant(url: str, error: Exception) -> BaseException:
    """Return what a store's error is: fsspec calls a page not there whatever kept it from asking for it."""
    is_page = protocol(links(url)[-1]) in ("http", "https")
    return error.__cause__ or error if is_page and isinstance(error, FileNotFoundError) else error


def is_not_there(error: StoreError) -> bool:
    """Whether a store said that there is no such object."""
    return error.__cause__ is not None and _is_missing(error.__cause__)


def is_answer(error: StoreError) -> bool:
    """Whether a store said something of an object, if only that nobody gets it: it is there, and speaks."""
    cause = error.__cause__
    return isinstance(cause, FINAL) or (cause is not None and _is_refused(cause))


def _is_missing(error: BaseException) -> bool:
    return isinstance(error, FileNotFoundError) or 404 in credentials.statuses(error)


def words(url: str, error: BaseException) -> str:
    """Return a store's error in words, where a URL was asked."""
    if _is_missing(error):
        return "not there"
    if isinstance(error, PermissionError):
        return f"the store refuses it ({error.strerror or error})"
    if isinstance(error, TimeoutError):
        return "the store does not answer"
    told = shorten(str(error), MOST_SIGNS, placeholder=" ...") or type(error).__name__
    if credentials.are_lacking(url, error):
        return f"the store lets nobody in ({told})"
    return told if isinstance(error, Refused) else f"the store fails ({told})"


def _is_senseless(error: BaseException) -> bool:
    return any(kind.__name__ in SENSELESS for kind in type(error).__mro__)


def _is_final(url: str, error: BaseException) -> bool:
    """Whether another try would come to the same."""
    if isinstance(error, (Refused, *FINAL)) or getattr(error, "errno", None) in FULL:
        return True
    if credentials.are_lacking(url, error) or "HostKey" in type(error).__name__:  # paramiko's
        return True
    return _is_refused(error)


def _is_refused(error: BaseException) -> bool:
    """Whether a server's status says that it does not do what it is asked, or has not what is asked for."""
    return any(400 <= status < 500 and status not in PASSING for status in credentials.statuses(error))
