"""Files: those of the scores and those of the truth as one list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..annotations import Truth
from ..arrays import Int64
from .names import files, parts
from .spans import Spans


class Files(NamedTuple):
    """The files of both, by the scores' name where they have one; those that the truth names come first.

    Attributes
    ----------
    names : list of str
    n_listed : int
        How many the truth names.
    of_truth : dict of str to int
        Which one each name of the truth is.
    of_said : int64 [n]
        Which one each file of the scores is.
    """

    names: list[str]
    n_listed: int
    of_truth: dict[str, int]
    of_said: Int64

    @property
    def unlisted(self) -> list[str]:
        """Those that the truth does not name."""
        return self.names[self.n_listed :]

    @property
    def unsaid(self) -> list[str]:
        """Those that the scores do not have."""
        there = {*self.of_said.tolist()}
        return [name for number, name in enumerate(self.names) if number not in there]

    def said(self, windows: Spans) -> Spans:
        """Return the scores' spans by this list."""
        return windows._replace(files=self.names, file=self.of_said[windows.file])

    def calls(self, truth: Truth) -> Spans:
        """Return the truth's rows."""
        number = [self.of_truth[row.file] for row in truth.rows]
        start_s, end_s = np.array([row[1:3] for row in truth.rows], np.float64).reshape(-1, 2).T
        return Spans(self.names, np.array(number, np.int64), start_s, end_s)


def of(said: Sequence[str], truth: Truth) -> Files:
    """Match files; ConfigError where one may be any of several (`names.files`)."""
    told = list(dict.fromkeys(row.file for row in truth.rows))
    known = files(said, told, "the truth")
    places: dict[object, int] = {}
    names: list[str] = []
    of_truth = {}
    for name in told:
        key: object = known[name] if name in known else tuple(parts(name))
        if key not in places:
            places[key] = len(names)
            names.append(said[known[name]] if name in known else name)
        of_truth[name] = places[key]
    n_listed = len(names)
    for number, name in enumerate(said):
        if number not in places:
            places[number] = len(names)
            names.append(name)
    return Files(names, n_listed, of_truth, np.array([places[i] for i in range(len(said))], np.int64))
