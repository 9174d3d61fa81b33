"""Remarks on recordings: whoever asked for what is in one is warned of what is to be known of it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from ..errors import RecordingWarning
from .ear import Scored
from .listener import Listener

Tell = Callable[[str], object]
OUR_FRAMES = 4  # from the warning to who asked: this file, contextlib, the method, its caller


@contextmanager
def warned(name: str, frames: int = OUR_FRAMES) -> Iterator[Tell]:
    """Lend what takes the remarks on a recording, and warn of each once, whether or not all was heard.

    Parameters
    ----------
    name : str
        What who asked calls the recording.
    frames : int
        How far up the stack the line is that asked.
    """
    remarks: dict[str, None] = {}
    try:
        yield lambda remark: remarks.update({remark: None})
    finally:
        for remark in remarks:
            warnings.warn(f"{name}: {remark}", RecordingWarning, stacklevel=frames)


def remarked(listener: Listener, batches: Iterable[Scored], tell: Tell) -> Iterator[tuple[Listener, Scored]]:
    """Pass batches of windows on with whose they are, and tell what is to be known of them."""
    for scored in batches:
        if remark := listener.remark(scored):
            tell(remark)
        yield listener, scored
