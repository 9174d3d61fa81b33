"""Healed: clips that a stage left out and that can be read now, as a disk's or a network's error passes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from .reader import each
from .recordings import Clip

RATE_HZ = 8_000  # any will do: what a file's decoder reads is the same


def finder(clips: Sequence[Clip], n_workers: int) -> Callable[[Collection[str]], str | None]:
    """Return what finds, among names of clips that were left out, the first that can be read now.

    Parameters
    ----------
    clips : sequence of Clip
    n_workers : int
        Threads that read.
    """

    def healed(names: Collection[str]) -> str | None:
        again = [clip for clip in clips if clip.name in names]
        for number, _ in each(again, heard, dict[str, str](), n_workers=n_workers):
            return again[number].name
        return None

    def heard(clip: Clip) -> None:
        for _ in clip.blocks(RATE_HZ, lambda _: None):
            pass

    return healed
