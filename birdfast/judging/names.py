"""Names: which file and which class of one table is which of another."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..annotations import NOTHING
from ..arrays import Int64
from ..errors import ConfigError
from ..inputs import SUFFIXES
from ..sources import composed
from ..tables import escaped
from ..tables.cells import CONTROL

BOTH = re.compile(r"([A-Z][a-z]+(?: [a-z×.-]+)+)_(.+)")  # Genus species_Common name


class Species(NamedTuple):
    """A class by its names; of one that has a single name both are it."""

    scientific: str
    common: str

    @property
    def joined(self) -> str:
        """Both names as one, as BirdNET has them."""
        return f"{self.scientific}_{self.common}"

    @property
    def aliases(self) -> list[str]:
        """All that it may be called, the surest first, as they are compared."""
        told = (self.joined, self.scientific, self.common)
        return list(dict.fromkeys(name.casefold() for name in told if name))


def species(name: str) -> Species:
    """Return the class that a name means: `Sci_Common` has both its names."""
    name = composed(name).strip()
    both = BOTH.fullmatch(name)
    return Species(both[1], both[2]) if both else Species(name, name)


def classes(of: Sequence[Species], wanted: Sequence[Species]) -> list[int | None]:
    """Return which of some classes each wanted one is, by the surest name that only one of them has.

    Parameters
    ----------
    of, wanted : sequence of Species

    Returns
    -------
    list of int or None
        None where none is it.
    """
    known: dict[str, int] = {}
    for kind in ("common", "scientific", "joined"):  # the surer name goes before another class's
        known |= _only([getattr(one, kind).casefold() for one in of])
    found = []
    for one in wanted:
        places = (known.get(alias) for alias in one.aliases)
        found.append(next((place for place in places if place is not None), None))
    return found


def backgrounds(of: Sequence[Species]) -> Int64:
    """Return which classes are called as background is in a truth: int64 [n_backgrounds]."""
    return np.flatnonzero([one.scientific.lower() in NOTHING for one in of]).astype(np.int64)


def _only(told: Sequence[str]) -> dict[str, int]:
    """Return where each name is that is there once."""
    n = Counter(told)
    return {name: number for number, name in enumerate(told) if n[name] == 1}


def files(of: Sequence[str], wanted: Iterable[str], where: object = "") -> dict[str, int]:
    """Return which of some files each wanted one is; those that are none are left out.

    Names are the same file if one ends with the other, folder by folder, whatever the suffix of its sound: so
    a stem alone is a name. Where none is so, one in another folder may be it, if it alone has that name.

    Parameters
    ----------
    of, wanted : of str
    where : object
        For messages: the table of the wanted ones.

    Raises
    ------
    ConfigError
        A name may be any of several.
    """
    by_stem: dict[str, list[tuple[int, list[str]]]] = {}
    for number, name in enumerate(of):
        told = parts(name)
        by_stem.setdefault(told[0], []).append((number, told))
    there = {name: parts(name) for name in dict.fromkeys(wanted)}
    n_alike = Counter(told[0] for told in there.values())
    found = {}
    for name, told in there.items():
        alike = by_stem.get(told[0], [])
        same = [number for number, other in alike if all(a == b for a, b in zip(told, other, strict=False))]
        same = [number for number in same if of[number] == name] or same
        if len(same) > 1:
            some = ", ".join(escaped(of[number]) for number in same[:3])
            raise ConfigError(f"{where}: {escaped(name)!r} may be any of {len(same)} files: {some}")
        if not same and len(alike) == 1 and n_alike[told[0]] == 1:
            same = [alike[0][0]]
        if same:
            found[name] = same[0]
    return found


def parts(name: str) -> list[str]:
    """Return a file's name without the suffix of its sound, then the folders above it, from below.

    In one spelling, as systems write accents in two, and with bytes that are no UTF-8, tabs and line breaks
    as tables escape them: what is read from Raven's cannot be told from a path of Windows, as a\\new.wav.
    """
    told = composed(escaped(name)).translate(CONTROL)
    *folders, last = (part for part in re.split(r"[/\\]", told) if part not in ("", "."))
    suffix = Path(last).suffix
    return [last.removesuffix(suffix) if suffix.lower() in SUFFIXES else last, *reversed(folders)]


def merged(of: Sequence[Species], mapped: Mapping[str, str]) -> tuple[list[Species], list[int]]:
    """Return the classes that are left when a map joins some, and which of them each is.

    Parameters
    ----------
    of : sequence of Species
    mapped : dict of str to str
        Classes by label (`annotations.class_map`); a label is any name of a class.
    """

    def name_of(one: Species) -> Species:
        found = next((mapped[alias] for alias in one.aliases if alias in mapped), None)
        return one if found is None else species(found)

    return _distinct(of, name_of)


def _distinct(
    of: Sequence[Species], name_of: Callable[[Species], Species]
) -> tuple[list[Species], list[int]]:
    places: dict[tuple[str, ...], int] = {}
    kept: list[Species] = []
    numbers = []
    for one in map(name_of, of):
        key = tuple(one.aliases)
        if key not in places:
            places[key] = len(kept)
            kept.append(one)
        numbers.append(places[key])
    return kept, numbers
