"""Groups: clips that belong together, so that none is learnt from where another one is tested on.

Parts of a file do, and its copies; and what a table says is of one source: a site, a recordist, a day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from . import contents
from .recordings import Clip

FILE, GROUP, FOLD = range(3)  # in this order: what belongs together is named by a file


def named(
    clips: Iterable[Clip], *, with_folds: bool = False, n_workers: int = 1, bar: bool = False
) -> list[str]:
    """Return one name for all clips that belong together: for each clip, the first file of its group.

    A clip of several groups makes one of them.

    Parameters
    ----------
    clips : iterable of Clip
    with_folds : bool
        Clips in one fold belong together, too.
    n_workers : int
        Threads that look for copies.
    bar : bool
        Show how far they are, on a terminal.
    """
    clips = list(clips)
    file = contents.named((clip.path for clip in clips), n_workers=n_workers, bar=bar)
    above: dict[tuple[int, str], tuple[int, str]] = {}  # by FILE, GROUP or FOLD, and its name

    def first(one: tuple[int, str]) -> tuple[int, str]:
        while (its := above.setdefault(one, one)) != one:
            above[one] = above[its]
            one = its
        return one

    for clip in clips:
        of = [*((GROUP, group) for group in clip.groups), *([(FOLD, clip.fold)] if with_folds else ())]
        for one in of:
            low, high = sorted((first((FILE, file[clip.path])), first(one)))
            above[high] = low
    return [first((FILE, file[clip.path]))[1] for clip in clips]


def apart(
    clips: Sequence[Clip], *others: Sequence[Clip], n_workers: int = 1, bar: bool = False
) -> list[list[Clip]]:
    """Return the others without what belongs together with one of the clips; parameters as `named`."""
    names = iter(named([*clips, *(clip for some in others for clip in some)], n_workers=n_workers, bar=bar))
    taken = {next(names) for _ in clips}
    return [[clip for clip in some if next(names) not in taken] for some in others]
