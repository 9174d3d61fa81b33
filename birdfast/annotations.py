"""Annotations: what is true of recordings, as intervals with labels, whoever wrote them down.

A CSV with the columns file, start, end and label, or what tools call them: several labels joined by ";",
none for background, and without times a label is of the whole file. Raven's selection tables, a file or a
folder of them, and Audacity's labels. BirdCLEF's train_soundscapes_labels, by `row_id` or by file, start, end
and primary_label. OpenSoundscape's tables with a column of 0 and 1 for each class.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from .errors import ConfigError
from .sources import classes, composed, sheets
from .sources.sheets import Sheet
from .sources.spans import Spans, checked

NOTHING = ("", "nan", "none", "nocall", "background", "_background")  # what stands where nothing is heard
ROW_ID = re.compile(r"(.+)_(\d+(?:\.\d+)?)", re.S)  # BirdCLEF's: a file's stem, and where the row ends
ROW_S = 5.0  # how long BirdCLEF's rows are, where no file's neighbours tell it
IS_WINDOW = "is_window"  # a column by which a table says that its rows are windows
SCORE = re.compile(r" \([01]\.\d{4}\)$")  # behind a label that was detected, see `tables.audacity`
WAVEFORM = "Waveform"  # Raven's second line for a selection begins so


class Annotation(NamedTuple):
    """What is heard in a part of a recording, in seconds; `end_s` may be infinite: its end.

    Without labels it is known that nothing is heard.
    """

    file: str
    start_s: float
    end_s: float
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Truth:
    """What is true of recordings.

    Attributes
    ----------
    rows : tuple of Annotation
    are_windows : bool
        Each row is a window of which all is told, and of the time between rows nothing is known; else rows
        are calls, and all else in their files is background.
    """

    rows: tuple[Annotation, ...]
    are_windows: bool

    @property
    def labels(self) -> list[str]:
        """All labels, sorted."""
        return sorted({label for row in self.rows for label in row.labels})

    def mapped(self, called: Mapping[str, str]) -> Truth:
        """Return it with other names for labels: those of a map (`class_map`), where it has one."""
        rows = (
            row._replace(labels=_told(called.get(classes.key(label), label) for label in row.labels))
            for row in self.rows
        )
        return replace(self, rows=tuple(rows))


def read(path: Path, are_windows: bool | None = None) -> Truth:
    """Read what is true.

    Parameters
    ----------
    path : path
        A table, or a folder of Raven's.
    are_windows : bool, optional
        Whether rows are windows (see `Truth`); by default as the table has it: `row_id`, `primary_label` and
        columns of 0 and 1 are of windows, and so is a table with the column `is_window`.

    Raises
    ------
    ConfigError
        It cannot be read, or a row does not fit; the message names the file and the line.
    """
    tables = sheets.tables_in(path, (".txt", ".tsv")) if path.is_dir() else [path]
    rows: list[Annotation] = []
    told = set()
    for one in tables:
        with sheets.sheet(one, ConfigError) as sheet:
            kind, found = _kind(sheet)
            if not found and path.is_dir():  # a table without a row says: nothing is heard
                found = [Annotation(sheets.recording(one), 0.0, 0.0)]
            rows += found
            told.add(kind)
    if not rows:
        raise ConfigError(f"{path}: no annotations in it")
    return Truth(tuple(rows), (told == {True}) if are_windows is None else are_windows)


def class_map(path: Path) -> dict[str, str]:
    """Read which labels are which classes, many to one, by their `key` (`sources.classes`).

    A name that a taxonomy gives to several classes is none of them.

    Raises
    ------
    ConfigError
        See `sources.classes.read`.
    """
    return {name: found[0] for name, found in classes.read(path, ConfigError).items() if len(found) == 1}


def row_length(ends: Iterable[tuple[str, float]]) -> float:
    """Return how long rows are, by the file and the second where each ends: the least step of any file.

    Where rows are left out, a step of one file alone may be that of several rows. `ROW_S`, where each file
    has one row.
    """
    of: dict[str, set[float]] = {}
    for file, end_s in ends:
        of.setdefault(file, {0.0}).add(end_s)
    steps = (b - a for some in of.values() for a, b in pairwise(sorted(some)))
    return min(steps, default=ROW_S) if any(len(some) > 2 for some in of.values()) else ROW_S


def row_id(sheet: Sheet, line: int, text: str) -> tuple[str, float]:
    """Return the file's stem and the end in seconds that a row_id tells."""
    found = ROW_ID.fullmatch(text)
    if found is None:
        sheet.refuse(line, f"row_id {text!r} is not a file's stem and a second, as in name_5")
    return found[1], float(found[2])


def _kind(sheet: Sheet) -> tuple[bool, list[Annotation]]:
    """Return whether a table's rows are windows, and the rows."""
    if not sheet.header:
        return False, list(_audacity(sheet))
    if sheet.place(["row_id"]) is not None:
        return True, _by_row_id(sheet)
    label = sheet.place(sheets.LABEL)
    if label is None:
        return True, list(_ones(sheet))
    is_birdclefs = sheet.place(["primary_label"]) == label and sheet.place(sheets.START) is not None
    return is_birdclefs or sheet.place([IS_WINDOW]) is not None, list(_intervals(sheet, label))


def _intervals(sheet: Sheet, label: int) -> Iterator[Annotation]:
    times, view = Spans(sheet), sheet.place(["view"])
    for line, row in sheet.rows():
        if view is None or not row[view].startswith(WAVEFORM):
            yield Annotation(*times.of(line, row), _labels(row[label]))


def _ones(sheet: Sheet) -> Iterator[Annotation]:
    """Yield the rows of a table with a column of 0 and 1, or False and True, for each class."""
    times = Spans(sheet)
    classes = [number for number in range(len(sheet.header)) if number not in times.columns]
    if not classes or times.start is None:
        raise ConfigError(f"{sheet.path}: no column of labels: one of {', '.join(sheets.LABEL)}")
    ones = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False, "": False}
    for line, row in sheet.rows():
        if strange := [row[number] for number in classes if row[number].lower() not in ones]:
            sheet.refuse(line, f"{strange[0]!r} is not 0 or 1, and there is no column of labels")
        names = (composed(sheet.header[number]) for number in classes if ones[row[number].lower()])
        yield Annotation(*times.of(line, row), _told(names))


def _by_row_id(sheet: Sheet) -> list[Annotation]:
    place, label = sheet.place(["row_id"]), sheet.place(sheets.LABEL)
    told = [(*row_id(sheet, line, row[place or 0]), line, row) for line, row in sheet.rows()]
    length_s = row_length((stem, end_s) for stem, end_s, *_ in told)
    names = [composed(name) for name in sheet.header]
    found = []
    for stem, end_s, line, row in told:
        if label is not None:
            labels = _labels(row[label])
        else:  # a column for each class, as a submission has them
            cells = [
                (name, cell)
                for number, (name, cell) in enumerate(zip(names, row, strict=True))
                if number != place
            ]
            labels = _told(name for name, cell in cells if sheet.number(line, cell) >= 0.5)
        found.append(Annotation(stem, max(0.0, end_s - length_s), end_s, labels))
    return found


def _audacity(sheet: Sheet) -> Iterator[Annotation]:
    for line, row in sheet.rows():
        if len(row) < 3:
            sheet.refuse(line, "Audacity's labels have a start, an end and a name")
        start_s, end_s = (sheet.seconds(line, cell) for cell in row[:2])
        yield Annotation(
            sheets.recording(sheet.path),
            start_s,
            checked(sheet, line, start_s, end_s),
            _labels(SCORE.sub("", row[2])),
        )


def _labels(text: str) -> tuple[str, ...]:
    """Return the labels that are joined by ";"."""
    return _told(label.strip() for label in composed(text).split(";"))


def _told(labels: Iterable[str]) -> tuple[str, ...]:
    """Return labels, each once, without those that say that nothing is heard."""
    return tuple(dict.fromkeys(label for label in labels if label.lower() not in NOTHING))
