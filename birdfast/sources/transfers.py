"""Transfers: what a store sends is watched while it comes."""

from __future__ import annotations

import threading
from typing import Any

from .tries import Refused


def watch(most_bytes: int, closing: threading.Event | None) -> Any:
    """Return what is told of a transfer's progress, and ends it where it takes more than it may.

    Parameters
    ----------
    most_bytes : int
    closing : Event or None
        Once it is set, nobody waits for what comes.
    """
    from fsspec.callbacks import Callback

    class Watch(Callback):  # type: ignore[misc]
        def set_size(self, size: int | None) -> None:
            super().set_size(size)
            if size is not None and size > most_bytes:
                raise Refused(f"{size:,} bytes, where {most_bytes:,} were told; run again")

        def relative_update(self, inc: int = 1) -> None:
            super().relative_update(inc)
            self._look()

        def absolute_update(self, value: int) -> None:  # adlfs's way
            super().absolute_update(value)
            self._look()

        def _look(self) -> None:
            if self.value > most_bytes:
                raise Refused(f"more than the {most_bytes:,} bytes that were told; run again")
            if closing is not None and closing.is_set():
                raise Refused("nobody waits for it any more")

    return Watch()
