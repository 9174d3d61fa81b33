"""Classes of a submission: which of a model's classes each of its columns is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import sources
from ..arrays import Float32, Int64
from ..errors import ConfigError

COLUMN = "primary_label"  # as BirdCLEF's taxonomy.csv calls a column of its sample
NAMES = ("class", "scientific_name", "common_name")  # what a model may call it


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
        What the model may call a column (`read_classes`); one that is not in it is called as it is itself.
        Upper and lower case are the same.
    """
    place_of: dict[str, list[int]] = {}
    for number, name in enumerate(names):
        for one in dict.fromkeys([*map(_key, name), _key("_".join(name))]):
            place_of.setdefault(one, []).append(number)
    known, places, begins = list[int](), list[int](), list[int]()
    for number, column in enumerate(wanted):
        called = classes.get(_key(column), (column,))
        found = sorted({place for name in called for place in place_of.get(_key(name), ())})
        if found:
            known.append(number)
            begins.append(len(places))
            places += found
    return Columns(*(np.array(numbers, np.int64) for numbers in (known, places, begins)))


def read_classes(path: Path) -> dict[str, list[str]]:
    """Read what the columns of a sample are called by models: a CSV, of which several rows may be of one.

    Its column primary_label names the sample's; class, scientific_name and common_name, or some of them, are
    the models' names, as BirdCLEF's taxonomy.csv has them.

    Returns
    -------
    dict of str to list of str
        By the sample's columns, as `columns_of` takes it.

    Raises
    ------
    ConfigError
        It cannot be read, or lacks these columns.
    """
    found: dict[str, list[str]] = {}
    for _, row in sources.table(path, [COLUMN], ConfigError):
        if not any(name in row for name in NAMES):
            raise ConfigError(f"{path}: beside {COLUMN} a column {', '.join(NAMES)} is wanted")
        called = [name.strip() for column in NAMES if (name := row.get(column)) and name.strip()]
        found.setdefault(_key(row[COLUMN]), []).extend(called)
    return found


def _key(name: str) -> str:
    return name.strip().casefold()
