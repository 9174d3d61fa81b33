"""Reach: whether this machine gets at a recording, wherever that lies."""

from __future__ import annotations

import os

from ..errors import ConfigError, StoreError
from . import credentials, stores
from .tries import PASSING


def why_not(path: str) -> str:
    """Return why this machine does not get at a recording, in words with its name; "" where it does.

    It is asked once, and only whether it may be opened. A store's own trouble, which it tells by a status and
    another machine may meet as well, is no reason; that it is not reached from here is one.
    """
    try:
        if stores.is_url(path):
            stores.head(path, 1, n_tries=1)
        else:
            os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))  # of a pipe nobody waits for the other end
    except (OSError, ValueError) as error:
        return f"{path}: {(getattr(error, 'strerror', None) or str(error)).lower()}"
    except StoreError as error:
        of_store = credentials.statuses(error.__cause__) if error.__cause__ else ()
        return "" if any(status >= 500 or status in PASSING for status in of_store) else str(error)
    except ConfigError as error:  # a package that is not installed
        return str(error)
    return ""
