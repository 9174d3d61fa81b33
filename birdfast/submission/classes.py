"""Classes of a submission: which of a model's classes each of its columns is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..arrays import Float32, Int64
from ..sources.classes import key


class Columns(NamedTuple):
    """The columns of a sample that a model knows, and of which of its classes each is.

    Attributes
    ----------
    known : int64 [n_known]
        Their places among the sample's classes, in order.
    classes : int64 [n]
        The model's classes, those of one column side by side.
    begins : int64 [n_known]
        Where those of each column begin.
    """

    known: Int64
    classes: Int64
    begins: Int64

    def of(self, scores: Float32) -> Float32:
        """Return of all classes' scores, float32 [n, width], those of the columns: float32 [n, n_known].

        Several classes of one column count as the highest of them.
        """
        if not len(self.known):
            return np.zeros((len(scores), 0), np.float32)
        found: Float32 = np.maximum.reduceat(scores[:, self.classes], self.begins, axis=1)
        return found


def columns_of(
    wanted: Sequence[str], names: Sequence[tuple[str, ...]], classes: Mapping[str, Sequence[str]]
) -> Columns:
    """Return which columns a model knows.

    Parameters
    ----------
    wanted : sequence of str
        The classes of the sample.
    names : sequence of tuple of str
        What each of the model's classes is called: its scientific and its common name.
    classes : dict of str to sequence of str
        Which columns a model's name is of (`sources.classes.read`). A column is called as it is itself, too;
        one that has other names is not, if that is another's. Upper and lower case are the same.
    """
    place_of: dict[str, list[int]] = {}
    for number, name in enumerate(names):
        for one in dict.fromkeys([*map(key, name), key("_".join(name))]):
            place_of.setdefault(one, []).append(number)
    called: dict[str, list[str]] = {}
    for name_, columns in classes.items():
        for column in columns:
            called.setdefault(key(column), []).append(name_)
    known, places, begins = list[int](), list[int](), list[int]()
    for number, column in enumerate(wanted):
        told, itself = called.get(key(column), []), key(column)
        every = told if told and itself in classes else [*told, itself]
        found = sorted({place for name_ in every for place in place_of.get(name_, ())})
        if found:
            known.append(number)
            begins.append(len(places))
            places += found
    return Columns(*(np.array(numbers, np.int64) for numbers in (known, places, begins)))
