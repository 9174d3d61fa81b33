"""Healed: clips that a stage left out and that can be read now, as a disk's or a network's error passes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from .reader import each
from .recordings import Clip, Tell


class Store(Protocol):
    """What reads clips for a training, so that what it refuses is refused again."""

    def of(self, clip: Clip, tell: Tell) -> object:
        """Return what a clip comes to; AudioError where it cannot be read."""


def finder(clips: Sequence[Clip], store: Store, n_workers: int) -> Callable[[Collection[str]], str | None]:
    """Return what finds, among names of clips that were left out, the first that can be read now.

    Parameters
    ----------
    clips : sequence of Clip
    store : Store
    n_workers : int
        Threads that read.
    """

    def healed(names: Collection[str]) -> str | None:
        again = [clip for clip in clips if clip.name in names]
        for number, _ in each(again, heard, dict[str, str](), n_workers=n_workers):
            return again[number].name
        return None

    def heard(clip: Clip) -> None:
        store.of(clip, lambda _: None)

    return healed
