"""Rows in their index's order: a table of classes may number them, and need not be sorted by that."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from ..errors import ModelError

Rows = Sequence[tuple[int, Mapping[str, str]]]
Told = Mapping[str, Sequence[int | None]]  # what is a whole number in each column

# Headers of an index; of what is one if it begins as one does, or else a catalogue's; of what is one if
# it numbers the rows, or else their kinds.
INDEX = re.compile(r"(.*[ _-])?(index|idx)|(class|label)[ _-]?(id|no|nr|num|number)")
NUMBER = re.compile(r"(unnamed: 0|#|i|n|(.*[ _-])?(id|mid|no|nr|num|number))?")
KIND = re.compile(r"(.*[ _-])?(class|label|code|target|output|logit)")


def by_index(path: Path, rows: Rows, names: Collection[str]) -> Rows:
    """Return the rows of a table of classes as its index numbers them; as they stand where it has none.

    An index numbers the rows from 0 or from 1, each once. It is known by its header; what could also be a
    catalogue's number (`id`) by its numbers, too.

    Parameters
    ----------
    path : path
        For messages.
    rows : sequence of (int, dict)
        As `table` yields them.
    names : collection of str
        The columns that are read, which may be called by numbers themselves.

    Raises
    ------
    ModelError
        An index leaves a number out or has one twice, two do not say the same, or nobody can tell whether a
        column that numbers the rows in another order is one.
    """
    columns = [column for column in (rows[0][1] if rows else ()) if column is not None]
    told = {column: [_whole(row.get(column) or "") for _, row in rows] for column in columns}
    found = _indices(told, names)
    if not found:
        _check_no_other(path, {column: told[column] for column in told.keys() - {*names}})
        return rows
    first, *others = found
    places = {column: _places(path, rows, column, told[column]) for column in found}
    for other in others:
        if places[other] != places[first]:
            raise ModelError(f"{path}: {first} and {other} number its rows differently; remove one of them")
    return [rows[place] for place in places[first]]


def is_index(header: str) -> bool:
    """Whether a column of that header numbers classes, rather than names them."""
    return bool(INDEX.fullmatch(_key(header)) or NUMBER.fullmatch(_key(header)))


def is_name(text: str) -> bool:
    """Whether a cell could name a class: it is neither blank nor a number."""
    try:
        float(text.replace(",", ".") or 0)
    except ValueError:
        return bool(text.strip())
    return False


def _key(header: str) -> str:
    return header.strip().casefold()


def _whole(text: str) -> int | None:
    """Return a whole number, also as a table that took it for a fraction has it (3.0)."""
    found = re.fullmatch(r"\s*(\d{1,9})(\.0*)?\s*", text, re.ASCII)
    return int(found[1]) if found else None


def _indices(told: Told, names: Collection[str]) -> list[str]:
    """Return the columns that are an index by their header, or else by their numbers, too."""
    known = {column: _key(column) for column in told}
    certain = [one for one in told if INDEX.fullmatch(known[one]) and any(n is not None for n in told[one])]
    others = [one for one in told if one not in names]
    return (
        certain
        or [one for one in others if NUMBER.fullmatch(known[one]) and _begins(told[one])]
        or [one for one in others if KIND.fullmatch(known[one]) and _numbers_all(told[one])]
    )


def _begins(numbers: Sequence[int | None]) -> bool:
    """Whether all are numbers, the least of them an index's first."""
    return None not in numbers and min(number or 0 for number in numbers) < 2


def _numbers_all(numbers: Sequence[int | None]) -> bool:
    return _begins(numbers) and len({*numbers}) == len(numbers) == max(n or 0 for n in numbers) + (
        0 in numbers
    )


def _places(path: Path, rows: Rows, column: str, numbers: Sequence[int | None]) -> list[int]:
    """Return the places of the rows in an index's order."""
    first = 0 if 0 in numbers else 1
    places: dict[int, int] = {}
    for place, number in enumerate(numbers):
        line, row = rows[place]
        if number is None or not first <= number < first + len(rows):
            why = f"it numbers {len(rows):,} rows, {first} to {first + len(rows) - 1:,}"
        elif number in places:
            why = f"line {rows[places[number]][0]} has it, too"
        else:
            places[number] = place
            continue
        raise ModelError(
            f"{path}: line {line}: {column or 'index'} = {row.get(column)!r} does not fit; {why}"
        )
    return [places[number] for number in sorted(places)]


def _check_no_other(path: Path, told: Told) -> None:
    """Refuse to guess whether numbers from 0 or 1 on are an index, a rank or a place in a book."""
    for column, numbers in told.items():
        if _numbers_all(numbers) and [*numbers] != sorted(n or 0 for n in numbers):
            raise ModelError(
                f"{path}: {column} numbers its rows in another order than theirs; call it index if it is that"
                " of the classes, or remove it"
            )
