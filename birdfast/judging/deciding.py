"""Deciding: from which score on a class counts as found, and who says so.

What a run took for a detection is judged as such: its least confidence, or each class's own threshold, as its
journal tells. Another number, or thresholds of a file, may be asked for; where nobody says it, it is 0.5 of
scores, and of detections all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ..arrays import Float32
from ..errors import ConfigError
from . import names
from .alignment import Aligned
from .floors import Told
from .ranked import Ranked, scores_of

USUAL = 0.5


class Decision(NamedTuple):
    """From where on classes count as found.

    Attributes
    ----------
    least : float, float32 [n_species] or None
        Of all classes, or of each column of the scores; None: nobody says it.
    words : str
        What counts as found and who says so, or "".
    """

    least: float | Float32 | None = None
    words: str = ""

    def of(self, aligned: Aligned) -> Float32:
        """Return it for each column of the scores: float32 [n_species].

        What a run detected, all of it counts: tables round what lies at a threshold.
        """
        if isinstance(self.least, np.ndarray):
            return self.least.astype(np.float32)
        least = self.least
        if least is None:
            scores = scores_of(aligned) if aligned.is_partial else np.zeros(0)
            least = float(scores[scores > 0].min(initial=1.0)) if aligned.is_partial else USUAL
        return np.full(len(aligned.species), least, np.float32)


def of_run(told: Told | None, aligned: Aligned, classes: Mapping[str, str]) -> Decision:
    """Return what made a run's scores detections; nobody's where nothing tells.

    Parameters
    ----------
    told : Told or None
        What its journal tells.
    aligned : Aligned
    classes : dict of str to str
        Other names of classes, many to one: of those that are joined the lowest threshold counts.
    """
    if told is None:
        return Decision()
    least = np.array(told.least, np.float32)
    reached = {one for one in told.least if one <= 1}
    if len(reached) == 1:
        words = f"{reached.pop():.4g} and more, the run's least confidence"
    else:
        words = "each class's own threshold, as in the run"
    if aligned.is_partial:
        return Decision(None, f"{words}: all that was detected")
    species, number = names.merged(told.species, classes)
    lowest = np.full(len(species), np.inf, np.float32)
    np.minimum.at(lowest, number, least)
    places = names.classes(species, aligned.species)
    found = [np.inf if place is None else lowest[place] for place in places]
    return Decision(np.array(found, np.float32), words + told.more)


def check(least: float | Float32 | None, ranked: Ranked) -> None:
    """Refuse a threshold that no confidence has, with a ConfigError."""
    if ranked.are_confidences and isinstance(least, float | int) and not 0 <= least <= 1:
        raise ConfigError(f"threshold: {least:g} does not fit; scores from 0 to 1 take 0 to 1")
