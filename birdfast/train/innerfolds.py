"""Inner folds: what a head says of windows that it has not heard, nor other parts or copies of their files.

The head is learnt anew without each fold; what stands before it (codebook, embeddings, pooling, a network)
is told no labels, and is not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import numpy as np

from ..arrays import Bools, Float32
from ..classifier import Classifier, Layer
from . import groups

FEWEST = 3  # folds that are taken as they are: without one of two, half of all is left
Learn = Callable[[Float32, Bools], list[Layer]]  # a head from values [n, n_values], targets [n, n_classes]


def of_clips(clips: Sequence[Any], n_folds: int, seed: int, n_workers: int = 1) -> Bools:
    """Deal out clips by what they are made of; see `sources` and `deal`."""
    return deal(sources(clips, n_workers=n_workers), [clip.labels for clip in clips], n_folds, seed)


def sources(clips: Iterable[Any], *, n_workers: int = 1) -> list[frozenset[str]]:
    """Return what is not learnt from where a clip is tested on: its group, or those of all clips in a mix.

    A group is a file at least, with its copies (`groups.named`); a mix of nothing but noise is by itself.
    Clips in three folds or more are parted by these, too: who made them knows what else belongs together, as
    the recordings of a place. Folds that have a group in common are one; where fewer than three are left
    then, they part nothing, and groups alone do.

    Parameters
    ----------
    clips : iterable of Clip, or of what has `clips`, as a `Mix`
    n_workers : int
        Threads that look for copies.
    """
    parts = [getattr(clip, "clips", (clip,)) for clip in clips]
    every = [one for some in parts for one in some]
    folds, names = {one.fold for one in every}, list[str]()
    if len(folds) >= FEWEST and "" not in folds:
        names = groups.named(every, with_folds=True, n_workers=n_workers)
    if len({*names}) < FEWEST:
        names = groups.named(every, n_workers=n_workers)
    each = iter(names)
    found = [frozenset(next(each) for _ in some) for some in parts]
    return [its or frozenset([f"noise {number}"]) for number, its in enumerate(found)]


def deal(
    groups: Sequence[Collection[str]], labels: Sequence[Collection[str]], n_folds: int, seed: int
) -> Bools:
    """Deal out what clips are made of to folds, each class as evenly as it goes.

    Parameters
    ----------
    groups : sequence of collections of str
        Of each clip what must not be on both sides: its files, or its recordist. A group is in one fold.
    labels : sequence of collections of str
        Each clip's.
    n_folds : int
        At most: there are no more than groups.
    seed : int

    Returns
    -------
    bool [n_clips, n_folds]
        Whether some of the clip is in a fold; of a mix in several. No folds where there is one group.
    """
    known = defaultdict[str, set[str]](set)
    for its, names in zip(groups, labels, strict=True):
        for group in its:
            known[group] |= {*names} if len(its) == 1 else set()  # whose labels a mix's are, it does not tell
    dice = np.random.default_rng(seed)
    order = [(sorted(known[group]), dice.random(), group) for group in sorted(known)]
    order.sort()
    n_folds = min(n_folds, len(order)) if len(order) > 1 else 0
    within = np.zeros((len(groups), n_folds), bool)
    fold = {group: number % n_folds for number, (*_, group) in enumerate(order)} if n_folds else {}
    for row, its in zip(within, groups, strict=True):
        row[[fold[group] for group in its if group in fold]] = True
    return within


def held_out_logits(
    values: Float32, targets: Bools, within: Bools, learn: Learn, asked: Float32 | None = None
) -> Float32:
    """Return what heads say of the windows that they have not heard.

    Parameters
    ----------
    values : float32 [n, n_values]
    targets : bool [n, n_classes]
    within : bool [n, n_folds]
        Each window's, see `deal`.
    learn : callable
        Trains a head.
    asked : float32 [m, n_values], optional
        What heads are asked, n / m rows of values being of one window; those themselves.

    Returns
    -------
    float32 [m, n_classes]
        NaN for windows of several folds, which no head can be asked, and where nothing was to be learnt.
    """
    asked = values if asked is None else asked
    each = len(values) // len(asked)
    logits = np.full((len(asked), targets.shape[1]), np.nan, np.float32)
    alone = within.sum(axis=1) == 1
    for fold in within.T:
        heard, tested = ~fold, (fold & alone)[::each]
        if tested.any() and heard.any() and (targets[heard] != targets[heard][0]).any():
            logits[tested] = Classifier(learn(values[heard], targets[heard])).logits(asked[tested])
    return logits
