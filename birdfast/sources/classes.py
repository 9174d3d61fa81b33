"""Classes: which names are of which class, by a table of one or the other form.

`label` and `class`: what something is called, and the class that it is. Or, as BirdCLEF's taxonomy.csv has
them, `primary_label` for the class, and what else it is called: `class`, `scientific_name`, `common_name`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from . import Fault, Place, composed, table

LABEL, CLASS = "label", "class"
TARGET, ALIASES = "primary_label", ("class", "scientific_name", "common_name")


def key(name: str) -> str:
    """Return what a name is compared by: upper and lower case are the same, and an accent is a letter's."""
    return composed(name).strip().casefold()


def read(path: Place, fault: Fault) -> dict[str, list[str]]:
    """Read which names are of which class.

    Returns
    -------
    dict of str to list of str
        Classes by the `key` of a name, many to one. A taxonomy may give a name to several, as sonotypes of
        insects have that of all insects.

    Raises
    ------
    fault
        It cannot be read, lacks a column, has an empty name, or a `label` is of two classes.
    """
    found: dict[str, list[str]] = {}
    for line, row in table(path, (), fault):
        for label, name in _named(path, line, row, fault):
            known = found.setdefault(key(label), [name])
            if name not in known:
                if TARGET not in row:
                    raise fault(f"{path}: line {line}: {label!r} is {known[0]!r} already")
                known.append(name)
    return found


def _named(path: Place, line: int, row: Mapping[str, str], fault: Fault) -> Iterator[tuple[str, str]]:
    """Yield the labels of a row, each with its class."""
    target, columns = (TARGET, ALIASES) if TARGET in row else (CLASS, (LABEL,))
    there = [column for column in columns if column in row]
    if target not in row or not there:
        wanted = f"{LABEL} and {CLASS}, or {TARGET} and one of {', '.join(ALIASES)}"
        raise fault(f"{path}: lacks a column: {wanted}")
    name, labels = composed(row[target] or "").strip(), [composed(row[one] or "").strip() for one in there]
    if not name or not any(labels):
        raise fault(f"{path}: line {line}: a label or a class is empty")
    yield from ((label, name) for label in labels if label)
