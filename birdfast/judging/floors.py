"""Floors: the confidence below which a table has nothing, and from which on two of them can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..config import MIN_CONFIDENCE
from ..journal import NAME, QUESTION, Record
from .names import Species

Floors = tuple[float, ...]


class Told(NamedTuple):
    """The classes of a model, and from which confidence on each was a detection.

    `is_of_file`: thresholds of a file were asked for beside, which are not among these.
    """

    species: list[Species]
    least: list[float]
    is_of_file: bool = False


def told(path: Path, model: str | None = None) -> Told | None:
    """Return from where on a run's model detects each class; None where no journal tells.

    Raises
    ------
    ConfigError
        Its journal cannot be read.
    """
    if not (path / NAME).is_file():
        return None
    with Record(path) as record:
        facts = record.facts()
    names = [one.name for one in facts.about.models]
    number = names.index(model) if model in names else 0
    first, *more = [
        [Species(*names) for names in zip(space.scientific, space.common, strict=True)]
        for space in facts.about.models[number].label_spaces
    ]
    try:
        least = facts.asked["min_confidence"]
        own = facts.of_model(number, "thresholds") if least is None else []
        of_all = MIN_CONFIDENCE if least is None else float(least)
        of_first = [*map(float, own)] if len(own) == len(first) else [of_all] * len(first)
    except (KeyError, TypeError, ValueError):
        return None
    others = [one for space in more for one in space]
    is_of_file = "thresholds" in facts.asked.get(QUESTION, {})
    return Told([*first, *others], [*of_first, *[of_all] * len(others)], is_of_file)


def of(path: Path, model: str | None = None) -> Floors:
    """Return the thresholds of a run's detections: one, or each class's own.

    Nothing where no journal tells, or it tells of a file of them, which may hold others by now.

    Raises
    ------
    ConfigError
        Its journal cannot be read.
    """
    found = told(path, model)
    if found is None or found.is_of_file:
        return ()
    reached = [one for one in found.least if one <= 1]  # background has one that nothing reaches
    return tuple(reached) if len({*reached}) > 1 else tuple(reached[:1])


def common(floors: Sequence[Floors], lowest: Sequence[float | None]) -> tuple[float, bool]:
    """Return from which confidence on two tables can be compared, and whether neither can tell of less.

    Parameters
    ----------
    floors : sequence of Floors
        Of each; where one has none, it is taken to begin with the lowest that is in it.
    lowest : sequence of float or None
        The lowest confidence in each; None of a table without rows.
    """
    one, other = floors
    if one and one == other:
        return min(one), True
    least = [max(some) if some else low for some, low in zip(floors, lowest, strict=True)]
    return max((some for some in least if some is not None), default=0.0), all(
        len({*some}) == 1 for some in floors
    )
