"""The sample of a submission: its columns, its rows, and what stands where nothing is known."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import NamedTuple

import numpy as np

from .. import sources
from ..arrays import Float32
from ..errors import ConfigError
from .overlap import ROW_S

ROW_ID = "row_id"
NAMED = re.compile(r"([^/]+)_([1-9][0-9]{0,8})")


class Sample(NamedTuple):
    """What a sample submission says.

    Attributes
    ----------
    header : tuple of str
        All its columns in their order, `row_id` among them.
    prior : float32 [n_classes]
        What each class has where nothing is known of it: the mean of its column, or 1 / n_classes in a
        sample without rows.
    ends_s : dict of str to list of int
        Where its rows end, by the stem of their recording's name, in their order.
    """

    header: tuple[str, ...]
    prior: Float32
    ends_s: dict[str, list[int]]

    @property
    def classes(self) -> tuple[str, ...]:
        """The columns that are classes."""
        return tuple(name for name in self.header if name != ROW_ID)

    @classmethod
    def read(cls, path: Path) -> Sample:
        """Read a sample.

        Raises
        ------
        ConfigError
            It cannot be read, is no CSV, lacks the column row_id or has one twice; or a row is not of a
            recording's stem and a multiple of 5 seconds, is there twice, or has a value that is no number.
        """
        with sources.opened(path, ConfigError, sources.TABLE_BYTES) as file:
            rows = csv.reader(io.TextIOWrapper(file, "utf-8-sig", newline=""))
            try:
                return _sample(path, rows)
            except (csv.Error, UnicodeDecodeError) as error:
                raise ConfigError(f"{path}: no CSV ({error})") from error


class Stems:
    """What recordings' rows are called by: their names without folder and suffix, as a sample spells them.

    A name that looks the same is the same: what one system writes as a letter and an accent, another has as
    one letter.

    Parameters
    ----------
    known : iterable of str
        The sample's.
    """

    def __init__(self, known: Iterable[str]) -> None:
        self._known = {*known}
        self._spelled = {sources.composed(name): name for name in sorted(self._known)}

    def of(self, recording: str) -> str:
        """Return what a recording's rows are called by."""
        found = PurePath(recording).stem
        return found if found in self._known else self._spelled.get(sources.composed(found), found)


def _sample(path: Path, rows: Iterator[list[str]]) -> Sample:
    header = tuple(next(rows, ()))
    if header.count(ROW_ID) != 1 or len({*header}) < len(header) or len(header) < 2:
        raise ConfigError(f"{path}: no sample submission, which has a column {ROW_ID} and one for each class")
    place = header.index(ROW_ID)
    total, n_rows, ends_s = np.zeros(len(header) - 1), 0, dict[str, list[int]]()
    known = set[tuple[str, int]]()
    for number, row in enumerate(filter(None, rows), 2):
        where = f"{path}: row {number}"
        if len(row) != len(header):
            raise ConfigError(f"{where}: {len(row)} values under {len(header)} columns")
        name, end_s = _row_id(where, row.pop(place))
        if (name, end_s) in known:
            raise ConfigError(f"{where}: {name}_{end_s} is there twice")
        known.add((name, end_s))
        ends_s.setdefault(name, []).append(end_s)
        total += _values(where, row)
        n_rows += 1
    prior = total / n_rows if n_rows else np.full(len(total), 1 / len(total))
    return Sample(header, prior.astype(np.float32), ends_s)


def _row_id(where: str, told: str) -> tuple[str, int]:
    found = NAMED.fullmatch(told)
    if found is None or int(found[2]) % ROW_S:
        raise ConfigError(
            f"{where}: {told!r} is not a recording's stem, _, and a multiple of {ROW_S} seconds"
        )
    return found[1], int(found[2])


def _values(where: str, row: list[str]) -> np.ndarray:
    try:
        values = np.array(row, np.float64)
    except ValueError as error:
        raise ConfigError(f"{where}: a value that is no number") from error
    if not np.isfinite(values).all():
        raise ConfigError(f"{where}: a value that is no number")
    return values
