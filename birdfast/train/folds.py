"""Folds: which clips are held out, so that what is tested on was not learnt from."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..config import check
from ..errors import ConfigError
from ..sources import composed
from . import contents, groups
from .keep import silent
from .learning import Learning
from .recordings import Clip

NUMBER = re.compile("0|[1-9][0-9]{0,8}")

Trial = tuple[str, Learning, list[Clip]]  # a fold, the training that hears nothing of it, and its clips


def splits(clips: Sequence[Clip]) -> list[str]:
    """Return the folds that clips are in, in order.

    Raises
    ------
    ConfigError
        There are not two of them, or parts of one file, of its copies, or of a group are in several: it could
        be learnt from and tested on.
    """
    folds = {clip.fold for clip in clips}
    if "" in folds or len(folds) < 2:
        needs = "cross-validation needs a CSV with a column `fold` of two values or more"
        raise ConfigError(
            f"{needs}; of a folder, or without folds, --hold-out 20% tests on a share of each class"
        )
    _check_whole(clips)
    return sorted(folds, key=lambda fold: (not is_number(fold), int(fold) if is_number(fold) else 0, fold))


def is_number(fold: str) -> bool:
    """Whether a fold is a number as numbers are written: 01 is not 1."""
    return NUMBER.fullmatch(fold) is not None


def _check_whole(clips: Sequence[Clip]) -> None:
    name, first = contents.named(clip.path for clip in clips), dict[str, Clip]()
    for clip, group in zip(clips, groups.named(clips), strict=True):
        other = first.setdefault(group, clip)
        if other.fold != clip.fold:
            why = "which holds the same" if name[other.path] == name[clip.path] else "of the same group"
            copy = "" if other.file == clip.file else f" (as {other.path}, {why})"
            raise ConfigError(f"{clip.path}: in the folds {other.fold}{copy} and {clip.fold}; one it is")


def held_out(
    clips: Sequence[Clip], share: float, seed: int, say: Callable[[str], object] = silent
) -> list[Clip]:
    """Return the clips with the fold "held out" for about a share of each class.

    Files are kept whole, and beside their copies and what else is of their group; and so are the folds that
    clips have, if some of them are about that share of each class.

    Parameters
    ----------
    clips : sequence of Clip
    share : float
        More than 0, less than 1.
    seed : int
    say : callable
        Gets a line on the folds that clips have.

    Raises
    ------
    ConfigError
        The share does not fit, or is none of the files.
    """
    check(0 < share < 1, "hold-out", share, "more than 0, less than 1")
    folds = {clip.fold for clip in clips}
    if len(folds) > 1 and "" not in folds:
        held = _dealt(clips, groups.named(clips, with_folds=True), share, seed)
        if _is_share(clips, held, share):
            some = sorted({clip.fold for clip, its in zip(clips, held, strict=True) if its})
            say(f"held out: of the CSV's folds {', '.join(some)}")
            return _told(clips, held)
        say(
            f"held out: {100 * share:g}% of each class's files, whatever their folds in the CSV, as no whole"
            " ones are that share of each class; --hold-out FOLD or --cv tests on whole ones"
        )
    held = _dealt(clips, groups.named(clips), share, seed)
    if not any(held):
        raise ConfigError(f"hold-out: {100 * share:g}% of each class's files is less than half a file")
    return _told(clips, held)


def _dealt(clips: Sequence[Clip], names: Sequence[str], share: float, seed: int) -> list[bool]:
    """Return which clips are held out, where those of one name are so together."""
    of_class = defaultdict[tuple[str, ...], set[str]](set)
    for clip, name in zip(clips, names, strict=True):
        of_class[tuple(sorted(clip.labels))].add(name)
    dice, chosen = random.Random(seed), set[str]()
    for labels in sorted(of_class):
        left = sorted(of_class[labels] - chosen)  # a group of several classes was chosen for all of them
        wanted = round(len(of_class[labels]) * share) - (len(of_class[labels]) - len(left))
        chosen |= set(dice.sample(left, max(0, wanted)))
    return [name in chosen for name in names]


def _is_share(clips: Sequence[Clip], held: Sequence[bool], share: float) -> bool:
    """Whether of the clips of each class about a share is held out: half of it to one and a half."""
    of_class = defaultdict[tuple[str, ...], list[bool]](list)
    for clip, its in zip(clips, held, strict=True):
        of_class[tuple(sorted(clip.labels))].append(its)
    return all(0.5 <= sum(some) / (share * len(some)) <= 1.5 and not all(some) for some in of_class.values())


def _told(clips: Sequence[Clip], held: Sequence[bool]) -> list[Clip]:
    return [replace(clip, fold="held out" if its else "kept") for clip, its in zip(clips, held, strict=True)]


def parted(
    clips: Sequence[Clip], what: str | None, seed: int, say: Callable[[str], object] = silent
) -> tuple[Sequence[Clip], list[str]]:
    """Return the clips with their folds, and the folds to be held out.

    Parameters
    ----------
    clips : sequence of Clip
    what : str or None
        A fold, a share of each class's files such as 20%, or None for each fold in turn.
    seed : int
    say : callable
        See `held_out`.

    Raises
    ------
    ConfigError
        There is no such fold or share; see `splits` and `held_out`.
    """
    if what is None:
        return clips, splits(clips)
    if what.endswith("%"):
        try:
            share = float(what[:-1]) / 100
        except ValueError as error:
            raise ConfigError(f"--hold-out: {what} is no share") from error
        return held_out(clips, share, seed, say), ["held out"]
    fold, known = composed(what), splits(clips)
    if fold not in known:
        raise ConfigError(f"--hold-out: there is no fold {fold!r}; there are {', '.join(known)}")
    return clips, [fold]


def trials(training: Learning, clips: Sequence[Clip], folds: Sequence[str]) -> list[Trial]:
    """Return for each fold the training that hears nothing of it, and its clips: all, before one begins.

    Raises
    ------
    ConfigError
        Without a fold there is nothing to learn from, or nothing to tell apart.
    """
    found: list[Trial] = []
    for fold in folds:
        tested = [clip for clip in clips if clip.fold == fold]
        try:
            found.append((fold, training.without(tested), tested))
        except ConfigError as error:
            raise ConfigError(f"without the fold {fold!r}: {error}") from error
    return found
