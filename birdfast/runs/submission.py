"""Submission: how a run's scores are to become rows for a competition, as values that are checked once."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from .. import postprocessing
from ..config import LARGEST, MAX_HOURS, check, choice, number, path
from ..submission import BLENDS, BY
from ..tables import SUBMISSION

MINUTE_S = 60.0  # of a file in BirdCLEF's test
LONGEST_S = MAX_HOURS * 3600


@dataclass(frozen=True, kw_only=True)
class Submission:
    """How scores become a submission.

    Parameters
    ----------
    sample : path
        A sample submission: its columns in their order, and a class that no model knows has its value.
    classes : path or None
        A CSV of what models call its columns (`sources.classes`).
    by : "mean" or "max"
        What a row has of the windows that share sound with it (`submission.Overlap`).
    length_s : float
        Seconds that every file has rows for, whatever is in it.
    blend : dict of str to float
        Weights by the models' names; empty: all count the same.
    blend_by : "mean", "rank" or "logit"
        See `submission.blended`. Of "rank" a row that nobody heard has 0.5 in each class that a model knows.
    post : tuple of str or None
        Steps of post-processing (`postprocessing.parsed`) that what is blended goes through; None: the steps
        that each model's own manifest names, before it is blended.

    Raises
    ------
    ConfigError
        A value that does not fit.
    """

    sample: str | os.PathLike[str]
    classes: str | os.PathLike[str] | None = None
    by: str = BY[0]
    length_s: float = MINUTE_S
    blend: Mapping[str, float] = field(default_factory=dict)
    blend_by: str = BLENDS[0]
    post: Sequence[str] | None = None

    def __post_init__(self) -> None:
        path("sample", self.sample)
        if self.classes is not None:
            path("classes", self.classes)
        choice("submission_by", self.by, BY)
        choice("blend_by", self.blend_by, BLENDS)
        number("submission_length", self.length_s, 0, LONGEST_S, f"0 to {LONGEST_S:,g} seconds")
        check(isinstance(self.blend, Mapping), "blend", self.blend, "weights by the models' names")
        for name, weight in self.blend.items():
            number(f"blend: {name}", weight, np.nextafter(0, 1), LARGEST, "more than 0")
        if self.post is not None:
            postprocessing.parsed(self.post)


def check_submission(kinds: Sequence[str], asked: object) -> None:
    """Refuse a submission that no kind of table asks for, and that kind without one, with a ConfigError."""
    fits = isinstance(asked, Submission) if SUBMISSION in kinds else asked is None
    check(fits, SUBMISSION, asked, f"a sample where {SUBMISSION} is a kind of table, else none")
