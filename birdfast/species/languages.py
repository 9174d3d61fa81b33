"""Languages: what species are called in one, by their scientific names, from BirdNET's lists of labels.

A list has a line `Scientific_Common` for each species; eBird's codes come in a JSON of BirdNET-Analyzer's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from .. import sources
from ..errors import ConfigError, ModelError
from ..models.places import is_file, is_folder
from ..sources import alike, composed, numbered
from ..tables import Names
from . import places

OWN = ("en", "en_us")  # the languages of models' own labels
CODES, CODES_FILE = "ebird", "eBird_taxonomy_codes_2024E.json"
MOST_LETTERS = 8  # of a language's name: what is longer is another list
FILE_NAMES = ("BirdNET_GLOBAL_6K_V2.4_Labels_{}.txt", "{}.txt")


class Language(NamedTuple):
    """Names in a language.

    Attributes
    ----------
    name : str
    path : path
        Where they are from.
    common : dict of str to str
        By scientific names, as `key` has them.
    """

    name: str
    path: sources.Place
    common: Mapping[str, str]

    def of(self, space: Names) -> tuple[Names, int]:
        """Return a label space in this language, and how many of its classes keep the name that they had."""
        found = [self.common.get(alike(name)) for name in space.scientific]
        n_kept = sum(name is None for name in found)
        common = (name or own for name, own in zip(found, space.common, strict=True))
        return space._replace(common=tuple(common)), n_kept


def find(language: str) -> Path | None:
    """Return the file that has a language's names; None for the one that models' labels are in.

    Parameters
    ----------
    language : str
        As BirdNET calls it: "de", "pt_BR"; "ebird" for eBird's codes; a file, or a folder's file without its
        suffix, as "labels/de".

    Raises
    ------
    ConfigError
        It is nowhere; the message says where it was looked for, and what brings it.
    """
    if is_file(language):
        return Path(language)
    folder, name = os.path.split(language)
    looked = [Path(folder)] if folder else [*_folders()]
    wanted = name.replace("-", "_").casefold()
    there: set[str] = set()
    for place in looked:
        found = _languages(place)
        if wanted in found:
            return found[wanted]
        there |= found.keys()
    if not folder and wanted in OWN:
        return None
    known = f"; there are {', '.join(sorted(there))}" if there else ""
    where = ", ".join(str(place) for place in looked)
    raise ConfigError(
        f"language: no names in {language!r}{known}; it takes a list with a line Scientific_Common for each"
        f" species, named {FILE_NAMES[0].format(name)} or {name}.txt, in one of {where}: the package"
        f" birdnet-analyzer brings 38 languages; or the path of such a list"
    )


def read(language: str, path: sources.Place) -> Language:
    """Return the names in a file of `find`.

    Raises
    ------
    ConfigError
        It cannot be read, or has no names of species.
    """
    try:
        if Path(path).suffix.lower() == ".json":
            common = dict(_codes(path))
        else:
            lines = sources.text(path, ModelError).splitlines()
            parts = (composed(line).strip().partition("_") for line in lines)
            common = {alike(scientific): name for scientific, _, name in parts if name}
    except ModelError as error:
        raise ConfigError(f"language: {error}") from error
    if not common:
        raise ConfigError(f"language: {path}: no line Scientific_Common in it")
    return Language(language, path, common)


def _folders() -> Iterator[Path]:
    yield from places.of_models("labels", "birdnet-2.4")
    yield from places.of_package("birdnet_analyzer")
    yield from places.of_package("birdnet_analyzer", "labels", "V2.4")
    for kind in ("tf", "pb"):
        yield from places.of_birdnet("acoustic-models", "v2.4", kind, "labels")


def _languages(folder: Path) -> dict[str, Path]:
    """Return the files in a folder that have a language's names, by what it is called."""
    found: dict[str, Path] = {}
    try:
        every = sorted(folder.iterdir()) if is_folder(folder) else []
    except OSError:
        return found
    for pattern in FILE_NAMES:
        before, _, after = pattern.partition("{}")
        for path in every:
            name = path.name
            if name.startswith(before) and name.endswith(after):
                language = name[len(before) : len(name) - len(after)]
                if language and len(language) <= MOST_LETTERS:
                    found.setdefault(language.replace("-", "_").casefold(), path)
    if (folder / CODES_FILE) in every:
        found.setdefault(CODES, folder / CODES_FILE)
    return found


def _codes(path: sources.Place) -> Iterator[tuple[str, str]]:
    """Yield eBird's codes by scientific names: {"Turdus merula_Eurasian Blackbird": "eurbla", ...}."""
    told = numbered.parsed(Path(path), sources.text(path, ModelError))
    for name, code in told.items() if isinstance(told, dict) else ():
        scientific, both, _ = name.partition("_")
        if both and isinstance(code, str):
            yield alike(scientific), code
