"""Background: a class for all that is none of the others, where these exclude each other.

A softmax has to say something of wind and rain, too. Where clips have at most one label each, those without
any are learnt as a class of their own, `NAME`, and a window of it is no detection. Several labels a clip, or
mixes of clips, make a sigmoid for each class, which can all say no: there background has no class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random

import numpy as np

from ..arrays import Float32
from .bands import Bands
from .headrecipe import HeadRecipe
from .mixes import Mix
from .recipe import Recipe
from .recordings import BACKGROUNDS, Clip

NAME = BACKGROUNDS[0]
QUIET_SHARE = 0.25  # of a window's frames, those with the least energy: the sound of few clips fills so much
STRETCH_FRAMES = 16  # that stay together: longer than a token, so that most of these are of real sound


def classes(clips: Sequence[Clip], recipe: Recipe | HeadRecipe) -> tuple[list[Clip], list[str]]:
    """Return clips as a head learns from them, and its classes, the one for background last.

    Parameters
    ----------
    clips : sequence of Clip
        All that there are, held out or not.
    recipe : Recipe or HeadRecipe
        With `head.background` "clips" there is a class for background where there are clips without a label;
        with "quiet" in any case, as it is learnt from the quiet parts of all others, too (`quiet`); with
        "none" never.

    Returns
    -------
    list of Clip, list of str
        Those without a label have `NAME` for one, if that is a class.
    """
    names = sorted({label for clip in clips for label in clip.labels})
    wanted = recipe.head.background
    exclusive = not recipe.mixes.wanted and all(len(clip.labels) <= 1 for clip in clips)
    alone = wanted == "clips" and all(clip.labels for clip in clips)
    if wanted == "none" or alone or not exclusive:
        return list(clips), names
    return [clip if clip.labels else replace(clip, labels=(NAME,)) for clip in clips], [*names, NAME]


@dataclass(frozen=True)
class Quiet:
    """A clip's quiet parts, what `quiet` makes of its windows; what `Clip` has."""

    clip: Clip

    @property
    def clips(self) -> tuple[Clip, ...]:
        """The clip: what it is made of."""
        return (self.clip,)

    @property
    def name(self) -> str:
        """The clip's."""
        return self.clip.name

    @property
    def labels(self) -> tuple[str, ...]:
        """Background alone."""
        return (NAME,)


Heard = Clip | Mix | Quiet  # what windows are read of


def quiets(clips: Sequence[Clip], names: Sequence[str], recipe: Recipe, seed: int) -> list[Quiet]:
    """Return the quiet parts that a head learns from: those of as many clips as a class has."""
    if recipe.head.background != "quiet" or NAME not in names:
        return []
    others = [clip for clip in clips if clip.labels != (NAME,)]
    return [Quiet(clip) for clip in Random(seed).sample(others, -(-len(others) // len(names)))]


def quiet_windows(bands: Bands) -> Bands:
    """Return what is quiet of each window of a clip."""
    windows = [quiet(window) for window in bands.windows()]
    ends = np.cumsum([0, *map(len, windows)]).tolist()
    values = np.concatenate([bands.values[:0], *windows])
    return Bands(values, len(values), tuple(pairwise(ends)))


def quiet(bands: Float32) -> Float32:
    """Return what a window would be if nothing but its background were heard.

    Its frames are cut into stretches; the quietest of these, a quarter of them or one at least, follow each
    other in their order until the window is as long as it was. A stretch is as loud as the mean of its bands.
    Digital silence is no background, unless there is nothing else: clips are padded with it.

    Parameters
    ----------
    bands : float32 [n_frames, n_bands]
        A window's spectrogram, as powers or their logarithm.

    Returns
    -------
    float32 [n_frames, n_bands]
        Every frame is one of the window's.
    """
    sounding = bands[np.ptp(bands, axis=1) > 0] if bands.size else bands
    sounding = sounding if len(sounding) else bands
    if not len(sounding):
        return bands
    stretches = np.array_split(np.arange(len(sounding)), max(1, len(sounding) // STRETCH_FRAMES))
    loudness = [sounding[stretch].mean(dtype=np.float64) for stretch in stretches]
    chosen = np.sort(np.argsort(loudness, kind="stable")[: max(1, round(len(stretches) * QUIET_SHARE))])
    found: Float32 = sounding[np.resize(np.concatenate([stretches[one] for one in chosen]), len(bands))]
    return found
