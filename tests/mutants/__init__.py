"""Mutants: faults that a careful person could make, one at a time, and the tests that have to see each."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
LISTED = Path(__file__).with_name("mutants.toml")


class Mutant(NamedTuple):
    """One fault.

    Attributes
    ----------
    area : str
    name : str
    file : str
        From the project's root.
    text, broken : str
        What stands there once, and what stands there instead.
    tests : tuple of str
        Those that have to fail, as pytest calls them.
    equivalent : str
        Why nobody can see it, where that is so; "" otherwise.
    of_x86 : bool
        Where in C it matters only to tables of x86, or only beside them.
    """

    area: str
    name: str
    file: str
    text: str
    broken: str
    tests: tuple[str, ...]
    equivalent: str = ""
    of_x86: bool = False

    def of(self, source: str) -> str:
        """Return a source with the fault in it.

        Raises
        ------
        ValueError
            The text does not stand there, or more than once: the list has to follow the source.
        """
        if source.count(self.text) != 1:
            raise ValueError(f"{self.name}: stands {source.count(self.text)} times in {self.file}")
        return source.replace(self.text, self.broken)


def listed() -> list[Mutant]:
    """Return all mutants, in the order of the list."""
    told = tomllib.loads(LISTED.read_text())
    return [
        Mutant(area=area, **{**one, "tests": (*one["tests"],)}) for area, some in told.items() for one in some
    ]
