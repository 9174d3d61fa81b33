"""Healed: clips that a stage left out and that can be read now, as a disk's or a network's error passes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from .reader import each
from .recordings import Clip, Tell


def finder(
    clips: Sequence[Clip], read: Callable[[Clip, Tell], object], n_workers: int
) -> Callable[[Collection[str]], str | None]:
    """Return what finds, among names of clips that were left out, the first that can be read now.

    Parameters
    ----------
    clips : sequence of Clip
    read : callable of Clip and Tell
        The training's own, so that what it refused is refused again: AudioError where a clip cannot be read.
    n_workers : int
        Threads that read.
    """

    def healed(names: Collection[str]) -> str | None:
        again = [clip for clip in clips if clip.name in names]
        heard = each(again, lambda clip: read(clip, lambda _: None), {}, n_workers=n_workers)
        return next((again[number].name for number, _ in heard), None)

    return healed
