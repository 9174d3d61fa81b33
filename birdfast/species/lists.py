"""Lists of species: a file with a name a line, and the classes of label spaces that it means."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import sources
from ..arrays import Bools
from ..errors import ConfigError
from ..models.places import is_file, is_folder
from ..sources import alike, composed, numbered
from ..tables import Names, escaped

IN_FOLDER = "species_list.txt"  # BirdNET-Analyzer's
_Known = dict[str, list[tuple[int, int]]]  # label spaces and their classes by a name
ALIKE = 0.75  # of a name's letters, so that it may be another's slip of the pen


class Chosen(NamedTuple):
    """What a list means.

    Attributes
    ----------
    masks : tuple of bool [n_classes]
        The classes that it names, one a label space.
    unknown : tuple of str
        Its names that are no class of any space.
    """

    masks: tuple[Bools, ...]
    unknown: tuple[str, ...]


def file_of(path: Path) -> Path:
    """Return the file of a list that is told by its folder, as BirdNET-Analyzer takes it.

    Raises
    ------
    ConfigError
        There is none in the folder.
    """
    if not is_folder(path):
        return path
    if not is_file(path / IN_FOLDER):
        raise ConfigError(
            f"{path}: a folder without {IN_FOLDER}; a list of species is a file, or a folder with one"
        )
    return path / IN_FOLDER


def read(path: sources.Place) -> list[str]:
    """Return the names in a list, each once, as `composed` has them: one a line.

    `Scientific_Common`, or one of these; blank lines and those that begin with "#" are passed over.

    Raises
    ------
    ConfigError
        It cannot be read, is not UTF-8, or names nothing.
    """
    lines = (composed(line).strip() for line in sources.text(path, ConfigError).splitlines())
    names = list(dict.fromkeys(line for line in lines if line and not line.startswith("#")))
    if not names:
        raise ConfigError(
            f"{path}: no species in it; a list has a name a line, as Turdus merula_Eurasian Blackbird"
        )
    return names


def chosen(names: Iterable[str], spaces: Sequence[Names]) -> Chosen:
    """Return the classes that names mean, in any of several label spaces.

    `Scientific_Common` means those of its scientific name, whatever language its common name is in; where
    there are none, those of its common name. Upper and lower case are the same.

    Parameters
    ----------
    names : iterable of str
    spaces : sequence of Names
    """
    scientific: _Known = {}
    common: _Known = {}
    both: _Known = {}
    for number, space in enumerate(spaces):
        for index, (one, other) in enumerate(zip(space.scientific, space.common, strict=True)):
            scientific.setdefault(alike(one), []).append((number, index))
            common.setdefault(alike(other), []).append((number, index))
            both.setdefault(alike(f"{one}_{other}"), []).append((number, index))
    masks = tuple(np.zeros(len(space.scientific), bool) for space in spaces)
    unknown = []
    for name in names:
        first, _, second = (alike(part) for part in name.partition("_"))
        whole = alike(name)
        found = [*both.get(whole, ()), *scientific.get(whole, ()), *common.get(whole, ())]
        found += scientific.get(first, ()) if second else ()
        found = found or common.get(second, [])
        for number, index in found:
            masks[number][index] = True
        if not found:
            unknown.append(name)
    return Chosen(masks, tuple(unknown))


def told(path: sources.Place, unknown: Sequence[str], spaces: Sequence[Names]) -> str:
    """Say which names of a list are no classes, the first of them with what may be meant; "" for none."""
    if not unknown:
        return ""
    known = {
        name.casefold(): name
        for space in spaces
        for both in (space.scientific, space.common)
        for name in both
    }
    shown = [_meant(name, known) for name in unknown[: numbered.SHOWN]]
    more = len(unknown) - len(shown)
    every = ", ".join(shown) + (f" and {more:,} more" if more else "")
    return (
        f"{path}: {len(unknown):,} of its names {'is' if len(unknown) == 1 else 'are'} no class here: {every}"
    )


def _meant(name: str, known: dict[str, str]) -> str:
    parts = [part for part in (*name.split("_", 1), name) if part]
    for part in parts:
        if near := difflib.get_close_matches(part.casefold(), known, 1, ALIKE):
            return f"{escaped(name)} (did you mean {escaped(known[near[0]])}?)"
    return escaped(name)
